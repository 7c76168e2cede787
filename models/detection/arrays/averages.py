"""Detectors that learn intervals, over arrays: sums over windows are differences of running sums.

A window's sum of intervals is the difference of two arrivals. Its sum of squares is the
difference of two running sums, exact in 64 bits even where the running sums overflow, as long as
one window's does not; where gaps are so long that it could, squares are summed in two halves.
Work is done in blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.detection.accrual import Cassandra
from models.detection.arrays.trace import LONGEST_US, Ints
from models.detection.average import Deviation, Ewma
from models.detection.recent import Recent

__all__ = ["Floats", "blocks", "capped", "deviations", "means", "normal", "recent_shape", "weighted", "whole"]

Floats = NDArray[np.float64]
_BLOCK: Final = 1 << 14
_HALF: Final = 32


def whole(values: NDArray[Any]) -> Ints:
    """Rounded up to whole microseconds."""
    found: Ints = np.ceil(values).astype(np.int64)
    return found


def blocks(count: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each block of so many values."""
    for begin in range(0, count, _BLOCK):
        yield begin, min(begin + _BLOCK, count)


def means(arrivals: Ints, recent: Recent, first: float, factor: float) -> Ints:
    """Crossings at `factor` means of silence; `first` is the mean before any interval was seen."""
    found = np.empty(len(arrivals), np.int64)
    n = recent.count
    for begin, end in blocks(len(arrivals)):
        here = arrivals[begin:end]
        if begin >= n and recent.span_us is None:
            mean = (here - arrivals[begin - n : end - n]) / n
        else:
            mean, _ = _few(arrivals, begin, end, recent, first)
        mean *= factor
        np.ceil(mean, out=mean)
        found[begin:end] = mean
        found[begin:end] += here
    return found


def deviations(arrivals: Ints, plan: Deviation, level: float) -> Ints:
    """Crossings at mean and some standard deviations of silence, times the level."""
    found = np.empty(len(arrivals), np.int64)
    for begin, end, mean, deviation in recent_shape(arrivals, plan.recent, float(plan.eta_us)):
        timeout = level * (mean + plan.deviations * np.maximum(deviation, plan.deviation_us_min))
        found[begin:end] = arrivals[begin:end] + whole(timeout)
    return found


def normal(arrivals: Ints, recent: Recent, first_and_least: tuple[int, int], y: float) -> Ints:
    """Crossings at `y` standard deviations above the mean: phi as published."""
    found = np.empty(len(arrivals), np.int64)
    first, least = first_and_least
    for begin, end, mean, deviation in recent_shape(arrivals, recent, float(first)):
        np.maximum(deviation, float(least), out=deviation)
        deviation *= y
        deviation += mean
        np.ceil(deviation, out=deviation)
        found[begin:end] = deviation
        found[begin:end] += arrivals[begin:end]
    return found


def weighted(arrivals: Ints, plan: Ewma, level: float) -> Ints:
    """Crossings at some exponentially weighted means of silence."""
    from scipy.signal import lfilter  # takes over a second to import

    mean = np.full(len(arrivals), float(plan.eta_us))
    if len(arrivals) > 1:
        keep = 1.0 - plan.weight
        intervals = np.diff(arrivals).astype(np.float64)
        mean[1:], _ = lfilter([plan.weight], [1.0, -keep], intervals, zi=[keep * plan.eta_us])
    return arrivals + whole(mean * (level * plan.factor))


def capped(arrivals: Ints, plan: Cassandra, factor: float) -> Ints:
    """Crossings as Cassandra's: long intervals are not learnt, and the first one is made up.

    What is learnt are intervals of arrivals that never were: one initial interval before the first,
    then each as long after the one before as the interval that was learnt.
    """
    if not len(arrivals):
        return arrivals
    gaps = np.diff(arrivals)
    learnt = gaps <= plan.interval_us_max
    begin = arrivals[:1] - plan.initial_us
    recent, first = Recent(plan.window), float(plan.initial_us)
    if learnt.all():
        return means(np.concatenate((begin, arrivals)), recent, first, factor)[1:]
    course = np.concatenate((begin, arrivals[:1], arrivals[0] + np.cumsum(gaps[learnt])))
    patience = (means(course, recent, first, factor) - course)[1:]
    found: Ints = arrivals + patience[np.concatenate((np.zeros(1, np.int64), np.cumsum(learnt)))]
    return found


def recent_shape(arrivals: Ints, recent: Recent, first: float) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Mean and standard deviation of the recent intervals after each arrival, block by block: (begin, end, both)."""
    gaps = np.diff(arrivals)
    longest = int(gaps.max(initial=0))
    wide = longest * longest * min(recent.count, max(len(gaps), 1)) >= 1 << 62
    squares = _Squares(wide=wide, reach=recent.count)
    n = recent.count
    for begin, end in blocks(len(arrivals)):
        here = gaps[max(begin - 1, 0) : end - 1]
        squares.add(begin, end, here)
        if begin >= n and recent.span_us is None:
            mean = (arrivals[begin:end] - arrivals[begin - n : end - n]) / n
            variance = squares.between(begin, end, n)
            variance /= n
        else:
            mean, reach = _few(arrivals, begin, end, recent, first)
            counts = np.maximum(np.arange(begin, end) - reach, 1)
            variance = squares.since(begin, end, reach) / counts
            if begin == 0:
                variance[0] = first * first  # nothing was seen, so nothing deviates
        variance -= mean * mean
        np.maximum(variance, 0.0, out=variance)
        yield begin, end, mean, np.sqrt(variance, out=variance)


class _Squares:
    """Running sums of squared intervals up to each arrival, for as far back as a window may reach."""

    def __init__(self, *, wide: bool, reach: int) -> None:
        self._wide = wide
        self._reach = reach
        self._from = 0
        self._low = np.zeros(0, np.int64)
        self._high = np.zeros(0, np.int64)

    def add(self, begin: int, end: int, gaps: Ints) -> None:
        """Go on by the intervals before the arrivals from `begin` to before `end`."""
        keep = max(begin - self._reach, self._from) - self._from
        squares = gaps * gaps
        if begin == 0:
            squares = np.concatenate((np.zeros(1, np.int64), squares))
        parts = (squares & ((1 << _HALF) - 1), squares >> _HALF) if self._wide else (squares, None)
        self._low = self._longer(self._low, keep, parts[0])
        if parts[1] is not None:
            self._high = self._longer(self._high, keep, parts[1])
        self._from += keep

    @staticmethod
    def _longer(sums: Ints, keep: int, values: Ints) -> Ints:
        added = np.cumsum(values)
        if len(sums):
            added += sums[-1]
        return np.concatenate((sums[keep:], added))

    def between(self, begin: int, end: int, n: int) -> Floats:
        """Sums of the last `n` squares at each arrival from `begin` to before `end`."""
        at, back = slice(begin - self._from, end - self._from), slice(begin - n - self._from, end - n - self._from)
        low = (self._low[at] - self._low[back]).astype(np.float64)
        return low + (self._high[at] - self._high[back]) * float(1 << _HALF) if self._wide else low

    def since(self, begin: int, end: int, reach: Ints) -> Floats:
        """The same back to arrival `reach`, each its own."""
        at, back = slice(begin - self._from, end - self._from), reach - self._from
        low = (self._low[at] - self._low[back]).astype(np.float64)
        return low + (self._high[at] - self._high[back]) * float(1 << _HALF) if self._wide else low


def _few(arrivals: Ints, begin: int, end: int, recent: Recent, first: float) -> tuple[Floats, Ints]:
    """Means where windows are not all of one length, and the arrival at which each begins."""
    here = np.arange(begin, end)
    reach = np.maximum(here - recent.count, 0)
    if recent.span_us is not None:
        # An interval is as old as the arrival that ends it, and the latest always counts.
        oldest = np.searchsorted(arrivals, arrivals[begin:end] - recent.span_us) - 1
        reach = np.maximum(reach, np.minimum(oldest, here - 1))
        reach = np.maximum(reach, 0)
    mean = (arrivals[begin:end] - arrivals[reach]) / np.maximum(here - reach, 1)
    if begin == 0:
        mean[0] = first
    return mean, reach


assert LONGEST_US * LONGEST_US < 1 << 63
