"""Rows of a table of theory: what is said, what was measured, its interval, and whether they agree.

A row agrees if what is said lies in the interval, and if that is as narrow as was asked for before any run. Intervals
of one table are so wide that all of them hold at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar

from experiments.experiment import Row
from experiments.results import Results
from experiments.statistics import Interval, t_interval

__all__ = [
    "FEWEST",
    "VERDICTS",
    "Judged",
    "Said",
    "half_width",
    "interval_of",
    "root_of",
    "span_told",
    "width_told",
]

#: Fewer runs tell nothing: counts of two may be equal by chance, and then leave no doubt where there is some.
FEWEST: Final = 4
#: What a table says of a row that agrees, does not, or whose interval is too wide to tell.
VERDICTS: Final[Mapping[bool | None, str]] = MappingProxyType(
    {True: "inside", False: "OUTSIDE", None: "too wide to tell"}
)


class Said(Protocol):
    """What a row says: which value, measured where and as what, and how narrow its interval has to be."""

    @property
    def cell(self) -> str:
        """The scenario that measures it."""

    @property
    def metric(self) -> str:
        """As which column of its rows."""

    @property
    def value(self) -> float:
        """What is said."""

    @property
    def limit(self) -> float:
        """Largest half-width, relative."""


SaidT = TypeVar("SaidT", bound=Said)
R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Judged(Generic[SaidT]):
    """A row of the table.

    Attributes:
        claim: What is said.
        interval: Of the mean of what was measured.
        tolerance: How far outside it may lie, as it was told with few digits.
    """

    claim: SaidT
    interval: Interval
    tolerance: float = 0.0

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width, relative to what is said; None below `FEWEST` runs."""
        return half_width(self.interval, self.claim.value)

    @property
    def holds(self) -> bool | None:
        """Whether what is said is inside, to its tolerance; None while the interval is too wide to tell."""
        low, high, width = self.interval.low, self.interval.high, self.half_width
        if low is None or high is None or width is None:
            return None
        if not low - self.tolerance <= self.claim.value <= high + self.tolerance:
            return False
        return True if width <= self.claim.limit else None


def half_width(interval: Interval, of: float) -> float | None:
    """Half of an interval's width, relative to a value; None below `FEWEST` runs, 0 where it has no width."""
    low, high = interval.low, interval.high
    if low is None or high is None or interval.n < FEWEST:
        return None
    return (high - low) / 2 / abs(of) if high > low else 0.0


def interval_of(results: Results[R], claim: Said, arm: str, confidence: float) -> Interval:
    """The interval of what a row measures."""
    values = results.values(claim.metric, scenario=claim.cell, arm=arm)
    return t_interval([float(value) for value in values if value is not None], confidence=confidence)


def root_of(scenario: str, seed: int) -> int:
    """A root seed of each cell's own: cells that shared one would err together."""
    return int.from_bytes(blake2b(f"{seed}/{scenario}".encode(), digest_size=8).digest(), "big")


def span_told(interval: Interval, width: float | None, spec: str = ".5g") -> str:
    """From where to where, for a table; a dash below `FEWEST` runs."""
    if interval.low is None or interval.high is None or width is None:
        return "-"
    return f"{interval.low:{spec}} to {interval.high:{spec}}"


def width_told(interval: Interval, width: float | None, limit: float, decides: int, *, spec: str = ".5g") -> str:
    """An interval in a finding's detail, after a comma.

    Args:
        interval: Of the mean.
        width: Half of it, relative.
        limit: How large that may be; infinite where it is of no matter.
        decides: Seeds from which it should not be larger; told where it is.
        spec: How numbers are written.
    """
    if width is None:
        return f", no verdict from so few runs: {decides} seeds or more are meant to do"
    told = f", interval {span_told(interval, width, spec)}, half-width {width:.2%}"
    if limit == inf:
        return told
    told += f" of at most {limit:.0%}"
    return told if width <= limit else f"{told}; too wide to tell: {decides} seeds or more are meant to do"
