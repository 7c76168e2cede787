"""Who errs more than the average of heartbeats, where, and by how much: ratios of mistakes, paired by seed.

A ratio is a difference of logarithms, with half a mistake added to either count, so that none against none is 1 and no
count is without logarithm: what is rare looks nearer to 1 than it is. All comparisons are one family (Holm). Who wins
is chosen on one half of the seeds and told by the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, fsum, log
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.detection.changing import NETWORKS
from experiments.detection.contest.contenders import CONTENDERS, REFERENCE
from experiments.detection.contest.runs import ContestRow
from experiments.results import Results
from experiments.statistics import Interval, Tested, holm, paired_test

__all__ = ["EQUAL", "Standing", "Winner", "pooled", "standings", "winners"]

#: At which equal detection time, by metric.
EQUAL: Final[Mapping[str, str]] = MappingProxyType(
    {"mean_2s_mistakes": "mean of 2 s", "tail_4s_mistakes": "quantile 99.9 % of 4 s"}
)

_HALF: Final = 0.5
#: Variance of what is known to half a unit (Sheppard).
_ROUNDING: Final = 1 / 12


class Standing(NamedTuple):
    """One detector against the reference in one network.

    Attributes:
        network: Where.
        arm: Who.
        metric: At which equal detection time.
        ratio: Of mistakes, by the reference's, with its 95 % interval.
        adjusted: p-value that it is 1, within the family; None if too few runs tell.
    """

    network: str
    arm: str
    metric: str
    ratio: Interval
    adjusted: float | None


class _Log(NamedTuple):
    """The logarithm of a ratio of counts, and the variance that it has at least: a count is known to half a unit."""

    ratio: float
    least_variance: float


class Winner(NamedTuple):
    """Who erred least in one network on one half of the seeds, and its ratio to the reference on the other."""

    network: str
    metric: str
    arm: str
    ratio: Interval | None


def standings(results: Results[ContestRow]) -> list[Standing]:
    """Every detector against the reference, by network; those without a point at that detection time are left out."""
    found: list[Standing] = []
    p_values: dict[str, float] = {}
    for metric in EQUAL:
        for network in NETWORKS:
            for contender in CONTENDERS:
                logs = _logs(results, network, contender.name, metric)
                if contender.name == REFERENCE or not logs:
                    continue
                tested = _tested(logs)
                found.append(Standing(network, contender.name, metric, _ratio(tested.interval), None))
                if tested.p_value is not None:
                    p_values[_name(found[-1])] = tested.p_value
    adjusted = holm(p_values)
    return [one._replace(adjusted=adjusted.get(_name(one))) for one in found]


def winners(results: Results[ContestRow]) -> list[Winner]:
    """By network and metric; the first in the order of tables where several are equal."""
    seeds = results.seeds
    chosen, told = set(seeds[::2]), set(seeds[1::2])
    found = []
    for metric in EQUAL:
        for network in NETWORKS:
            totals = {}
            for contender in CONTENDERS:
                counts = _counts(results, network, contender.name, metric)
                if counts and counts.keys() >= chosen:
                    totals[contender.name] = sum(counts[seed] for seed in chosen)
            if not totals:
                continue
            # The reference stays where nobody is better.
            arm = min(totals, key=lambda name: (totals[name], name != REFERENCE))
            logs = _logs(results, network, arm, metric, told)
            ratio = _ratio(_tested(logs).interval) if logs else None
            found.append(Winner(network, metric, arm, ratio))
    return found


def pooled(results: Results[ContestRow], network: str, arm: str, metric: str) -> int | None:
    """Mistakes of all runs together; None where some run has no such point."""
    values = _counts(results, network, arm, metric)
    return sum(values.values()) if len(values) == len(results.at(network, arm)) and values else None


def _counts(results: Results[ContestRow], network: str, arm: str, metric: str) -> dict[int, int]:
    rows = results.at(network, arm)
    return {row.seed: value for row in rows if (value := getattr(row, metric)) is not None}


def _logs(
    results: Results[ContestRow], network: str, arm: str, metric: str, seeds: set[int] | None = None
) -> list[_Log]:
    mine, others = (_counts(results, network, name, metric) for name in (arm, REFERENCE))
    both = [seed for seed in sorted(mine.keys() & others.keys()) if seeds is None or seed in seeds]
    return [_log(mine[seed], others[seed]) for seed in both]


def _log(mine: int, others: int) -> _Log:
    a, b = mine + _HALF, others + _HALF
    return _Log(log(a / b), _ROUNDING * (1 / (a * a) + 1 / (b * b)))


def _tested(logs: Sequence[_Log]) -> Tested:
    least = fsum(one.least_variance for one in logs) / len(logs)
    return paired_test([one.ratio for one in logs], [0.0] * len(logs), least_variance=least)


def _ratio(interval: Interval) -> Interval:
    low, high = interval.low, interval.high
    return replace(
        interval,
        estimate=exp(interval.estimate),
        low=None if low is None else exp(min(low, 700.0)),
        high=None if high is None else exp(min(high, 700.0)),
    )


def _name(one: Standing) -> str:
    return f"{one.metric}/{one.network}/{one.arm}"
