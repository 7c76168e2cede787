"""How many events does a CPU second merge through deployed merge services, from the heal of a long cut to rest?

Three regions of one host take commands on 10,000 accounts for five minutes, each cut off from both others, so that
almost every account is written on every side. Then the cut heals: logs are shipped, written down, merged, settled and
saved in all three, over the network and the disks of the simulator. Timed is the process's CPU from the heal until
every merge has given every event its final place. What is counted is the events that a merge gave their final place
since the heal, over all three merges; there are a third as many events.

Memory is what the interpreter holds for a backlog just before the heal, above what it held before the cut, in a world
with few accounts and in one with four times as many, written as often each.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from time import process_time
from typing import Any, Final, NamedTuple

from experiments.bench._profile import time_share_by_file
from experiments.scenario import build, parse
from models.split import SplitShard
from models.store.log.entries import instance_of
from sim.world import World

__all__ = ["Healed", "backlog_memory", "heal", "run", "world_before_heal"]

#: So many that at least 10,000 are written by more than one region.
ACCOUNTS: Final = 10_700
CUT_S: Final = 300
#: Commands on an account in each region, on average.
WRITES: Final = 2
#: Accounts of which memory is weighed; tracing makes everything several times slower.
_WEIGHED: Final = (250, 1_000)
_WEIGHED_CUT_S: Final = 20
_REGIONS: Final = ("west", "mid", "east")
_BEGINS_S: Final = 1
_STEP_US: Final = 500_000


class Healed(NamedTuple):
    """What a heal came to.

    Attributes:
        merged: Events that a merge gave their final place since the heal, over all merges.
        events: Events that there are.
        conflicting: Accounts that more than one region wrote.
        cpu_s: CPU seconds from the heal to rest.
        rest_s: Simulated seconds from the heal to rest.
    """

    merged: int
    events: int
    conflicting: int
    cpu_s: float
    rest_s: float


def world_before_heal(accounts: int, cut_s: int, *, merge: str = "canonical-replay") -> tuple[World, list[SplitShard]]:
    """A world just before the cut heals, and the three stores in it.

    Args:
        accounts: How many are written.
        cut_s: For how long.
        merge: The policy.
    """
    heals_s = _BEGINS_S + cut_s
    document: dict[str, Any] = {
        "question": "What does a heal cost?",
        "topology": {"regions": list(_REGIONS), "clusters": 1, "hosts": 1, "clients": 1},
        "latency": {"table": "uniform", "between_regions": "40ms", "jitter": 0.05},
        "run": {"until": f"{heals_s + 600}s"},
        "system": {"factory": "models.deployment:region_split", "merge": merge},
        "workload": {
            "rate": f"{len(_REGIONS) * WRITES * accounts / cut_s}/s",
            "accounts": accounts,
            "zipf_exponent": 0.0,
            "begins": f"{_BEGINS_S}s",
            "ends": f"{heals_s - 1}s",
        },
        "fault": [
            {"id": region, "kind": "partition-full", "targets": [region], "at": "0s", "for": f"{heals_s}s"}
            for region in _REGIONS[:2]
        ],
        "property": [{"name": "merged_alike", "mode": "always"}],
    }
    world, system = build(parse(document, name="heal", file="a heal"), 1)
    world.run(heals_s * 1_000_000)
    stores = [world.service(location) for locations in system.stores.values() for location in locations]
    shards = [store for store in stores if isinstance(store, SplitShard)]
    assert len(shards) == len(_REGIONS), "a store is down"
    return world, shards


def heal(world: World, shards: Sequence[SplitShard]) -> Healed:
    """Let the cut heal, and time what follows until all merges are at rest."""
    before, healed_us = _settled(shards), round(world.env.now)
    begun, until_us = process_time(), healed_us
    while any(shard.merge.vector() != _lengths(shards) or shard.saving for shard in shards):
        until_us += _STEP_US
        world.run(until_us)
    cpu_s = process_time() - begun
    wrote = Counter(account for shard in shards for account in {instance_of(one.address) for one in shard.log.entries})
    return Healed(
        merged=_settled(shards) - before,
        events=sum(_lengths(shards).values()),
        conflicting=sum(count > 1 for count in wrote.values()),
        cpu_s=cpu_s,
        rest_s=(until_us - healed_us) / 1e6,
    )


def backlog_memory(accounts: int) -> float:
    """Bytes in the whole process for each event that waits for a heal, in all places together."""
    gc.collect()
    tracemalloc.start()
    try:
        _, shards = world_before_heal(accounts, _WEIGHED_CUT_S)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return held / sum(shard.merge.backlog for shard in shards)


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Time one heal, then profile another."""
    progress(f"merge service: {ACCOUNTS:,} accounts written in three regions during a cut of {CUT_S} s")
    healed = heal(*world_before_heal(ACCOUNTS, CUT_S))
    progress("merge service: where its time goes")
    share = time_share_by_file(partial(heal, *world_before_heal(ACCOUNTS // 5, CUT_S // 5)))
    progress("merge service: what waits in memory")
    few, many = (backlog_memory(accounts) for accounts in _WEIGHED)
    return {
        "merged_events_per_cpu_second": round(healed.merged / healed.cpu_s),
        "backlog_growth_ratio": round(many / few, 3),
        "detail": {
            "conflicting_aggregates": healed.conflicting,
            "events": healed.events,
            "merged_over_all_merges": healed.merged,
            "cpu_s": round(healed.cpu_s, 2),
            "simulated_s_to_rest": healed.rest_s,
            "backlog_bytes_per_event": round(many),
            "time_share_by_file": share,
        },
    }


def _settled(shards: Sequence[SplitShard]) -> int:
    return sum(sum(shard.merge.vector().values()) for shard in shards)


def _lengths(shards: Sequence[SplitShard]) -> dict[int, int]:
    return {shard.options.number: shard.log.length for shard in shards}
