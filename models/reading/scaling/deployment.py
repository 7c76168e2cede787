"""A read side that is provisioned, laid out: of the home region's servers some write, some plan, the last ones read.

What plans is the control plane of `models.services`: a registry, watchers and a scheduler, which give slots to the
hosts that read by the queries that these are given. None of the three needs the others to go on: without planners
whoever writes writes and whoever reads reads, and the number of these stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.clients import BankMix, Workload
from models.domains.bank_account import BankAccount
from models.factories import Reading
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import CLIENT, maker
from models.ledger import Ledger
from models.raft.deployment import raft_scheme
from models.raft.options import RaftOptions
from models.reading.ending import reading_end
from models.reading.feeding import FedShard
from models.reading.feeds import LogFeed
from models.reading.layout import near_members, route_from
from models.reading.projections import Balances
from models.reading.scaling.seeking import SeekingUser
from models.reading.scaling.viewhost import ViewHost
from models.reading.users import UserOptions
from models.services.deciding import Room
from models.services.holder import Seat
from models.services.options import ControlOptions, ScalingOptions
from models.services.plane import ControlPlane, Kinds
from models.store.options import MemberOptions
from models.system import Site, System
from sim.host import Context, Placement
from sim.topology import HostSpec, Location, Topology

__all__ = ["scaled_reading"]


def scaled_reading(
    site: Site,
    workload: Workload,
    kind: type[ViewHost] = ViewHost,
    *,
    scheme: str = "multi-persist:2/3",
    shards: int = 2,
    home: str = "",
    planners: int = 3,
    least: int = 1,
    most: int = 3,
    target_per_s: float = 12.0,
    settle_us: int = 4_000_000,
    provision_us: int = 1_000_000,
    beat_us: int = 100_000,
    suspect_us: int = 600_000,
    patience_us: int = 500_000,
    reads: float = 0.5,
    selects: float = 0.05,
    own: float = 0.5,
    tokens: bool = True,
    sessions: int = 8,
    batch: int = 200,
    project_us: int = 0,
    promote_after_us: int = 0,
) -> System:
    """The bank, read on `least` to `most` view hosts, each for up to `target` queries a second.

    The last `most` servers of the home region read, the `planners` before them see to that, the others write. Who is
    started takes half of `provision` to all of it, and then as long as it takes to read the logs; who is not needed is
    released after `settle`. Other options are as for `models.reading.deployment:reading`.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    domain = BankAccount(opening_balance=workload.opening_balance)
    place = read.home(home) or topology.regions[0]
    servers = topology.servers(place)
    read.at_least(1, shards=shards, planners=planners, most=most, batch=batch, provision_us=provision_us)
    read.at_least(0, project_us=project_us)
    writing = len(servers) - max(planners, 1) - max(most, 1)
    if writing < 1:
        read.problems.append(
            f"{most=} that read and {planners=} of the {len(servers)} servers of {place!r} leave nobody to write; "
            f"give both together at most {len(servers) - 1}, or add hosts"
        )
    if planners > 1 and planners % 2 == 0:
        read.problems.append(
            f"{planners=}: an even group survives no more failures than one of one less; give {planners - 1}"
        )
    parts = _Parts(servers, max(1, writing), max(planners, 1))
    written = read.scheme(scheme)
    groups: tuple[Group, ...] = ()
    if written is not None and writing > 0:
        outside = {host.index for host in servers[parts.writing :]}
        among = {host.index for region in topology.regions for host in topology.servers(region)} - outside
        groups = read.of(lambda: groups_of(topology, domain, written, place, shards, among=among)) or ()
    control = read.of(
        lambda: ControlOptions(
            beat_us=beat_us,
            lease_us=2 * max(suspect_us, beat_us),
            suspect_us=suspect_us,
            report_us=beat_us,
            decide_us=beat_us,
            grace_us=max(1, provision_us + 2 * suspect_us + 2 * patience_us),
            patience_us=patience_us,
        )
    )
    scaling = read.of(lambda: ScalingOptions(least=least, most=most, target_per_s=target_per_s, settle_us=settle_us))
    users = read.of(
        lambda: UserOptions(
            gateways=(),
            reads=reads,
            selects=selects,
            own=own,
            tokens=tokens,
            patience_us=patience_us,
            sessions=sessions,
        )
    )
    read.done()
    assert control is not None
    assert scaling is not None
    assert users is not None
    plane = _plane(topology, place, parts, control, scaling)
    layout = _Layout(
        topology=topology,
        workload=workload,
        groups=groups,
        plane=plane,
        kind=kind,
        projection=Balances(workload.opening_balance),
        batch=batch,
        project_us=project_us,
    )
    return layout.system(users, (-(-provision_us // 2), provision_us), promote_after_us)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Servers of a region, and how many of them write, and plan."""

    servers: Sequence[HostSpec]
    writing: int
    planning: int

    @property
    def planners(self) -> tuple[HostSpec, ...]:
        return tuple(self.servers[self.writing : self.writing + self.planning])

    @property
    def readers(self) -> tuple[HostSpec, ...]:
        return tuple(self.servers[self.writing + self.planning :])


def _plane(
    topology: Topology, place: str, parts: _Parts, control: ControlOptions, scaling: ScalingOptions
) -> ControlPlane:
    kinds, count = Kinds(), len(parts.planners)
    (registry,) = groups_of(
        topology,
        kinds.assignments(),
        raft_scheme(count, count, "host"),
        place,
        1,
        among={host.index for host in parts.planners},
    )
    region = topology.region_number(place)
    return ControlPlane(
        topology=topology,
        servers=(parts.planners,),
        kinds=kinds,
        registry=registry,
        rooms=tuple(Room(host=host.index, at=host.location, region=region, places=1) for host in parts.readers),
        control=control,
        scaling=scaling,
        watched=None,
        schedulers=1,
        watchers=count,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What is where.

    Attributes:
        topology: Where.
        workload: What users do.
        groups: The write side.
        plane: The control plane.
        kind: What view hosts are.
        projection: What is made of events.
        batch: As for a live view.
        project_us: As for a live view.
    """

    topology: Topology
    workload: Workload
    groups: tuple[Group, ...]
    plane: ControlPlane
    kind: type[ViewHost]
    projection: Balances
    batch: int
    project_us: int

    def system(self, users: UserOptions, delays_us: tuple[int, int], promote_after_us: int) -> System:
        """All of it."""
        topology, workload, plane, groups = self.topology, self.workload, self.plane, self.groups
        member = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=workload.attempt_timeout_us)
        placed = [one for group in groups for one in members_of(group, member, FedShard)]
        heartbeat_us = max(1, plane.control.beat_us // 2)
        raft = RaftOptions(election_us=8 * heartbeat_us, heartbeat_us=heartbeat_us, retry_us=2 * heartbeat_us)
        placed += [*plane.logs(raft), *plane.services(), *plane.begun(plane.scaling.least, self._view, self.kind)]
        desk = plane.registry.members[0][1]
        if promote_after_us:
            placed.append(operator_of(topology.clients(topology.regions[0])[0].location, groups, promote_after_us, -1))
        mix = BankMix(workload)
        written = group_system(topology, workload, mix, groups, placements=placed, records="reading")
        planned = group_system(topology, workload, mix, (plane.registry,), placements=(), records="reading")
        assert written.ledger is not None
        assert planned.ledger is not None
        read, ended = written.ledger, plane.ended(planned.ledger)

        def ledger(service_of: Callable[[Location], Any]) -> Ledger:
            nothing_kept = replace(reading_end((), service_of, "", "live", desk), band=self.projection.band)
            return replace(read(service_of), services=ended(service_of), reading=nothing_kept)

        return replace(
            written,
            placements=(*(one for one in written.placements if one.name != CLIENT), *self._users(users)),
            templates=(plane.template(self._view, self.kind, delays_us),),
            groups={**written.groups, **planned.groups},
            ledger=ledger,
        )

    def _view(self, ctx: Context, seat: Seat) -> ViewHost:
        """The view host of a seat."""
        host = self.topology.hosts[seat.host]
        sources = [tuple(location for _, location in group.members) for group in self.groups]
        feeds = [
            LogFeed(ctx, shard, near_members(self.topology, host, members)) for shard, members in enumerate(sources)
        ]
        plane = self.plane
        return self.kind(
            ctx,
            seat,
            plane.listeners,
            plane.control,
            feeds,
            self.projection,
            batch=self.batch,
            project_us=self.project_us,
        )

    def _users(self, users: UserOptions) -> list[Placement]:
        topology, plane = self.topology, self.plane
        hosts = [host for region in topology.regions for host in topology.clients(region)]
        placed = []
        for index, host in enumerate(hosts):
            mine = replace(users, share=1 / len(hosts), first_id=index + 1 << 40 | 1)
            make: Callable[[Context], SeekingUser] = maker(
                SeekingUser,
                self.workload,
                mine,
                route_from(topology, host, self.groups),
                plane.nearest(host.region),
                plane.control,
            )
            placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=SeekingUser))
        return placed
