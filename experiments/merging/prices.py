"""What a design costs: without faults by the hour, by the cut, and by the year; and which designs nothing beats.

Two things are counted, both in commands. *Unserved*: not accepted, nor justly denied. *Owed*: told yes, and
somebody has to be called all the same: taken back, made good, overwritten, set aside or lost. What an owed command
costs beside an unserved one is the reader's to say; `break_even` says from which ratio on one design is dearer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from experiments.merging.designs import ARMS
from experiments.merging.row import MergeRow
from experiments.merging.situations import SITUATIONS
from experiments.results import Results
from experiments.statistics import Interval, paired_difference, t_interval

__all__ = [
    "CUTS_A_YEAR",
    "DEADLINE_MS",
    "LOAD_PER_S",
    "RANKED",
    "Frontier",
    "Price",
    "Standing",
    "break_even",
    "cheapest",
    "frontier",
    "owed",
    "price",
    "standing",
    "unserved",
]

#: Prices are of so many commands a second, and of so many cuts like the situation's in a year.
LOAD_PER_S: Final = 10
CUTS_A_YEAR: Final = 12
#: Of a client, after which it has given up.
DEADLINE_MS: Final = 2_000.0
_HOURS: Final = 8766
RANKED: Final = tuple(arm.name for arm in ARMS if arm.ranked)
#: Means closer than this count as equal on the frontier: share served, owed per 1,000, and p99 as a ratio.
_EQUAL: Final = (0.005, 0.5, 1.05)


def owed(row: MergeRow) -> int:
    """Commands that were told yes and for which somebody is owed something."""
    return row.lost + row.set_aside + row.superseded + max(row.compensated, row.compensations)


def unserved(row: MergeRow) -> float:
    """Commands that got no service, of all that were measured."""
    return (1 - row.availability_all) * row.commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a design costs at `LOAD_PER_S` in one situation, in commands.

    Attributes:
        unserved_hour: Without a fault, in an hour.
        owed_hour: The same.
        unserved_cut: What one cut adds.
        owed_cut: The same.
        wan_mb_hour: Megabytes between regions, without a fault, in an hour.
        latency_p50_ms: Without a fault.
        latency_p99_ms: Without a fault.
    """

    unserved_hour: float
    owed_hour: float
    unserved_cut: Interval
    owed_cut: Interval
    wan_mb_hour: float
    latency_p50_ms: float
    latency_p99_ms: float

    def a_year(self, cuts: float = CUTS_A_YEAR) -> tuple[float, float]:
        """Unserved and owed in a year with so many cuts."""
        return (
            _HOURS * self.unserved_hour + cuts * self.unserved_cut.estimate,
            _HOURS * self.owed_hour + cuts * self.owed_cut.estimate,
        )


def price(results: Results[MergeRow], situation: str, arm: str) -> Price | None:
    """The price of a design; None where it, or its control, was not run."""
    one = SITUATIONS[situation]
    calm = {row.seed: row for row in results.at(one.control, arm)}
    pairs = [(row, calm[row.seed]) for row in results.at(situation, arm) if row.seed in calm]
    if not pairs:
        return None
    controls = [control for _, control in pairs]
    commands = _mean([row.commands for row in controls])
    hour = LOAD_PER_S * 3600 / commands
    to_load = LOAD_PER_S / one.rate_per_s
    return Price(
        unserved_hour=hour * _mean([unserved(row) for row in controls]),
        owed_hour=hour * _mean([owed(row) for row in controls]),
        unserved_cut=_added(
            [unserved(row) for row, _ in pairs], [_like(c, row, unserved(c)) for row, c in pairs], to_load
        ),
        owed_cut=_added([owed(row) for row, _ in pairs], [_like(c, row, owed(c)) for row, c in pairs], to_load),
        wan_mb_hour=_mean([row.wan_bytes_per_command for row in controls]) * LOAD_PER_S * 3600 / 1e6,
        latency_p50_ms=_mean([row.latency_calm_p50_ms for row in controls]),
        latency_p99_ms=_mean([row.latency_calm_p99_ms for row in controls]),
    )


def _like(control: MergeRow, row: MergeRow, value: float) -> float:
    """What a control comes to over as many commands as another run had."""
    return value * row.commands / max(1, control.commands)


def _added(with_cut: Sequence[float], without: Sequence[float], to_load: float) -> Interval:
    return paired_difference([to_load * value for value in with_cut], [to_load * value for value in without])


def break_even(free: Price, safe: Price) -> float | None:
    """How many unserved commands an owed one may cost at most for the first design to have the cheaper cut.

    Infinite where it owes no more; None where it does not serve more.
    """
    served = safe.unserved_cut.estimate - free.unserved_cut.estimate
    more = free.owed_cut.estimate - safe.owed_cut.estimate
    if served <= 0:
        return None
    return inf if more <= 0 else served / more


def cheapest(results: Results[MergeRow], situation: str, ratio: float) -> list[tuple[str, float]]:
    """Ranked designs of a situation by what a cut costs, the cheapest first; an owed command costs `ratio` unserved."""
    found = []
    for arm in RANKED:
        known = price(results, situation, arm)
        if known is not None:
            found.append((arm, known.unserved_cut.estimate + ratio * known.owed_cut.estimate))
    return sorted(found, key=lambda pair: pair[1])


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
    if not served or not calm:
        return None
    return Standing(
        served=_mean(served),
        owed=_mean([1000 * owed(row) / max(1, row.acknowledged) for row in rows]),
        p99_ms=min(_mean([row.latency_calm_p99_ms for row in calm]), DEADLINE_MS),
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
    seeds = results.seeds
    half = len(seeds) // 2
    first, second = (seeds[:half], seeds[half:]) if half else (seeds, seeds)
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


def _mean(values: Sequence[float]) -> float:
    return t_interval(values).estimate
