"""The situations that `merge-domains` puts its designs into: a base, one factor at a time round it, and named pairs.

The base is a cut of the home region for half a minute. Each other situation changes one thing of it, or two where the
pair has a name: a full factorial would take years and say no more of what turns a ranking. Every situation is made of
one document, so that they differ in what is said here and in nothing else; no run has more than 20,000 commands, so the
rate falls where the cut is long.

A situation whose load differs has a control of its own, and so has one whose length differs, but for cuts of five
minutes: ten times the base's run for every design would show the same hour again. Those share the control of the same
load and half a minute; what is taken off for it is scaled to as many commands, and prices by the hour are its.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from experiments.experiment import Arm
from experiments.merging.designs import LINEARIZABLE, system_of
from experiments.merging.workloads import WORKLOADS
from experiments.scenario import Scenario, load, parse

__all__ = ["BASE", "FACTORS", "HISTORIC", "MOST_COMMANDS", "SITUATIONS", "Situation", "cells_of", "scenario_of"]

MOST_COMMANDS: Final = 20_000
BASE: Final = "withdrawal"
#: Shipped files that are taken as they are.
HISTORIC: Final = ("no_fault", "github_2018", "isolate_region")
_CUT_S: Final = 30
_AT_S: Final = 12
_AFTER_S: Final = 30  # from the heal to the end; load goes on for 12 s of it
_LOAD_AFTER_S: Final = 12
_CALM: Final = "_calm"
_KNOB_ARMS: Final = ("home", "primary", "failover", "majority", "read-only", "quorum", "split", "apologise", "escrow")
_QUICK_KNOB: Final = ("majority", "split", "escrow")
_REPLAY: Final = ("home", "failover", "failover-fast", "majority", "split", "escrow", "lww")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where designs are compared.

    Attributes:
        name: As keys of runs have it.
        title: For people.
        workload: A key of `WORKLOADS`.
        control: The situation without the fault; its own name if it is one.
        factor: What it changes of the base, "" for nothing.
        level: How, for people.
        arms: Names of the designs that are run.
        quick: Of these, the ones of the quick size.
        cut_s: How long the fault lasts, 0 in a control.
        rate_per_s: Commands a second.
        fault: Keys of the fault that differ from a full cut of the home region.
        lost_s: When operators elsewhere declare the home region lost, 0 for never.
        load: Keys of `[workload]` that differ.
    """

    name: str
    title: str
    workload: str
    control: str
    factor: str = ""
    level: str = ""
    arms: tuple[str, ...] = _KNOB_ARMS
    quick: tuple[str, ...] = ()
    cut_s: int = _CUT_S
    rate_per_s: int = 10
    fault: Mapping[str, Any] | None = None
    lost_s: int = 0
    load: Mapping[str, Any] | None = None

    @property
    def calm(self) -> bool:
        """Whether it is a control."""
        return self.control == self.name


def _bases() -> list[Situation]:
    found = []
    for name, demand in WORKLOADS.items():
        same: dict[str, Any] = {"workload": name, "arms": demand.arms, "quick": demand.quick}
        if name in LINEARIZABLE:
            same["load"] = {"accounts": 20}
        control = name + _CALM
        found.append(Situation(name=name, title=f"{demand.title}, home region cut", control=control, **same))
        found.append(Situation(name=control, title=f"{demand.title}, no fault", control=control, cut_s=0, **same))
    return found


def _shapes() -> list[Situation]:
    """The same load under other faults; the base's control is theirs where the length is the same, or five minutes."""
    found = []
    for level, seconds in (("1 s", 1), ("10 s", 10), ("5 min", 300)):
        name = f"cut_{level.replace(' ', '')}"
        control = (name if seconds < _CUT_S else BASE) + _CALM
        title = f"cut for {level}"
        found.append(
            Situation(
                name=name, title=title, workload=BASE, control=control, factor="duration", level=level, cut_s=seconds
            )
        )
        if seconds < _CUT_S:
            title = f"{title}, no fault"
            found.append(Situation(name=control, title=title, workload=BASE, control=control, cut_s=0))
    west, gone = {"params": {"against": ["us-west-2"]}}, {"targets": ["eu-west-1"]}
    for name, level, fault in (
        ("partial", "from one region only", {"kind": "partition-partial", **west}),
        ("one_way", "one way: the home hears, is not heard", {"kind": "partition-one-way"}),
        ("flapping", "flapping", {"kind": "partition-flapping", "params": {"period": "6s", "duty": 0.5}}),
        ("other_region", "full, of another region", gone),
    ):
        quick = _QUICK_KNOB if name == "flapping" else ()
        found.append(
            Situation(
                name=name,
                title=f"cut {level}",
                workload=BASE,
                control=BASE + _CALM,
                factor="shape",
                level=level,
                fault=fault,
                quick=quick,
            )
        )
    found.append(
        Situation(
            name="declared_lost",
            title="cut, and the region is declared lost after 10 s",
            workload=BASE,
            control=BASE + _CALM,
            factor="shape",
            level="full, declared lost",
            arms=("split", "apologise", "escrow"),
            lost_s=_AT_S + 10,
        )
    )
    hour: dict[str, Any] = {"workload": BASE, "rate_per_s": 2, "load": {"accounts": 1000}}
    calm = f"cut_1h{_CALM}"
    found.append(
        Situation(name="cut_1h", title="cut for 1 h", control=calm, factor="duration", level="1 h", cut_s=3600, **hour)
    )
    found.append(Situation(name=calm, title="1 h, no fault", control=calm, cut_s=0, **hour))
    return found


def _loads() -> list[Situation]:
    """The same fault under other loads, each with its control."""
    found = []
    for name, factor, level, change in (
        ("cool", "contention", "1,000 accounts", {"accounts": 1000}),
        ("hot", "contention", "30 accounts", {"accounts": 30}),
        ("few_conflicts", "conflict rate", "20 % withdrawals", {"deposit_fraction": 0.8}),
        ("many_conflicts", "conflict rate", "70 % withdrawals", {"deposit_fraction": 0.3}),
        ("local", "locality", "90 % near the primary", {"locality": 0.9}),
        ("hot_local", "contention x locality", "30 accounts, 90 % near", {"accounts": 30, "locality": 0.9}),
        ("hot_conflicts", "contention x conflict rate", "30 accounts, 70 %", {"accounts": 30, "deposit_fraction": 0.3}),
    ):
        quick = _QUICK_KNOB if name == "hot" else ()
        same: dict[str, Any] = {"workload": BASE, "load": change, "quick": quick}
        control = name + _CALM
        title = f"{factor}: {level}"
        found.append(Situation(name=name, title=title, control=control, factor=factor, level=level, **same))
        found.append(Situation(name=control, title=f"{title}, no fault", control=control, cut_s=0, **same))
    found.append(
        Situation(
            name="hot_5min",
            title="30 accounts, cut for 5 min",
            workload=BASE,
            control="hot" + _CALM,
            factor="contention x duration",
            level="30 accounts, 5 min",
            cut_s=300,
            load={"accounts": 30},
        )
    )
    return found


def _historic() -> list[Situation]:
    """Shipped scenarios at their own rate: the outage of October 2018, and the median repair."""
    same: dict[str, Any] = {"workload": BASE, "control": "no_fault", "rate_per_s": 18, "arms": _REPLAY}
    quick = ("failover", "split")
    return [
        Situation(name="no_fault", title="no fault", cut_s=0, quick=quick[1:], **same),
        Situation(name="github_2018", title="43 s, October 2018", cut_s=43, quick=quick, **same),
        Situation(name="isolate_region", title="home region, 5 min", cut_s=300, **same),
    ]


SITUATIONS: Final[Mapping[str, Situation]] = MappingProxyType(
    {one.name: one for one in (*_bases(), *_shapes(), *_loads(), *_historic())}
)
#: By factor, its situations, the base not among them.
FACTORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        factor: tuple(one.name for one in SITUATIONS.values() if one.factor == factor and not one.calm)
        for factor in dict.fromkeys(one.factor for one in SITUATIONS.values() if one.factor)
    }
)


def cells_of(*, quick: bool) -> dict[str, tuple[str, ...]]:
    """By situation, the arms that a size runs."""
    found = {one.name: one.quick if quick else one.arms for one in SITUATIONS.values()}
    return {name: arms for name, arms in found.items() if arms}


def scenario_of(name: str, arm: Arm) -> Scenario:
    """A situation under a design.

    Raises:
        ScenarioError: the two do not go together.
    """
    one = SITUATIONS[name]
    system = system_of(arm, one.workload, WORKLOADS[one.workload].domain)
    document: dict[str, Any] = deepcopy(dict(load(name if name in HISTORIC else "isolate_region").document))
    document["system"] = system
    # Only what crosses regions has a bandwidth, ample, so that bytes are counted there and nowhere else.
    document["latency"] = document["latency"] | {"bandwidth": {"between_regions": "10Gbit/s"}}
    document["property"] = []
    if name not in HISTORIC:
        _lay_out(document, one)
    return parse(document, name=name, file=f"{name} of merge-domains", text="")


def _lay_out(document: dict[str, Any], one: Situation) -> None:
    cut_s = SITUATIONS[one.name.removesuffix(_CALM)].cut_s  # a control goes on for as long as what it is one of
    heal_s = _AT_S + cut_s
    document["run"] = {"until": f"{heal_s + _AFTER_S}s", "warm_up": "6s"}
    document["workload"] |= {
        "rate": f"{one.rate_per_s}/s",
        "accounts": 200,
        "ends": f"{heal_s + _LOAD_AFTER_S}s",
        "contended": True,
    }
    document["workload"] |= dict(one.load or {})
    if one.workload in LINEARIZABLE:
        document["workload"] |= {"contended": False, "audit": f"{heal_s + _AFTER_S - 15}s"}
    cut = document["fault"][0] | {"at": f"{_AT_S}s", "for": f"{one.cut_s}s"} | dict(one.fault or {})
    document["fault"] = [cut] if one.cut_s else []
    if one.lost_s:
        lost = {"action": "declare-lost", "at": f"{one.lost_s}s", "operator": "us-west-2"}
        document["operation"] = [
            lost | {"id": f"lost-{shard}", "shard": f"store-{shard}", "targets": [f"us-east-1/c1/h{shard + 1}"]}
            for shard in range(document["topology"]["hosts"])
        ]
