"""Runs a cell of the table of replication: first without what strikes, then with it.

As in the table of the write side (`experiments.crashes.world`), up to what strikes a cell is its rehearsal. Where
a cut is to cost the leader its place, operators are patient for an eighth of a second; else they never interfere,
unless the host that is struck never comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from experiments.crashes.cells import FAILURES
from experiments.crashes.place import BEGIN_US, DOWN_US, LAST_US, desk_us, server, world_of
from experiments.crashes.replicas.cells import (
    CUT_US,
    DEPOSED_US,
    ReplicaCell,
    Weather,
    cut_off,
    faults_of,
)
from experiments.crashes.world import Ended, Passage, ended_of, passages_of
from models.store.schemes import Failure, Promise, Recovery, Struck, promise_of
from models.store.shard import Shard
from models.store.words import scheme_of
from sim.faults import CrashKind, Fault, Trigger
from sim.topology import Location
from sim.trace import TraceLevel
from sim.world import World

__all__ = ["Rehearsal", "act", "choose", "rehearse"]

#: Entries kept for a peer that lacks them: one segment, so that a head goes while a member is away.
_PEER_PATIENCE: Final = 4
_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The run that the cells of one weather and scheme share up to what strikes.

    Attributes:
        scheme: In words.
        weather: What goes on in it.
        make: The store.
        passages: Of every point, in order of time.
        ended: How it ends if nothing strikes.
    """

    scheme: str
    weather: Weather
    make: type[Shard]
    passages: tuple[Passage, ...]
    ended: Ended


def rehearse(scheme: str, weather: Weather, make: type[Shard] = Shard) -> Rehearsal:
    """Run what those cells share, and on to the end."""
    deposed = weather is Weather.DEPOSED
    recovery = Recovery.ELSEWHERE if deposed else Recovery.AT_ONCE
    over_us = DEPOSED_US[1] if deposed else BEGIN_US
    world, servers = _world(scheme, weather, recovery, (), over_us, make, TraceLevel.FULL)
    begins_us = desk_us(recovery, over_us)
    world.run(begins_us + LAST_US)
    world.check_conservation()
    promise = _promise(scheme, CrashKind.PROCESS_CRASH, recovery, Struck.LEADER if deposed else Struck.CLIENT)
    ended = replace(ended_of(world, servers, promise, begins_us), alone_us=DEPOSED_US if deposed else None)
    return Rehearsal(scheme=scheme, weather=weather, make=make, passages=passages_of(world, begins_us), ended=ended)


def choose(rehearsal: Rehearsal, point: str, count: int) -> tuple[Passage, ...]:
    """Passages of a point to strike at, one of each host first, with commands in flight where there are such.

    Of those of a host the one two thirds on comes first: late enough for a past that may be lost.
    """
    known = [one for one in rehearsal.passages if one.point == point and one.t_us < rehearsal.ended.desk_us]
    if point == "R3":
        known = [one for one in known if one.host == server(0)]
    known = [one for one in known if one.in_flight] or known
    of_hosts = [[one for one in known if one.host == host] for host in sorted({one.host for one in known})]
    chosen = dict.fromkeys(
        among[int((len(among) - 1) * share)] for share in (2 / 3, 1 / 3, 1) for among in [*of_hosts, known] if among
    )
    return tuple(chosen)[:count]


def act(cell: ReplicaCell, rehearsal: Rehearsal, passage: Passage) -> Ended:
    """Run a cell: it is struck at that passage."""
    deposed = rehearsal.weather is Weather.DEPOSED
    cut = cell.kind is None
    recovery = Recovery.ELSEWHERE if deposed or cell.recovery is None else cell.recovery
    down_us = CUT_US if cell.recovery is None else dict(DOWN_US)[cell.recovery]
    # Who waits for another member to lead does not wait for the host as well: that has to be added.
    over_us = passage.t_us + ((down_us or 0) if recovery is Recovery.ELSEWHERE else 0)
    strike = _strike(cell, passage, down_us)
    world, servers = _world(
        cell.scheme, rehearsal.weather, recovery, (strike,), over_us, rehearsal.make, TraceLevel.OFF
    )
    begins_us = desk_us(recovery, over_us)
    world.run(begins_us + LAST_US)
    world.check_conservation()
    struck = Struck.LEADER if deposed or passage.host == server(0) else Struck.FOLLOWER
    ended = ended_of(world, servers, _promise(cell.scheme, cell.kind, recovery, struck), begins_us)
    if deposed:
        return replace(ended, alone_us=DEPOSED_US)
    return replace(ended, alone_us=(passage.t_us, passage.t_us + CUT_US)) if cut else ended


def _promise(scheme: str, kind: CrashKind | None, recovery: Recovery, struck: Struck) -> Promise:
    """Of a leader that was cut off until another took its place no more is promised than of one that never returns."""
    failure = Failure.PROCESS_CRASH if kind is None else FAILURES[kind]
    return promise_of(scheme_of(scheme), failure, recovery, struck)


def _strike(cell: ReplicaCell, passage: Passage, down_us: int | None) -> Fault:
    at = Trigger(point=passage.point, nth=passage.nth, host=passage.host)
    if cell.kind is None:
        return Fault(
            id="cut", kind="partition-partial", targets=(passage.host,), at=at, for_us=down_us, params=cut_off()
        )
    torn = {"torn": True} if cell.kind is CrashKind.POWER_LOSS else {}
    return Fault(id="crash", kind=str(cell.kind), targets=("@here",), at=at, for_us=down_us, params=torn)


def _world(
    scheme: str,
    weather: Weather,
    recovery: Recovery,
    strikes: Sequence[Fault],
    over_us: int,
    make: type[Shard],
    trace: TraceLevel,
) -> tuple[World, tuple[tuple[int, Location], ...]]:
    return world_of(
        scheme,
        recovery,
        False,
        (*faults_of(weather), *strikes),
        over_us,
        _SEED,
        make,
        trace,
        peer_patience=_PEER_PATIENCE,
    )
