"""Where the parts of a service are: registry, store, schedulers, watchers, instances, clients; and how its end is read.

Each role has servers of its own where a region has enough of them: of every region the first server keeps the
registry (a member of the log of assignments, and a directory), the second the store of acts, the third a scheduler,
the fourth a watcher; with fewer servers they share. Instances go to the servers from `reserved` on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from models.clients import BankMix, Client, Workload
from models.detection import Plan
from models.groups import Group, group_system
from models.layout import CLIENT, maker
from models.ledger import FinalEvent, Ledger
from models.mixes import DOMAIN_SHIFT
from models.raft.deployment import raft_placements
from models.raft.options import RaftOptions
from models.raft.plan import Reads
from models.retrying.policy import RetryPolicy
from models.services.acts import Acts
from models.services.assignments import Assignment, Assignments
from models.services.client import ServiceClient, ServiceClientOptions
from models.services.deciding import Room, place
from models.services.directory import Directory
from models.services.ends import services_end
from models.services.instance import Instance, InstanceOptions, Seat, instance_name
from models.services.options import ControlOptions, ScalingOptions
from models.services.scheduler import Scheduler, SchedulerOptions
from models.services.watcher import Watcher
from models.store.group.wire import ShipOptions
from models.store.options import MemberOptions
from models.system import System
from sim.host import Context, Placement, Template
from sim.topology import Location, Topology, at_service, host_of

__all__ = ["DIRECTORY", "INSTANCE", "SCHEDULER", "STORE", "WATCHER", "Kinds", "ServiceLayout"]

DIRECTORY: Final = "directory"
SCHEDULER: Final = "scheduler"
WATCHER: Final = "watcher"
INSTANCE: Final = "worker"
#: Which server of a region a role is on, modulo how many there are.
STORE: Final = 1
_SCHEDULERS, _WATCHERS = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the parts of the system are; no option, a subclass differs in the one thing that it overrides."""

    directory: type[Directory] = Directory
    watcher: type[Watcher] = Watcher
    scheduler: type[Scheduler] = Scheduler
    assignments: type[Assignments] = Assignments
    acts: type[Acts] = Acts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLayout:
    """What of a service is where.

    Attributes:
        topology: Where.
        workload: What clients do.
        kinds: What the parts are.
        groups: The log of assignments, then the store of acts.
        rooms: Where instances may be.
        control: How the control plane behaves.
        scaling: How many instances there are.
        policy: How clients retry.
        watched: How watchers suspect; None for a fixed silence.
        schedulers: How many.
        watchers: How many.
    """

    topology: Topology
    workload: Workload
    kinds: Kinds
    groups: tuple[Group, ...]
    rooms: tuple[Room, ...]
    control: ControlOptions
    scaling: ScalingOptions
    policy: RetryPolicy
    watched: Plan | None
    schedulers: int
    watchers: int

    @property
    def directories(self) -> tuple[Location, ...]:
        """One beside each member of the log of assignments."""
        return tuple(at_service(host_of(location), DIRECTORY) for _, location in self.groups[0].members)

    def system(self, raft: RaftOptions, *, begun: int, delays_us: tuple[int, int]) -> System:
        """All of it.

        Args:
            raft: Of both groups.
            begun: Instances that run from the beginning, where the scheduler is about to have them.
            delays_us: Least and most that starting one takes.
        """
        watching = _role(self.topology, _WATCHERS, self.watchers, WATCHER)
        listeners = (*self.directories, *watching)
        store = tuple(location for _, location in self.groups[1].members)
        instances = InstanceOptions(listeners=listeners, store=store, control=self.control)
        placed = [*self._members(raft), *self._control_plane(watching), *self._begun(begun, instances)]
        system = group_system(
            self.topology,
            self.workload,
            BankMix(self.workload),
            self.groups,
            placements=placed,
            records="services",
        )
        template = Template(
            name=INSTANCE,
            make=lambda ctx, seat: Instance(ctx, seat, instances),
            delay_us_min=delays_us[0],
            delay_us_max=delays_us[1],
            kind=Instance,
            named=instance_name,
        )
        return replace(
            system,
            placements=(*(one for one in system.placements if one.kind is not Client), *self._clients()),
            templates=(template,),
            ledger=self._with_services(system),
        )

    def _members(self, raft: RaftOptions) -> list[Placement]:
        mine = MemberOptions(
            number=0,
            shard=0,
            home=0,
            ship=ShipOptions(heartbeat_us=raft.heartbeat_us),
            store_denials=False,
            forward_timeout_us=self.control.patience_us,
        )
        return [
            one
            for group in self.groups
            for one in raft_placements(group, mine, raft, Reads.INDEX, len(group.members), 0)
        ]

    def _control_plane(self, watching: Sequence[Location]) -> list[Placement]:
        directories, deciding = self.directories, _role(self.topology, _SCHEDULERS, self.schedulers, SCHEDULER)
        told = SchedulerOptions(
            template=INSTANCE,
            registry=tuple(location for _, location in self.groups[0].members),
            rooms=self.rooms,
            listeners=(*directories, *watching),
            watchers=self.watchers,
            control=self.control,
            scaling=self.scaling,
        )
        kinds, control, suspicion = self.kinds, self.control, self.watched and self.watched.make
        return [
            *(_placed(at, DIRECTORY, kinds.directory, control) for at in directories),
            *(_placed(at, WATCHER, kinds.watcher, control, deciding, suspicion) for at in watching),
            *(_placed(at, SCHEDULER, kinds.scheduler, told) for at in deciding),
        ]

    def _begun(self, count: int, options: InstanceOptions) -> list[Placement]:
        """The first instances, where a scheduler that knows of none puts one after the other."""
        slots: dict[int, Assignment] = {}
        placed = []
        for slot in range(count):
            room = place(slots, self.rooms, frozenset())
            assert room is not None, "there is room for the most"
            slots[slot] = Assignment(epoch=1, host=room.host, live=True)
            seat = Seat(slot=slot, epoch=1, host=room.host)
            make: Callable[[Context], Instance] = maker(Instance, seat, options)
            placed.append(Placement(host=room.at, name=instance_name(seat), make=make, kind=Instance))
        return placed

    def _clients(self) -> list[Placement]:
        topology, directories = self.topology, self.directories
        hosts = [host for region in topology.regions for host in topology.clients(region)]
        region_of = {at: topology.hosts[topology.index_of(host_of(at))].region for at in directories}
        placed = []
        for index, host in enumerate(hosts):
            nearest = sorted(range(len(directories)), key=lambda n: (region_of[directories[n]] != host.region, n))
            options = ServiceClientOptions(
                directories=tuple(directories[n] for n in nearest),
                share=1 / len(hosts),
                first_id=(index + 1) << 40 | 1,
                control=self.control,
                policy=self.policy,
            )
            make: Callable[[Context], ServiceClient] = maker(ServiceClient, self.workload, options)
            placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=ServiceClient))
        return placed

    def _with_services(self, system: System) -> Callable[[Callable[[Location], Any]], Ledger]:
        read = system.ledger
        assert read is not None
        hosts = {room.host: room.at for room in self.rooms}
        where = {self.topology.index_of(host_of(at)): at for at in self.directories}
        least = self.scaling.least

        def ledger(service_of: Callable[[Location], Any]) -> Ledger:
            found = read(service_of)
            assigned, acted = _by_slot(found.final, Assignments.number), _by_slot(found.final, Acts.number)
            return replace(found, services=services_end(assigned, acted, hosts, where, least, service_of))

        return ledger


def _by_slot(final: Mapping[int, Sequence[FinalEvent]], number: int) -> dict[int, Sequence[FinalEvent]]:
    return {key & (1 << DOMAIN_SHIFT) - 1: events for key, events in final.items() if key >> DOMAIN_SHIFT == number}


def _role(topology: Topology, role: int, count: int, name: str) -> tuple[Location, ...]:
    """Where the services of a role are: one in each region, then another in each, on servers of its own."""
    by_region = [topology.servers(region) for region in topology.regions]
    hosts = [
        servers[(role + turn) % len(servers)]
        for turn in range(max(len(servers) for servers in by_region))
        for servers in by_region
        if turn < len(servers)
    ]
    return tuple(at_service(host.location, name) for host in hosts[:count])


def _placed(at: Location, name: str, kind: type[Any], *told: object) -> Placement:
    return Placement(host=host_of(at), name=name, make=maker(kind, *told), kind=kind)
