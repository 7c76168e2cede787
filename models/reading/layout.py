"""Where the parts of the read side are: views by the key space, consumers and gateways on the reading hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from models.clients import Route
from models.confidence.providing import Rule
from models.domains.bank_account import BankAccount
from models.groups import Group, members_of
from models.keyspace.keys import HASH_END, KeyHash
from models.keyspace.placement import nodes_of, zones_of
from models.keyspace.storage import Stored, groups_of, turns
from models.layout import shard_of
from models.reading.feeds import GlobalFeed, LogFeed, Stretch
from models.reading.gateway import Gateway
from models.reading.live import LiveView
from models.reading.options import ProjectorOptions
from models.reading.projections import Balances
from models.reading.projector import Projector
from models.reading.staffing import READER, Staff, StaffPlan
from models.reading.telling import FreshViewShard
from models.reading.viewing import ViewShard
from models.reading.views import Views
from models.reading.words import Seat
from models.store.options import MemberOptions
from models.store.schemes import Scheme
from sim.host import Context, Placement, Template
from sim.topology import HostSpec, Location, Topology, at_service

__all__ = [
    "GATEWAY",
    "LIVE",
    "PROJECTOR",
    "STAFF",
    "ReadLayout",
    "near_members",
    "part_of",
    "route_from",
    "stretches",
    "view_groups",
    "write_groups",
]

PROJECTOR: Final = "projector"
GATEWAY: Final = "gateway"
LIVE: Final = "live"
STAFF: Final = "staff"
#: Consumers of the second version are numbered from here.
SECOND: Final = 64


def stretches(segments: int) -> tuple[Stretch, ...]:
    """The line of hashes in equal parts."""
    bounds = [index * HASH_END // segments for index in range(segments + 1)]
    return tuple(Stretch(begin, end) for begin, end in pairwise(bounds))


def part_of(segments: int) -> Callable[[int], int]:
    """By aggregate, its segment."""
    on_line = KeyHash()
    return lambda key: on_line(key) * segments // HASH_END


def write_groups(
    topology: Topology, hosts: Sequence[HostSpec], domain: BankAccount, scheme: Scheme, shards: int
) -> tuple[Group, ...]:
    """The shards of the write side, on the hosts that write and, where the scheme wants them, beyond the region.

    Raises:
        ValueError: more holders than there are hosts that write.
    """
    readers = {host.index for host in topology.servers(hosts[0].region)} - {host.index for host in hosts}
    among = {node.number for node in nodes_of(topology)} - readers
    if scheme.members > len(among):
        raise ValueError(
            f"scheme={scheme.name!r} asks for {scheme.members} members, and {len(among)} hosts write; "
            "lower `holders`, or `readers`, or add hosts"
        )
    return groups_of(topology, domain, scheme, hosts[0].region, shards, among=among)


def view_groups(
    topology: Topology, readers: Sequence[HostSpec], domain: Views, scheme: Scheme, segments: int, placement: str
) -> tuple[Group, ...]:
    """By segment the group that keeps its rows and checkpoints, where the key space of the reading hosts puts it.

    Raises:
        ValueError: a placement that is none, or more holders than there are such hosts, far enough apart.
    """
    among = {host.index for host in readers}
    room = zones_of((node for node in nodes_of(topology) if node.number in among), scheme.spread)
    if scheme.members > room:
        raise ValueError(
            f"views={scheme.name!r} asks for {scheme.members} members, and of the {len(readers)} reading hosts "
            f"{room} are far enough apart; lower `holders`, or raise `readers`"
        )
    home = readers[0].region
    return groups_of(
        topology, domain, scheme, home, segments, stored=Stored.PROJECTION, placement=placement, among=among
    )


def route_from(topology: Topology, host: HostSpec, groups: Sequence[Group]) -> Route:
    """Whom a client asks: the member of its own region first, the home before all others."""
    entries = []
    for group in groups:
        order = sorted(
            range(len(group.members)),
            key=lambda index: (topology.hosts[group.hosts[index]].region != host.region, index),
        )
        entries.append(tuple(group.members[index][1] for index in order))
    return lambda aggregate: entries[shard_of(aggregate, len(entries))]


def near_members(topology: Topology, host: HostSpec, members: Sequence[Location]) -> tuple[Location, ...]:
    """Members in the order in which a host asks them: of its own region first."""
    regions = [topology.hosts[topology.index_of(member)].region for member in members]
    order = sorted(range(len(members)), key=lambda index: (regions[index] != host.region, index))
    return tuple(members[index] for index in order)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLayout:
    """What of the read side is where.

    Attributes:
        topology: The hosts.
        readers: Those that read.
        sources: By shard, the members of the write side that hold its log.
        sequencer: Who orders them all, where consumers follow the global sequence.
        groups: By segment, who keeps its views.
        consumer: What consumers are told; who they are, their peers, views and stretches are filled in.
        plan: How many consumers share the segments, and when.
        projection: What is made of events.
        mended: As for a `Projector`.
        mended_us: As for a `Projector`.
        rebuild_us: When a second version begins; 0 for never.
        domain: The rules of views.
        kind: What consumers are.
        feed: What follows the global sequence.
        ask_us: A gateway's patience.
        keys: How many a segment has, where views say how likely they are fresh; 0 where they do not.
        waits: When users wait rather than take what may be stale.
        door: What stands before the parts.
    """

    topology: Topology
    readers: tuple[HostSpec, ...]
    sources: tuple[tuple[Location, ...], ...]
    sequencer: Location | None
    groups: tuple[Group, ...]
    consumer: ProjectorOptions
    plan: StaffPlan
    projection: Balances
    mended: Balances | None
    mended_us: int
    rebuild_us: int
    domain: Views
    kind: type[Projector]
    feed: type[GlobalFeed]
    ask_us: int
    keys: int = 0
    waits: Rule | None = None
    door: type[Gateway] = Gateway

    def near(self, host: HostSpec, members: Sequence[Location]) -> tuple[Location, ...]:
        """As `near_members`."""
        return near_members(self.topology, host, members)

    def feeds(self, ctx: Context, host: HostSpec) -> list[LogFeed | GlobalFeed]:
        """What a consumer on a host reads."""
        near = [self.near(host, members) for members in self.sources]
        if self.sequencer is not None:
            return [self.feed(ctx, self.sequencer, near)]
        return [LogFeed(ctx, shard, members) for shard, members in enumerate(near)]

    def views(self, options: MemberOptions) -> list[Placement]:
        """The members that keep views."""
        projection, keys = self.projection, self.keys

        def make(ctx: Context, mine: MemberOptions, domain: Any) -> ViewShard:
            if keys:
                return FreshViewShard(ctx, mine, domain, projection, keys=keys)
            return ViewShard(ctx, mine, domain, projection)

        kind = FreshViewShard if keys else ViewShard
        return [
            Placement(host=placement.host, name=placement.name, make=placement.make, kind=kind)
            for group in self.groups
            for placement in members_of(group, options, make)  # type: ignore[arg-type]
        ]

    def consuming(self) -> list[Placement]:
        """The consumers of each version that there are at first."""
        placed = self._version(1, 1, PROJECTOR, self.consumer, self.projection)[: self.plan.first]
        if self.rebuild_us:
            second = replace(self.consumer, begins_us=self.rebuild_us)
            placed += self._version(2, SECOND, f"{PROJECTOR}-2", second, self.mended or self.projection)
        return placed

    def _version(
        self, version: int, first: int, name: str, consumer: ProjectorOptions, projection: Balances
    ) -> list[Placement]:
        hosts = [self.readers[index % len(self.readers)] for index in range(self.plan.seats)]
        names = [f"{name}-{index}" for index in range(self.plan.seats)]
        places = [
            (first + index, at_service(host.location, named))
            for index, (host, named) in enumerate(zip(hosts, names, strict=True))
        ]
        order = turns([number for number, _ in places], len(self.groups))
        absent = frozenset(number for number, _ in places[self.plan.first :])
        placed = []
        for index, host in enumerate(hosts):
            options = replace(
                consumer,
                number=places[index][0],
                peers=tuple(place for place in places if place[0] != places[index][0]),
                order=order,
                absent=absent - {places[index][0]},
                version=version,
                views=tuple(tuple(location for _, location in group.members) for group in self.groups),
                stretches=stretches(len(self.groups)),
            )
            make = self._consumer(host, options, projection)
            placed.append(Placement(host=host.location, name=names[index], make=make, kind=self.kind))
        return placed

    def _consumer(
        self, host: HostSpec, options: ProjectorOptions, projection: Balances
    ) -> Callable[[Context], Projector]:
        return lambda ctx: self.kind(
            ctx, options, projection, self.feeds(ctx, host), self.domain, self.mended, self.mended_us
        )

    # -- consumers that come and go ------------------------------------------------------------

    def staff(self, at: Location) -> Placement:
        """The operator, who starts consumers and lets them go."""
        placed = self._version(1, 1, PROJECTOR, self.consumer, self.projection)
        seats = [(one.host, at_service(one.host, one.name)) for one in placed]
        plan = self.plan
        return Placement(host=at, name=STAFF, make=lambda ctx: Staff(ctx, plan, seats), kind=Staff)

    def template(self) -> Template:
        """What the operator starts."""
        placed = self._version(1, 1, PROJECTOR, self.consumer, self.projection)

        def make(ctx: Context, seat: Seat) -> Projector:
            made: Projector = placed[seat.number].make(ctx)
            return made

        return Template(
            name=READER,
            make=make,
            delay_us_min=(self.plan.provision_us + 1) // 2,
            delay_us_max=self.plan.provision_us,
            kind=self.kind,
            named=lambda seat: placed[seat.number].name,
        )

    def due(self) -> tuple[int, ...]:
        """By segment, the number of the consumer that should own it in the end, if all live."""
        orders = turns(range(1, self.plan.seats + 1), len(self.groups))
        return tuple(next(number for number in order if number <= self.plan.last) for order in orders)

    def gateways(self, parts: Sequence[tuple[Location, ...]] | None, of: Callable[[int], int]) -> list[Placement]:
        """A gateway on each reading host, before these parts; None for the live view of its own host."""
        placed = []
        for host in self.readers:
            mine = ((at_service(host.location, LIVE),),) if parts is None else tuple(self.near(host, p) for p in parts)
            placed.append(Placement(host=host.location, name=GATEWAY, make=self._gateway(mine, of), kind=self.door))
        return placed

    def _gateway(self, parts: Sequence[tuple[Location, ...]], of: Callable[[int], int]) -> Callable[[Context], Gateway]:
        return lambda ctx: self.door(ctx, parts, of, ask_us=self.ask_us)

    def live(self) -> list[Placement]:
        """A live view on each reading host."""
        return [Placement(host=host.location, name=LIVE, make=self._live(host), kind=LiveView) for host in self.readers]

    def _live(self, host: HostSpec) -> Callable[[Context], LiveView]:
        options = self.consumer
        return lambda ctx: LiveView(
            ctx,
            [LogFeed(ctx, shard, self.near(host, members)) for shard, members in enumerate(self.sources)],
            self.projection,
            batch=options.batch,
            project_us=options.project_us,
        )
