"""Which designs no other beats: none is as quick and loses, doubles or disorders as little, and is better in one.

What a design does wrong in a run is the acknowledged messages that it lost, those that had their effect more than once
and those that were overtaken, each as a share of the messages sent; summed, as nobody says which is worse. The frontier
of a failure is chosen on the even seeds and told on the odd ones. A design's latency is that of the control.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import NamedTuple

from experiments.queues.arms import ARMS, CALM, QueueRow
from experiments.results import Results

__all__ = ["Frontier", "Point", "frontier", "points", "wrong_share"]


class Point(NamedTuple):
    """A design under a failure: p50 of the control, milliseconds, and the share of messages that went wrong."""

    latency_ms: float
    wrong: float


class Frontier(NamedTuple):
    """What was chosen on one half of the seeds, and how all do on the other.

    Attributes:
        chosen: Arms that none beats on the even seeds, the quickest first.
        held: By arm, the odd seeds; empty if there is one seed.
        confirmed: Of those chosen, the ones that none beats on the odd seeds either.
    """

    chosen: tuple[str, ...]
    held: Mapping[str, Point]
    confirmed: tuple[str, ...]


def wrong_share(row: QueueRow) -> float:
    """Of the messages of a run, those that were lost, had their effect more than once, or were overtaken."""
    return ((row.lost or 0) + row.duplicated + row.out_of_order) / row.messages


def frontier(results: Results[QueueRow], scenario: str) -> Frontier:
    """Choose and tell the frontier of a failure."""
    even = points(results, scenario, (seed for seed in results.seeds if seed % 2 == 0))
    odd = points(results, scenario, (seed for seed in results.seeds if seed % 2 == 1))
    chosen = tuple(sorted(_unbeaten(even), key=lambda arm: (even[arm].latency_ms, arm)))
    return Frontier(chosen, odd, tuple(arm for arm in chosen if arm in _unbeaten(odd)))


def points(results: Results[QueueRow], scenario: str, seeds: Iterable[int]) -> dict[str, Point]:
    """Every design over some seeds."""
    chosen = frozenset(seeds)
    found = {}
    for arm in ARMS:
        calm = [row.latency_p50_ms for row in results.at(CALM, arm.name) if row.seed in chosen]
        failed = [wrong_share(row) for row in results.at(scenario, arm.name) if row.seed in chosen]
        if calm and failed:
            found[arm.name] = Point(fsum(calm) / len(calm), fsum(failed) / len(failed))
    return found


def _unbeaten(at: Mapping[str, Point]) -> frozenset[str]:
    return frozenset(
        arm
        for arm, mine in at.items()
        if not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in at.values())
    )
