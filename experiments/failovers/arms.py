"""The detectors, who acts upon their suspicion, the troubles, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Row

__all__ = [
    "AKKA",
    "ARMS",
    "CALM",
    "CASSANDRA",
    "CRASH",
    "FIXED",
    "FULL",
    "LOST",
    "MEAN",
    "NFD_E",
    "PAUSES",
    "PHI",
    "QUICK",
    "SCENARIOS",
    "SLOW",
    "TITLES",
    "FailoverRow",
    "Place",
    "Use",
]


class Use(StrEnum):
    """Who acts upon suspicion."""

    ELECTION = "election"
    CLAIM = "claim"
    MONITOR = "monitor"
    ROUTE = "route"
    HANDOFF = "handoff"


class Place(NamedTuple):
    """A scenario: who acts there, and what a reader is told of the trouble."""

    use: Use
    trouble: str


CALM: Final = "election_calm"
CRASH: Final = "election_crash"
PAUSES: Final = "election_pauses"
SLOW: Final = "election_slow"
_THREE: Final = "one host stands still for 450 ms three times, another dies"
#: By scenario; heartbeats go every 100 ms.
TITLES: Final[Mapping[str, Place]] = MappingProxyType(
    {
        CALM: Place(Use.ELECTION, "nothing (control)"),
        CRASH: Place(Use.ELECTION, "the leader dies"),
        PAUSES: Place(Use.ELECTION, "each host stands still for 450 ms, twice"),
        SLOW: Place(Use.ELECTION, "300 ms more delay for 7 s"),
        "claim_calm": Place(Use.CLAIM, "nothing (control)"),
        "claim_lost": Place(Use.CLAIM, _THREE),
        "monitor_calm": Place(Use.MONITOR, "nothing (control)"),
        "monitor_lost": Place(Use.MONITOR, _THREE),
        "route_calm": Place(Use.ROUTE, "nothing (control)"),
        "route_lost": Place(Use.ROUTE, _THREE),
        "handoff_calm": Place(Use.HANDOFF, "nothing (control)"),
        "handoff_lost": Place(Use.HANDOFF, f"{_THREE} for 5 s"),
    }
)
SCENARIOS: Final = tuple(TITLES)
#: By who acts, where one stands still and then dies.
LOST: Final[Mapping[Use, str]] = MappingProxyType(
    {use: f"{use}_lost" for use in (Use.CLAIM, Use.MONITOR, Use.ROUTE, Use.HANDOFF)}
)

FIXED: Final = "fixed"
MEAN: Final = "mean"
NFD_E: Final = "nfd-e"
PHI: Final = "phi"
AKKA: Final = "akka"
CASSANDRA: Final = "cassandra"


def _arm(name: str, words: str, label: str) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({"detector": words}))


ARMS: Final = (
    _arm(FIXED, "fixed:600ms", "fixed, 600 ms"),
    _arm(MEAN, "mean:6 of 100", "six means of the last 100"),
    _arm(NFD_E, "nfd-e:500ms of 100", "NFD-E, 500 ms beyond the expected"),
    _arm(PHI, "phi of 100", "phi as published, 8"),
    _arm(AKKA, "akka", "Akka's defaults"),
    _arm(CASSANDRA, "cassandra", "Cassandra's defaults"),
)
_HEARD: Final = tuple(arm.name for arm in ARMS)
#: What goes by when heartbeats are due has nothing to say of answers, which come when somebody asked.
_ANSWERED: Final = tuple(name for name in _HEARD if name != NFD_E)
#: By scenario, the arms of the full size.
FULL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: _ANSWERED if place.use in (Use.ROUTE, Use.HANDOFF) else _HEARD for name, place in TITLES.items()}
)
#: The same of the quick size: those that a claim compares.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (FIXED, PHI),
        CRASH: (FIXED, MEAN, PHI, AKKA),
        PAUSES: (FIXED, MEAN, PHI, AKKA),
        SLOW: (FIXED, AKKA),
        "claim_calm": (FIXED, PHI),
        "claim_lost": (FIXED, MEAN, NFD_E, PHI, AKKA),
        "monitor_calm": (FIXED, PHI),
        "monitor_lost": (FIXED, MEAN, NFD_E, PHI, AKKA),
        "route_calm": (FIXED, MEAN),
        "route_lost": (FIXED, AKKA),
        "handoff_calm": (FIXED, MEAN),
        "handoff_lost": (FIXED, MEAN, AKKA),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverRow(Row):
    """One run.

    `acts` are what was done upon a suspicion after the warm-up: leaders elected in another's place, segments stolen,
    instances replaced, operations that went around a member, or for which others stood in for a replica; `needless`
    those against one that was up. `unserved_s` is time weighed by the share of operations that were not served.
    `double_ms` is how long two took themselves for the leader, or for the owner of one segment or slot. `again_s`:
    from a death until all was done that it calls for, None where none died, infinite where it never was. `broken` of
    the scenario's safety properties do not hold.
    """

    operations: int
    served_share: float
    acts: int
    needless: int
    unserved_s: float
    double_ms: float
    again_s: float | None
    broken: int
