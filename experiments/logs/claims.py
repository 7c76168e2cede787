"""What each log policy promises, held against the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.experiment import Finding
from experiments.logs.arms import (
    AGE_H,
    ARMS,
    AWAY,
    BOUNDED,
    CALM,
    EVERY,
    MONTH,
    RETAIN_EVENTS,
    RETAIN_H,
    START_MS,
    LogRow,
)
from experiments.results import Results
from experiments.scenario import Scenario, load
from experiments.statistics import format_interval, paired_difference, t_interval

__all__ = ["check", "log_bound"]


def log_bound(arm: str, scenario: Scenario) -> int:
    """The entries that a policy which bounds the log may keep: two segments, and what it keeps by intent.

    One segment is not full, and one may have become so since the last look. What comes in a stretch of time is
    taken with a fifth more, which the load does not reach but once in a blue moon.
    """
    segment = int(scenario.system.options["segment"])
    by_hour = scenario.workload.rate_per_s * 3_600 * 1.2
    kept = {"age": AGE_H * by_hour, "retain-time": RETAIN_H * by_hour, "retain-events": RETAIN_EVENTS}
    return round(2 * segment + kept.get(arm, 0))


def check(results: Results[LogRow]) -> list[Finding]:
    """Hold the claims against the rows."""
    found = [_nothing_lost(results), _conserved(results), _archive_whole(results)]
    if results.at(MONTH, "keep"):
        found += [_pinned(results), *(_bounded(results, arm) for arm in BOUNDED)]
        found += [_linear(results), _flat(results), _loads(results), _larger(results), _denials(results)]
    if results.at(AWAY, "sweep"):
        found += [_held_for_follower(results), _handed_over(results)]
    return found


def _all(claim: str, rows: Sequence[LogRow], holds: Callable[[LogRow], bool], detail: str) -> Finding:
    """A claim that every run must bear out."""
    failing = [row.key for row in rows if not holds(row)]
    if failing:
        detail += f"; not in {len(failing)} of {len(rows)} runs, the first {failing[0]}"
    return Finding(claim=claim, holds=not failing if rows else None, detail=detail)


def _nothing_lost(results: Results[LogRow]) -> Finding:
    rows = results.rows
    return _all(
        "No policy loses what was acknowledged, through four losses of power or a week's absence",
        rows,
        lambda row: not row.accounts_wrong,
        f"{sum(row.acknowledged for row in rows):,} acknowledged commands in {len(rows)} runs, "
        f"{sum(row.in_doubt for row in rows)} in doubt; balances of all accounts are what their clients were told",
    )


def _conserved(results: Results[LogRow]) -> Finding:
    """The log against what clients recorded: that it is what it kept and dropped says nothing, both being its own."""
    stores = {arm.name for arm in ARMS if arm.system.get("store_denials", True)}
    rows = [row for row in results.rows if row.arm in stores]
    return _all(
        "Where denials are stored, exactly one entry was appended for each acknowledged command, and at most one for "
        "each in doubt",
        rows,
        lambda row: row.acknowledged <= row.appended <= row.acknowledged + row.in_doubt,
        f"{sum(row.appended for row in rows):,} appended for {sum(row.acknowledged for row in rows):,} acknowledged "
        f"and {sum(row.in_doubt for row in rows):,} in doubt; {sum(row.dropped for row in rows):,} were dropped since",
    )


def _archive_whole(results: Results[LogRow]) -> Finding:
    rows = [row for row in results.rows if row.arm == "archive"]

    def away(row: LogRow) -> bool:
        return row.scenario == AWAY

    wrong = next((f"; {row.key}: {row.whole}" for row in rows if row.whole), "")
    return _all(
        "The archive has exactly what was dropped, once, and each stream's hash chain is whole across its border",
        rows,
        # Followers hand over what they drop, too, and may be ahead of their leader by a segment.
        lambda row: not row.whole and row.archived >= row.dropped > 0 and (row.archived == row.dropped or away(row)),
        f"{sum(row.archived for row in rows):,} archived, {sum(row.kept for row in rows):,} kept of "
        f"{sum(row.appended for row in rows):,} appended in {len(rows)} runs{wrong}",
    )


def _pinned(results: Results[LogRow]) -> Finding:
    rows = results.at(MONTH, "cut")
    interval = t_interval([100 * row.kept / row.appended for row in rows])
    return _all(
        f"Cut behind snapshots of every {EVERY} events alone, the log grows: the tail holds on to its oldest segments",
        rows,
        lambda row: row.kept > 0.75 * row.appended,
        f"{format_interval(interval, '.1f', '%')} of all entries are still kept after the month",
    )


def _bounded(results: Results[LogRow], arm: str) -> Finding:
    rows = [row for scenario in (CALM, MONTH) for row in results.at(scenario, arm)]
    bound = log_bound(arm, load(MONTH))
    most = max((row.kept_most for row in rows), default=0)
    return _all(
        f"{_label(arm)}: the log never keeps more than {bound:,} entries",
        rows,
        lambda row: row.kept_most <= bound,
        f"at most {most:,} at any look in {len(rows)} runs",
    )


def _linear(results: Results[LogRow]) -> Finding:
    rows = results.at(MONTH, "keep")
    ratio = t_interval([_growth(row) for row in rows])
    return _all(
        "Without snapshots recovery takes longer each week, in proportion to all that was ever written",
        rows,
        lambda row: 3.5 < _growth(row) < 4.5,
        f"the fourth takes {format_interval(ratio, '.2f')} times as long as the first",
    )


def _growth(row: LogRow) -> float:
    assert row.recovery_week_1_ms is not None is not row.recovery_week_4_ms
    return row.recovery_week_4_ms / row.recovery_week_1_ms


def _flat(results: Results[LogRow]) -> Finding:
    swept, kept = results.at(MONTH, "sweep"), results.at(MONTH, "keep")
    options = load(MONTH).system.options
    bound_ms = 2 * int(options["segment"]) * int(options["replay_us"]) / 1_000 + START_MS
    weeks = [ms for row in swept for ms in _weeks(row)]
    more = paired_difference([_weeks(row)[-1] / 1_000 for row in kept], [_weeks(row)[-1] / 1_000 for row in swept])
    return _all(
        f"With a sweep no recovery replays more than two segments: at most {bound_ms:,.0f} ms, in whichever week",
        swept,
        lambda row: max(_weeks(row)) <= bound_ms,
        f"at most {max(weeks, default=0):,.0f} ms; in the fourth week keeping everything takes "
        f"{format_interval(more, '.1f', 's')} more, paired",
    )


def _weeks(row: LogRow) -> list[float]:
    weeks = (row.recovery_week_1_ms, row.recovery_week_2_ms, row.recovery_week_3_ms, row.recovery_week_4_ms)
    return [ms for ms in weeks if ms is not None]


def _loads(results: Results[LogRow]) -> Finding:
    rows = [row for arm in ("snapshots", *BOUNDED) for row in results.at(MONTH, arm)]
    bound_ms = EVERY * int(load(MONTH).system.options["replay_us"]) / 1_000 * 1.1
    keep = t_interval([row.load_busy_ms for row in results.at(MONTH, "keep")])
    return _all(
        f"With a snapshot every {EVERY} events no load replays more than a tenth above that: {bound_ms:,.0f} ms",
        rows,
        lambda row: max(row.load_busy_ms, row.load_tail_ms) <= bound_ms,
        f"at most {max((max(r.load_busy_ms, r.load_tail_ms) for r in rows), default=0):,.0f} ms at the end of the "
        f"month, where without one the busy aggregate takes {format_interval(keep, ',.0f', 'ms')}",
    )


def _larger(results: Results[LogRow]) -> Finding:
    pairs = results.pairs(MONTH, "snapshots", "keep")
    if not pairs:
        return Finding(claim="Snapshots alone take storage and free none", holds=None, detail="no runs to compare")
    more = paired_difference([a.live_bytes for a, _ in pairs], [b.live_bytes for _, b in pairs])
    return Finding(
        claim="Snapshots alone take storage and free none",
        holds=all(a.live_bytes > b.live_bytes for a, b in pairs),
        detail=f"{format_interval(more, ',.0f')} bytes more than keeping everything, paired",
    )


def _denials(results: Results[LogRow]) -> Finding:
    pairs = results.pairs(MONTH, "no-denials", "sweep")
    if not pairs:
        return Finding(claim="Denials that are not stored save entries", holds=None, detail="no runs to compare")
    shares = t_interval([100 * (1 - a.appended / b.appended) for a, b in pairs])
    return Finding(
        claim="Denials that are not stored save entries",
        holds=all(a.appended < b.appended for a, b in pairs),
        detail=f"{format_interval(shares, '.1f', '%')} of all entries, paired",
    )


def _held_for_follower(results: Results[LogRow]) -> Finding:
    rows = results.at(AWAY, "sweep")
    bound = log_bound("sweep", load(AWAY))
    patience = int(load(AWAY).system.options["peer_patience"])
    most = t_interval([row.kept_most for row in rows])
    return _all(
        f"For a follower that is away the log is kept beyond its own bound, and no further than {patience:,} entries "
        "and two segments",
        rows,
        lambda row: bound < row.kept_most <= patience + bound,
        f"at most {format_interval(most, ',.0f')} entries, where its own bound is {bound:,}",
    )


def _handed_over(results: Results[LogRow]) -> Finding:
    rows = [row for arm in BOUNDED for row in results.at(AWAY, arm) if arm not in ("retain-time", "retain-events")]
    return _all(
        "A follower that was away for longer is handed what the log came to, and has everything at the end",
        rows,
        lambda row: row.installs > 0 and row.follower_lacks == 0,
        f"{sum(row.installs for row in rows)} handed over in {len(rows)} runs",
    )


def _label(arm: str) -> str:
    return next(one.label for one in ARMS if one.name == arm)
