"""The store on Raft laid over a topology: one domain, its shards each a group that elects its leader.

The first leader is the member in the home region or, with a `placement`, whom the key space prefers. Beside the
voters there may be learners, which receive the log and never vote, and spares, which run and belong to nothing until
an operator adds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Unpack

from models.addressing import Scope, pack_type
from models.clients import Client, Workload
from models.confidence.leading import Leading, watched_by
from models.confidence.routing import asked_by
from models.detection import Plan
from models.domains.append_log import AppendLog
from models.driver import drivers
from models.factories import KeptOptions, Reading, Refused, mix_of
from models.groups import Group, group_system, operator_of, store_name
from models.keyspace.placement import nodes_of, zones_of
from models.keyspace.storage import PLACEMENTS, groups_of
from models.layout import maker
from models.raft.logs import LogShard
from models.raft.operated import INSTEAD, RaftMembership
from models.raft.options import RaftOptions
from models.raft.plan import RaftPlan, Reads
from models.raft.registers import RegisterShard
from models.raft.shard import RaftShard
from models.store.group.wire import ShipOptions
from models.store.options import MemberOptions
from models.store.schemes import Scheme, Spread, Tier, holders_of
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology
from sim.wording import way_to

__all__ = ["raft", "raft_placements", "raft_scheme", "too_many"]

#: As `models.raft.membership` packs them.
_MOST_HOSTS: Final = (1 << 16) - 1
_LEVELS: Final = tuple(one.name.lower() for one in Spread)


def raft(
    site: Site,
    workload: Workload,
    kind: type[RegisterShard] = RegisterShard,
    *,
    domain: str = "bank-account",
    home: str = "",
    shards: int = 1,
    members: int = 3,
    learners: int = 0,
    spares: int = 0,
    spread: str = "host",
    placement: str = "",
    election_us: int = 1_000_000,
    heartbeat_us: int = 200_000,
    drift_bound: float = 0.01,
    pre_vote: bool = True,
    check_quorum: bool = True,
    stickiness: bool = True,
    reads: Reads = Reads.INDEX,
    registers: bool = False,
    appends: bool = False,
    tenants: int = 1,
    promote_after_us: int = 0,
    detector: str = "",
    routing: str = "",
    **kept: Unpack[KeptOptions],
) -> System:
    """One domain on Raft. 0 stands for never, or for all.

    `election` is the minimum election time-out, `heartbeat` the leader's; `drift_bound` is by how much one clock
    may run faster than another, on which leases rest. With `registers` the clients read and write those (of the
    domain "profile") instead of sending commands, with `appends` logs, whatever the domain. `promote_after` has
    operators, who hand over the lead. A follower watches its leader with `detector`, and clients pass over members that
    answer nothing by `routing`, both in the words of `models.detection.words`; if empty, with a fixed time-out of
    `election`, and not at all. Either may also go by what is believed of members, `belief:` and the words of a rule
    (`models.confidence.providing`). Members are near home or, with a `placement`, where the key space puts their shard:
    voters first, then learners, then spares.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    wanted = AppendLog() if appends else read.domain(domain)
    place = read.home(home)
    asking = read.of(lambda: asked_by(routing, workload.attempt_timeout_us)) if routing else None
    options = read.of(
        lambda: RaftOptions(
            election_us=election_us,
            heartbeat_us=heartbeat_us,
            retry_us=max(1, 2 * heartbeat_us),
            drift_bound=drift_bound,
            pre_vote=pre_vote,
            check_quorum=check_quorum,
            stickiness=stickiness,
            lease=reads is Reads.LEASE,
        ),
    )
    watching = read.of(lambda: watched_by(detector, max(4, heartbeat_us))) if detector else None
    if registers and (domain != "profile" or shards != 1 or tenants != 1):
        read.problems.append(
            f"registers are one shard of profiles for one tenant: {domain=}, {shards=}, {tenants=} must go"
        )
    if appends and (registers or shards != 1 or tenants != 1):
        read.problems.append(f"logs are one shard for one tenant: {registers=}, {shards=}, {tenants=} must go")
    read.tenants(tenants)
    read.at_least(0, learners=learners, spares=spares)
    read.never_or(promote_after_us=promote_after_us)
    if len(topology.hosts) > _MOST_HOSTS:
        read.problems.append(f"{len(topology.hosts)} hosts; members are numbered up to {_MOST_HOSTS}, so lay out fewer")
    scheme = read.of(lambda: raft_scheme(members, members + learners + spares, spread))
    around = place or topology.regions[0]  # a mistake in the one is none in the other
    if placement not in ("", *PLACEMENTS):
        read.problems.append(f"{placement=} is none; {way_to(placement, PLACEMENTS)}")
    elif spread in _LEVELS and members > 0 <= min(learners, spares):
        level = Spread[spread.upper()]
        read.problems += too_many(topology, level, around, bool(placement), members, learners + spares)
    if shards < 1:
        read.problems.append(f"{shards=} stores nothing; give at least 1")
    mine = read.member(kept, ship=lambda: ShipOptions(heartbeat_us=max(1, heartbeat_us)))
    read.done()
    assert wanted is not None
    assert place is not None
    assert options is not None
    assert mine is not None
    assert scheme is not None
    groups = groups_of(topology, wanted, scheme, place, shards, placement=placement)
    placements = [
        placement
        for group in groups
        for placement in raft_placements(
            group, mine, options, reads, members, learners, LogShard if appends else kind, watching
        )
    ]
    if promote_after_us:
        placements.append(operator_of(read.desk(place).location, groups, promote_after_us, -1))
    mix = mix_of(wanted, workload)
    system = group_system(
        topology, workload, mix, groups, placements=placements, records=BANK_RECORDS, tenants=tenants, routing=asking
    )
    system = _operated(system, groups, members + learners)
    asked = "append-log" if appends else "register" if registers else ""
    return _asked_for(asked, system, topology, workload) if asked else system


def _asked_for(specification: str, system: System, topology: Topology, workload: Workload) -> System:
    """The system with clients that ask for what a specification knows in place of its own."""
    (members,) = system.groups.values()
    stores = tuple(one for one in system.placements if one.kind is not Client)
    clients = drivers(topology, workload, specification, members, retries=True)
    return replace(system, placements=(*stores, *clients), records=specification)


def _operated(system: System, groups: Sequence[Group], members: int) -> System:
    """The system with what operators need to know: who belongs to the groups, and how that changes."""
    seats = {_host(location): number for group in groups for number, location in group.members}
    belong = {
        store_name(group.domain.name, group.shard): tuple(location for _, location in group.members[:members])
        for group in groups
    }
    return replace(system, groups=belong, membership=RaftMembership(seats), instead=INSTEAD)


def _host(location: Location) -> Location:
    return Location((int(location) >> 64) << 64)


def raft_scheme(members: int, copies: int, spread: str) -> Scheme:
    """What Raft is among the persistence schemes: a majority of its voters has flushed.

    Raises:
        ValueError: a group that is even or empty, or a spread that is none.
    """
    problems = []
    if members < 1:
        problems.append(f"{members=} are no group, and nobody could lead; give 1 or 3")
    elif members % 2 == 0:
        nearest = f"{members - 1} or {members + 1}"
        problems.append(
            f"{members=}: an even group survives no more failures than one of a member less; give {nearest}"
        )
    if spread not in _LEVELS:
        problems.append(f"{spread=} is no level to spread over; {way_to(spread, _LEVELS)}")
    if problems:
        raise Refused(problems)
    return Scheme(
        name="raft",
        tier=Tier.DEVICE,
        holders=members // 2 + 1,
        copies=max(copies, members),
        spread=Spread[spread.upper()],
    )


def raft_placements(
    group: Group,
    options: MemberOptions,
    raft_options: RaftOptions,
    reads: Reads,
    voters: int,
    learners: int,
    kind: type[RaftShard] = RaftShard,
    detector: Plan | Leading | None = None,
) -> list[Placement]:
    """The services of a group: voters first, then learners, then spares."""
    numbers = [number for number, _ in group.members]
    plan = RaftPlan(
        founders=tuple(numbers[:voters]),
        learners=tuple(numbers[voters : voters + learners]),
        raft=raft_options,
        reads=reads,
        detector=detector,
    )
    name = store_name(group.domain.name, group.shard)
    placed = []
    for number, location in group.members:
        mine = replace(
            options,
            number=number,
            shard=group.shard,
            peers=tuple(member for member in group.members if member[0] != number),
            home=numbers[0],
            scheme=group.scheme,
            event_type=pack_type(Scope.SERVICE, command=False, domain=group.domain.number),
        )
        placed.append(
            Placement(
                host=_host(location), name=name, make=maker(partial(kind, plan=plan), mine, group.domain), kind=kind
            )
        )
    return placed


def too_many(topology: Topology, level: Spread, place: str, placed: bool, members: int, others: int) -> list[str]:
    """Why so many members cannot be spread so far apart, with the most that can, and the level at which they could."""
    wanted, home = members + others, topology.servers(place)[0].index

    def room_at(spread: Spread) -> int:
        if placed:
            return zones_of(nodes_of(topology), spread)
        return max(count for count in range(1, wanted + 1) if _fits(topology, spread, home, count))

    room = room_at(level)
    if room >= wanted:
        return []
    fewer = room - others
    ways = [f"give members={fewer - (fewer + 1) % 2}" if fewer > 0 else "leave out learners or spares"]
    ways += [f'set spread = "{one.name.lower()}"' for one in sorted(Spread, reverse=True) if room_at(one) >= wanted][:1]
    name = level.name.lower()
    needed = f"{members} members" + (f" and {others} learners or spares" if others else "")
    return [f"{needed}, each in another {name}: there is room for {room}; {', '.join(ways)}, or add a {name}"]


def _fits(topology: Topology, spread: Spread, home: int, count: int) -> bool:
    scheme = Scheme(name="raft", tier=Tier.DEVICE, holders=1, copies=count, spread=spread)
    try:
        return len(holders_of(scheme, topology, home)) == count
    except ValueError:
        return False
