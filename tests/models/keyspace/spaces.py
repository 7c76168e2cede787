"""Nodes and keys for tests of the key space."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from models.keyspace import JumpHashing, ModuloHashing, Node, Placement, Rendezvous, Ring, SlotTable, TabletMap
from models.keyspace.keys import KEY_END
from models.keyspace.master import even_tablets
from models.store.schemes import Spread

SCHEMES = ("ring", "rendezvous", "jump", "modulo", "slots", "tablets")

spreads = st.sampled_from(Spread)
keys = st.one_of(st.integers(0, 1000), st.integers(0, KEY_END - 1))


def node(number: int, weight: float = 1.0) -> Node:
    """Nodes in three regions of two clusters of two racks."""
    return Node(
        number=number,
        weight=weight,
        region=f"r{number % 3}",
        cluster=f"c{number // 3 % 2}",
        rack=f"k{number // 6 % 2}" if number % 5 else None,
    )


def nodes(count: int) -> list[Node]:
    return [node(number) for number in range(count)]


memberships = st.sets(st.integers(0, 40), min_size=1, max_size=14).map(lambda found: [node(n) for n in sorted(found)])


def moved_keys(before: Placement, after: Placement, asked: Iterable[int], n: int) -> list[int]:
    """The keys whose first `n` owners differ, by asking for each: what `moved` must agree with."""
    return [key for key in asked if before.owners(key, n) != after.owners(key, n)]


def placed(scheme: str, members: list[Node], spread: Spread = Spread.HOST, seed: int = 0) -> Placement:
    """Each scheme over the same nodes."""
    if scheme == "ring":
        return Ring(members, vnodes=16, spread=spread, seed=seed)
    if scheme == "rendezvous":
        return Rendezvous(members, spread=spread, seed=seed)
    if scheme == "jump":
        return JumpHashing(members, spread=spread, seed=seed)
    if scheme == "modulo":
        return ModuloHashing(members, spread=spread, seed=seed)
    if scheme == "slots":
        table = SlotTable(members, slots=64, spread=spread, seed=seed)
        for key in range(30):
            table.insert(key)
        return table
    zones = len({one.zone(spread) for one in members})
    cuts = [KEY_END // 9 * part for part in range(1, 9)]
    return even_tablets([*range(0, 1000, 100), *cuts], members, zones, spread=spread)


def tablets_of(count: int, members: list[Node], n: int = 1, spread: Spread = Spread.HOST) -> TabletMap:
    return even_tablets([KEY_END * part // count for part in range(1, count)], members, n, spread=spread)
