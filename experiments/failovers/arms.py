"""The detectors, the troubles, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row

__all__ = [
    "AKKA",
    "ARMS",
    "CALM",
    "CASSANDRA",
    "CRASH",
    "FIXED",
    "MEAN",
    "NFD_E",
    "PAUSES",
    "PHI",
    "SCENARIOS",
    "SLOW",
    "TITLES",
    "FailoverRow",
]

CALM: Final = "election_calm"
CRASH: Final = "election_crash"
PAUSES: Final = "election_pauses"
SLOW: Final = "election_slow"
#: By scenario, what a reader is told of it; three members in three regions, a heartbeat every 100 ms.
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CALM: "nothing (control)",
        CRASH: "the leader dies",
        PAUSES: "each host stands still for 450 ms, four times",
        SLOW: "300 ms more delay for 15 s",
    }
)
SCENARIOS: Final = tuple(TITLES)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverRow(Row):
    """One run.

    `needless` are leaders that took office while the one before was up, and `failovers` all after the first.
    `unavailable_s` is the time in steps of half a second in which fewer than half of the commands were answered.
    `two_leaders_ms` is how long two members both took themselves for the leader; `led_again_s` from the leader's death
    to the next, None where none died, infinite where none followed.
    """

    commands: int
    answered_share: float
    failovers: int
    needless: int
    unavailable_s: float
    two_leaders_ms: float
    led_again_s: float | None
    lost: int
