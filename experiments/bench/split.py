"""How many commands does a CPU second carry through the region split, and where does the time go?

Three regions of two clusters of three hosts, 300 commands a second, trace off, no fault: client,
network, cores, log, group commit, shipping to two regions, merge in three, history. The
profile is taken on a run of its own, since watching costs more than what is watched.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any, Final

from experiments.bench._profile import time_share_by_file
from experiments.workers import calm_collector
from models.clients import Workload
from models.deployment import region_split
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
    topology = grid(["us-east-1", "us-west-2", "eu-west-1"], clusters=2, hosts=3, cores=2)
    workload = Workload(rate_per_s=RATE_PER_S, ends_us=LOAD_S * 1_000_000)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=200),
        seed=1,
    )
    for placement in region_split(Site(topology), workload).placements:
        world.place(placement)
    return world


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time repetitions of the same run; the profile and counts under `detail`."""
    calm_collector()  # as in the workers of a sweep
    rates = []
    for repetition in range(REPETITIONS + 1):
        progress(f"region split: repetition {repetition} of {REPETITIONS} (0 is the warm-up)")
        world = build()
        begun = process_time()
        world.run((LOAD_S + DRAIN_S) * 1_000_000)
        rates.append(_commands(world) / (process_time() - begun))
    return {
        "commands_per_cpu_second": round(statistics.median(rates[1:])),
        "detail": {
            "commands": _commands(world),
            "messages_per_command": round(world.network.totals()["sent"] / _commands(world), 2),
            "heap_entries_per_command": round(next(world.env._eid) / _commands(world), 2),
            "time_share_by_file": time_share_by_file(partial(build().run, (LOAD_S + DRAIN_S) * 1_000_000)),
        },
    }


def _commands(world: World) -> int:
    return len({row.op for row in world.history.rows})
