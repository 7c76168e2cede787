"""How many messages does a CPU second carry through a queue, and how many network messages does each take?

One region, two shards, no fault, trace off: producers, brokers, log, group commit, hash chain, window of ids, leases,
consumers, receiver, history. Deduplicated, in order by key, on one flushed log; one by one and sixteen together; and
on two flushed copies of three. By the side of it the send path alone, in messages a CPU second.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from experiments.bench._profile import time_share_by_file
from experiments.bench._timing import cpu_seconds
from experiments.bench.kernel import MESSAGES, phold_network
from experiments.workers import calm_collector
from models.clients import Workload
from models.queue import queue
from models.system import Site
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

__all__ = ["run"]

RATE_PER_S: Final = 2_000
LOAD_S: Final = 3
DRAIN_S: Final = 2
REPETITIONS: Final = 5
_TOGETHER: Final[Mapping[str, Any]] = MappingProxyType({"batch": 16, "linger_us": 5_000, "take": 16})
#: By the name in the results, the options of a queue.
QUEUES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "one_by_one": {"scheme": "local-persist"},
        "together": {"scheme": "local-persist", **_TOGETHER},
        "copies": {"scheme": "multi-persist:2/3"},
        "copies_together": {"scheme": "multi-persist:2/3", **_TOGETHER},
    }
)


def build(options: Mapping[str, Any]) -> World:
    """The world to be timed, not yet run."""
    topology = grid(["us-east-1"], clusters=1, hosts=4, clients=2, cores=8)
    workload = Workload(rate_per_s=RATE_PER_S, accounts=1_000, zipf_exponent=0.5, ends_us=LOAD_S * 1_000_000)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=50),
        seed=1,
    )
    system = queue(
        Site(topology), workload, mode="deduplicated", window=100_000, partitions=2, consumers=8, work_us=100, **options
    )
    for placement in system.placements:
        world.place(placement)
    return world


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions of the same runs; counts and profiles under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates: dict[str, list[float]] = {name: [] for name in QUEUES}
    sends: list[float] = []
    worlds: dict[str, World] = {}
    for repetition in range(REPETITIONS + 1):
        progress(f"queue: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        for name, options in QUEUES.items():
            worlds[name] = world = build(options)
            took = cpu_seconds(partial(world.run, (LOAD_S + DRAIN_S) * 1_000_000))
            rates[name].append(_messages(world) / took)
        sends.append(MESSAGES / phold_network(MESSAGES))
    progress("queue: profiles")
    send = statistics.median(sends[1:])
    found = {name: statistics.median(timed[1:]) for name, timed in rates.items()}
    detail = {name: _detail(name, worlds[name], found[name], send) for name in QUEUES}
    return {
        "queue_messages_per_cpu_second": round(found["one_by_one"]),
        "queue_messages_per_cpu_second_together": round(found["together"]),
        "queue_messages_per_cpu_second_copies": round(found["copies"]),
        "queue_message_vs_send_path": detail["one_by_one"]["message_vs_send_path"],
        "detail": {"rate_per_s": RATE_PER_S, "send_path_messages_per_cpu_second": round(send), **detail},
    }


def _detail(name: str, world: World, rate: float, send: float) -> dict[str, Any]:
    messages, again = _messages(world), build(QUEUES[name])
    each = world.network.totals()["sent"] / messages
    return {
        "messages": messages,
        "messages_per_cpu_second": round(rate),
        "network_messages_per_message": round(each, 2),
        "message_vs_send_path": round(rate * each / send, 3),
        "heap_entries_per_message": round(next(world.env._eid) / messages, 2),
        "messages_by_type": {
            kind: round(totals.sent / messages, 2) for kind, totals in world.network.by_type().items()
        },
        "time_share_by_file": time_share_by_file(partial(again.run, (LOAD_S + DRAIN_S) * 1_000_000)),
    }


def _messages(world: World) -> int:
    """Messages that had their effect."""
    return len({row.value for row in world.history.rows if row.f == "deliver"})
