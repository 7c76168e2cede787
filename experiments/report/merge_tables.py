"""The tables of `merge-domains`, measures down and designs across, so that a reader compares designs within a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from math import isinf
from typing import TYPE_CHECKING, Final, TypeAlias

from experiments.merging import ARMS, SITUATIONS, MergeRow
from experiments.merging.intervals import median_interval
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import Interval, format_interval, format_quantile, t_interval, zero_count_bound

if TYPE_CHECKING:
    from experiments.report import Page

__all__ = ["agreement", "cost", "service", "situation_tables", "times", "truth"]

Rows: TypeAlias = Sequence[MergeRow]
Measure: TypeAlias = tuple[str, Callable[[Rows], str]]
#: Where a workload has no such thing at all.
_NONE: Final = "-"


def situation_tables(page: Page, results: Results[MergeRow], name: str) -> None:
    """Everything that was measured in a situation."""
    cut = not SITUATIONS[name].calm
    _table(page, results, name, "Service", service(cut=cut))
    _table(page, results, name, "What became of a yes, and of the invariant", truth(cut=cut))
    _table(page, results, name, "Agreement", agreement(cut=cut))
    _table(page, results, name, "What it costs", cost())


def service(*, cut: bool) -> list[Measure]:
    """Who was served, and how fast."""
    late = partial(_late, load("isolate_region").workload.deadline_us / 1000)
    measures: list[Measure] = [("available over the run", _share("availability_all"))]
    if cut:
        measures += [
            ("available in the cut", _share("availability_cut")),
            ("on the cut-off side", _share("availability_cutoff")),
            ("on the other side", _share("availability_rest")),
            ("commands that compete", _share("availability_competing")),
            ("commands that are harmless", _share("availability_harmless")),
            ("kept yeses a second in the cut", _mean("goodput_cut_per_s", ".2f")),
        ]
    measures += [("kept yeses a second", _mean("goodput_per_s", ".2f"))]
    when = " before the cut" if cut else ""
    measures += [
        (f"p{level}{when}", late(f"latency_calm_p{level.replace('.', '')}_ms")) for level in ("50", "99", "99.9")
    ]
    if cut:
        measures += [
            (f"p{level} {title}", late(f"latency_{side}_p{level.replace('.', '')}_ms"))
            for side, title in (("cutoff", "cut-off side"), ("rest", "other side"))
            for level in ("50", "99", "99.9")
        ]
    return measures


def truth(*, cut: bool) -> list[Measure]:
    """What became of acknowledged commands, and how invariants fared."""
    measures: list[Measure] = [
        ("acknowledged", _mean("acknowledged", ".0f")),
        ("lost", _count("lost")),
        ("waiting for a person at the end (set aside)", _count("set_aside")),
        ("lost updates", _count("superseded")),
        ("taken back, and told", _count("compensated")),
        ("happened twice", _count("duplicates")),
        ("regret: reversed later, of 1,000 acknowledged", _regret),
        ("conflicts left to a person", _count("conflicts_opened")),
        ("denied on a stale state", _count("denied_without_cause")),
        ("invariant broken, times", _count("violations")),
        ("deepest", _mean("violation_depth", ".0f")),
        ("aggregate-seconds broken", _mean("violation_s", ".0f")),
        ("still broken at the end", _count("violations_open")),
        ("compensations", _count("compensations")),
        ("from the yes to its compensation, median", _seconds("compensation_p50_s")),
        ("the slowest", _seconds("compensation_max_s")),
        ("compensations owed and not made", _count("compensation_failures")),
        ("events handled again (rework)", _count("rework")),
    ]
    if cut:
        measures += [
            ("regret, cut-off side", _count("regret_cutoff")),
            ("regret, other side", _count("regret_rest")),
            ("invariant broken by the cut-off side", _count("violations_cutoff")),
            ("invariant broken by the other side", _count("violations_rest")),
        ]
    return measures


def agreement(*, cut: bool) -> list[Measure]:
    """When it was final, and what was decided on less."""
    measures: list[Measure] = [
        ("decided on a stale state", _count("stale_decisions")),
        ("p99 of how stale", _mean("staleness_p99_s", ".2f", "s")),
        ("own write gone (session violations)", _count("session_violations")),
        ("waited for rights", _count("waited_for_rights")),
        ("rights that the cut stranded, and others asked for", _count("stranded_rights")),
        ("largest share of the rights in one region", _mean("rights_idle_share", ".2f")),
        ("largest backlog, events", _mean("backlog_peak", ".0f")),
        ("events unstable at the end", _count("unstable_censored")),
    ]
    if not cut:
        return [
            ("from a yes to stable everywhere, p50", _seconds("lag_p50_s")),
            ("p99", _seconds("lag_p99_s")),
            *measures,
        ]
    return [
        ("stable everywhere after the heal", lambda rows: times([row.stable_after_heal_s for row in rows])),
        ("backlog back at its p99 before the cut", lambda rows: times([row.drained_after_heal_s for row in rows])),
        ("degraded seconds a second of cut", lambda rows: times([row.degraded_per_cut for row in rows], "")),
        ("from a yes after the heal to stable everywhere, p50", _seconds("lag_healed_p50_s")),
        ("p99", _seconds("lag_healed_p99_s")),
        *measures,
    ]


def cost() -> list[Measure]:
    """What a design spends."""
    return [
        ("bytes between regions a command", _mean("wan_bytes_per_command", ",.0f")),
        ("bytes on disks a byte of event", _mean("storage_amplification", ".1f")),
        ("utilisation of servers, mean", _mean("utilisation_mean", ".4f")),
        ("busiest server", _mean("utilisation_max", ".4f")),
    ]


def _table(page: Page, results: Results[MergeRow], name: str, caption: str, measures: Iterable[Measure]) -> None:
    shown = [(arm, results.at(name, arm.name)) for arm in ARMS if results.at(name, arm.name)]
    header = ["", *(arm.label if arm.ranked else f"{arm.label} (not ranked)" for arm, _ in shown)]
    # An interval stays on one line: a column of halves cannot be compared.
    lines = [[title, *(cell(rows).replace(", ", ",\u00a0") for _, rows in shown)] for title, cell in measures]
    page.table(header, [line for line in lines if set(line[1:]) != {_NONE}], caption=caption)


# -- cells ---------------------------------------------------------------------------------


def times(values: Sequence[float | None], unit: str = "s") -> str:
    """A mean time; where it did not come before the end of a run, in how many runs."""
    known = [value for value in values if value is not None]
    never = sum(isinf(value) for value in known)
    if never:
        return f"not by the end of the run ({never} of {len(known)})"
    return format_interval(_at_least_zero(t_interval(known)), ".1f", unit) if known else _NONE


def _mean(metric: str, spec: str, unit: str = "") -> Callable[[Rows], str]:
    def cell(rows: Rows) -> str:
        values = [getattr(row, metric) for row in rows]
        known = [value for value in values if value is not None]
        return format_interval(_at_least_zero(t_interval(known)), spec, unit) if len(known) == len(values) else _NONE

    return cell


def _seconds(metric: str) -> Callable[[Rows], str]:
    return lambda rows: times([getattr(row, metric) for row in rows])


def _share(metric: str) -> Callable[[Rows], str]:
    """A mean share; Student's interval knows nothing of its bounds, so it is cut off at 0 and 1."""

    def cell(rows: Rows) -> str:
        values = [getattr(row, metric) for row in rows]
        if any(value is None for value in values):
            return _NONE
        found = t_interval(values)
        if found.low is not None and found.high is not None:
            found = replace(found, low=max(0.0, found.low), high=min(1.0, found.high))
        return format_interval(found, ".3f")

    return cell


def _count(metric: str) -> Callable[[Rows], str]:
    """A mean count a run; where it was never seen, in how many runs at most it can be."""

    def cell(rows: Rows) -> str:
        values = [getattr(row, metric) for row in rows]
        if any(value is None for value in values):
            return _NONE
        if not any(values):
            return f"0 (at most {100 * zero_count_bound(len(values)):.2g} % of runs)"
        return format_interval(_at_least_zero(t_interval(values)), ".1f")

    return cell


def _regret(rows: Rows) -> str:
    return format_interval(_at_least_zero(t_interval([1e3 * row.regret_share for row in rows])), ".2f")


def _at_least_zero(found: Interval) -> Interval:
    """Student's interval knows no bounds; what is counted has one."""
    return found if found.low is None else replace(found, low=max(0.0, found.low))


def _late(deadline_ms: float, metric: str) -> Callable[[Rows], str]:
    return lambda rows: _latency([getattr(row, metric) for row in rows], deadline_ms)


def _latency(values: Sequence[float | None], deadline_ms: float) -> str:
    """The middle run's quantile (of an even number the faster), between two runs that enclose it with 95 %.

    A mean has no place where a run is infinite. Runs with too few commands have none; it says of how many it is.
    """
    known = [value for value in values if value is not None]
    if not known:
        return _NONE
    found = median_interval(known)
    told = format_quantile(found.estimate, deadline_ms)
    if found.low is not None and found.high is not None:
        low, high = (format_quantile(end, deadline_ms, unit="").strip() for end in (found.low, found.high))
        told += f" [{low}, {high}]"
    return told if len(known) == len(values) else f"{told} ({len(known)} of {len(values)} runs)"
