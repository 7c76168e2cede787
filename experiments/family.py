"""Comparisons of arms under one seed that are claimed together: one family, corrected as one.

A claim rests on the mean difference of a metric between two arms, paired by seed. Where several are
claimed of one experiment, each interval is so wide that all hold at once (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, TypeVar

from experiments.experiment import Row
from experiments.results import Results
from experiments.statistics import Interval, format_interval, paired_difference

__all__ = ["Family", "paired", "shown"]

R = TypeVar("R", bound=Row)

_ERROR: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How many comparisons hold at once with 95 %.

    Attributes:
        compared: How many, at least 1.
        fewest: Runs below which an interval that is too wide leaves a claim undecided.
    """

    compared: int
    fewest: int = 10

    def __post_init__(self) -> None:
        if self.compared < 1:
            raise ValueError(f"compared={self.compared} is no family; give how many comparisons are claimed, 1 or more")

    @property
    def confidence(self) -> float:
        """Of each interval alone."""
        return 1 - _ERROR / self.compared

    def difference(self, results: Results[R], scenario: str, first: str, second: str, metric: str) -> Interval | None:
        """Mean of `first - second` over runs of one seed; None without pairs that have a value (`paired`)."""
        pairs = paired(results, scenario, first, second, metric)
        if not pairs:
            return None
        firsts, seconds = zip(*pairs, strict=True)
        return paired_difference(firsts, seconds, confidence=self.confidence)

    def above(self, interval: Interval | None) -> bool | None:
        """Whether a difference is surely above zero; None while too few runs cannot tell."""
        if interval is None or interval.low is None or interval.high is None:
            return None
        if interval.low <= 0 < interval.high and interval.n < self.fewest:
            return None
        return interval.low > 0


def paired(results: Results[R], scenario: str, first: str, second: str, metric: str) -> tuple[tuple[float, float], ...]:
    """A metric of two arms by seed.

    A seed under which neither has a value, such as a loss over samples of which there were none, says nothing of either
    and is left out. Empty where no seed is left, or one value of a pair is None or infinite: the mean would then be of
    the runs that went well.
    """
    pairs = [(getattr(a, metric), getattr(b, metric)) for a, b in results.pairs(scenario, first, second)]
    pairs = [pair for pair in pairs if pair != (None, None)]
    if any(value is None or value == inf for pair in pairs for value in pair):
        return ()
    return tuple((float(a), float(b)) for a, b in pairs)


def shown(interval: Interval | None, spec: str = ".2f", unit: str = "") -> str:
    """A difference for people."""
    return "no runs to compare" if interval is None else format_interval(interval, spec, unit)
