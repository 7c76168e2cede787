"""Cells of the tables of `persistence-schemes`: from the runs of one scheme under one failure to what a reader sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isinf

from experiments.schemes import SchemeRow
from experiments.statistics import (
    Interval,
    clopper_pearson,
    format_interval,
    format_quantile,
    t_interval,
)

__all__ = [
    "at_least_zero",
    "bounded",
    "count",
    "events",
    "latency",
    "mean",
    "ms",
    "oldest",
    "runs",
    "times",
    "total",
    "whole",
]


def mean(value: Callable[[SchemeRow], float], spec: str = ".3g") -> Callable[[Sequence[SchemeRow]], str]:
    """A mean a run with its interval."""
    return lambda rows: format_interval(t_interval([value(row) for row in rows]), spec)


def bounded(value: Callable[[SchemeRow], float]) -> Callable[[Sequence[SchemeRow]], str]:
    """A mean share; Student's interval knows nothing of its bounds, so it is cut off at 0 and 1."""

    def cell(rows: Sequence[SchemeRow]) -> str:
        found = at_least_zero(t_interval([value(row) for row in rows]))
        return format_interval(found if found.high is None else replace(found, high=min(1.0, found.high)), ".2f")

    return cell


def count(value: Callable[[SchemeRow], int]) -> Callable[[Sequence[SchemeRow]], str]:
    """A mean count a run; a plain 0 where it was never seen, of which `runs` says how much that means."""

    def cell(rows: Sequence[SchemeRow]) -> str:
        values = [value(row) for row in rows]
        if not any(values):
            return "0"
        return events(t_interval(values))

    return cell


def events(found: Interval) -> str:
    """A mean count, whose interval ends at 0."""
    return format_interval(at_least_zero(found), ".3g")


def ms(found: Interval) -> str:
    """A mean latency."""
    return format_interval(found, ".3g")


def at_least_zero(found: Interval) -> Interval:
    """Student's interval knows no bounds; what is counted has one."""
    return found if found.low is None else replace(found, low=max(0.0, found.low))


def runs(counts: Sequence[int]) -> str:
    """Runs with a loss among all, with the exact interval of their share."""
    hit = sum(count > 0 for count in counts)
    share = clopper_pearson(hit, len(counts))
    return f"{hit} of {len(counts)} [{share.low:.2f}, {share.high:.2f}]"


def oldest(rows: Sequence[SchemeRow]) -> str:
    """The greatest age of what was lost or left behind, ms, over all runs."""
    ages = [row.lost_age_ms for row in rows if row.lost_age_ms is not None]
    return f"{max(ages):.0f}" if ages else "-"


def times(values: Sequence[float]) -> str:
    """A mean time, or that it did not come to pass; infinite in runs that ended first."""
    never = sum(isinf(value) for value in values)
    if never == len(values):
        return "never"
    if never:
        return f"not by the end ({never} of {len(values)} runs)"
    return format_interval(t_interval(values), ".4g")


def latency(values: Sequence[float], deadline_ms: float) -> str:
    """The middle run's quantile (of an even number the faster): a mean has no place where a run is infinite."""
    return format_quantile(sorted(values)[(len(values) - 1) // 2], deadline_ms)


def total(rows: Sequence[SchemeRow], metric: str) -> int:
    """The sum of a metric over runs."""
    return sum(getattr(row, metric) for row in rows)


def whole(cell: str) -> str:
    """Keep it on one line: a column of halves cannot be compared."""
    return cell.replace(" ", "\u00a0")
