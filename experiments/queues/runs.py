"""One run of a queue: who was served how soon, and what was lost, doubled or overtaken.

The instant of the fault is the scenario's own, later by a part of a second that the seed names, the same for all arms
(`experiments.schemes.runs`).
"""

from __future__ import annotations

from math import inf

from experiments.evidence import Evidence
from experiments.experiment import Cell, RunResult
from experiments.measures import carry_out
from experiments.properties.queues import Fate, fates_of, out_of_order
from experiments.queues.arms import QueueRow
from experiments.scenario import build, load
from experiments.schemes.runs import at_its_instant
from experiments.statistics import quantile
from models.queue import Broker
from models.queue.consumer import Receiver
from models.system import System
from sim.history import Kind
from sim.topology import at_service
from sim.world import World

__all__ = ["measured", "run_once"]


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one design through one scenario."""
    scenario = at_its_instant(load(cell.scenario).with_system(dict(cell.arm.system)), seed)
    world, system = build(scenario, seed)
    noted: list[int] = []
    world.on_note("timed-out", lambda t_us, location, value: noted.append(t_us))
    seen = carry_out(world, system, scenario, seed)
    return RunResult(row=measured(cell, seen, world, system, timed_out=len(noted)))


def measured(cell: Cell, seen: Evidence, world: World, system: System, *, timed_out: int) -> QueueRow:
    """What a finished run comes to."""
    fates = list(fates_of(seen.history).values())
    effected = [fate for fate in fates if fate.effects]
    waits = [(fate.effects[0].t_us - fate.sent.t_us) / 1000 if fate.effects else inf for fate in fates]
    last_us = max((fate.effects[0].t_us for fate in effected), default=0)
    services = [world.service(at_service(one.host, one.name)) for one in system.placements]
    brokers = [one for one in services if isinstance(one, Broker) and one.leads]
    receivers = [one for one in services if isinstance(one, Receiver)]
    return QueueRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seen.seed,
        digest=seen.digest,
        messages=len(fates),
        acknowledged=sum(fate.stored is not None for fate in fates),
        effected_share=len(effected) / len(fates),
        latency_p50_ms=quantile(waits, 0.5),
        latency_p99_ms=quantile(waits, 0.99),
        effects_per_s=1_000_000 * len(effected) / max(1, last_us - fates[0].sent.t_us),
        lost=_lost(seen, fates),
        duplicated=sum(len(fate.effects) > 1 for fate in fates),
        extra_effects=sum(len(fate.effects) - 1 for fate in effected),
        out_of_order=len(out_of_order(fates)),
        settled_late=sum(row.f == "settle" and row.kind is Kind.FAIL for row in seen.history),
        timed_out=timed_out,
        repeated=sum(broker.repeated for broker in brokers),
        known=sum(receiver.repeated for receiver in receivers),
        network_messages=seen.network["sent"] / len(fates),
        utilisation_busiest=max(seen.utilisation.values()),
        hottest_share=_hottest_share(brokers),
    )


def _lost(seen: Evidence, fates: list[Fate]) -> int | None:
    """Acknowledged messages that are neither done nor in the queue; None if a shard was silent."""
    remain: set[object] = set()
    for asked, told in seen.history.pairs():
        if asked.f == "remain":
            if told is None or not isinstance(told.value, tuple):
                return None
            remain.update(told.value)
    return sum(fate.stored is not None and not fate.effects and fate.message not in remain for fate in fates)


def _hottest_share(brokers: list[Broker]) -> float:
    """Of the messages that leaders have seen, the busiest key's share."""
    seen = sum(broker.hot.seen for broker in brokers)
    most = max((broker.hot.hottest(1)[0].times for broker in brokers if broker.hot.seen), default=0)
    return most / seen if seen else 0.0
