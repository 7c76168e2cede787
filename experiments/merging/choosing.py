"""Which design an architect would take: the frontier, the split that suits a workload, and what turns a ranking.

Whoever chooses the best of several on some runs and reports it on the same finds it better than it is. So all choices
are made on the first half of the seeds and looked at on the second; where there is one seed, on that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, NamedTuple

from experiments.merging.designs import SPLITS
from experiments.merging.prices import DEADLINE_MS, RANKED, bills, owed
from experiments.merging.row import MergeRow
from experiments.merging.situations import BASE, SITUATIONS
from experiments.merging.workloads import WORKLOADS
from experiments.results import Results
from experiments.statistics import holm, paired_difference, paired_p_value

__all__ = [
    "COMPARED",
    "RATIO",
    "Frontier",
    "Standing",
    "Turn",
    "best_split",
    "cheapest",
    "frontier",
    "halves",
    "second_half",
    "standing",
    "turns",
]

#: Workloads that every design is compared on.
COMPARED: Final = tuple(name for name, demand in WORKLOADS.items() if demand.full)
#: Where one split is to be named, an owed command costs so many unserved ones.
RATIO: Final = 10
#: Means closer than this count as equal on the frontier: share served, owed per 1,000, and p99 as a ratio.
_EQUAL: Final = (0.005, 0.5, 1.05)
_ERROR: Final = 0.05


def halves(results: Results[MergeRow]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds that choose, and those that are reported."""
    seeds = results.seeds
    half = len(seeds) // 2
    return (seeds[:half], seeds[half:]) if half else (seeds, seeds)


def second_half(results: Results[MergeRow]) -> Results[MergeRow]:
    """The rows that choices are reported on; the same object each time."""
    return results.among(halves(results)[1])


def cheapest(
    results: Results[MergeRow], situation: str, ratio: float, seeds: Collection[int] | None = None
) -> list[tuple[str, float]]:
    """Ranked designs by what an outage like a situation's costs, the cheapest first; an owed one counts `ratio` times.

    The calm before and after the cut counts as well, so that no price is below 0.
    """
    found = []
    for arm in RANKED:
        costs = _costs(results, situation, arm, ratio, seeds)
        if costs:
            found.append((arm, fmean(costs.values())))
    return sorted(found, key=lambda pair: pair[1])


def _costs(
    results: Results[MergeRow], situation: str, arm: str, ratio: float, seeds: Collection[int] | None
) -> dict[int, float]:
    found = bills(results, situation, arm, seeds)
    return {seed: bill.unserved_outage + ratio * bill.owed_outage for seed, bill in found.items()}


def best_split(results: Results[MergeRow], workload: str) -> str | None:
    """The split that suits a workload: the one whose outage is the cheapest, an owed command at `RATIO` unserved.

    Chosen on the first half of the seeds; of equals, the one that the workload names first. None if none was run.
    """
    order, splits = WORKLOADS[workload].arms, {arm.name for arm in SPLITS}
    ranked = [(cost, order.index(arm), arm) for arm, cost in cheapest(results, workload, RATIO, halves(results)[0])]
    return next((arm for _, _, arm in sorted(ranked) if arm in splits), None)


# -- what turns a ranking ------------------------------------------------------------------


class Turn(NamedTuple):
    """Whether a situation has another cheapest design than the base.

    Attributes:
        base: The base's cheapest, of the designs that both were run with.
        here: The situation's.
        turned: False where they are the same; True where each is the cheaper one of the two where it was chosen, beyond
            chance; None where that cannot be told.
    """

    base: str
    here: str
    turned: bool | None


def turns(
    results: Results[MergeRow], situations: Sequence[str], ratios: Sequence[float]
) -> dict[tuple[str, float], Turn]:
    """By situation and ratio, whether it turns the base's ranking.

    The cheapest are chosen on the first half of the seeds. On the second, the two are compared by seed, in the
    situation and in the base: both differences must have the sign that was expected (the larger p-value counts), and
    all that are compared are one family, corrected after Holm.
    """
    chosen: dict[tuple[str, float], tuple[str, str]] = {}
    first, second = halves(results)
    for name in situations:
        for ratio in ratios:
            here = [arm for arm, _ in cheapest(results, name, ratio, first)]
            base = [arm for arm, _ in cheapest(results, BASE, ratio, first) if arm in here]
            here = [arm for arm in here if arm in base]
            if here:
                chosen[name, ratio] = (base[0], here[0])
    p_values: dict[str, float] = {}
    for (name, ratio), (base_arm, here_arm) in chosen.items():
        if base_arm != here_arm:
            told = (
                _cheaper(results, name, here_arm, base_arm, ratio, second),
                _cheaper(results, BASE, base_arm, here_arm, ratio, second),
            )
            p_values[f"{name}/{ratio}"] = max(told)
    adjusted = holm(p_values)
    return {
        (name, ratio): Turn(
            base_arm,
            here_arm,
            False if base_arm == here_arm else (adjusted[f"{name}/{ratio}"] < _ERROR or None),
        )
        for (name, ratio), (base_arm, here_arm) in chosen.items()
    }


def _cheaper(
    results: Results[MergeRow],
    situation: str,
    less: str,
    more: str,
    ratio: float,
    seeds: Collection[int],
) -> float:
    """The p-value of one design being cheaper than another, paired by seed; 1 if it is not, or nobody can tell."""
    cheap, dear = (_costs(results, situation, arm, ratio, seeds) for arm in (less, more))
    both = sorted(cheap.keys() & dear.keys())
    if not both:
        return 1.0
    firsts, seconds = [dear[seed] for seed in both], [cheap[seed] for seed in both]
    found = paired_p_value(firsts, seconds)
    return 1.0 if found is None or paired_difference(firsts, seconds).estimate <= 0 else found


# -- the frontier --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a design stands in a situation: means over runs.

    Attributes:
        served: Share of the commands in the cut.
        owed: Of 1,000 acknowledged, over the run.
        p99_ms: Without a fault; the deadline where more than one in a hundred got no answer.
    """

    served: float
    owed: float
    p99_ms: float

    def beats(self, other: Standing) -> bool:
        """Whether it is nowhere worse and somewhere better, by more than the eye could tell."""
        better = (
            self.served - other.served > _EQUAL[0],
            other.owed - self.owed > _EQUAL[1],
            other.p99_ms > self.p99_ms * _EQUAL[2],
        )
        worse = (
            other.served - self.served > _EQUAL[0],
            self.owed - other.owed > _EQUAL[1],
            self.p99_ms > other.p99_ms * _EQUAL[2],
        )
        return any(better) and not any(worse)


def standing(rows: Sequence[MergeRow], calm: Sequence[MergeRow]) -> Standing | None:
    """Where the design of these runs stands; None without runs in a cut, or without their controls."""
    served = [row.availability_cut for row in rows if row.availability_cut is not None]
    p99 = [row.latency_calm_p99_ms for row in calm if row.latency_calm_p99_ms is not None]
    if not served or not p99:
        return None
    return Standing(
        served=fmean(served),
        owed=fmean([1000 * owed(row) / max(1, row.acknowledged) for row in rows]),
        p99_ms=min(fmean(p99), DEADLINE_MS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The designs of a situation that no other beats.

    Attributes:
        chosen: Their names, chosen on the first half of the seeds.
        shown: By design, where it stands on the other half (on all seeds if there is one).
        seeds: How many seeds chose.
    """

    chosen: tuple[str, ...]
    shown: Mapping[str, Standing]
    seeds: int


def frontier(results: Results[MergeRow], situation: str) -> Frontier:
    """Choose on one half of the seeds and look at the other."""
    first, second = halves(results)
    choosing = _standings(results, situation, first)
    chosen = tuple(
        arm for arm, one in choosing.items() if not any(two.beats(one) for two in choosing.values() if two is not one)
    )
    return Frontier(chosen=chosen, shown=_standings(results, situation, second), seeds=len(first))


def _standings(results: Results[MergeRow], situation: str, seeds: Sequence[int]) -> dict[str, Standing]:
    control = SITUATIONS[situation].control
    found = {}
    for arm in RANKED:
        rows, calm = ([row for row in results.at(name, arm) if row.seed in seeds] for name in (situation, control))
        one = standing(rows, calm)
        if one is not None:
            found[arm] = one
    return found
