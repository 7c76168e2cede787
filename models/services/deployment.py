"""The service, its control plane and its clients over a topology.

Each role has servers of its own where a region has enough of them: of every region the first server keeps the
registry (a member of the log of assignments, and a directory), the second the store of acts, the third a scheduler,
the fourth a watcher; with fewer servers they share. Instances go to the servers from `reserved` on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from models.clients import BankMix, Client, Workload
from models.detection.words import detector_of
from models.domain import Domain
from models.groups import Group, group_system
from models.keyspace.storage import groups_of
from models.layout import CLIENT, maker
from models.ledger import FinalEvent, Ledger
from models.mixes import DOMAIN_SHIFT
from models.raft.deployment import raft_placements, raft_scheme
from models.raft.options import RaftOptions
from models.raft.plan import Reads
from models.retrying.backoff import Backoff
from models.retrying.budget import BudgetKind, BudgetOptions
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
from models.stores import noted
from models.system import Site, System
from sim.host import Context, Placement, Template
from sim.topology import Location, Topology, at_service

__all__ = ["DIRECTORY", "INSTANCE", "SCHEDULER", "WATCHER", "Kinds", "service"]

DIRECTORY: Final = "directory"
SCHEDULER: Final = "scheduler"
WATCHER: Final = "watcher"
INSTANCE: Final = "worker"
#: Which server of a region a role is on, modulo how many there are.
_STORE, _SCHEDULERS, _WATCHERS = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the parts of the system are; no option, a subclass differs in the one thing that it overrides."""

    directory: type[Directory] = Directory
    watcher: type[Watcher] = Watcher
    scheduler: type[Scheduler] = Scheduler
    assignments: type[Assignments] = Assignments
    acts: type[Acts] = Acts


def service(
    site: Site,
    workload: Workload,
    kinds: Kinds | None = None,
    *,
    least: int = 2,
    most: int = 6,
    spare: int = 0,
    per_host: int = 2,
    reserved: int = 0,
    target_per_s: float = 50.0,
    tolerance: float = 0.1,
    settle_us: int = 10_000_000,
    delay_us: int = 1_000_000,
    delay_spread: float = 0.2,
    begun: bool = True,
    schedulers: int = 1,
    watchers: int = 3,
    members: int = 3,
    spread: str = "host",
    election_us: int = 500_000,
    heartbeat_us: int = 100_000,
    beat_us: int = 250_000,
    lease_us: int = 1_500_000,
    suspect_us: int = 1_000_000,
    detector: str = "",
    report_us: int = 250_000,
    decide_us: int = 250_000,
    patience_us: int = 500_000,
    preserve: float = 0.6,
    cache_us: int = 2_000_000,
    attempts: int = 3,
    budget: BudgetKind = BudgetKind.RATIO,
    ratio: float = 0.2,
) -> System:
    """One service of `least` to `most` instances, each of which takes `delay` (give or take `delay_spread`) to start.

    With `begun` the first of them run from the beginning, where the scheduler is about to have them.
    Watchers suspect an instance after `suspect` of silence, or by a `detector` of its heartbeats, in the words of
    `models.detection.words`. `members` and `spread` are of the two Raft groups, the log of assignments and the store of
    acts. Clients retry under a budget: without one (`budget = "none"`) a service that is short of an instance may never
    come back.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    kinds = kinds or Kinds()
    problems: list[str] = []
    topology = site.topology
    if not 0 <= delay_spread < 1:
        problems.append(f"{delay_spread=} is no share of the delay; give a number in [0, 1)")
    if delay_us < 1:
        problems.append(f"{delay_us=} is no delay; give at least 1")
    slowest_us = round(max(1, delay_us) * (1 + delay_spread))
    control = noted(
        problems,
        lambda: ControlOptions(
            beat_us=beat_us,
            lease_us=lease_us,
            suspect_us=suspect_us,
            report_us=report_us,
            decide_us=decide_us,
            grace_us=slowest_us + suspect_us + 4 * patience_us,
            patience_us=patience_us,
            preserve=preserve,
            cache_us=cache_us,
        ),
    )
    watched = noted(problems, lambda: detector_of(detector, beat_us)) if detector else None
    scaling = noted(
        problems,
        lambda: ScalingOptions(
            least=least, most=most, target_per_s=target_per_s, tolerance=tolerance, settle_us=settle_us, spare=spare
        ),
    )
    policy = noted(
        problems,
        lambda: RetryPolicy(
            attempts=attempts,
            patience_us=workload.attempt_timeout_us,
            backoff=Backoff(base_us=workload.backoff_us, cap_us=max(workload.backoff_us, workload.deadline_us)),
            budget=BudgetOptions(kind=budget, ratio=ratio),
        ),
    )
    rooms = _rooms(topology, per_host, reserved)
    problems += _no_room(rooms, most, per_host, reserved)
    problems += _too_many(topology, schedulers=schedulers, watchers=watchers)
    scheme = noted(problems, lambda: raft_scheme(members, members, spread))
    raft = noted(
        problems,
        lambda: RaftOptions(election_us=election_us, heartbeat_us=heartbeat_us, retry_us=max(1, 2 * heartbeat_us)),
    )
    groups: list[Group] = []
    if scheme is not None:
        domains: tuple[Domain[Any], ...] = (kinds.assignments(), kinds.acts())
        for first, domain in enumerate(domains):
            groups += noted(problems, partial(_group, topology, domain, scheme, first)) or ()
    if problems:
        raise ValueError("; ".join(dict.fromkeys(problems)))  # both groups have the same members
    mine = MemberOptions(
        number=0,
        shard=0,
        home=0,
        ship=ShipOptions(heartbeat_us=heartbeat_us),
        store_denials=False,
        forward_timeout_us=patience_us,
    )
    registry, store = groups
    placed = [one for group in groups for one in raft_placements(group, mine, raft, Reads.INDEX, members, 0)]
    directories = tuple(at_service(_host(location), DIRECTORY) for _, location in registry.members)
    watching = _role(topology, _WATCHERS, watchers, WATCHER)
    deciding = _role(topology, _SCHEDULERS, schedulers, SCHEDULER)
    told = SchedulerOptions(
        template=INSTANCE,
        registry=tuple(location for _, location in registry.members),
        rooms=rooms,
        listeners=(*directories, *watching),
        watchers=watchers,
        control=control,
        scaling=scaling,
    )
    placed += [_placed(at, DIRECTORY, kinds.directory, control) for at in directories]
    placed += [_placed(at, WATCHER, kinds.watcher, control, deciding, watched and watched.make) for at in watching]
    placed += [_placed(at, SCHEDULER, kinds.scheduler, told) for at in deciding]
    instances = InstanceOptions(
        listeners=(*directories, *watching), store=tuple(location for _, location in store.members), control=control
    )
    placed += _begun(rooms, least + spare, instances) if begun else []
    system = group_system(topology, workload, BankMix(workload), groups, placements=placed, records="services")
    clients = _clients(topology, workload, directories, control, policy)
    return replace(
        system,
        placements=(*(one for one in system.placements if one.kind is not Client), *clients),
        templates=(_template(instances, round(delay_us * (1 - delay_spread)), slowest_us),),
        ledger=_with_services(system, topology, rooms, directories, least),
    )


def _group(topology: Topology, domain: Domain[Any], scheme: Any, first: int) -> tuple[Group, ...]:
    return groups_of(topology, domain, scheme, topology.regions[0], 1, first=first * _STORE)


def _template(options: InstanceOptions, delay_us_min: int, delay_us_max: int) -> Template:
    return Template(
        name=INSTANCE,
        make=lambda ctx, seat: Instance(ctx, seat, options),
        delay_us_min=delay_us_min,
        delay_us_max=delay_us_max,
        kind=Instance,
        named=instance_name,
    )


def _begun(rooms: Sequence[Room], count: int, options: InstanceOptions) -> list[Placement]:
    """The first instances, where a scheduler that knows of none puts one after the other."""
    slots: dict[int, Assignment] = {}
    placed = []
    for slot in range(count):
        room = place(slots, rooms, frozenset())
        assert room is not None, "there is room for the most"
        slots[slot] = Assignment(epoch=1, host=room.host, live=True)
        seat = Seat(slot=slot, epoch=1, host=room.host)
        make: Callable[[Context], Instance] = maker(Instance, seat, options)
        placed.append(Placement(host=room.at, name=instance_name(seat), make=make, kind=Instance))
    return placed


def _with_services(
    system: System, topology: Topology, rooms: Sequence[Room], directories: Sequence[Location], least: int
) -> Callable[[Callable[[Location], Any]], Ledger]:
    read = system.ledger
    assert read is not None
    hosts = {room.host: room.at for room in rooms}
    where = {topology.index_of(_host(at)): at for at in directories}

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        found = read(service_of)
        assigned, acted = _by_slot(found.final, Assignments.number), _by_slot(found.final, Acts.number)
        return replace(found, services=services_end(assigned, acted, hosts, where, least, service_of))

    return ledger


def _by_slot(final: Mapping[int, Sequence[FinalEvent]], number: int) -> dict[int, Sequence[FinalEvent]]:
    return {key & (1 << DOMAIN_SHIFT) - 1: events for key, events in final.items() if key >> DOMAIN_SHIFT == number}


def _rooms(topology: Topology, per_host: int, reserved: int) -> tuple[Room, ...]:
    return tuple(
        Room(host=host.index, at=host.location, region=topology.region_number(region), places=per_host)
        for region in topology.regions
        for host in topology.servers(region)[max(0, reserved) :]
    )


def _no_room(rooms: Sequence[Room], most: int, per_host: int, reserved: int) -> list[str]:
    wrong = [f"{reserved=} is negative; give at least 0"] if reserved < 0 else []
    if per_host < 1:
        wrong.append(f"{per_host=} lets no instance run; give at least 1")
    elif len(rooms) * per_host < most:
        nearest = len(rooms) * per_host
        way_out = f"give most={nearest}" if nearest else f"reserve fewer than {reserved} servers"
        wrong.append(
            f"{most=} instances on {len(rooms)} hosts of {per_host} each: there is room for {nearest}; {way_out}, "
            "or more hosts"
        )
    return wrong


def _too_many(topology: Topology, **counts: int) -> list[str]:
    servers = sum(len(topology.servers(region)) for region in topology.regions)
    wrong = []
    for name, count in counts.items():
        if not 1 <= count <= servers:
            wrong.append(f"{name}={count} on {servers} servers, one on each: give 1..{servers}")
        elif name == "watchers" and count % 2 == 0:
            wrong.append(f"{name}={count}: a majority of them survives no more than of one fewer; give {count - 1}")
    return wrong


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


def _clients(
    topology: Topology,
    workload: Workload,
    directories: Sequence[Location],
    control: ControlOptions,
    policy: RetryPolicy,
) -> list[Placement]:
    hosts = [host for region in topology.regions for host in topology.clients(region)]
    region_of = {at: topology.hosts[topology.index_of(_host(at))].region for at in directories}
    placed = []
    for index, host in enumerate(hosts):
        nearest = sorted(range(len(directories)), key=lambda n: (region_of[directories[n]] != host.region, n))
        options = ServiceClientOptions(
            directories=tuple(directories[n] for n in nearest),
            share=1 / len(hosts),
            first_id=(index + 1) << 40 | 1,
            control=control,
            policy=policy,
        )
        make: Callable[[Context], ServiceClient] = maker(ServiceClient, workload, options)
        placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=ServiceClient))
    return placed


def _placed(at: Location, name: str, kind: type[Any], *told: object) -> Placement:
    return Placement(host=_host(at), name=name, make=maker(kind, *told), kind=kind)


def _host(location: Location) -> Location:
    return Location((int(location) >> 64) << 64)
