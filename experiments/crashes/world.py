"""The world of one cell: three servers, two client hosts, at most 20 commands, and one crash.

The store is set up so that a short run passes everything: segments of four events, snapshots every
three, one state in memory (so most commands load theirs), a subscriber, an archive. `client1` runs
the users' commands by hand; the answer of one is lost, so that it is asked for again. On `client2`
sit whoever must not be struck: operators, subscriber, archive, and a desk that, once all is over, asks
for one more command of every account and repeats two of the first ones.

What recovery means where a client was struck: its program comes back with its plan and without
memory. It does not know what was answered, so it issues all that was due before once more, under the same
ids; on another host the program is started there a little later. For a store that is just what it
must get right: the same answers, and nothing done twice.

A cell is rehearsed first, without its crash. The rehearsal tells when each point is passed, where, and whether
a command was in flight. Operators send the same questions in every cell and differ in patience alone, so
up to the crash the cell is the rehearsal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

from experiments.crashes.cells import FAILURES, Cell
from models.addressing import Scope, pack_type
from models.clients import Drawn, Script, Workload
from models.domains.bank_account import BankAccount, Deposit, Withdraw
from models.groups import OPERATOR, groups_of
from models.layout import maker
from models.store.archive import ArchiveService
from models.store.entries import Entry
from models.store.operators import ShardOperator, ShardOperatorOptions
from models.store.options import LogPolicy, MemberOptions
from models.store.publishing import Subscriber
from models.store.schemes import Promise, Recovery, Struck, promise_of
from models.store.shard import Shard
from models.store.snapshots import SnapshotPolicy
from models.store.wire import ShipOptions
from models.store.words import scheme_of
from models.stores import ARCHIVE, SUBSCRIBER
from sim.faults import CrashKind, Fault, Trigger
from sim.history import HistoryRow, Kind
from sim.host import HostOptions, Placement
from sim.latency import uniform
from sim.topology import Location, Topology, at_service, grid, host_of
from sim.trace import TraceLevel
from sim.world import World

__all__ = ["DOMAIN", "EARLY", "GRACE_US", "LATE", "PROBES", "Ended", "Passage", "Rehearsal", "act", "pick", "rehearse"]

_REGION: Final = "lab"
_CLIENT: Final = f"{_REGION}/clients/client1"
DOMAIN: Final = BankAccount(opening_balance=100)

_BEGIN_US: Final = 300_000
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
_DOWN_US: Final = ((Recovery.AT_ONCE, 1_000), (Recovery.LATER, 2_000_000), (Recovery.ELSEWHERE, None))
_TAKEN_OVER_US: Final = 200_000
_SETTLE_US: Final = 1_200_000
#: From the desk's commands to the end.
_LAST_US: Final = 800_000
_WORKLOAD: Final = Workload(
    rate_per_s=1, ends_us=1, deadline_us=1_000_000, attempt_timeout_us=30_000, backoff_us=10_000
)
_PATIENCE_US: Final = 150_000
LATE: Final = 3_600_000_000


class Passage(NamedTuple):
    """A point is passed, for the nth time on this host, while some command is in flight or none."""

    point: str
    host: str
    nth: int
    t_us: int
    in_flight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A finished run of a cell, or of its rehearsal.

    Attributes:
        rows: What the clients recorded.
        crashed_us: When the crash struck; None if it did not.
        in_flight: Commands that were in flight then.
        promise: What its scheme promises for it.
        up: Numbers of the members whose hosts are up.
        members: By number, those of them that know where they stand.
        archived: What the archive was handed.
        received: What the subscriber has.
        desk_us: When the desk issued its commands.
    """

    rows: tuple[HistoryRow, ...]
    crashed_us: int | None
    in_flight: tuple[int, ...]
    promise: Promise
    up: tuple[int, ...]
    members: dict[int, Shard]
    archived: tuple[Entry, ...]
    received: tuple[Entry, ...]
    desk_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The run that some cells share up to their crash.

    Attributes:
        scheme: In words; `slow`, `seed` and `make` are those of `rehearse`.
        passages: Of every point, in order of time.
        ended: How it ends without a crash.
    """

    scheme: str
    slow: bool
    seed: int
    make: type[Shard]
    passages: tuple[Passage, ...]
    ended: Ended


def rehearse(scheme: str, *, slow: bool = False, seed: int = 1, make: type[Shard] = Shard) -> Rehearsal:
    """Run what the cells of a scheme share up to their crash, and on to the end without one.

    Args:
        scheme: In words.
        slow: Whether the last member's disk is slow, as for the cells that need it.
        seed: Of the world.
        make: The store.
    """
    recovery = Recovery.AT_ONCE
    world, servers = _world(scheme, recovery, slow, (), _BEGIN_US, seed, make, TraceLevel.FULL)
    desk_us = _BEGIN_US + _SETTLE_US
    world.run(desk_us + _LAST_US)
    world.check_conservation()
    seen: Counter[tuple[str, int]] = Counter()
    passages = []
    for row in world.trace.rows:
        if row.kind == "point":
            point = str(row.message)
            seen[point, row.src] += 1
            open_then = row.t_us < desk_us and bool(_in_flight(world.history.rows, row.t_us, ended=0))
            path = world.topology.hosts[row.src].path
            passages.append(Passage(point, path, seen[point, row.src], row.t_us, open_then))
    promise = promise_of(scheme_of(scheme), FAILURES[CrashKind.PROCESS_CRASH], recovery, Struck.CLIENT)
    ended = _ended(world, servers, promise, desk_us)
    return Rehearsal(scheme=scheme, slow=slow, seed=seed, make=make, passages=tuple(passages), ended=ended)


def pick(rehearsal: Rehearsal, point: str, strikes: int = 1) -> tuple[Passage, ...]:
    """Passages of a point to strike at, each with a command in flight; none if there is none.

    The first is late enough for a past that may be lost, on the host of the leader if it passes the point; the
    second on another host, if one does.
    """
    known = [one for one in rehearsal.passages if one.point == point and one.in_flight]
    mine = [one for one in known if one.host == _path(0)]
    others = [one for one in known if one.host != _path(0)]
    wanted = [(mine or others, 2 / 3), (others if mine else [], 2 / 3), (known, 1 / 3), (known, 1)]
    chosen = dict.fromkeys(among[int((len(among) - 1) * share)] for among, share in wanted if among)
    return tuple(chosen)[:strikes]


def act(cell: Cell, rehearsal: Rehearsal, passage: Passage) -> Ended:
    """Run a cell: the crash strikes at that passage."""
    down_us = dict(_DOWN_US)[cell.recovery]
    crash = Fault(
        id="crash",
        kind=str(cell.kind),
        targets=("@here",),
        at=Trigger(point=passage.point, nth=passage.nth, host=passage.host),
        for_us=down_us,
        params={"torn": True} if cell.kind is CrashKind.POWER_LOSS else {},
    )
    slow, seed, make = rehearsal.slow, rehearsal.seed, rehearsal.make
    world, servers = _world(cell.scheme, cell.recovery, slow, (crash,), passage.t_us, seed, make, TraceLevel.OFF)
    desk_us = _desk_us(cell.recovery, passage.t_us)
    world.run(desk_us + _LAST_US)
    world.check_conservation()
    promise = promise_of(scheme_of(cell.scheme), FAILURES[cell.kind], cell.recovery, _struck(passage.host))
    return _ended(world, servers, promise, desk_us)


def _struck(host: str) -> Struck:
    if host == _CLIENT:
        return Struck.CLIENT
    return Struck.LEADER if host == _path(0) else Struck.FOLLOWER


def _path(server: int) -> str:
    return f"{_REGION}/c1/h{server + 1}"


def _begun_us(place: int) -> int:
    """When the users issue a command, counted from 0."""
    return _BEGIN_US + place // 2 * _PAIR_US + place % 2 * _WITHIN_PAIR_US


def _desk_us(recovery: Recovery, crash_us: int) -> int:
    return crash_us + (dict(_DOWN_US)[recovery] or 0) + _SETTLE_US


# -- building --------------------------------------------------------------------------------


def _world(
    scheme: str,
    recovery: Recovery,
    slow: bool,
    faults: Sequence[Fault],
    crash_us: int,
    seed: int,
    make: type[Shard],
    trace: TraceLevel,
) -> tuple[World, tuple[tuple[int, Location], ...]]:
    """A world in place, and its members."""
    topology = grid([_REGION], clusters=1, hosts=3, cores=1, clients=2)
    weather = [_unheard()]
    if slow:
        weather.append(
            Fault(id="slow", kind="disk-slow", targets=(_path(2),), at=0, for_us=None, params={"factor": 20})
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
    for placement in _members(group.members, scheme, desk, make):
        world.place(placement)
    for placement in _others(topology, group.members, scheme, recovery, crash_us):
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
        params={"to": (_CLIENT,), "one_way": True, "loss": 1.0},
    )


def _members(
    members: Sequence[tuple[int, Location]], scheme: str, desk: Location, make: type[Shard]
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
    topology: Topology, members: Sequence[tuple[int, Location]], scheme: str, recovery: Recovery, crash_us: int
) -> Iterable[Placement]:
    """Clients, operators, subscriber and archive."""
    users, desk = (host.location for host in topology.clients(_REGION))
    entries = tuple(location for _, location in members)
    plan = [(_begun_us(place), place + 1, _drawn(*asked)) for place, asked in enumerate(_ASKED)]
    ask = partial(_script, entries)
    yield Placement(host=users, name="client", make=ask(plan), kind=Script)
    if recovery is Recovery.ELSEWHERE:
        # The program is started elsewhere if its host was the one; it is harmless beside the first.
        later_us = crash_us + _TAKEN_OVER_US
        yield Placement(
            host=desk, name="stand-in", make=ask([(max(at_us, later_us), op, drawn) for at_us, op, drawn in plan])
        )
    desk_us = _desk_us(recovery, crash_us)
    last = [(desk_us, op, _drawn(account, 1)) for account, op in enumerate(PROBES)]
    last += [(desk_us, op, drawn) for _, op, drawn in plan if op in EARLY]
    yield Placement(host=desk, name="desk", make=ask(last))
    wanted = scheme_of(scheme)
    operators = ShardOperatorOptions(
        shards=(entries,),
        patience_us=_PATIENCE_US if recovery is Recovery.ELSEWHERE else LATE,
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


# -- what is left ----------------------------------------------------------------------------


def _ended(world: World, servers: Sequence[tuple[int, Location]], promise: Promise, desk_us: int) -> Ended:
    crash = next((fault for fault in world.injector.begun if fault.id == "crash"), None)
    crashed_us = crash.at if crash is not None and isinstance(crash.at, int) else None
    found = {number: world.service(location) for number, location in servers}
    desk = f"{_REGION}/clients/client2"
    archive, subscriber = world.service_named(desk, ARCHIVE), world.service_named(desk, SUBSCRIBER)
    assert archive is not None
    assert subscriber is not None
    return Ended(
        rows=tuple(world.history.rows),
        crashed_us=crashed_us,
        in_flight=() if crashed_us is None else _in_flight(world.history.rows, crashed_us, ended=1),
        promise=promise,
        up=tuple(number for number, shard in found.items() if shard is not None),
        members={number: shard for number, shard in found.items() if shard is not None and shard.ready},
        archived=tuple(archive.entries.get(0, ())),
        received=tuple(subscriber.received.get(0, ())),
        desk_us=desk_us,
    )


def _in_flight(rows: Iterable[HistoryRow], t_us: int, *, ended: int) -> tuple[int, ...]:
    """Commands begun by an instant and not ended before it; not at it either, if `ended` is 1."""
    begun: dict[int, None] = {}
    for row in rows:
        if row.kind is Kind.INVOKE and row.t_us <= t_us:
            begun[row.op] = None
        elif row.kind is not Kind.INVOKE and row.t_us < t_us + ended:
            begun.pop(row.op, None)
    return tuple(begun)
