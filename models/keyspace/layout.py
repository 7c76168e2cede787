"""Where the parts of a placed store are: members, tablet servers, clients; and the first map, by any placement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from models.clients import Mix, Workload
from models.detection import Plan
from models.domain import Domain
from models.factories import Refused, noted
from models.keyspace.client import PlacedClient
from models.keyspace.decisions import Membership
from models.keyspace.directory import Directory
from models.keyspace.ends import find_groups, key_points, moves_of, placed_ledger, unsettled, writable_twice
from models.keyspace.keys import KEY_END, pack_key, unpack_key
from models.keyspace.master import even_tablets
from models.keyspace.mastering import MASTER, Master, MasterOptions
from models.keyspace.operators import GROUP_OPERATOR, GroupOperator
from models.keyspace.placement import Node
from models.keyspace.server import SERVER, TABLET, GroupConfig, ServerOptions, TabletServer, member_name
from models.keyspace.shard import PlacedShard
from models.keyspace.tablets import Tablet, TabletMap, tablet_mistakes
from models.layout import CLIENT, maker
from models.ledger import Ledger
from models.placing_end import PlacingEnd
from models.raft.deployment import raft_scheme
from models.raft.options import RaftOptions
from models.raft.plan import RaftPlan
from models.store.group.operators import ShardOperatorOptions
from models.store.options import LogPolicy, MemberOptions
from models.store.schemes import Scheme
from sim.host import Context, Template
from sim.host import Placement as Placed
from sim.topology import HostSpec, Location, Topology, at_service, host_of

__all__ = ["PlacedLayout", "first_map", "tablets_by_hand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLayout:
    """What of the store is where."""

    topology: Topology
    workload: Workload
    domain: Domain[Any]
    scheme: Scheme
    member: MemberOptions
    nodes: tuple[Node, ...]
    kind: type[PlacedShard]
    directory: Directory
    server: ServerOptions
    routes: int
    detector: Plan | None = None
    tenants: int = 1
    looks: float = 0.0
    asking: type[PlacedClient] = PlacedClient
    beside: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def locate(self, group: int, number: int) -> Location:
        """The member of a group on a node; of group 0, the tablet server."""
        return at_service(self.topology.hosts[number].location, member_name(group) if group else SERVER)

    def make_member(self, ctx: Context, config: GroupConfig) -> PlacedShard:
        """The member of a group on the host of a context."""
        mine = self.topology.index_of(host_of(ctx.location))
        options = replace(
            self.member,
            number=mine + 1,
            shard=config.group,
            peers=tuple((one + 1, self.locate(config.group, one)) for one in config.owners if one != mine),
            home=config.owners[0] + 1,
            scheme=self.scheme,
        )
        on_line, domain = self.directory.on_line, self.domain
        point = lambda tenant, aggregate: on_line(pack_key(aggregate, domain=domain.number, tenant=tenant))  # noqa: E731
        return self.kind(ctx, options, domain, point, self.locate, **self.beside)

    def template(self, found_us: int) -> Template:
        """How more of them come to be."""
        return Template(
            name=TABLET,
            make=self.make_member,
            delay_us_min=found_us // 2 + 1,
            delay_us_max=found_us // 2 + found_us,
            kind=self.kind,
            named=lambda config: member_name(config.group),
        )

    def members(self) -> list[Placed]:
        """The members of the first groups."""
        return [
            Placed(
                host=self.topology.hosts[number].location,
                name=member_name(held.group),
                make=self._member_of(GroupConfig(group=held.group, owners=held.owners)),
                kind=self.kind,
            )
            for held in self.directory.held
            for number in held.owners
        ]

    def masters(self, deciding: MasterOptions, start: TabletMap, placement: Membership | None) -> list[Placed]:
        """A master at each of the seats, a group of their own."""
        topology, seats = self.topology, self.server.masters
        numbers = [topology.index_of(host_of(seat)) + 1 for seat in seats]
        # One that is alone disturbs nobody by standing for election.
        patience = RaftOptions() if len(seats) > 1 else RaftOptions(election_us=2 * RaftOptions().heartbeat_us)
        plan = RaftPlan(founders=tuple(numbers), raft=patience)
        by_number = {node.number: node for node in self.nodes}
        placed = []
        for number, seat in zip(numbers, seats, strict=True):
            mine = replace(
                self.member,
                number=number,
                shard=0,
                peers=tuple((other, at) for other, at in zip(numbers, seats, strict=True) if other != number),
                home=numbers[0],
                scheme=raft_scheme(len(seats), len(seats), "host"),
                log=LogPolicy(),
            )
            make = partial(
                Master,
                plan=plan,
                tablets=start,
                line=self.directory.on_line,
                deciding=deciding,
                nodes=by_number,
                n=self.scheme.members,
                placement=placement,
            )
            placed.append(Placed(host=host_of(seat), name=MASTER, make=maker(make, mine, self.domain), kind=Master))
        return placed

    def _member_of(self, config: GroupConfig) -> Callable[[Context], PlacedShard]:
        return lambda ctx: self.make_member(ctx, config)

    def servers(self) -> list[Placed]:
        """A tablet server on every node's host."""
        return [
            Placed(
                host=self.topology.hosts[node.number].location, name=SERVER, make=self._server(node), kind=TabletServer
            )
            for node in self.nodes
        ]

    def _server(self, node: Node) -> Callable[[Context], TabletServer]:
        peers = tuple(self.locate(0, other.number) for other in self.nodes if other.number != node.number)
        return lambda ctx: TabletServer(ctx, node.number, self.directory, self.server, self.locate, peers)

    def operators(self, seat: HostSpec, patience_us: int, force_after_us: int) -> list[Placed]:
        """People near the master, out of the way of what befalls servers where there is such a host."""
        desk = (*self.topology.clients(seat.region), seat)[0]
        informants = (*(self.locate(0, node.number) for node in self.nodes), *self.server.masters)
        options = ShardOperatorOptions(
            shards=(), patience_us=patience_us, force_after_us=None if force_after_us < 0 else force_after_us
        )
        make: Callable[[Context], GroupOperator] = lambda ctx: GroupOperator(  # noqa: E731
            ctx, options, self.directory.held, self.locate, informants
        )
        return [Placed(host=desk.location, name=GROUP_OPERATOR, make=make, kind=GroupOperator)]

    def clients(self, mix: Mix) -> list[Placed]:
        """A client on every client host; regions share the load equally, and ask their own servers for routes first."""
        topology, placed = self.topology, []
        for region in topology.regions:
            hosts = topology.clients(region)
            near = sorted(self.nodes, key=lambda node: (node.region != region, node.number))
            nearest = (*(self.locate(0, node.number) for node in near), *self.server.masters)
            for index, host in enumerate(hosts):
                share = 1 / (len(topology.regions) * len(hosts))
                first_id = topology.region_number(region) << 48 | index << 40 | 1
                make = self._client(share, first_id, mix, nearest)
                placed.append(Placed(host=host.location, name=CLIENT, make=make, kind=self.asking))
        return placed

    def _client(
        self, share: float, first_id: int, mix: Mix, nearest: Sequence[Location]
    ) -> Callable[[Context], PlacedClient]:
        return lambda ctx: self.asking(
            ctx,
            self.workload,
            share=share,
            first_id=first_id,
            mix=mix,
            directory=self.directory,
            domain=self.domain.number,
            server_of=lambda number: self.locate(0, number),
            nearest=nearest,
            routes=self.routes,
            detector=self.detector,
            tenants=self.tenants,
            looks=self.looks,
        )

    def ledger(self, service_of: Callable[[Location], Any]) -> Ledger:
        """The end of a run, over all groups that there are by then."""
        services = [service_of(self.locate(0, node.number)) for node in self.nodes]
        servers = [one for one in services if isinstance(one, TabletServer)]
        masters = [service_of(location) for location in self.server.masters]
        states = [one.state for one in masters if isinstance(one, Master)]
        state = max(states, key=lambda one: one.directory.version, default=None)
        maps = [self.directory, *(one.directory for one in servers), *([state.directory] if state else [])]
        newest = max(maps, key=lambda one: one.version)
        groups = find_groups([node.number for node in self.nodes], newest, self.locate, service_of)
        points = key_points(self.directory.on_line, self.domain.number)
        clients = [service_of(at_service(host.location, CLIENT)) for host in self.topology.hosts if host.client]
        placing = PlacingEnd(
            version=newest.version,
            versions=tuple(one.directory.version for one in servers),
            moves=tuple(moves_of(groups)),
            twice=tuple(writable_twice(groups)),
            unsettled=tuple(unsettled(newest, groups)),
            nodes=newest.nodes,
            decided=tuple(sorted(state.taken.items())) if state else (),
            deciders=tuple(sorted(state.deciders)) if state else (),
            stale=sum(one.stale for one in servers),
            refreshed=sum(one.refreshed for one in clients if isinstance(one, PlacedClient)),
            looked_again=sum(one.looked_again for one in clients if isinstance(one, PlacedClient)),
            point_of=points,
        )
        return replace(placed_ledger(groups, points, self.domain.name, self.scheme, self.tenants), placing=placing)


def first_map(
    holders: Callable[[int], tuple[int, ...]] | None,
    key_of: Callable[..., int],
    nodes: Sequence[Node],
    scheme: Scheme,
    workload: Workload,
    partitions: int,
    tenants: int = 1,
) -> TabletMap:
    """Who holds what at first: as many tablets with as many aggregates' keys each, or each partition as its holders.

    A tenant's keys lie together, behind those of the one before.
    """
    n, spread = scheme.members, scheme.spread
    if holders is None:
        each = max(1, workload.accounts * tenants // partitions)
        places = (divmod(index * each, workload.accounts) for index in range(1, partitions))
        # More partitions than there are aggregates: the last tenant's keys are cut where nobody is yet.
        cuts = [_cut(key_of, tenant, account, workload.accounts, tenants) for tenant, account in places]
        return even_tablets(cuts, nodes, n, spread=spread, version=partitions)
    bounds = [index * KEY_END // partitions for index in range(partitions + 1)]
    found = [
        Tablet(begin=bounds[index], end=bounds[index + 1], owners=holders(index), version=partitions)
        for index in range(partitions)
    ]
    return TabletMap(found, nodes, spread=spread, version=partitions)


def _cut(key_of: Callable[..., int], tenant: int, account: int, accounts: int, tenants: int) -> int:
    """The key of an account of a tenant; what is beyond the last tenant's accounts is still its own."""
    beyond = max(0, tenant - tenants + 1)
    return key_of(account + beyond * accounts, tenant=tenant - beyond)


def tablets_by_hand(topology: Topology, words: str, nodes: Sequence[Node], scheme: Scheme, domain: int) -> TabletMap:
    """The first map as it is written down.

    Raises:
        ValueError: parts that cannot be read, or a map that cannot be; all of it at once.
    """
    found: list[Tablet] = []
    mistakes: list[str] = []
    whole = True
    for part in (one.split() for one in words.split(",") if one.strip()):
        begin, dash, end = part[0].partition("-")
        told = f"tablets {' '.join(part)!r}"
        numbers = [_numbered(topology, path, told, mistakes) for path in part[1:]]
        if len(numbers) != scheme.members:
            mistakes.append(f"{told}: it has {len(numbers)} hosts, and scheme {scheme.name!r} wants {scheme.members}")
        if not dash or not begin.isdecimal() or not (end.isdecimal() or end == "end"):
            mistakes.append(f"{told}: write FIRST-LAST and hosts, as in 0-16 a/c1/h1 a/c1/h2, the last to `end`")
            whole = False  # what it was to hold is nobody's, and it would be idle to say so
            continue
        first = pack_key(int(begin), domain=domain) if int(begin) else 0
        last = KEY_END if end == "end" else pack_key(int(end), domain=domain)
        owners = tuple(number for number in numbers if number is not None)
        found.append(Tablet(begin=first, end=last, owners=owners))
    if not found and not mistakes:
        raise ValueError(f"tablets={words!r} names none; leave it empty to have them dealt out evenly")
    wrong = tablet_mistakes(found, nodes, scheme.spread) if found and whole else []
    # Who has no owner has none that could be read, which was said.
    mistakes += [f"tablets: {_as_written(topology, one)}" for one in wrong if "has no owner" not in one]
    if mistakes:
        raise Refused(mistakes)
    count = len(found)
    return TabletMap([replace(one, version=count) for one in found], nodes, spread=scheme.spread, version=count)


def _numbered(topology: Topology, path: str, told: str, mistakes: list[str]) -> int | None:
    found = noted(mistakes, lambda: topology.host(path).index)
    if found is None:
        mistakes[-1] = f"{told}: {mistakes[-1]}"
    number: int | None = found
    return number


def _as_written(topology: Topology, mistake: str) -> str:
    """What is wrong with a map, in the words of whoever wrote it: aggregates for keys, and paths for nodes."""
    path = lambda one: topology.hosts[int(one[0])].path  # noqa: E731
    mistake = re.sub(r"(?<=held by )\d+|(?<=nearest is )\d+|(?<=and )\d+(?= of one)", path, mistake)
    return re.sub("0x[0-9a-f]+", _aggregate, mistake)


def _aggregate(found: re.Match[str]) -> str:
    """A key as whoever wrote the tablets knows it: the aggregate, or the end of all."""
    key = int(found[0], 16)
    return "end" if key == KEY_END else str(unpack_key(key)[2])
