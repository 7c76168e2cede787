"""Region lines, cluster lines, or both: what `merge-clusters` lays over one topology and cuts in three places.

Two regions of two clusters each. A split along region lines has one sub-domain a region, its shards over both clusters;
along cluster lines every cluster has a whole sub-domain; along both, clusters merge into regions first and only one
stream a region crosses between regions.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from experiments.experiment import Arm, Cell, Row, RunResult
from experiments.measures import Observation, answered_share, carry_out, fates, latencies_ms, stability
from experiments.measures.fates import regretted
from experiments.merging.truth import truth_of
from experiments.scenario import Scenario, build, load, parse
from experiments.statistics import quantile
from models.factories import domain_of

__all__ = ["CLUSTER_ARMS", "CLUSTER_CALM", "CUT_AT_S", "CUT_S", "PLACES", "LinesRow", "lines_scenario", "run_lines"]

CLUSTER_CALM: Final = "lines_calm"
CUT_AT_S, CUT_S = 20, 20
#: By situation, what is cut off: all of a region, one cluster, or each cluster from every other.
PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "lines_region": ("us-east-1",),
        "lines_cluster": ("us-east-1/c1",),
        "lines_every_cluster": ("us-east-1/c1", "us-east-1/c2", "us-west-2/c1"),
        CLUSTER_CALM: (),
    }
)


def _arm(lines: str, label: str) -> Arm:
    system = {"factory": "models.deployment:region_split", "lines": lines}
    return Arm(name=lines, label=label, system=system)


CLUSTER_ARMS: Final = (
    _arm("region", "region lines"),
    _arm("cluster", "cluster lines"),
    _arm("both", "both: clusters into regions"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesRow(Row):
    """One run; `cut` is while the fault lasted, `struck` the clients of the region that it is in."""

    commands: int
    availability_all: float
    availability_cut: float | None
    availability_struck: float | None
    latency_calm_p50_ms: float
    latency_calm_p99_ms: float
    acknowledged: int
    lost: int
    regret: int
    regret_share: float
    violations: int
    violations_open: int
    lag_p50_s: float
    lag_p99_s: float
    stable_after_heal_s: float | None
    wan_bytes_per_command: float
    messages_per_command: float
    crossed_cut: int
    unstable_censored: int


def lines_scenario(name: str, arm: Arm) -> Scenario:
    """A situation under a way to split."""
    document: dict[str, Any] = deepcopy(dict(load("isolate_region").document))
    document["topology"] = {"regions": ["us-east-1", "us-west-2"], "clusters": 2, "hosts": 2, "clients": 2}
    document["system"] = dict(arm.system)
    document["latency"] = document["latency"] | {"bandwidth": {"between_regions": "10Gbit/s"}}
    document["property"] = []
    heal_s = CUT_AT_S + CUT_S
    document["run"] = {"until": f"{heal_s + 30}s", "warm_up": "4s"}
    document["workload"] |= {"rate": "12/s", "accounts": 100, "ends": f"{heal_s + 10}s"}
    base = document["fault"][0]
    document["fault"] = [
        base | {"id": f"cut-{number}", "targets": [target], "at": f"{CUT_AT_S}s", "for": f"{CUT_S}s"}
        for number, target in enumerate(PLACES[name], start=1)
    ]
    return parse(document, name=name, file=f"{name} of merge-clusters", text="")


def run_lines(cell: Cell, seed: int) -> RunResult:
    """Run one way to split through one situation."""
    scenario = lines_scenario(cell.scenario, cell.arm)
    world, system = build(scenario, seed)
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation)
    return RunResult(row=_row(cell, seed, seen))


def _row(cell: Cell, seed: int, seen: Observation) -> LinesRow:
    truth = truth_of(seen, domain_of("bank-account", seen.scenario.workload))
    by_command, stable, cut = fates(seen), stability(seen), seen.cut
    during = [a for a in seen.measured if cut and cut.begin_us <= a.invoked_us < cut.end_us]
    struck = [a for a in during if a.region == "us-east-1"]
    # Of those who asked less than a deadline before the cut only the quick ones would be over, so none of them counts.
    deadline_us = seen.scenario.workload.deadline_us
    calm = [a for a in seen.measured if not cut or a.invoked_us + deadline_us <= cut.begin_us]
    waited = latencies_ms(calm)
    values = list(by_command.values())
    return LinesRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(seen.answers),
        availability_all=answered_share(truth.served, seen.measured).share or 0.0,
        availability_cut=answered_share(truth.served, during).share,
        availability_struck=answered_share(truth.served, struck).share,
        latency_calm_p50_ms=quantile(waited, 0.5),
        latency_calm_p99_ms=quantile(waited, 0.99),
        acknowledged=len(values),
        lost=values.count("lost") + values.count("superseded"),  # type: ignore[arg-type]
        regret=regretted(values),
        regret_share=regretted(values) / max(1, len(values)),
        violations=truth.violations.times,
        violations_open=truth.violations.open,
        lag_p50_s=stable.lag_p50_s,
        lag_p99_s=stable.lag_p99_s,
        stable_after_heal_s=stable.stable_after_heal_s,
        wan_bytes_per_command=seen.network.get("bytes", 0) / max(1, len(seen.answers)),
        messages_per_command=seen.network["sent"] / max(1, len(seen.answers)),
        crossed_cut=sum(n for reason, n in seen.network.items() if reason.startswith("dropped: cut")),
        unstable_censored=stable.unstable_at_end,
    )
