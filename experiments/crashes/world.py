"""Runs a cell: first without its crash, to see what is passed when, then with it.

The *rehearsal* tells when each point is passed, where, and whether a command was in flight. Operators send
the same questions in every cell and differ in patience alone, so up to the crash the cell is the
rehearsal, and the crash strikes at a passage that was picked there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from experiments.crashes.cells import FAILURES, Cell
from experiments.crashes.place import BEGIN_US, DESK, DOWN_US, LAST_US, USERS, desk_us, server, world_of
from models.store.log.entries import Entry
from models.store.schemes import Promise, Recovery, Struck, promise_of
from models.store.shard import Shard
from models.store.words import scheme_of
from models.stores import ARCHIVE, SUBSCRIBER
from sim.faults import CrashKind, Fault, Trigger
from sim.history import HistoryRow, Kind
from sim.topology import Location
from sim.trace import TraceLevel
from sim.world import World

__all__ = ["Ended", "Passage", "Rehearsal", "act", "ended_of", "passages_of", "pick", "rehearse"]


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
        retracted: What it had and was told to take back.
        alone_us: From when until when a leader was cut off from whoever took its place, None if never. What it
            acknowledged then may be given up, where the promise lets anything go.
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
    retracted: tuple[Entry, ...] = ()
    alone_us: tuple[int, int] | None = None


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
    world, servers = world_of(scheme, recovery, slow, (), BEGIN_US, seed, make, TraceLevel.FULL)
    begins_us = desk_us(recovery, BEGIN_US)
    world.run(begins_us + LAST_US)
    world.check_conservation()
    passages = passages_of(world, begins_us)
    promise = promise_of(scheme_of(scheme), FAILURES[CrashKind.PROCESS_CRASH], recovery, Struck.CLIENT)
    ended = ended_of(world, servers, promise, begins_us)
    return Rehearsal(scheme=scheme, slow=slow, seed=seed, make=make, passages=passages, ended=ended)


def pick(rehearsal: Rehearsal, point: str, strikes: int = 1) -> tuple[Passage, ...]:
    """Passages of a point to strike at, each with a command in flight; none if there is none.

    The first is late enough for a past that may be lost, on the host of the leader if it passes the point; the
    second on another host, if one does.
    """
    known = [one for one in rehearsal.passages if one.point == point and one.in_flight]
    mine = [one for one in known if one.host == server(0)]
    others = [one for one in known if one.host != server(0)]
    wanted = [(mine or others, 2 / 3), (others if mine else [], 2 / 3), (known, 1 / 3), (known, 1)]
    chosen = dict.fromkeys(among[int((len(among) - 1) * share)] for among, share in wanted if among)
    return tuple(chosen)[:strikes]


def act(cell: Cell, rehearsal: Rehearsal, passage: Passage) -> Ended:
    """Run a cell: the crash strikes at that passage."""
    down_us = dict(DOWN_US)[cell.recovery]
    crash = Fault(
        id="crash",
        kind=str(cell.kind),
        targets=("@here",),
        at=Trigger(point=passage.point, nth=passage.nth, host=passage.host),
        for_us=down_us,
        params={"torn": True} if cell.kind is CrashKind.POWER_LOSS else {},
    )
    slow, seed, make = rehearsal.slow, rehearsal.seed, rehearsal.make
    struck = _struck(passage.host)
    world, servers = world_of(
        cell.scheme,
        cell.recovery,
        slow,
        (crash,),
        passage.t_us,
        seed,
        make,
        TraceLevel.OFF,
        moves=struck is Struck.CLIENT and cell.recovery is Recovery.ELSEWHERE,
    )
    begins_us = desk_us(cell.recovery, passage.t_us)
    world.run(begins_us + LAST_US)
    world.check_conservation()
    promise = promise_of(scheme_of(cell.scheme), FAILURES[cell.kind], cell.recovery, struck)
    return ended_of(world, servers, promise, begins_us)


def _struck(host: str) -> Struck:
    if host == USERS:
        return Struck.CLIENT
    return Struck.LEADER if host == server(0) else Struck.FOLLOWER


# -- what is left ----------------------------------------------------------------------------


def passages_of(world: World, begins_us: int) -> tuple[Passage, ...]:
    """Every passage of a point in a world that wrote all down, in order of time; the desk begins at that instant."""
    seen: Counter[tuple[str, int]] = Counter()
    passages = []
    for row in world.trace.rows:
        if row.kind == "point":
            point = str(row.message)
            seen[point, row.src] += 1
            open_then = row.t_us < begins_us and bool(_in_flight(world.history.rows, row.t_us, ended=0))
            path = world.topology.hosts[row.src].path
            passages.append(Passage(point, path, seen[point, row.src], row.t_us, open_then))
    return tuple(passages)


def ended_of(world: World, servers: Sequence[tuple[int, Location]], promise: Promise, begins_us: int) -> Ended:
    """What a finished run left; what struck is the fault named `crash`, or `cut`."""
    crash = next((fault for fault in world.injector.begun if fault.id in ("crash", "cut")), None)
    crashed_us = crash.at if crash is not None and isinstance(crash.at, int) else None
    found = {number: world.service(location) for number, location in servers}
    archive, subscriber = world.service_named(DESK, ARCHIVE), world.service_named(DESK, SUBSCRIBER)
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
        retracted=tuple(subscriber.retracted.get(0, ())),
        desk_us=begins_us,
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
