"""What do storage, recovery and loading cost over a month of one busy aggregate and a long tail, by log policy?

Claim:     snapshots alone make loading fast and storage larger. Cutting the log behind them frees nothing while a
           seldom written aggregate holds on to the oldest segment; a snapshot of what is old, or of what stands in the
           way, bounds log, recovery and loading by a window that does not grow with the month. Nothing is lost, and
           log and archive are together all that was ever appended. A follower that is away holds the log back until
           its leader's patience ends, and is then handed what the log came to.
Varies:    the policy (ten arms); power lost at the end of each week, a follower away for a week, no fault.
           Held fixed: hosts, scheme (one holder, flushed; with the follower 2 of 3), load, accounts, segment, cache,
           window of commands.
Measures:  bytes kept and written, entries kept, time until the leader serves again after each loss of power, loading
           times, latency, loss; over time, and with 95 % intervals over runs.
Run:       ./lab run log-management [--quick] [--seeds N]
Writes:    reports/log-management/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Better, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.measures.observation import Answer, Outcome, answers_of
from experiments.measures.storage import Meter, archived_bytes, archived_whole, live_state_bytes, unexplained
from experiments.results import Results
from experiments.scenario import Scenario, build, load
from experiments.statistics import format_interval, paired_difference, quantile, t_interval
from models.store.archive import ArchiveService
from models.store.shard import Shard
from models.stores import ARCHIVE, store_name
from sim.topology import at_service
from sim.world import World

__all__ = ["AGE_H", "ARMS", "AWAY", "CALM", "EVERY", "EXPERIMENT", "MONTH", "LogRow", "log_bound"]

EVERY: Final = 200
AGE_H: Final = 72
RETAIN_H: Final = 168
RETAIN_EVENTS: Final = 4_000
_CUT: Final = {"snapshot_every": EVERY, "truncate": True}
_SWEEP: Final = _CUT | {"sweep": True}

ARMS: Final = (
    Arm(name="keep", label="keep everything", system={}),
    Arm(name="snapshots", label=f"snapshot every {EVERY}", system={"snapshot_every": EVERY}),
    Arm(name="load", label="snapshot where a load takes 50 ms", system={"snapshot_load": "50ms"}),
    Arm(name="cut", label=f"cut behind every {EVERY}", system=_CUT),
    Arm(name="age", label=f"cut behind every {EVERY} or {AGE_H} h", system=_CUT | {"snapshot_age": f"{AGE_H}h"}),
    Arm(name="sweep", label="cut with sweep", system=_SWEEP),
    Arm(name="retain-time", label=f"sweep, keep {RETAIN_H // 24} days", system=_SWEEP | {"retain": f"{RETAIN_H}h"}),
    Arm(
        name="retain-events",
        label=f"sweep, keep {RETAIN_EVENTS:,} events",
        system=_SWEEP | {"retain_events": RETAIN_EVENTS},
    ),
    Arm(name="archive", label="sweep into an archive", system=_SWEEP | {"archive": True}),
    Arm(name="no-denials", label="sweep, denials not stored", system=_SWEEP | {"store_denials": False}),
)
CALM: Final = "log_calm"
MONTH: Final = "log_month"
AWAY: Final = "log_away"
#: Those that cut the log by a bound of their own, whatever the tail does.
BOUNDED: Final = ("age", "sweep", "retain-time", "retain-events", "archive", "no-denials")
_HOUR_US: Final = 3_600_000_000
_STEP_US: Final = 12 * _HOUR_US
#: Of a start, what is not replaying: the flushes of recovery.
_START_MS: Final = 100
_LEADER: Final = "us-east-1/c1/h1"
_FOLLOWER: Final = "us-east-1/c1/h3"
_BESIDE: Final = "us-east-1/clients/client1"
_SHARD: Final = store_name("bank-account", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow(Row):
    """One run, as its leader's disk tells it; bytes, and times of the simulated host.

    `whole` is empty, or what is wrong with log and archive taken together; `state_bytes` is one snapshot of every
    aggregate, the least that any policy keeps. `load_...` are what loading would take at the end; `recovery_...` the
    time from a start after a loss of power to the first service, at the end of each week.
    """

    commands: int
    acknowledged: int
    in_doubt: int
    unavailable: int
    accounts_wrong: int
    whole: str
    appended: int
    kept: int
    kept_most: int
    dropped: int
    archived: int
    archive_bytes: int
    log_bytes: int
    snapshot_bytes: int
    window_bytes: int
    live_bytes: int
    live_bytes_most: int
    written_bytes: int
    state_bytes: int
    write_amplification: float
    space_amplification: float
    recovery_week_1_ms: float | None
    recovery_week_2_ms: float | None
    recovery_week_3_ms: float | None
    recovery_week_4_ms: float | None
    load_busy_ms: float
    load_tail_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    installs: int
    follower_lacks: int
    messages: int


BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    dict.fromkeys(
        (
            *("unavailable", "accounts_wrong", "kept", "kept_most", "live_bytes", "live_bytes_most", "written_bytes"),
            *("write_amplification", "space_amplification", "recovery_week_4_ms", "load_busy_ms", "load_tail_ms"),
            *("latency_p50_ms", "latency_p99_ms"),
        ),
        Better.LOWER,
    )
)


# -- one run -------------------------------------------------------------------------------


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run a month under a policy and look at the leader twice a day."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """The row of one run of a scenario, and the looks behind it."""
    world, _ = build(scenario, seed)
    meter = Meter(world, at_service(world.topology.host(_LEADER).location, _SHARD))
    back_us: dict[int, int] = {}
    for fault in scenario.faults:
        if fault.kind == "power-loss":
            assert isinstance(fault.at, int)
            back_us[fault.at] = fault.at + (fault.for_us or 0)
    for t_us in sorted({*range(_STEP_US, scenario.until_us, _STEP_US), *back_us, scenario.until_us}):
        world.run(t_us)
        meter.look(t_us)
        if t_us in back_us:
            meter.started(back_us[t_us])
    world.check_conservation()
    return RunResult(row=_row(world, scenario, meter, cell, seed), series=_series(meter))


def _row(world: World, scenario: Scenario, meter: Meter, cell: Cell, seed: int) -> LogRow:
    leader, follower = (world.service_named(path, _SHARD) for path in (_LEADER, _FOLLOWER))
    assert isinstance(leader, Shard)
    archive = world.service_named(_BESIDE, ARCHIVE) or ArchiveService(leader.ctx)
    answers, last = answers_of(world.history), meter.looks[-1]
    outcomes = Counter(answer.outcome for answer in answers)
    waits_ms = [(a.answered_us - a.invoked_us) / 1_000 for a in answers if a.answered_us is not None]
    recoveries_ms = [us / 1_000 for _, us in meter.recoveries] + [None] * 4
    state_bytes = live_state_bytes(leader)
    return LogRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=world.digest(),
        commands=len(answers),
        acknowledged=outcomes[Outcome.ACCEPTED] + outcomes[Outcome.DENIED],
        in_doubt=outcomes[Outcome.UNANSWERED],
        unavailable=outcomes[Outcome.REFUSED],
        accounts_wrong=len(unexplained(answers, leader.told(), scenario.workload.opening_balance)),
        whole=archived_whole(leader, archive) if cell.arm.system.get("archive") else "",
        appended=last.length,
        kept=last.entries,
        kept_most=max(look.entries for look in meter.looks),
        dropped=leader.journal.base.position,
        archived=sum(map(len, archive.entries.values())),
        archive_bytes=archived_bytes(archive),
        log_bytes=last.log,
        snapshot_bytes=last.snapshots,
        window_bytes=last.window,
        live_bytes=last.live,
        live_bytes_most=max(look.live for look in meter.looks),
        written_bytes=last.appended + last.beside,
        state_bytes=state_bytes,
        write_amplification=(last.appended + last.beside) / last.appended,
        space_amplification=last.live / state_bytes,
        recovery_week_1_ms=recoveries_ms[0],
        recovery_week_2_ms=recoveries_ms[1],
        recovery_week_3_ms=recoveries_ms[2],
        recovery_week_4_ms=recoveries_ms[3],
        load_busy_ms=last.load_busy_us / 1_000,
        load_tail_ms=last.load_tail_us / 1_000,
        latency_p50_ms=_waited(waits_ms, answers, 0.5),
        latency_p99_ms=_waited(waits_ms, answers, 0.99),
        installs=world.network.by_type()["Install"].sent if "Install" in world.network.by_type() else 0,
        follower_lacks=leader.journal.length - follower.journal.length if isinstance(follower, Shard) else 0,
        messages=world.network.totals()["sent"],
    )


def _waited(waits_ms: Sequence[float], answers: Sequence[Answer], level: float) -> float:
    """A quantile of the latency; what was never answered waited for ever."""
    return quantile(waits_ms, level, unanswered=len(answers) - len(waits_ms))


def _series(meter: Meter) -> Mapping[str, list[float | int]]:
    looks = meter.looks
    return {
        "t_h": [look.t_us / _HOUR_US for look in looks],
        "live_bytes": [look.live for look in looks],
        "log_bytes": [look.log for look in looks],
        "snapshot_bytes": [look.snapshots for look in looks],
        "window_bytes": [look.window for look in looks],
        "written_bytes": [look.appended + look.beside for look in looks],
        "kept": [look.entries for look in looks],
        "load_busy_ms": [look.load_busy_us / 1_000 for look in looks],
        "load_tail_ms": [look.load_tail_us / 1_000 for look in looks],
        "recovered_h": [start_us / _HOUR_US for start_us, _ in meter.recoveries],
        "recovery_ms": [took_us / 1_000 for _, took_us in meter.recoveries],
    }


# -- claims --------------------------------------------------------------------------------


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
    rows = results.rows
    return _all(
        "Entries are kept or were dropped: kept + dropped = appended",
        rows,
        lambda row: row.kept + row.dropped == row.appended,
        f"{sum(row.appended for row in rows):,} appended, {sum(row.dropped for row in rows):,} dropped",
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
        f"{EXPERIMENT.arm(arm).label}: the log never keeps more than {bound:,} entries",
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
    bound_ms = 2 * int(options["segment"]) * int(options["replay_us"]) / 1_000 + _START_MS
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
    more = paired_difference([a.live_bytes for a, _ in pairs], [b.live_bytes for _, b in pairs])
    return Finding(
        claim="Snapshots alone take storage and free none",
        holds=all(a.live_bytes > b.live_bytes for a, b in pairs) if pairs else None,
        detail=f"{format_interval(more, ',.0f')} bytes more than keeping everything, paired",
    )


def _denials(results: Results[LogRow]) -> Finding:
    pairs = results.pairs(MONTH, "no-denials", "sweep")
    shares = t_interval([100 * (1 - a.appended / b.appended) for a, b in pairs])
    return Finding(
        claim="Denials that are not stored save entries",
        holds=all(a.appended < b.appended for a, b in pairs) if pairs else None,
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


def _report(results: Results[LogRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.log_management import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="log-management",
    question="What do storage, recovery and loading cost over a month of one busy aggregate and a long tail, by log "
    "policy?",
    headline=False,
    arms=ARMS,
    scenarios=(CALM, MONTH, AWAY),
    row=LogRow,
    quick=Size(seeds=2),
    full=Size(seeds=5),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
