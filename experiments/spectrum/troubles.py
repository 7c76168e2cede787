"""What goes wrong in each scenario, drawn from rates by the run's seed, and the rates that right priors state.

Every kind strikes whom it can strike at a constant rate, and lasts an exponential time. In `everything` all kinds
occur, at the rates that observers with right priors believe; elsewhere only one does, several times as often, and the
same observers believe the same. So right priors are right in `everything` alone, as those of a deployment are that is
configured once. What strikes whom, and when, is alike for every provider, being drawn before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.confidence import Level, Priors
from sim.chance import Chance
from sim.faults import Fault, ParamValue

__all__ = [
    "CALM",
    "CRASHES",
    "CUTS",
    "DELAY",
    "EVERYTHING",
    "GRAY",
    "ONE_WAY",
    "OUT_CUT",
    "PARTIAL",
    "REGIONS",
    "REPAIR_US",
    "SCENARIOS",
    "STEP_AT_US",
    "STEP_DELAY_US",
    "TITLES",
    "TOGETHER",
    "drawn",
    "priors",
    "way_out",
]

CALM: Final = "nothing-fails"
CRASHES: Final = "hosts-crash"
CUTS: Final = "regions-cut-off"
PARTIAL: Final = "pairs-cut"
ONE_WAY: Final = "one-way-cuts"
TOGETHER: Final = "fail-together"
GRAY: Final = "gray-slowness"
DELAY: Final = "delay-steps"
EVERYTHING: Final = "everything"
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        EVERYTHING: "All troubles together",
        CRASHES: "Hosts crash",
        CUTS: "Regions are cut off from all",
        PARTIAL: "Two regions lose each other",
        ONE_WAY: "One way between two regions is cut",
        TOGETHER: "Clusters and regions die or are cut off",
        GRAY: "Hosts or links are slow",
        DELAY: "Delays step up, and hosts crash",
        CALM: "Nothing fails (control)",
    }
)
SCENARIOS: Final = tuple(TITLES)

REGIONS: Final = ("a", "b", "c")
_S: Final = 1_000_000
#: Mean length of what strikes.
REPAIR_US: Final = 20 * _S
#: Between the first decision and the last.
STEP_AT_US: Final = 60 * _S
STEP_DELAY_US: Final = 150_000
_SLOW_FACTOR: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of trouble: seconds between two of each target where all kinds occur; alone, so many times as often."""

    name: str
    kind: str
    targets: tuple[tuple[str, ...], ...]
    every_s: float
    params: tuple[Mapping[str, ParamValue], ...] = ()
    alone: float = 3.0


#: The observer stands in a/c1 and is spared, as who is dead decides nothing.
_HOSTS: Final = tuple(
    f"{cluster}/{host}" for cluster in ("a/c2", "b/c1", "b/c2", "c/c1", "c/c2") for host in ("h1", "h2")
)
_CLUSTERS: Final = ("a/c2", "b/c1", "b/c2", "c/c1", "c/c2")
_PAIRS: Final = (("a", "b"), ("a", "c"), ("b", "c"))
_WAYS: Final = (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"))

_CRASH_S: Final = 240.0
_CLUSTER_DIES_S: Final = 600.0
_CLUSTER_CUT_S: Final = 600.0
_REGION_DIES_S: Final = 1_200.0
_REGION_CUT_S: Final = 600.0
_PAIR_S: Final = 600.0
_WAY_S: Final = 1_200.0
_HOST_SLOW_S: Final = 480.0
_LINK_SLOW_S: Final = 600.0

_CRASH: Final = _Kind(name="crash", kind="process-crash", targets=tuple((host,) for host in _HOSTS), every_s=_CRASH_S)
_CUT: Final = _Kind(
    name="cut", kind="partition-full", targets=tuple((region,) for region in REGIONS), every_s=_REGION_CUT_S
)
_PAIR: Final = _Kind(
    name="pair",
    kind="partition-partial",
    targets=tuple((one,) for one, _ in _PAIRS),
    every_s=_PAIR_S,
    params=tuple({"against": (other,)} for _, other in _PAIRS),
)
_WAY: Final = _Kind(
    name="way",
    kind="partition-one-way",
    targets=tuple((one,) for one, _ in _WAYS),
    every_s=_WAY_S,
    params=tuple({"to": (other,)} for _, other in _WAYS),
)
_DIE: Final = _Kind(
    name="power", kind="cluster-power", targets=tuple((cluster,) for cluster in _CLUSTERS), every_s=_CLUSTER_DIES_S
)
_ROOM: Final = _Kind(
    name="room", kind="partition-full", targets=tuple((cluster,) for cluster in _CLUSTERS), every_s=_CLUSTER_CUT_S
)
_REGION: Final = _Kind(
    name="region", kind="power-loss", targets=(("b/c1", "b/c2"), ("c/c1", "c/c2")), every_s=_REGION_DIES_S
)
_HOST_SLOW: Final = _Kind(
    name="slow",
    kind="link-slow",
    targets=tuple((host,) for host in _HOSTS),
    every_s=_HOST_SLOW_S,
    params=({"factor": _SLOW_FACTOR},) * len(_HOSTS),
)
_LINK_SLOW: Final = _Kind(
    name="slow-link",
    kind="link-slow",
    targets=(("a",), ("a",)),
    every_s=_LINK_SLOW_S,
    params=({"factor": _SLOW_FACTOR, "to": ("b",)}, {"factor": _SLOW_FACTOR, "to": ("c",)}),
)
_ALL: Final = (_CRASH, _CUT, _PAIR, _WAY, _DIE, _ROOM, _REGION, _HOST_SLOW, _LINK_SLOW)
_OF: Final[Mapping[str, tuple[_Kind, ...]]] = MappingProxyType(
    {
        CALM: (),
        CRASHES: (_CRASH,),
        CUTS: (_CUT,),
        PARTIAL: (_PAIR,),
        ONE_WAY: (_WAY,),
        TOGETHER: (_DIE, _ROOM, _REGION),
        GRAY: (_HOST_SLOW, _LINK_SLOW),
        DELAY: (_CRASH,),
        EVERYTHING: _ALL,
    }
)


def drawn(scenario: str, seed: int, begin_us: int, end_us: int) -> tuple[Fault, ...]:
    """What goes wrong in a run between two instants; lasts of it may go on for longer."""
    chance = Chance(seed)
    found: list[Fault] = []
    for kind in _OF[scenario]:
        every_s = kind.every_s if scenario == EVERYTHING else kind.every_s / kind.alone
        for number, targets in enumerate(kind.targets):
            draws = chance.generator(f"troubles/{scenario}/{kind.name}/{number}")
            at_us = begin_us + float(draws.exponential(every_s)) * _S
            while at_us < end_us:
                lasts_us = 1 + int(float(draws.exponential(1.0)) * REPAIR_US)
                found.append(
                    Fault(
                        id=f"{kind.name}-{number}-{len(found)}",
                        kind=kind.kind,
                        targets=targets,
                        at=int(at_us),
                        for_us=lasts_us,
                        params=kind.params[number] if kind.params else {},
                    )
                )
                at_us += lasts_us + float(draws.exponential(every_s)) * _S
    if scenario == DELAY:
        found += (
            Fault(
                id=f"step-{one}-{other}",
                kind="link-slow",
                targets=(one,),
                at=STEP_AT_US,
                for_us=None,
                params={"delay": f"{STEP_DELAY_US}us", "to": (other,)},
            )
            for one, other in _PAIRS
        )
    return tuple(found)


#: Share of time in which the way out to a region is cut, and not the way back, if repairs take what they take.
OUT_CUT: Final = REPAIR_US / _S / _WAY_S


def way_out() -> Priors:
    """How often the way to a region is cut, and not the way back."""
    return Priors(levels={"region": Level(mtbc_us=_WAY_S * _S, cut=1e-3)})


def priors() -> Priors:
    """The rates of `everything`, as the observer in the first region meets them.

    What cuts two regions off is a cut of the far one to who looks from here, whichever it strikes.
    """

    def mean_us(*every_s: float) -> float:
        return _S / sum(1 / one for one in every_s)

    share = REPAIR_US / _S
    return Priors(
        levels={
            "region": Level(
                mtbf_us=mean_us(_REGION_DIES_S),
                mtbc_us=mean_us(_REGION_CUT_S, _REGION_CUT_S, _PAIR_S, _WAY_S),
                dead=1e-3,
                cut=1e-3,
                slow=share / _LINK_SLOW_S,
            ),
            "cluster": Level(mtbf_us=mean_us(_CLUSTER_DIES_S), mtbc_us=mean_us(_CLUSTER_CUT_S), dead=1e-3, cut=1e-3),
            "host": Level(mtbf_us=mean_us(_CRASH_S), dead=1e-3, slow=share / _HOST_SLOW_S),
        }
    )
