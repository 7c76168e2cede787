"""The schemes compared, laid over equal regions, and how each is asked for many keys at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import Arm, SystemOption
from models.keyspace import (
    JumpHashing,
    ModuloHashing,
    Node,
    Placement,
    Rendezvous,
    Ring,
    SlotTable,
    TabletMap,
    nodes_of,
)
from models.keyspace.hashing import Buckets
from models.keyspace.master import Decision, Limits, apply, balance, evacuate, even_tablets, splits
from models.store.schemes import Spread
from sim.topology import grid

__all__ = [
    "ARMS",
    "COPIES",
    "KEYS_A_NODE",
    "REGIONS",
    "SIZES",
    "SLOT_LOAD",
    "TABLETS_A_NODE",
    "VNODES",
    "Space",
    "lists",
    "nodes_in",
    "scheme",
    "space",
]

REGIONS: Final = ("us-east-1", "us-west-2", "eu-west-1")
CLUSTERS: Final = 2
COPIES: Final = 3
KEYS_A_NODE: Final = 100
TABLETS_A_NODE: Final = 8
#: Share of the slots that keys take.
SLOT_LOAD: Final = 0.7
#: By scenario, how many nodes.
SIZES: Final = MappingProxyType({"nodes-12": 12, "nodes-48": 48, "nodes-192": 192})
#: By arm, virtual nodes of each node.
VNODES: Final = MappingProxyType({"ring-1": 1, "ring-16": 16, "ring-256": 256})

Owners = NDArray[np.int64]


def _arm(name: str, label: str, placement: str, **more: SystemOption) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({"placement": placement, **more}))


ARMS: Final = (
    _arm("ring-1", "ring, 1 virtual node", "ring", vnodes=1),
    _arm("ring-16", "ring, 16 virtual nodes", "ring", vnodes=16),
    _arm("ring-256", "ring, 256 virtual nodes", "ring", vnodes=256),
    _arm("tablets", f"tablets, {TABLETS_A_NODE} a node", "tablets"),
    _arm("slots", "open addressing", "slots"),
    _arm("rendezvous", "rendezvous", "rendezvous"),
    _arm("jump", "jump", "jump"),
    _arm("modulo", "modulo", "modulo"),
)


def nodes_in(count: int) -> tuple[Node, ...]:
    """So many nodes, as many in each cluster."""
    hosts, rest = divmod(count, len(REGIONS) * CLUSTERS)
    assert rest == 0, "sizes are whole clusters"
    return nodes_of(grid(REGIONS, clusters=CLUSTERS, hosts=hosts, cores=1, clients=0))


@dataclass(frozen=True, slots=True)
class Space:
    """A scheme with the keys 1 to `keys`, before and after a change of its membership.

    Attributes:
        placement: Before.
        joined: With one node more.
        left: Without its first node.
        keys: How many there are.
    """

    placement: Any
    joined: Any
    left: Any
    keys: int


def lists(placement: Any, keys: int, n: int) -> Owners:
    """The first `n` owners of the keys 1 to `keys`, a row each."""
    instances = np.arange(1, keys + 1, dtype=np.uint64)
    if isinstance(placement, Ring | Rendezvous):
        return placement.lists(placement.hashed.instances(instances), n)
    if n == 1 and isinstance(placement, Buckets):
        numbers = np.array([node.number for node in placement.ordered], dtype=np.int64)
        return numbers[placement.buckets(placement.hashed.instances(instances))][:, None]
    return np.array([placement.owners(key, n) for key in range(1, keys + 1)], dtype=np.int64)


def space(arm: str, count: int, seed: int) -> Space:
    """A scheme over so many nodes."""
    nodes, keys = nodes_in(count), KEYS_A_NODE * count
    newcomer = Node(number=count, region=REGIONS[0], cluster="c1")
    if arm == "tablets":
        before = split_by_size(nodes, keys)
        return Space(before, _joined(before, newcomer, keys), _left(before, nodes[0].number), keys)
    if arm == "slots":
        tables = [_filled(members, keys, seed) for members in (nodes, (*nodes, newcomer), nodes[1:])]
        return Space(tables[0], tables[1], tables[2], keys)
    made = scheme(arm, nodes, Spread.HOST, seed)
    return Space(made, made.join(newcomer), made.leave(nodes[0].number), keys)


def scheme(arm: str, nodes: Sequence[Node], spread: Spread, seed: int) -> Any:
    """A scheme without keys, for owners that are apart."""
    if arm in VNODES:
        return Ring(nodes, vnodes=VNODES[arm], spread=spread, seed=seed)
    if arm == "tablets":
        keys = KEYS_A_NODE * len(nodes)
        cuts = [1 + keys * part // (TABLETS_A_NODE * len(nodes)) for part in range(1, TABLETS_A_NODE * len(nodes))]
        return even_tablets(cuts, nodes, COPIES, spread=spread)
    if arm == "slots":
        return SlotTable(nodes, slots=16 * len(nodes), spread=spread, seed=seed)
    kinds: dict[str, Callable[..., Placement]] = {
        "rendezvous": Rendezvous,
        "jump": JumpHashing,
        "modulo": ModuloHashing,
    }
    return kinds[arm](nodes, spread=spread, seed=seed)


def split_by_size(nodes: Sequence[Node], keys: int, copies: int = 1) -> TabletMap:
    """Tablets as they come to be: one at first, split by size until there are enough, then dealt out."""
    most = keys / (TABLETS_A_NODE * len(nodes))
    one = even_tablets([], nodes, copies)
    begins = [tablet.begin for tablet in splits(one, dict.fromkeys(range(1, keys + 1), 1.0), Limits(most=most)).tablets]
    return even_tablets(begins[1:], nodes, copies)


def sizes_of(tablets: TabletMap, keys: int) -> dict[int, float]:
    """How many of the keys 1 to `keys` each tablet holds, by its begin."""
    return {one.begin: float(max(0, min(one.end, keys + 1) - max(one.begin, 1))) for one in tablets.tablets}


def _joined(before: TabletMap, newcomer: Node, keys: int) -> TabletMap:
    after = before.join(newcomer)
    return _carried_out(after, balance(after, sizes_of(after, keys), to=newcomer.number))


def _left(before: TabletMap, number: int) -> TabletMap:
    return _carried_out(before, evacuate(before, [number])).leave(number)


def _carried_out(tablets: TabletMap, actions: Sequence[Any]) -> TabletMap:
    version = tablets.version
    for action in actions:
        after = apply(tablets, Decision(version=version, action=action))
        assert isinstance(after, TabletMap), "one master decides here"
        tablets = after
    return tablets


def _filled(nodes: Sequence[Node], keys: int, seed: int) -> SlotTable:
    table = SlotTable(nodes, slots=round(keys / SLOT_LOAD), limit=0.95, seed=seed)
    for key in range(1, keys + 1):
        table.insert(key)
    return table
