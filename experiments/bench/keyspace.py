"""How long does a large ring take to build, how quick is a look-up by each scheme, and what does it weigh?

The ring has 10,000 hosts with 256 virtual nodes each, spread over clusters, lists of three.
`..._lookups_per_us` are look-ups a microsecond of CPU time, the best of the rounds, the loop included, of
the same keys each round, as a store asks for its aggregates; `..._new_keys_per_us` are those of keys that were never
asked for before, on a ring all of whose intervals were. Memory is what the process grew by at its
peak, scratch space included.
"""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable, Mapping
from hashlib import blake2b
from time import process_time
from typing import Any, Final

from experiments.workers import calm_collector
from models.keyspace import JumpHashing, KeyHash, ModuloHashing, Node, Rendezvous, Ring, SlotTable
from models.keyspace.keys import KEY_END
from models.keyspace.master import even_tablets
from models.keyspace.placement import KEPT, share_moved
from models.keyspace.routing import judge, route_of
from models.store.schemes import Spread

__all__ = ["run"]

HOSTS: Final = 10_000
VNODES: Final = 256
COPIES: Final = 3
SMALL: Final = 100
LOOKUPS: Final = 50_000
ROUNDS: Final = 5


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Build, look up, change the membership."""
    calm_collector()
    gc.collect()
    keys = list(range(LOOKUPS))
    progress(f"keyspace: a ring of {HOSTS} hosts x {VNODES}")
    before_mb = _peak_mb()
    build_s, ring = _timed(lambda: Ring(_nodes(HOSTS), vnodes=VNODES, spread=Spread.CLUSTER))
    lists_s, _ = _timed(lambda: ring.owners(0, COPIES))
    built_mb = _peak_mb()
    cold_s = _seconds(ring.owners, keys, COPIES)
    progress("keyspace: look-ups on the large ring")
    large = _per_us(ring.owners, keys)
    large_new = _new_per_us(ring)
    progress("keyspace: a join")
    join_s, joined = _timed(lambda: ring.join(Node(number=HOSTS, region="r0", cluster="c0")))
    moved_s, moved = _timed(lambda: ring.moved(joined, 1))
    rates = _schemes(keys, progress)
    share = share_moved(moved, ring.line)
    assert share is not None
    return {
        "ring_build_s": round(build_s, 3),
        "ring_lists_s": round(lists_s, 3),
        "ring_join_s": round(join_s, 3),
        "ring_moved_s": round(moved_s, 3),
        "ring_memory_mb": round(built_mb - before_mb),
        "large_ring_lookups_per_us": round(large, 3),
        "large_ring_new_keys_per_us": round(large_new, 3),
        **{
            f"{name}_per_us" if name.endswith("keys") else f"{name}_lookups_per_us": round(rate, 3)
            for name, rate in rates.items()
        },
        "detail": {
            "hosts": HOSTS,
            "vnodes": VNODES,
            "copies": COPIES,
            "small": SMALL,
            "large_ring_first_round_us": round(cold_s / LOOKUPS * 1e6, 3),
            "moved_stretches": len(moved),
            "moved_share_times_hosts": round(float(share) * (HOSTS + 1), 3),
            **_hashes(keys),
        },
    }


def _schemes(keys: list[int], progress: Callable[[str], None]) -> Mapping[str, float]:
    """Look-ups a microsecond by scheme on few hosts."""
    nodes = _nodes(SMALL)
    table = SlotTable(nodes, slots=2 * LOOKUPS, spread=Spread.CLUSTER)
    for key in keys:
        table.insert(key)
    ring = Ring(nodes, vnodes=VNODES, spread=Spread.CLUSTER)
    cuts = [LOOKUPS * part // (10 * SMALL) for part in range(1, 10 * SMALL)] + [KEY_END // 2]
    tablets = even_tablets(cuts, nodes, COPIES, spread=Spread.CLUSTER)
    rates = {}
    progress("keyspace: look-ups of new keys")
    rates["ring_new_keys"] = _new_per_us(ring)
    for name, placement in (
        ("ring", ring),
        ("tablets", tablets),
        ("slots", table),
        ("jump", JumpHashing(nodes, spread=Spread.CLUSTER)),
        ("modulo", ModuloHashing(nodes, spread=Spread.CLUSTER)),
        ("rendezvous", Rendezvous(nodes, spread=Spread.CLUSTER)),
    ):
        progress(f"keyspace: look-ups by {name}")
        asked = keys[: LOOKUPS // 100] if name == "rendezvous" else keys  # a bid a node and look-up
        rates[name] = _per_us(placement.owners, asked)
    routes = [(key, route_of(ring, key, COPIES)) for key in keys[:10_000]]

    def judged(key: int, n: int) -> object:
        at, route = routes[key]
        return judge(ring, route.owners[0], at, route)

    rates["judged"] = _per_us(judged, keys[:10_000])
    return rates


def _hashes(keys: list[int]) -> dict[str, float]:
    """Microseconds of a hash: ours, and BLAKE2b."""
    hashed = KeyHash(1)

    def blake(key: int, n: int) -> int:
        return int.from_bytes(blake2b(key.to_bytes(8, "big"), digest_size=8).digest(), "big")

    return {
        "splitmix64_us": round(1 / _per_us(lambda key, n: hashed(key), keys), 3),
        "blake2b_us": round(1 / _per_us(blake, keys), 3),
    }


def _nodes(count: int) -> list[Node]:
    return [Node(number=number, region=f"r{number % 3}", cluster=f"c{number // 3 % 8}") for number in range(count)]


def _per_us(ask: Callable[[int, int], object], keys: list[int]) -> float:
    return len(keys) / min(_seconds(ask, keys, COPIES) for _ in range(ROUNDS)) / 1e6


def _new_per_us(ring: Ring) -> float:
    """Of keys that are not kept, in intervals whose tuples are made."""
    rates = []
    for turn in range(1, ROUNDS + 1):
        keys = list(range(turn * LOOKUPS, (turn + 1) * LOOKUPS))
        for key in keys:  # makes the tuples of their intervals
            ring.owners(key, COPIES)
        for key in range(10 * LOOKUPS, 10 * LOOKUPS + KEPT):  # and forgets the keys
            ring.owners(key, COPIES)
        rates.append(LOOKUPS / _seconds(ring.owners, keys, COPIES) / 1e6)
    return max(rates)


def _seconds(ask: Callable[[int, int], object], keys: list[int], n: int) -> float:
    begun = process_time()
    for key in keys:
        ask(key, n)
    return process_time() - begun


def _timed(make: Callable[[], Any]) -> tuple[float, Any]:
    begun = process_time()
    made = make()
    return process_time() - begun, made


def _peak_mb() -> float:
    """The most memory that the process has had; kilobytes on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
