"""The question of whoever stores: which hosts hold key K of what kind of storage, and by which route?

    space = key_space(topology, placement="ring", salt=7)
    space.holders(Stored.QUEUE, 3, number=2, n=3)             # host indices, the preferred one first
    space.places(Stored.QUEUE, 3, "queue-3", number=2, n=3)   # where their services are
    groups_in(space, Stored.EVENTS, domain, scheme, shards=8)
    groups_of(topology, domain, scheme, "east", 8)            # the same in one step, near home
    turns(consumers, parts=8)                                 # who takes what, of those that hold nothing themselves

What belongs to an aggregate and stands in its log's group, its events, snapshots, remembered commands
and outbox, has the aggregate's own key, so that one group holds all of it and it moves as one. So has what
belongs to a view: rows, and the checkpoints that say how far they go, are written as one. What has keys of its
own, a queue's partitions, a projection's segments, has them beside those: none lies where another does by accident of
numbers, and one placement serves them all.

A store that is replicated by groups does not place each key: it cuts its keys into a fixed number of
partitions and places each partition by its number, as a key (Dynamo's strategy 3, DeCandia et al., SOSP
2007, 6.2). `groups_in` does that for everything that is built on `models.groups`. Who says no placement has
one all the same: `NearHome`, in the home region and around it. Partitions that move
while traffic flows are what `deployment` is for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from models.domain import Domain
from models.groups import Group, store_name
from models.keyspace.hashing import JumpHashing, ModuloHashing
from models.keyspace.keys import pack_key
from models.keyspace.master import even_tablets
from models.keyspace.near import NearHome
from models.keyspace.openaddress import SlotTable, TableFull
from models.keyspace.placement import Node, Placement, check_length, nodes_of
from models.keyspace.rendezvous import Rendezvous
from models.keyspace.ring import Ring
from models.keyspace.routing import Route, route_of
from models.store.schemes import Scheme, Spread
from sim.topology import Location, Topology, at_service
from sim.wording import way_to

__all__ = [
    "PLACEMENTS",
    "KeySpace",
    "Stored",
    "groups_in",
    "groups_of",
    "key_of",
    "key_space",
    "near_home",
    "placement_of",
    "turns",
]

#: What storage can be placed by.
PLACEMENTS: Final = ("tablets", "ring", "rendezvous", "jump", "modulo", "slots")
_NUMBER_BITS: Final = 24

Parts = Mapping[tuple["Stored", int], int]


class Stored(IntEnum):
    """A kind of storage; those of an aggregate's own log have its key, those of a view its own, a queue's another."""

    EVENTS = 0
    SNAPSHOTS = 1
    DEDUP = 2
    OUTBOX = 3
    QUEUE = 4
    PROJECTION = 5
    CHECKPOINT = 6

    @property
    def with_events(self) -> bool:
        """Whether it stands in the group of an aggregate's log."""
        return self <= Stored.OUTBOX


def key_of(stored: Stored, instance: int, *, number: int = 0, tenant: int = 0) -> int:
    """The key of something that is stored.

    Args:
        stored: What kind it is.
        instance: The aggregate, or the number of the partition or segment; 64 bits.
        number: Of the domain, or of the queue or projection; 24 bits.
        tenant: Whose; 32 bits.

    Raises:
        ValueError: a part that does not fit its bits.
    """
    if not 0 <= number < 1 << _NUMBER_BITS:
        raise ValueError(f"{number=} does not fit its {_NUMBER_BITS} bits; give 0 to 2**{_NUMBER_BITS} - 1")
    # A checkpoint is saved with the rows that it speaks of, or tells a lie after a crash: it lies where they do.
    beside = Stored.PROJECTION if stored is Stored.CHECKPOINT else stored
    kind = Stored.EVENTS if stored.with_events else beside
    return pack_key(instance, domain=kind << _NUMBER_BITS | number, tenant=tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpace:
    """Who holds what, over a topology: a value, the same for everybody who makes it alike.

    Attributes:
        topology: Whose servers hold it.
        placement: Which of them, by key.
    """

    topology: Topology
    placement: Placement

    def holders(self, stored: Stored, instance: int, *, number: int = 0, tenant: int = 0, n: int) -> tuple[int, ...]:
        """Indices of the `n` hosts that hold it, the preferred one first; ValueError if there are not so many."""
        return self.placement.owners(key_of(stored, instance, number=number, tenant=tenant), n)

    def places(
        self, stored: Stored, instance: int, service: str, *, number: int = 0, tenant: int = 0, n: int
    ) -> tuple[Location, ...]:
        """Where the service of that name on each of those hosts is."""
        found = self.holders(stored, instance, number=number, tenant=tenant, n=n)
        return tuple(at_service(self.topology.hosts[index].location, service) for index in found)

    def route(self, stored: Stored, instance: int, *, number: int = 0, tenant: int = 0, n: int) -> Route:
        """The same as a client keeps it: `models.keyspace.routing` says what it does with it when it is refused."""
        return route_of(self.placement, key_of(stored, instance, number=number, tenant=tenant), n)


def key_space(
    topology: Topology,
    *,
    placement: str = "ring",
    region: str | None = None,
    spread: Spread = Spread.HOST,
    copies: int = 1,
    vnodes: int = 64,
    salt: int = 0,
    slots: int = 0,
    parts: Parts = MappingProxyType({}),
    among: Collection[int] | None = None,
) -> KeySpace:
    """A key space over the servers of a topology, or of one of its regions.

    Args:
        topology: Whose servers hold it.
        placement: One of `PLACEMENTS`.
        region: None for the servers of all.
        spread: No two holders share a failure domain of this level.
        copies: The longest preference list that will be asked for.
        vnodes: Virtual nodes on a ring.
        salt: Decides every hash.
        slots: Of open addressing; twice the partitions if 0.
        parts: By kind and number, how many partitions there are: what tablets are cut, and slots filled, by.
        among: The indices of the hosts that may hold anything; None for all servers.

    Raises:
        ValueError: a placement that is none, or more copies than there are zones, with the nearest that can.
    """
    nodes = tuple(node for node in nodes_of(topology, region) if among is None or node.number in among)
    if placement not in PLACEMENTS:
        raise ValueError(f"{placement=} is none; {way_to(placement, PLACEMENTS)}")
    check_length(copies, nodes, spread)
    keys = [
        key_of(stored, part, number=number)
        for (stored, number), count in sorted(parts.items())
        for part in range(count)
    ]
    if placement == "tablets":
        made: Placement = even_tablets([key for key in keys if key], nodes, copies, spread=spread)
    else:
        made = placement_of(placement, nodes, spread, vnodes=vnodes, salt=salt, keys=keys, slots=slots)
    return KeySpace(topology=topology, placement=made)


def near_home(
    topology: Topology, home: str, scheme: Scheme, *, first: int = 0, among: Collection[int] | None = None
) -> KeySpace:
    """The key space of those who name no placement; arguments and errors as for `NearHome`."""
    return KeySpace(topology=topology, placement=NearHome(topology, home, scheme, first=first, among=among))


def groups_of(
    topology: Topology,
    domain: Domain[Any],
    scheme: Scheme,
    home: str,
    shards: int,
    *,
    stored: Stored = Stored.EVENTS,
    placement: str = "",
    first: int = 0,
    among: Collection[int] | None = None,
) -> tuple[Group, ...]:
    """Where the members of a domain's shards are.

    Args:
        topology: Whose servers hold them.
        domain: What is stored.
        scheme: How many hold it, and how far apart.
        home: The region of shards that have no placement.
        shards: How many.
        stored: What kind of storage it is.
        placement: One of `PLACEMENTS`; empty for near home.
        first: Near home: shard i has its home on server `first` + i of the region.
        among: The indices of the hosts that may hold anything; None for all servers.

    Raises:
        ValueError: no shards, a placement that is none, or a scheme that the topology cannot serve.
    """
    if not placement:
        return groups_in(near_home(topology, home, scheme, first=first, among=among), stored, domain, scheme, shards)
    space = key_space(
        topology,
        placement=placement,
        spread=scheme.spread,
        copies=scheme.members,
        parts={(stored, domain.number): shards},
        among=among,
    )
    return groups_in(space, stored, domain, scheme, shards)


def groups_in(
    space: KeySpace,
    stored: Stored,
    domain: Domain[Any],
    scheme: Scheme,
    shards: int,
) -> tuple[Group, ...]:
    """Where the members of a domain's shards are, shard i being partition i of what is stored.

    Raises:
        ValueError: no shards, or a scheme with more members than there are zones.
    """
    if shards < 1:
        raise ValueError(f"{shards=} stores nothing; give at least 1")
    found = []
    for shard in range(shards):
        hosts = space.holders(stored, shard, number=domain.number, n=scheme.members)
        name = store_name(domain.name, shard)
        members = tuple((host + 1, at_service(space.topology.hosts[host].location, name)) for host in hosts)
        found.append(Group(domain=domain, shard=shard, scheme=scheme, hosts=hosts, members=members))
    return tuple(found)


def turns(services: Sequence[int], parts: int, *, salt: int = 0) -> tuple[tuple[int, ...], ...]:
    """By part, whose turn it is to take it: who first, and who next if that one is gone.

    For services that hold nothing themselves and share what lies elsewhere, as consumers share the segments of a view.
    Each part is placed by its number, as a partition is, so one who comes or goes changes no turns among the others.

    Args:
        services: Their numbers.
        parts: How many there are to take.
        salt: Decides every hash.
    """
    bidders = tuple(Node(number=number) for number in services)
    placed = placement_of("rendezvous", bidders, Spread.HOST, vnodes=1, salt=salt, keys=range(parts))
    return tuple(placed.owners(part, len(bidders)) for part in range(parts))


def placement_of(
    name: str, nodes: Sequence[Node], spread: Spread, *, vnodes: int, salt: int, keys: Sequence[int], slots: int = 0
) -> Placement:
    """A placement of these nodes by hashes; no name is another than these five.

    Args:
        name: One of `PLACEMENTS` but "tablets".
        nodes: Whose it is.
        spread: No two owners share a failure domain of this level.
        vnodes: Virtual nodes on a ring.
        salt: Decides every hash.
        keys: What slots are filled by, in this order.
        slots: How many; twice the keys if 0.

    Raises:
        ValueError: what the scheme refuses, such as too few slots.
    """
    if name == "ring":
        return Ring(nodes, vnodes=vnodes, spread=spread, seed=salt)
    if name == "rendezvous":
        return Rendezvous(nodes, spread=spread, seed=salt)
    if name == "jump":
        return JumpHashing(nodes, spread=spread, seed=salt)
    if name == "modulo":
        return ModuloHashing(nodes, spread=spread, seed=salt)
    table = SlotTable(nodes, slots=slots or max(2 * len(keys), len(nodes)), spread=spread, seed=salt)
    try:
        for key in keys:
            table.insert(key)
    except TableFull:
        least = ceil(len(keys) / table.limit)
        raise ValueError(
            f"{slots=} have no room for {len(keys)} keys, which may take {table.limit} of them; give at least {least}, "
            f"or 0 for twice as many as keys"
        ) from None
    return table
