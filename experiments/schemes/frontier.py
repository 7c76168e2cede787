"""Which schemes no other beats: none is as quick and loses as little, and is better in one of the two.

Losses are compared as shares of what was acknowledged before the failure: of two schemes that lose
all, the slower one had acknowledged a little less, which is no merit. The frontier of a failure is
chosen on the even seeds and reported on the odd ones, so that no scheme is praised for the luck that
chose it. A scheme's latency is that of the control under the same seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import NamedTuple

from experiments.results import Results
from experiments.schemes.arms import ARMS, CONTROL
from experiments.schemes.runs import SchemeRow
from experiments.statistics import Interval, t_interval

__all__ = ["Frontier", "Point", "frontier", "unkept"]


class Point(NamedTuple):
    """A scheme under a failure, over some seeds.

    Attributes:
        latency_ms: p99 of the control's near clients.
        unkept: Acknowledged events that were not kept, a run.
        share: The same as a share of what was acknowledged before the failure, mean over runs.
    """

    latency_ms: Interval
    unkept: Interval
    share: float


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
        failed = [row for row in results.at(scenario, arm.name) if row.seed in chosen]
        if arm.ranked and calm and failed:
            share = fsum(unkept(row) / (row.at_risk or 1) for row in failed) / len(failed)
            found[arm.name] = Point(t_interval(calm), t_interval([unkept(row) for row in failed]), share)
    return found


def _unbeaten(points: Mapping[str, Point]) -> frozenset[str]:
    at = {arm: (point.latency_ms.estimate, point.share) for arm, point in points.items()}
    return frozenset(
        arm
        for arm, mine in at.items()
        if not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in at.values())
    )
