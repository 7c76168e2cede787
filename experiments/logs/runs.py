"""One month under one policy: what lies on the leader's disk every half day, and what each start and load takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from experiments.experiment import Cell, RunResult
from experiments.logs.arms import LogRow
from experiments.measures.observation import Answer, Outcome, answers_of
from experiments.measures.storage import Meter, archived_bytes, archived_whole, live_state_bytes, unexplained
from experiments.scenario import Scenario, build, load
from experiments.statistics import quantile
from models.store.log.archive import ArchiveService
from models.store.shard import Shard
from models.stores import ARCHIVE, store_name
from sim.topology import at_service
from sim.world import World

__all__ = ["measured", "run_once"]

_HOUR_US: Final = 3_600_000_000
_STEP_US: Final = 12 * _HOUR_US
_LEADER: Final = "us-east-1/c1/h1"
_FOLLOWER: Final = "us-east-1/c1/h3"
_BESIDE: Final = "us-east-1/clients/client1"
_SHARD: Final = store_name("bank-account", 0)


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
