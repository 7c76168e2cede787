"""Which schemes no other beats: none is as quick and loses as little, and is better in one of the two.

The frontier of a failure is chosen on the even seeds and reported on the odd ones, so that no scheme is
praised for the luck that chose it. A scheme's latency is that of the control under the same seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from experiments.results import Results
from experiments.schemes.arms import ARMS, CONTROL
from experiments.schemes.runs import SchemeRow
from experiments.statistics import Interval, t_interval

__all__ = ["Frontier", "Point", "frontier", "unkept"]


class Point(NamedTuple):
    """A scheme under a failure, over some seeds: p99 of the control's near clients, and what was not kept, a run."""

    latency_ms: Interval
    unkept: Interval


class Frontier(NamedTuple):
    """What was chosen on one half of the seeds, and how it does on the other.

    Attributes:
        chosen: Arms that none beats on the even seeds, the quickest first.
        held: By ranked arm, the odd seeds; empty if there is one seed.
        confirmed: Of those chosen, the ones that none beats on the odd seeds either.
    """

    chosen: tuple[str, ...]
    held: Mapping[str, Point]
    confirmed: tuple[str, ...]


def unkept(row: SchemeRow) -> int:
    """Acknowledged commands that the final history lacks: lost, or set aside and dealt with by nobody."""
    return row.lost + row.set_aside


def frontier(results: Results[SchemeRow], scenario: str) -> Frontier:
    """Choose and report the frontier of a failure."""
    even = _points(results, scenario, (seed for seed in results.seeds if seed % 2 == 0))
    odd = _points(results, scenario, (seed for seed in results.seeds if seed % 2 == 1))
    chosen = tuple(sorted(_unbeaten(even), key=lambda arm: (even[arm].latency_ms.estimate, arm)))
    return Frontier(chosen, odd, tuple(arm for arm in chosen if arm in _unbeaten(odd)))


def _points(results: Results[SchemeRow], scenario: str, seeds: Iterable[int]) -> dict[str, Point]:
    chosen = frozenset(seeds)
    found = {}
    for arm in ARMS:
        calm = [row.latency_near_p99_ms for row in results.at(CONTROL, arm.name) if row.seed in chosen]
        gone = [unkept(row) for row in results.at(scenario, arm.name) if row.seed in chosen]
        if arm.ranked and calm and gone:
            found[arm.name] = Point(t_interval(calm), t_interval(gone))
    return found


def _unbeaten(points: Mapping[str, Point]) -> frozenset[str]:
    at = {arm: (point.latency_ms.estimate, point.unkept.estimate) for arm, point in points.items()}
    return frozenset(
        arm
        for arm, mine in at.items()
        if not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in at.values())
    )
