"""What a design costs: without faults by the hour, by the cut, by the outage and by the year.

Two things are counted, both in commands. *Unserved*: not accepted, nor justly denied. *Owed*: told yes, and
somebody has to be called all the same: taken back, made good, overwritten, set aside or lost. What an owed command
costs beside an unserved one is the reader's to say; `break_even` says from which ratio on one design is dearer.

What a *cut* adds is the run with it less its control, so that what conflicts cost on a calm day counts once beside the
price of the hour. Such a difference may be negative and ranks nothing. Designs are ranked by what all of an *outage*
costs, the cut and the calm before and after it: that leaves nothing out that is owed when all is calm, and so is never
below 0. The *year*, its hours and its cuts, ranks nothing either: a minute's calm stands for 8,766 hours of it, and
where that was spotless the year may cost nothing or more than all cuts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

from experiments.merging.designs import ARMS
from experiments.merging.intervals import ratio_interval
from experiments.merging.row import MergeRow
from experiments.merging.situations import SITUATIONS
from experiments.results import Results
from experiments.statistics import Interval, t_interval, zero_count_bound

__all__ = [
    "CUTS_A_YEAR",
    "DEADLINE_MS",
    "LOAD_PER_S",
    "RANKED",
    "Bill",
    "Price",
    "bills",
    "break_even",
    "owed",
    "price",
    "unserved",
]

#: Prices are of so many commands a second, and of so many cuts like the situation's in a year.
LOAD_PER_S: Final = 10
CUTS_A_YEAR: Final = 12
#: Of a client, after which it has given up.
DEADLINE_MS: Final = 2_000.0
_HOURS: Final = 8766
RANKED: Final = tuple(arm.name for arm in ARMS if arm.ranked)


def owed(row: MergeRow) -> int:
    """Commands that were told yes and for which somebody is owed something."""
    return row.lost + row.set_aside + row.superseded + max(row.compensated, row.compensations)


def unserved(row: MergeRow) -> float:
    """Commands that got no service, of all that were measured."""
    return (1 - row.availability_all) * row.commands


class Bill(NamedTuple):
    """Commands unserved and owed under one seed, at `LOAD_PER_S`.

    Attributes:
        unserved_hour: Without a fault, in an hour.
        owed_hour: The same.
        unserved_cut: What one cut adds; it may be negative.
        owed_cut: The same.
        unserved_outage: In all of the run with the cut.
        owed_outage: The same.
    """

    unserved_hour: float
    owed_hour: float
    unserved_cut: float
    owed_cut: float
    unserved_outage: float
    owed_outage: float

    @property
    def unserved_year(self) -> float:
        """In a year with `CUTS_A_YEAR`."""
        return max(0.0, _HOURS * self.unserved_hour + CUTS_A_YEAR * self.unserved_cut)

    @property
    def owed_year(self) -> float:
        """The same."""
        return max(0.0, _HOURS * self.owed_hour + CUTS_A_YEAR * self.owed_cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a design costs at `LOAD_PER_S` in one situation, in commands; means over runs with 95 % intervals.

    Where nothing of a kind was seen in any run, the upper end says what may have been missed: at most so large a part
    of runs has any (exact, 95 %), one command in each that has.

    Attributes:
        unserved_hour: Without a fault, in an hour.
        owed_hour: The same.
        unserved_cut: What one cut adds.
        owed_cut: The same.
        unserved_year: Hours and `CUTS_A_YEAR` together.
        owed_year: The same.
        wan_mb_hour: Megabytes between regions, without a fault, in an hour.
        latency_p50_ms: Without a fault.
        latency_p99_ms: Without a fault; None where runs have too few commands.
        bills: By seed.
    """

    unserved_hour: Interval
    owed_hour: Interval
    unserved_cut: Interval
    owed_cut: Interval
    unserved_year: Interval
    owed_year: Interval
    wan_mb_hour: float
    latency_p50_ms: float
    latency_p99_ms: float | None
    bills: Mapping[int, Bill]


def bills(
    results: Results[MergeRow], situation: str, arm: str, seeds: Collection[int] | None = None
) -> dict[int, Bill]:
    """By seed, what a run and its control come to; seeds that have both, of those given."""
    one = SITUATIONS[situation]
    calm = {row.seed: row for row in results.at(one.control, arm)}
    to_load = LOAD_PER_S / one.rate_per_s
    found = {}
    for row in results.at(situation, arm):
        control = calm.get(row.seed)
        if control is None or (seeds is not None and row.seed not in seeds):
            continue
        hour = LOAD_PER_S * 3600 / max(1, control.commands)
        found[row.seed] = Bill(
            unserved_hour=hour * unserved(control),
            owed_hour=hour * owed(control),
            unserved_cut=to_load * (unserved(row) - _like(control, row, unserved(control))),
            owed_cut=to_load * (owed(row) - _like(control, row, owed(control))),
            unserved_outage=to_load * unserved(row),
            owed_outage=to_load * owed(row),
        )
    return found


def price(results: Results[MergeRow], situation: str, arm: str, seeds: Collection[int] | None = None) -> Price | None:
    """The price of a design; None where it, or its control, was not run."""
    found = bills(results, situation, arm, seeds)
    if not found:
        return None
    controls = [row for row in results.at(SITUATIONS[situation].control, arm) if row.seed in found]
    runs_an_hour = LOAD_PER_S * 3600 / max(1, min(row.commands for row in controls))
    each = list(found.values())
    p99 = [row.latency_calm_p99_ms for row in controls if row.latency_calm_p99_ms is not None]
    unserved_hour = _counted([bill.unserved_hour for bill in each], runs_an_hour)
    owed_hour = _counted([bill.owed_hour for bill in each], runs_an_hour)
    unserved_cut = _counted([bill.unserved_cut for bill in each])
    owed_cut = _counted([bill.owed_cut for bill in each])
    return Price(
        unserved_hour=unserved_hour,
        owed_hour=owed_hour,
        unserved_cut=unserved_cut,
        owed_cut=owed_cut,
        unserved_year=_year([bill.unserved_year for bill in each], unserved_hour, unserved_cut),
        owed_year=_year([bill.owed_year for bill in each], owed_hour, owed_cut),
        wan_mb_hour=_mean([row.wan_bytes_per_command for row in controls]) * LOAD_PER_S * 3600 / 1e6,
        latency_p50_ms=_mean([row.latency_calm_p50_ms for row in controls]),
        latency_p99_ms=_mean(p99) if p99 else None,
        bills=found,
    )


def _like(control: MergeRow, row: MergeRow, value: float) -> float:
    """What a control comes to over as many commands as another run had."""
    return value * row.commands / max(1, control.commands)


def _counted(values: Sequence[float], runs: float = 1.0) -> Interval:
    """A mean; where nothing was seen at all, up to what may have been missed in so many runs."""
    if any(values):
        found = t_interval(values)
        if found.low is None or min(values) < 0:
            return found
        return replace(found, low=max(0.0, found.low))  # Student's interval knows no bounds; what is counted has one
    return Interval(estimate=0.0, low=0.0, high=runs * zero_count_bound(len(values)), n=len(values))


def _year(values: Sequence[float], hour: Interval, cut: Interval) -> Interval:
    """A mean; what was never seen by the hour, or never by the cut, may have been missed and is added to its end."""
    found = t_interval(values)
    missed = sum(
        times * (part.high or 0.0) for times, part in ((_HOURS, hour), (CUTS_A_YEAR, cut)) if part.estimate == 0
    )
    if found.low is None or found.high is None:
        return replace(found, low=0.0, high=missed) if not any(values) else found
    return replace(found, low=max(0.0, found.low), high=found.high + missed)


def break_even(free: Price, safe: Price) -> Interval | None:
    """How many unserved commands an owed one may cost at most for the first design to have the cheaper outage.

    Infinite where it owes no more; None where it surely does not serve more. The interval is of runs that share a seed:
    an end at 0 says that it may not win at all, an infinite one that no ratio, however large, can be ruled out.
    """
    seeds = sorted(free.bills.keys() & safe.bills.keys())
    if not seeds:
        return None
    pairs = [(free.bills[seed], safe.bills[seed]) for seed in seeds]
    served = [other.unserved_outage - own.unserved_outage for own, other in pairs]
    more = [own.owed_outage - other.owed_outage for own, other in pairs]
    gain = t_interval(served)
    if gain.estimate <= 0 and (gain.high is None or gain.high <= 0):
        return None
    if not any(more):
        low = None if gain.low is None else (inf if gain.low > 0 else 0.0)
        return Interval(estimate=inf if gain.estimate > 0 else 0.0, low=low, high=inf, n=len(pairs))
    found = ratio_interval(served, more)
    if gain.estimate <= 0:
        return replace(found, estimate=0.0, low=0.0)
    if _mean(more) > 0:
        return found
    # It surely owes less where no ratio above 0 may be the break-even: then any is below it.
    return replace(found, estimate=inf, low=inf if found.high == 0 else found.low, high=inf)


def _mean(values: Sequence[float]) -> float:
    return t_interval(values).estimate
