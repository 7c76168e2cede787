"""What deciding costs at a ratio, by who decides: summed over the troubles of a decision, run by run."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Final

from experiments.family import Family
from experiments.results import Results
from experiments.stakes.arms import BOOLS, DECIDES, PLACES, RATIOS, Decided, StakeRow
from experiments.statistics import Interval, paired_difference

__all__ = ["FAMILY", "at_ratio", "dearer", "tuned"]

#: Who knows against the bool, by decision and ratio.
FAMILY: Final = Family(compared=len(Decided) * len(RATIOS), fewest=DECIDES)
Rows = Results[StakeRow]


def at_ratio(results: Rows, decided: Decided, arm: str, ratio: float) -> dict[int, float]:
    """By seed, ratio x missed + alarmed, summed over all troubles that were run; seeds that lack one are left out."""
    run = {row.scenario for row in results.rows if PLACES[row.scenario].decided is decided}
    found: dict[int, list[float]] = {}
    for scenario in sorted(run):
        for row in results.at(scenario, arm):
            found.setdefault(row.seed, []).append(ratio * row.missed + row.alarmed)
    return {seed: fsum(costs) for seed, costs in sorted(found.items()) if len(costs) == len(run)}


def tuned(results: Rows, decided: Decided, ratio: float) -> dict[int, float]:
    """By seed, the cost of the bool that is best at a ratio: on even seeds of the one best on odd ones, and so on."""
    costs = {arm: at_ratio(results, decided, arm, ratio) for arm in BOOLS}
    costs = {arm: by_seed for arm, by_seed in costs.items() if by_seed}
    found: dict[int, float] = {}
    for parity in (0, 1):
        best = min(costs, key=lambda arm: (_mean(costs[arm], 1 - parity), arm), default=None)
        if best is not None and _mean(costs[best], 1 - parity) < float("inf"):
            found |= {seed: cost for seed, cost in costs[best].items() if seed % 2 == parity}
    return dict(sorted(found.items()))


def dearer(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """By how much the first costs more than the second over seeds that both have; None without any."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    pairs = [first[seed] for seed in seeds], [second[seed] for seed in seeds]
    return paired_difference(*pairs, confidence=FAMILY.confidence)


def _mean(costs: Mapping[int, float], parity: int) -> float:
    some = [cost for seed, cost in costs.items() if seed % 2 == parity]
    return fsum(some) / len(some) if some else float("inf")
