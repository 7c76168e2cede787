"""The control plane of whatever is provisioned: registry, schedulers, watchers, and the slots they see to.

Each role has servers of its own where a region has enough of them: of every region the third of those that it may
stand on has a scheduler, the fourth a watcher; with fewer they share. The registry is a log of assignments, on a Raft
group, and a directory beside each of its members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.detection import Plan
from models.groups import Group
from models.layout import maker
from models.ledger import FinalEvent, Ledger
from models.mixes import DOMAIN_SHIFT
from models.raft.deployment import raft_placements
from models.raft.options import RaftOptions
from models.raft.plan import Reads
from models.services.acts import Acts
from models.services.assignments import Assignment, Assignments
from models.services.deciding import Room, place
from models.services.directory import Directory
from models.services.ends import services_end
from models.services.holder import Seat, SlotHolder, holder_name
from models.services.options import ControlOptions, ScalingOptions
from models.services.scheduler import Scheduler, SchedulerOptions
from models.services.watcher import Watcher
from models.services_end import ServicesEnd
from models.store.group.wire import ShipOptions
from models.store.options import MemberOptions
from sim.host import Context, Placement, Template
from sim.topology import HostSpec, Location, Topology, at_service, host_of

__all__ = ["DIRECTORY", "SCHEDULER", "WATCHER", "WORKER", "ControlPlane", "Kinds"]

DIRECTORY: Final = "directory"
SCHEDULER: Final = "scheduler"
WATCHER: Final = "watcher"
#: The template of what holds a slot.
WORKER: Final = "worker"
#: Which of the servers of a region a role is on, modulo how many there are.
_SCHEDULERS, _WATCHERS = 2, 3

#: Makes the holder of a seat.
Make = Callable[[Context, Seat], SlotHolder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the parts of the system are; no option, a subclass differs in the one thing that it overrides."""

    directory: type[Directory] = Directory
    watcher: type[Watcher] = Watcher
    scheduler: type[Scheduler] = Scheduler
    assignments: type[Assignments] = Assignments
    acts: type[Acts] = Acts


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """Who sees to it that as many hold slots as should, and where.

    Attributes:
        topology: Where.
        servers: By region, those that it may stand on.
        kinds: What the parts are.
        registry: The log of assignments.
        rooms: Where slots may be held.
        control: How it behaves.
        scaling: How many there are.
        watched: How watchers suspect; None for a fixed silence.
        schedulers: How many.
        watchers: How many.
    """

    topology: Topology
    servers: tuple[tuple[HostSpec, ...], ...]
    kinds: Kinds
    registry: Group
    rooms: tuple[Room, ...]
    control: ControlOptions
    scaling: ScalingOptions
    watched: Plan | None
    schedulers: int
    watchers: int

    @property
    def directories(self) -> tuple[Location, ...]:
        """One beside each member of the log of assignments."""
        return tuple(at_service(host_of(location), DIRECTORY) for _, location in self.registry.members)

    @property
    def listeners(self) -> tuple[Location, ...]:
        """Who hears that holders live."""
        return (*self.directories, *self._role(_WATCHERS, self.watchers, WATCHER))

    def nearest(self, region: str) -> tuple[Location, ...]:
        """Directories as users in a region ask them: its own first."""
        topology, directories = self.topology, self.directories
        regions = [topology.hosts[topology.index_of(host_of(at))].region for at in directories]
        order = sorted(range(len(directories)), key=lambda n: (regions[n] != region, n))
        return tuple(directories[n] for n in order)

    # -- what is placed ------------------------------------------------------------------------

    def logs(self, raft: RaftOptions, *groups: Group) -> list[Placement]:
        """The members of the log of assignments, and of other groups that are told alike."""
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
            for group in (self.registry, *groups)
            for one in raft_placements(group, mine, raft, Reads.INDEX, len(group.members), 0)
        ]

    def services(self) -> list[Placement]:
        """Directories, watchers and schedulers."""
        directories = self.directories
        watching = self._role(_WATCHERS, self.watchers, WATCHER)
        deciding = self._role(_SCHEDULERS, self.schedulers, SCHEDULER)
        told = SchedulerOptions(
            template=WORKER,
            registry=tuple(location for _, location in self.registry.members),
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

    def begun(self, count: int, make: Make, kind: type[SlotHolder]) -> list[Placement]:
        """The first holders, where a scheduler that knows of none puts one after the other."""
        slots: dict[int, Assignment] = {}
        placed = []
        for slot in range(count):
            room = place(slots, self.rooms, frozenset())
            assert room is not None, "there is room for the most"
            slots[slot] = Assignment(epoch=1, host=room.host, live=True)
            seat = Seat(slot=slot, epoch=1, host=room.host)
            placed.append(Placement(host=room.at, name=holder_name(seat), make=_seated(make, seat), kind=kind))
        return placed

    def template(self, make: Make, kind: type[SlotHolder], delays_us: tuple[int, int]) -> Template:
        """What schedulers start; least and most that it takes."""
        least_us, most_us = delays_us
        return Template(
            name=WORKER, make=make, delay_us_min=least_us, delay_us_max=most_us, kind=kind, named=holder_name
        )

    def _role(self, role: int, count: int, name: str) -> tuple[Location, ...]:
        """Where the services of a role are: one in each region, then another in each, on servers of its own."""
        hosts = [
            servers[(role + turn) % len(servers)]
            for turn in range(max(len(servers) for servers in self.servers))
            for servers in self.servers
            if turn < len(servers)
        ]
        return tuple(at_service(host.location, name) for host in hosts[:count])

    # -- how it ends ---------------------------------------------------------------------------

    def ended(
        self, read: Callable[[Callable[[Location], Any]], Ledger]
    ) -> Callable[[Callable[[Location], Any]], ServicesEnd]:
        """What is left of it at the end of a run, from the ledger that has its log of assignments."""
        hosts = {room.host: room.at for room in self.rooms}
        where = {self.topology.index_of(host_of(at)): at for at in self.directories}

        def services(service_of: Callable[[Location], Any]) -> ServicesEnd:
            final = read(service_of).final
            assigned, acted = _by_slot(final, Assignments.number), _by_slot(final, Acts.number)
            return services_end(assigned, acted, hosts, where, self.scaling.least, service_of)

        return services


def _by_slot(final: Mapping[int, Sequence[FinalEvent]], number: int) -> dict[int, Sequence[FinalEvent]]:
    """The final events of one domain, by slot."""
    return {key & (1 << DOMAIN_SHIFT) - 1: events for key, events in final.items() if key >> DOMAIN_SHIFT == number}


def _placed(at: Location, name: str, kind: type[Any], *told: object) -> Placement:
    return Placement(host=host_of(at), name=name, make=maker(kind, *told), kind=kind)


def _seated(make: Make, seat: Seat) -> Callable[[Context], SlotHolder]:
    return lambda ctx: make(ctx, seat)
