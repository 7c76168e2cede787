"""When a write becomes visible: the pause after which 99.9 % of reads are consistent, by two estimators.

The *quantile* is the pause t at which P(stale) falls to 0.001. The *published* one is what the paper's
table holds: the authors simulate 50,000 reads at each step of a grid, one step after the other, and take
the first step at which at most 50 are stale. Chance lets an early step pass, so it lies below the
quantile, the more the finer the grid; and it is itself random. Its distribution follows from P(stale):
a step is the first that passes if all before it failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from experiments.quorums.legs import Floats

__all__ = ["FirstStep", "Grid", "first_step", "nodes", "quantile"]

_NODES: Final = 48


@dataclass(frozen=True, slots=True)
class Grid:
    """Pauses that the authors tried, milliseconds; the last is beyond any that matters.

    Attributes:
        start: The first.
        step: From one to the next.
        end: The last, exclusive.
        reads: Simulated at each.
    """

    start: float
    step: float
    end: float
    reads: int = 50_000


class FirstStep(NamedTuple):
    """The distribution of the first step that passes: its mean, and where all but `2 * beyond` of it lies."""

    mean: float
    low: float
    high: float


def nodes(end: float) -> list[float]:
    """Pauses at which P(stale) is measured, from 0 to `end`: between them it is interpolated."""
    return [0.0, *np.geomspace(end / 400, end, _NODES).tolist()]


def quantile(pauses: Sequence[float], stale: Floats, level: float = 0.001) -> float:
    """The least pause after which no more than `level` are stale."""
    if stale[0] <= level:
        return 0.0
    after = int(np.argmax(stale <= level))
    assert stale[after] <= level, f"{pauses[-1]} ms are too few: {stale[-1]:.2g} are stale"
    if after == 1:  # no logarithm of 0
        share = (stale[0] - level) / (stale[0] - stale[1])
        return float(share * pauses[1])
    (left, right), (high, low) = np.log(pauses[after - 1 : after + 1]), np.log(stale[after - 1 : after + 1])
    return float(np.exp(left + (high - np.log(level)) / (high - low) * (right - left)))


def first_step(pauses: Sequence[float], stale: Floats, grid: Grid, *, beyond: float) -> FirstStep:
    """What the authors' estimator does, given P(stale) at some pauses."""
    from scipy.stats import binom

    steps = np.arange(grid.start, grid.end, grid.step)
    chance = np.exp(np.interp(np.sqrt(steps), np.sqrt(pauses), np.log(np.maximum(stale, 1e-12))))
    passes = binom.cdf(grid.reads // 1_000, grid.reads, chance)
    reached = np.concatenate([[1.0], np.cumprod(1 - passes)[:-1]])
    first = passes * reached
    first /= first.sum()
    up_to = np.cumsum(first)
    low, high = (float(steps[min(int(np.searchsorted(up_to, part)), len(steps) - 1)]) for part in (beyond, 1 - beyond))
    return FirstStep(float((first * steps).sum()), low, high)
