"""Who decides, the troubles, the ratios of costs, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Row

__all__ = [
    "APART",
    "ARMS",
    "BOOLS",
    "CALM",
    "CRASH",
    "DECIDES",
    "NEVER_US",
    "PLACES",
    "QUICK",
    "RATIOS",
    "SCENARIOS",
    "SOURCE",
    "Decided",
    "Place",
    "StakeRow",
    "Who",
    "oracle_at",
    "patience_us",
    "ratio_of",
    "spectrum_at",
    "who_of",
]


class Decided(StrEnum):
    """What is decided."""

    LEAD = "lead"
    LOAD = "load"


class Who(StrEnum):
    """Who decides."""

    BOOL = "bool"
    SOURCE = "source"
    SPECTRUM = "spectrum"
    ORACLE = "oracle"


class Place(NamedTuple):
    """A scenario: what is decided there, and what a reader is told of it."""

    decided: Decided
    trouble: str


CALM: Final = "election_calm"
CRASH: Final = "election_crash"
_PAUSES: Final = "election_pauses"
APART: Final = "confidence_failover_cut"
_SLOW: Final = "election_slow"
_QUIET: Final = "loading_quiet"
_MIXED: Final = "loading_calm"
_HOT: Final = "loading_hot"
PLACES: Final[Mapping[str, Place]] = MappingProxyType(
    {
        CALM: Place(Decided.LEAD, "nothing (control)"),
        CRASH: Place(Decided.LEAD, "the leader dies"),
        _PAUSES: Place(Decided.LEAD, "each host stands still for 450 ms, twice"),
        APART: Place(Decided.LEAD, "a follower is cut off from the leader and its majority for 5 s"),
        _SLOW: Place(Decided.LEAD, "300 ms more delay for 7 s"),
        _QUIET: Place(Decided.LOAD, "regions meet with one command in twenty"),
        _MIXED: Place(Decided.LOAD, "with four commands in ten"),
        _HOT: Place(Decided.LOAD, "with all of them, on eight aggregates"),
    }
)
SCENARIOS: Final = tuple(PLACES)

#: Cost of missing (a second without a leader; a decision worked out in vain) in those of an alarm (an election that was
#: not needed; as long a wait as a look-up takes), by their name in an arm.
RATIOS: Final[Mapping[str, float]] = MappingProxyType({"quarter": 0.25, "two": 2.0, "sixteen": 16.0})
#: Longer than any run.
NEVER_US: Final = 1_000_000_000
_PATIENCE_US: Final[Mapping[Decided, tuple[int, ...]]] = MappingProxyType(
    {
        Decided.LEAD: (250_000, 400_000, 600_000, 1_200_000, 2_400_000),
        # The first waits for every look-up, the last for none.
        Decided.LOAD: (1, 250_000, 1_000_000, 4_000_000, NEVER_US),
    }
)
BOOLS: Final = tuple(f"bool-{number}" for number in range(1, 6))
SOURCE: Final = "source"


def spectrum_at(ratio: str) -> str:
    """The name of the spectrum's arm at a ratio."""
    return f"{Who.SPECTRUM}-{ratio}"


def oracle_at(ratio: str) -> str:
    """The name of the oracle's arm at a ratio."""
    return f"{Who.ORACLE}-{ratio}"


def who_of(arm: str) -> Who:
    """Who decides in an arm."""
    return Who(arm.partition("-")[0])


def ratio_of(arm: str) -> float:
    """At which ratio an arm decides; 1 where that makes no difference to it."""
    return RATIOS.get(arm.partition("-")[2], 1.0)


def patience_us(arm: str, decided: Decided) -> int:
    """Behind how long a silence, or on how old a snapshot, a bool acts."""
    return _PATIENCE_US[decided][BOOLS.index(arm)]


def _arm(name: str, label: str) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({}))


ARMS: Final = (
    *(_arm(name, f"bool, patience {number} of {len(BOOLS)}") for number, name in enumerate(BOOLS, 1)),
    _arm(SOURCE, "belief, a half at its source"),
    *(_arm(spectrum_at(name), f"spectrum, ratio {ratio:g}") for name, ratio in RATIOS.items()),
    *(_arm(oracle_at(name), f"oracle, ratio {ratio:g}") for name, ratio in RATIOS.items()),
)
_FEW: Final = (*BOOLS[::2], SOURCE, spectrum_at("two"), oracle_at("two"))
#: By scenario, the arms of the quick size: one ratio, and what the claims need.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(dict.fromkeys((CALM, CRASH, APART, _MIXED), _FEW))
#: From how many runs on an interval that is too wide decides.
DECIDES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeRow(Row):
    """One run.

    `missed` is what came of not acting: of leads, seconds for which a leader was dead and
    nobody elected in its place; of loads, decisions worked out in vain for one command. `alarmed` is what acting
    cost: leaders that were elected while the one before was up; time that a command took for those away from the
    leader, in look-ups. `acts` counts what was done: elections, or waits for a look-up before the work. `broken` of the
    scenario's safety properties do not hold.
    """

    operations: int
    missed: float
    alarmed: float
    acts: int
    broken: int
