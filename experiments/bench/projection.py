"""How many events does a CPU second carry from a log into a view?

A shard takes commands first, and nobody reads. Then a consumer begins, and what is timed is its catching up alone:
questions to the log and their answers, the fold, saves into views under *multi-persist* on three hosts, their
replication, hash chain and flushes; no fault, trace and records off. What a network message costs stands against
the bare send path; the larger the batch, the more events share one, so small batches are timed besides.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from experiments.bench import kernel
from experiments.bench._profile import time_share_by_file
from experiments.bench._timing import cpu_seconds
from experiments.workers import calm_collector
from models.clients import Workload
from models.reading import reading
from models.reading.viewing import ViewShard
from models.reading.views import view_of
from models.system import Site
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

__all__ = ["build", "projected", "run"]

EVENTS: Final = 12_000
RATE_PER_S: Final = 5_000
ACCOUNTS: Final = 200
REPETITIONS: Final = 5
BATCH: Final = 1_000
#: Entries read at once, timed besides.
BATCHES: Final = (20, 200)
_SEGMENTS: Final = 2
_LOAD_US: Final = EVENTS * 1_000_000 // RATE_PER_S + 500_000
#: Catching up takes a second or two of the world's time, by batch.
_UNTIL_US: Final = _LOAD_US + 20_000_000
_STEP_US: Final = 50_000


def build(batch: int) -> World:
    """The world with its log full, and its consumer about to begin."""
    topology = grid(["us-east-1"], clusters=1, hosts=4, cores=4)
    workload = Workload(rate_per_s=RATE_PER_S, accounts=ACCOUNTS, ends_us=_LOAD_US - 500_000)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=20),
        seed=1,
    )
    system = reading(
        Site(topology),
        workload,
        scheme="local-mem",
        views="multi-persist:3/3",
        shards=1,
        segments=_SEGMENTS,
        consumers=1,
        batch=batch,
        chunk=batch,
        reads=0.0,
        selects=0.0,
        sessions=2_000,
        begins_us=_LOAD_US,
        records=False,
    )
    for placement in system.placements:
        world.place(placement)
    world.run(_LOAD_US)
    return world


def projected(world: World) -> int:
    """Events that are in the views."""
    count = 0
    for segment in range(_SEGMENTS):
        found = [world.service_named(host.path, f"view-{segment}") for host in world.topology.servers("us-east-1")]
        leader = next(one for one in found if isinstance(one, ViewShard) and one.leads)
        state, _ = leader.view(view_of(1, segment))
        count += sum(row.applied for row in state.rows)
    return count


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions; other batches, counts and a profile under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates: dict[int, list[float]] = {batch: [] for batch in (BATCH, *BATCHES)}
    messages: dict[int, float] = {}
    sends: list[float] = []
    for repetition in range(REPETITIONS + 1):
        progress(f"projection: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        if repetition == 1:
            for timed in (*rates.values(), sends):
                timed.clear()
        sends.append(kernel.MESSAGES / kernel.phold_network(kernel.MESSAGES))
        for batch, timed in rates.items():
            rate, messages[batch] = _timed(build(batch))
            timed.append(rate)
    progress("projection: a profile")
    world = build(BATCH)
    shares = time_share_by_file(partial(_catch_up, world))
    send = statistics.median(sends)
    by_batch = {batch: statistics.median(timed) for batch, timed in rates.items()}
    return {
        "projection_events_per_cpu_second": round(by_batch[BATCH]),
        "projection_event_vs_send_path": round(by_batch[BATCH] / send, 3),
        "detail": {
            "events": EVENTS,
            "batch": BATCH,
            "fastest": round(max(rates[BATCH])),
            "messages_per_event": round(messages[BATCH], 4),
            "message_vs_send_path": round(by_batch[BATCH] * messages[BATCH] / send, 4),
            "send_path_messages_per_cpu_second": round(send),
            "by_batch": {
                str(batch): {
                    "events_per_cpu_second": round(rate),
                    "messages_per_event": round(messages[batch], 4),
                    "message_vs_send_path": round(rate * messages[batch] / send, 4),
                }
                for batch, rate in by_batch.items()
            },
            "time_share_by_file": shares,
        },
    }


def _timed(world: World) -> tuple[float, float]:
    """Events a CPU second of the catching up, and network messages an event."""
    sent = world.network.totals()["sent"]
    took = cpu_seconds(partial(_catch_up, world))
    events = projected(world)
    return events / took, (world.network.totals()["sent"] - sent) / events


def _catch_up(world: World) -> int:
    """Run until the views have everything; returns how much that is."""
    wanted = len({row.op for row in world.history.rows if row.f == "append"})
    until_us, events = _LOAD_US, 0
    while until_us < _UNTIL_US and events < wanted:
        until_us += _STEP_US
        world.run(until_us)
        events = projected(world)
    assert events == wanted, f"{events} of {wanted} events are in the views by {until_us} us"
    return events
