"""How many commands does a CPU second carry through leaderless quorums, and how many messages does each take?

Three regions of two hosts, 300 commands a second on 200 registers, trace off, no fault: clients that
coordinate, N=3, R=2, W=2, a write that reads first, blocking read repair, flushes before every answer,
hints and anti-entropy on. By the side of it the send path alone, in messages a CPU second.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from experiments.bench._timing import cpu_seconds
from experiments.bench.kernel import MESSAGES, phold_network
from experiments.workers import calm_collector
from models.clients import Workload
from models.quorum import quorum
from models.system import Site
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

__all__ = ["run"]

RATE_PER_S: Final = 300
LOAD_S: Final = 30
DRAIN_S: Final = 5
REPETITIONS: Final = 5


def build() -> World:
    """The world to be timed, not yet run."""
    topology = grid(["us-east-1", "us-west-2", "eu-west-1"], clusters=1, hosts=2, cores=2)
    workload = Workload(rate_per_s=RATE_PER_S, accounts=200, ends_us=LOAD_S * 1_000_000)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=200),
        seed=1,
    )
    for placement in quorum(Site(topology), workload).placements:
        world.place(placement)
    return world


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions of the same run; counts under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates, sends = [], []
    for repetition in range(REPETITIONS + 1):
        progress(f"quorum: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        world = build()
        took = cpu_seconds(partial(world.run, (LOAD_S + DRAIN_S) * 1_000_000))
        rates.append(_commands(world) / took)
        sends.append(MESSAGES / phold_network(MESSAGES))
    commands, messages = statistics.median(rates[1:]), world.network.totals()["sent"] / _commands(world)
    return {
        "quorum_commands_per_cpu_second": round(commands),
        "quorum_message_vs_send_path": round(commands * messages / statistics.median(sends[1:]), 3),
        "detail": {
            "commands": _commands(world),
            "messages_per_command": round(messages, 2),
            "messages_by_type": {
                name: round(totals.sent / _commands(world), 2) for name, totals in world.network.by_type().items()
            },
            "heap_entries_per_command": round(next(world.env._eid) / _commands(world), 2),
            "messages_per_cpu_second": round(commands * messages),
            "send_path_messages_per_cpu_second": round(statistics.median(sends[1:])),
        },
    }


def _commands(world: World) -> int:
    return len({row.op for row in world.history.rows})
