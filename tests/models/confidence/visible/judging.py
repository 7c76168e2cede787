"""Holding chances against what was: by bins of the chance, each with its exact binomial interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import fsum
from typing import NamedTuple

from scipy.stats import binomtest

__all__ = ["Bin", "binned"]

_EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0 + 1e-9)


class Bin(NamedTuple):
    """One bin: how many, what was said on average, how many were, and between what their frequency lies."""

    count: int
    said: float
    came_true: int
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether what was said lies in the interval of what was."""
        return self.low <= self.said <= self.high


def binned(pairs: Iterable[tuple[float, bool]], edges: Sequence[float] = _EDGES, level: float = 0.999) -> list[Bin]:
    """Pairs of a chance and whether it came true, by bins that are not empty."""
    pairs = list(pairs)
    found = []
    for low, high in pairwise(edges):
        inside = [(chance, true) for chance, true in pairs if low <= chance < high]
        if inside:
            true = sum(came for _, came in inside)
            between = binomtest(true, len(inside)).proportion_ci(level)
            said = fsum(chance for chance, _ in inside) / len(inside)
            found.append(Bin(len(inside), said, true, float(between.low), float(between.high)))
    return found
