"""What stands in the world of a cell: three servers, two client hosts, a store set up to pass every point.

The store is such that a short run passes everything: segments of four events, snapshots every three, one state in
memory (so most commands load theirs), a subscriber, an archive. `client1` runs the users' commands by
hand; the answer of one is lost, so that it is asked for again. On `client2` sit whoever must not be
struck: operators, subscriber, archive, and a desk that, once all is over, asks for one more command of
every account and repeats two of the first ones.

What recovery means where a client was struck: its program comes back with its plan and without memory. It
does not know what was answered, so it issues all that was due before once more, under the same ids; on another
host the program is started there a little later. For a store that is just what it must get right: the
same answers, and nothing done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from models.addressing import Scope, pack_type
from models.clients import Drawn, Script, Workload
from models.domains.bank_account import BankAccount, Deposit, Withdraw
from models.groups import OPERATOR
from models.keyspace.storage import groups_of
from models.layout import maker
from models.store.group.operators import ShardOperator, ShardOperatorOptions
from models.store.group.wire import ShipOptions
from models.store.log.archive import ArchiveService
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.publishing import Subscriber
from models.store.schemes import Recovery
from models.store.shard import Shard
from models.store.words import scheme_of
from models.stores import ARCHIVE, SUBSCRIBER
from sim.faults import Fault
from sim.host import HostOptions, Placement
from sim.latency import uniform
from sim.topology import Location, Topology, at_service, grid, host_of
from sim.trace import TraceLevel
from sim.world import World

__all__ = [
    "BEGIN_US",
    "DESK",
    "DOMAIN",
    "DOWN_US",
    "EARLY",
    "GRACE_US",
    "LAST_US",
    "PROBES",
    "USERS",
    "desk_us",
    "server",
    "world_of",
]

_REGION: Final = "lab"
#: Where the users are, and whoever must not be struck.
USERS: Final = f"{_REGION}/clients/client1"
DESK: Final = f"{_REGION}/clients/client2"
DOMAIN: Final = BankAccount(opening_balance=100)

BEGIN_US: Final = 300_000
#: Commands come in pairs, so that one may be answered while the other is anywhere.
_PAIR_US: Final = 24_000
_WITHIN_PAIR_US: Final = 1_000
_FLUSH_US_MAX: Final = 3_000
_HEARTBEAT_US: Final = 20_000
_TO_SERVERS_RTT_US: Final = 8_000
#: What flushing (twice, behind a flush under way), a tick and the answer's way add to a period.
GRACE_US: Final = 4 * _FLUSH_US_MAX + _HEARTBEAT_US + _TO_SERVERS_RTT_US

#: Signed amounts by account: 16 commands, one of which the bank denies.
_ASKED: Final = (
    *((0, 5), (1, 7), (0, 11), (2, 13), (0, -6), (1, 17), (2, -500), (0, 19)),
    *((1, -8), (2, 23), (0, 29), (1, 31), (2, 3), (0, -9), (1, 37), (2, 41)),
)
#: The command whose first answer is lost, counted from 0.
_UNHEARD: Final = 9
#: Ids of the commands that the desk issues when all is over, and of early ones that it repeats.
PROBES: Final = (101, 102, 103)
EARLY: Final = (1, 2)
#: How long a host is down, microseconds; None is for ever.
DOWN_US: Final = ((Recovery.AT_ONCE, 1_000), (Recovery.LATER, 2_000_000), (Recovery.ELSEWHERE, None))
_TAKEN_OVER_US: Final = 200_000
_SETTLE_US: Final = 1_200_000
#: From the desk's commands to the end.
LAST_US: Final = 800_000
_WORKLOAD: Final = Workload(
    rate_per_s=1, ends_us=1, deadline_us=1_000_000, attempt_timeout_us=30_000, backoff_us=10_000
)
_PATIENCE_US: Final = 150_000
_NEVER_US: Final = 3_600_000_000


def world_of(
    scheme: str,
    recovery: Recovery,
    slow: bool,
    faults: Sequence[Fault],
    crash_us: int,
    seed: int,
    make: type[Shard],
    trace: TraceLevel,
    *,
    moves: bool = False,
    peer_patience: int = 100_000,
) -> tuple[World, tuple[tuple[int, Location], ...]]:
    """A world in place, and its members.

    Args:
        scheme: In words.
        recovery: What goes on after the crash.
        slow: Whether the last member's disk is slow.
        faults: The crash, if any.
        crash_us: When it strikes.
        seed: Of the world.
        make: The store.
        trace: How much is written down.
        moves: Whether the users' program is started on another host after the crash.
        peer_patience: As in `LogPolicy`.
    """
    topology = grid([_REGION], clusters=1, hosts=3, cores=1, clients=2)
    weather = [_unheard()]
    if slow:
        weather.append(
            Fault(id="slow", kind="disk-slow", targets=(server(2),), at=0, for_us=None, params={"factor": 20})
        )
    world = World(
        topology=topology,
        latency=uniform(
            [_REGION],
            between_regions_rtt_us=1,
            within_cluster_rtt_us=400,
            between_clusters_rtt_us=_TO_SERVERS_RTT_US,
        ),
        hosts=HostOptions(default_service_us=50, flush_us_max=_FLUSH_US_MAX),
        seed=seed,
        faults=(*weather, *faults),
        trace=trace,
    )
    (group,) = groups_of(topology, DOMAIN, scheme_of(scheme), _REGION, 1)
    desk = topology.clients(_REGION)[1].location
    for placement in _members(group.members, scheme, desk, make, peer_patience):
        world.place(placement)
    for placement in _others(topology, group.members, scheme, recovery, crash_us, moves):
        world.place(placement)
    return world, group.members


def _unheard() -> Fault:
    """The servers' answers to the client are lost for as long as one command takes."""
    return Fault(
        id="unheard",
        kind="link-lossy",
        targets=(f"{_REGION}/c1",),
        at=_begun_us(_UNHEARD) + _TO_SERVERS_RTT_US // 2,
        for_us=_PAIR_US // 2,
        params={"to": (USERS,), "one_way": True, "loss": 1.0},
    )


def _members(
    members: Sequence[tuple[int, Location]], scheme: str, desk: Location, make: type[Shard], peer_patience: int
) -> Iterable[Placement]:
    options = MemberOptions(
        number=members[0][0],
        shard=0,
        peers=tuple(members[1:]),
        home=members[0][0],
        scheme=scheme_of(scheme),
        event_type=pack_type(Scope.SERVICE, command=False, domain=DOMAIN.number),
        ship=ShipOptions(heartbeat_us=_HEARTBEAT_US, resend_us=2 * _HEARTBEAT_US, resend_us_max=8 * _HEARTBEAT_US),
        log=LogPolicy(
            segment=4,
            snapshots=SnapshotPolicy(every=3),
            truncate=True,
            sweep=True,
            archive=at_service(desk, ARCHIVE),
            every_us=12_000,
            peer_patience=peer_patience,
        ),
        window=64,
        cache=1,
        forward_timeout_us=_WORKLOAD.attempt_timeout_us,
        ask_us=50_000,
        replay_us=400,
        subscriber=at_service(desk, SUBSCRIBER),
    )
    for number, location in members:
        mine = replace(options, number=number, peers=tuple(member for member in members if member[0] != number))
        name = f"{DOMAIN.name}-0"
        yield Placement(host=host_of(location), name=name, make=maker(make, mine, DOMAIN), kind=make)


def _others(
    topology: Topology,
    members: Sequence[tuple[int, Location]],
    scheme: str,
    recovery: Recovery,
    crash_us: int,
    moves: bool,
) -> Iterable[Placement]:
    """Clients, operators, subscriber and archive."""
    users, desk = (host.location for host in topology.clients(_REGION))
    entries = tuple(location for _, location in members)
    plan = [(_begun_us(place), place + 1, _drawn(*asked)) for place, asked in enumerate(_ASKED)]
    ask = partial(_script, entries)
    yield Placement(host=users, name="client", make=ask(plan), kind=Script)
    if moves:
        later_us = crash_us + _TAKEN_OVER_US
        yield Placement(
            host=desk, name="stand-in", make=ask([(max(at_us, later_us), op, drawn) for at_us, op, drawn in plan])
        )
    at_us = desk_us(recovery, crash_us)
    last = [(at_us, op, _drawn(account, 1)) for account, op in enumerate(PROBES)]
    last += [(at_us, op, drawn) for _, op, drawn in plan if op in EARLY]
    yield Placement(host=desk, name="desk", make=ask(last))
    wanted = scheme_of(scheme)
    operators = ShardOperatorOptions(
        shards=(entries,),
        patience_us=_PATIENCE_US if recovery is Recovery.ELSEWHERE else _NEVER_US,
        # Where the leader alone holds what it acknowledged, no number of others makes up for it.
        force_after_us=_PATIENCE_US if wanted.holders == 1 and wanted.members > 1 else None,
        poll_us=50_000,
        ask_us=30_000,
        promote_us=500_000,
    )
    yield Placement(host=desk, name=OPERATOR, make=maker(ShardOperator, operators), kind=ShardOperator)
    yield Placement(host=desk, name=SUBSCRIBER, make=Subscriber, kind=Subscriber)
    yield Placement(host=desk, name=ARCHIVE, make=ArchiveService, kind=ArchiveService)


def _script(entries: tuple[Location, ...], plan: Sequence[tuple[int, int, Drawn]]) -> Any:
    return lambda ctx: Script(ctx, _WORKLOAD, route=lambda aggregate: entries, plan=plan, repeats=True)


def _drawn(account: int, amount: int) -> Drawn:
    if amount > 0:
        return Drawn(account, Deposit(amount=amount), "deposit", amount)
    return Drawn(account, Withdraw(amount=-amount), "withdraw", amount)


def server(number: int) -> str:
    """The path of a server, counted from 0; the first is the home."""
    return f"{_REGION}/c1/h{number + 1}"


def _begun_us(place: int) -> int:
    """When the users issue a command, counted from 0."""
    return BEGIN_US + place // 2 * _PAIR_US + place % 2 * _WITHIN_PAIR_US


def desk_us(recovery: Recovery, crash_us: int) -> int:
    """When all is over, and the desk issues its commands."""
    return crash_us + (dict(DOWN_US)[recovery] or 0) + _SETTLE_US
