"""Carries out what a client asks: on the client's own host, or on any replica (`node`).

A read takes the merger of what R replicas hold. A write first finds what it comes after (a stamp above all
that R replicas hold, or the versions that it supersedes), then stores its version at W. Requests go to
all N at once and the quickest count; who stays silent is asked again, and other hosts keep *hints* for it.

Where R + W > N, a read that found replicas behind answers once N - R + 1 hold what it tells, so
that no later read finds less: registers are then linearizable (Attiya, Bar-Noy and Dolev, J. ACM 42,
1995; with several writers Lynch and Shvartsman, FTCS 1997). Else replicas that answered are repaired
first, and nothing is promised. The others are repaired behind the client's back.

Source: DeCandia et al., Dynamo, SOSP 2007, sections 4.4 to 4.6. Departures: a coordinator need not be a
replica; a sloppy quorum needs one true replica at least, so that dropped hints lose nothing acknowledged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any, ClassVar, Final, TypeAlias

from models.detection.answering import Answering
from models.driver import Ask, Reply
from models.quorum.messages import Held, Query, Store
from models.quorum.options import Fanout, QuorumOptions, Repair, Resolve, Stamps
from models.quorum.preference import Preference
from models.quorum.versions import (
    NOTHING,
    Cell,
    Dot,
    Merge,
    Plain,
    Seen,
    latest,
    live,
    make,
    merge_latest,
    merge_siblings,
)
from sim.host import Context, Service, Wait, handles
from sim.message import Message, Value
from sim.topology import Location

__all__ = ["Coordinator", "Told"]

#: Answers of finished operations that are kept, in case a request comes twice.
_REMEMBERED: Final = 1_000
#: For how long a replica that left a question unanswered is taken to be silent.
_SILENT_US: Final = 2_000_000
_LIFE_BITS: Final = 31

#: Who answered what, and whose answers are still to come.
Told: TypeAlias = tuple[dict[int, Cell], list[tuple[int, Wait]]]
_Calls: TypeAlias = list[tuple[int, Wait]]
#: By host that keeps hints, for whom.
_Hinted: TypeAlias = dict[int, set[int]]


class Coordinator(Service):
    """Carries out operations on behalf of clients.

    Args:
        ctx: Its host.
        nodes: The replicas' hosts, in one order for all.
        options: Of the store.
        preference: Which of them hold a key.
        number: Its own among all that coordinate; replicas come first.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"found", "made", "stored"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"detour", "stood-in"})

    def __init__(
        self, ctx: Context, nodes: tuple[Location, ...], options: QuorumOptions, preference: Preference, number: int
    ) -> None:
        super().__init__(ctx)
        self.nodes = nodes
        self.options = options
        self.preference = preference
        self.number = number
        self.merge: Merge = merge_siblings if options.resolve is Resolve.SIBLINGS else merge_latest
        #: Of this life alone: a count that a crash may have lost is never given again.
        self.actor = (number + 1) << _LIFE_BITS | ctx.rng("actor").below(1 << _LIFE_BITS)
        self.made: dict[int, int] = {}
        self.busy: set[int] = set()
        self.answered: OrderedDict[int, Message] = OrderedDict()
        self.answering = Answering(options.silence.make, _SILENT_US)
        self.repaired = 0

    # -- decisions that a variant may get wrong ------------------------------------------------

    def counts_hints(self) -> bool:
        """Whether a hint counts as stored."""
        return self.options.sloppy

    def homes_needed(self) -> int:
        """How many true replicas a write needs at least."""
        return 1

    def holders_needed(self, answered: int) -> int:
        """How many replicas hold what a read tells, before it tells it."""
        options = self.options
        return options.n - options.r + 1 if options.strict else answered

    def repairs(self, key: int) -> Sequence[int]:
        """Whom a read may tell what they lack: replicas alone, since a stand-in would keep it for good."""
        return self.preference.homes(key)

    # -- clients -------------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Carry out an operation; without a quorum there is no answer, for it may yet have happened."""
        if msg.op in self.answered:
            return self.answered[msg.op]
        if msg.op in self.busy:
            return None
        self.busy.add(msg.op)
        if msg.f == "read":
            reply = yield from self.read(msg)
        elif msg.f == "add":
            reply = yield from self._add(msg)
        else:
            reply = yield from self._write(msg)
        self.busy.discard(msg.op)
        if reply is not None:
            self.answered[msg.op] = reply
            if len(self.answered) > _REMEMBERED:
                self.answered.popitem(last=False)
        return reply

    def read(self, msg: Ask) -> Generator[Wait, Any, Reply | None]:
        """What R replicas hold."""
        told = yield from self._gather(msg.key)
        if told is None:
            return None
        answers, waits = told
        cell = self._merged(answers.values())
        if self.options.repair is not Repair.OFF and not (yield from self._repair(msg.key, cell, answers, waits)):
            return None
        return Reply(op=msg.op, value=self.shown(cell))

    def shown(self, cell: Cell) -> Plain:
        """What a client is told of a cell: its value; of siblings, all members or all values."""
        versions = live(cell)
        if len(versions) == 1:
            value = versions[0].value
            assert not isinstance(value, Value), "an aggregate is no register"
            return value
        if not versions:
            return None
        members = {m for v in versions for m in (v.value if isinstance(v.value, tuple) else (v.value,))}
        return tuple(sorted(member for member in members if isinstance(member, int)))

    def _write(self, msg: Ask) -> Generator[Wait, Any, Reply | None]:
        """Write a value, or delete: that is to write nothing."""
        before = yield from self._before(msg.key)
        if before is None:
            return None
        stored = yield from self._store(msg.key, self._version(msg.key, before, msg.value, dead=msg.value is None))
        return Reply(op=msg.op) if stored else None

    def _add(self, msg: Ask) -> Generator[Wait, Any, Reply | None]:
        """Add a member to a set: read it, siblings and all, and write it with the member."""
        before = yield from self._before(msg.key)
        if before is None:
            return None
        held = {m for v in live(before) if isinstance(v.value, tuple) for m in v.value}
        member = msg.value if isinstance(msg.value, int) else 0
        value = tuple(sorted(held | {member}))
        stored = yield from self._store(msg.key, self._version(msg.key, before, value))
        return Reply(op=msg.op) if stored else None

    def _before(self, key: int) -> Generator[Wait, Any, Cell | None]:
        """What a write comes after."""
        if self.options.resolve is Resolve.LATEST and self.options.stamps is Stamps.CLOCK:
            return NOTHING
        told = yield from self._gather(key)
        return None if told is None else self._merged(told[0].values())

    def _version(self, key: int, before: Cell, value: Plain | Value, *, dead: bool = False) -> Cell:
        """A new version; its stamp is the time, or just above that of what it comes after."""
        self.made[key] = self.made.get(key, 0) + 1
        newest = latest(before.versions)
        stamp = self.ctx.now_us() if newest is None else max(self.ctx.now_us(), newest.stamp + 1)
        after: Seen | None = before.seen if self.options.resolve is Resolve.SIBLINGS else None
        cell = make(Dot(self.actor, self.made[key]), stamp, value, dead=dead, after=after)
        self.ctx.point("made")
        return cell

    def _merged(self, cells: Iterable[Cell]) -> Cell:
        merged = NOTHING
        for cell in cells:
            merged = self.merge(merged, cell)
        return merged

    # -- asking replicas -------------------------------------------------------------------------

    def _gather(self, key: int) -> Generator[Wait, Any, Told | None]:
        """What R replicas hold, and the waits for the others; None if so many do not answer."""
        options, query, need = self.options, Query(key=key), self.options.r
        answers: dict[int, Cell] = {}
        asked: Sequence[int] = self._first(key, need)
        for _ in range(options.rounds):
            calls = [(number, self.ctx.call(self.nodes[number], query, options.patience_us)) for number in asked]
            yield self._enough(calls, partial(self._take, answers), lambda: len(answers) >= need)
            if len(answers) >= need:
                self.ctx.point("found")
                return answers, [(number, wait) for number, wait in calls if not wait.done]
            homes = self.preference.homes(key)
            asked = [number for number in homes if number not in answers]
            if options.sloppy:
                asked += [n for n in self.preference.others(key)[: len(asked)] if n not in answers]
        return None

    def _take(self, answers: dict[int, Cell], number: int, answer: Any) -> None:
        if isinstance(answer, Held):
            answers[number] = answer.cell

    def _store(self, key: int, cell: Cell) -> Generator[Wait, Any, bool]:
        """Store a version at W replicas, or say that it may not be."""
        options, homes = self.options, self.preference.homes(key)
        stored: set[int] = set()
        hinted: _Hinted = {}
        asked: Sequence[int] = self._first(key, options.w)
        now_us = self.ctx.mono_us()
        silent = [number for number in asked if self.answering.is_silent(number, now_us)] if options.sloppy else []
        others = self.preference.others(key)
        for home, _ in zip(silent, others if options.hints_max else (), strict=False):
            self.ctx.note("stood-in", home)
        for _ in range(options.rounds):
            calls = [(number, self._send(number, Store(key=key, cell=cell))) for number in asked]
            if options.hints_max:
                for home, other in zip(silent, others, strict=False):
                    calls.append((~other, self._send(other, Store(key=key, cell=cell, hint_for=home))))
            meant = dict(zip(others, silent, strict=False))
            yield self._enough(calls, partial(_note, stored, hinted, meant), lambda: self._suffice(stored, hinted))
            if self._suffice(stored, hinted):
                self.ctx.point("stored")
                self._hint_later(key, cell, [(n, wait) for n, wait in calls if n >= 0 and n not in stored], hinted)
                return True
            asked = silent = [number for number in homes if number not in stored]
        return False

    def _suffice(self, stored: set[int], hinted: _Hinted) -> bool:
        counted = len(stored) + (len(hinted) if self.counts_hints() else 0)
        return counted >= self.options.w and len(stored) >= self.homes_needed()

    def _send(self, number: int, msg: Message) -> Wait:
        return self.ctx.call(self.nodes[number], msg, self.options.patience_us)

    def _first(self, key: int, need: int) -> Sequence[int]:
        """Whom a request goes to at first."""
        homes = self.preference.homes(key)
        if self.options.fanout is Fanout.ALL:
            return homes
        left, draws = list(homes), self.ctx.rng("fanout")
        if not self.options.routed:
            return [left.pop(draws.below(len(left))) for _ in range(need)]
        now_us = self.ctx.mono_us()
        mixed = [left.pop(draws.below(len(left))) for _ in homes]
        ranked = sorted(mixed, key=lambda number: self.answering.is_silent(number, now_us))
        for number in sorted(set(mixed[:need]) - set(ranked[:need])):
            self.ctx.note("detour", number)
        return ranked[:need]

    def _enough(self, calls: _Calls, take: Callable[[int, Any], None], enough: Callable[[], bool]) -> Wait:
        """Until the answers suffice, or no more come."""
        done, heeded = self.ctx.wait(), self.options.sloppy or self.options.routed
        left = len(calls)

        def told(number: int, answer: Any) -> None:
            nonlocal left
            left -= 1
            if heeded:
                self._heard(number if number >= 0 else ~number, answer)
            if done.done:
                return
            if answer is not None:
                take(number, answer)
            if not left or enough():
                done.resolve()

        for number, wait in calls:
            wait.when_done(partial(told, number))
        return done

    def _heard(self, number: int, answer: Any) -> None:
        """Whether a host answered; asked for where others are asked in its place."""
        now_us = self.ctx.mono_us()
        if answer is None:
            self.answering.lapsed(number, now_us - self.options.patience_us, now_us)
        else:
            self.answering.answered(number, now_us)

    # -- repair and hints --------------------------------------------------------------------------

    def _repair(self, key: int, cell: Cell, answers: dict[int, Cell], waits: _Calls) -> Generator[Wait, Any, bool]:
        """See to it that enough replicas hold what was read; what the others lack is sent behind the answer."""
        told = self.repairs(key)
        answers = {number: held for number, held in answers.items() if number in told}
        waits = [(number, wait) for number, wait in waits if number in told]
        behind = [number for number, held in answers.items() if held != cell]
        if waits:
            self.ctx.set_timer(0, self._repair_others, key, cell, waits)
        if self.options.repair is Repair.BACKGROUND or cell == NOTHING:
            for number in behind:
                self.repaired += 1
                self.ctx.send(self.nodes[number], Store(key=key, cell=cell))
            return True
        holders = set(answers) - set(behind)
        needed = self.holders_needed(len(answers))
        homes, asked = self.preference.homes(key), behind
        for _ in range(self.options.rounds):
            if len(holders) >= needed:
                for number in behind:
                    if number not in holders:
                        self.ctx.send(self.nodes[number], Store(key=key, cell=cell))
                return True
            if len(holders) + len(asked) < needed:
                asked = [number for number in homes if number not in holders]
            self.repaired += len(asked)
            calls = [(number, self._send(number, Store(key=key, cell=cell))) for number in asked]
            yield self._enough(calls, partial(_note, holders, {}, {}), lambda: len(holders) >= needed)
            behind, asked = [], [number for number in homes if number not in holders]
        # Without overlap nothing was promised of the next read, so a silent replica holds nobody up for long.
        return len(holders) >= needed or not self.options.strict

    def _repair_others(self, key: int, cell: Cell, waits: _Calls) -> Generator[Wait, Any, None]:
        """Tell replicas that answered too late to count what they lack."""
        yield self.ctx.first([wait for _, wait in waits], need=len(waits))
        for number, wait in waits:
            if isinstance(wait.value, Held) and self.merge(wait.value.cell, cell) != wait.value.cell:
                self.repaired += 1
                self.ctx.send(self.nodes[number], Store(key=key, cell=cell))

    def _hint_later(self, key: int, cell: Cell, waits: _Calls, hinted: _Hinted) -> None:
        """Have other hosts keep hints for replicas that stay silent."""
        if self.options.hints_max and waits and self.preference.others(key):
            self.ctx.set_timer(0, self._hint_for_silent, key, cell, waits, hinted)

    def _hint_for_silent(self, key: int, cell: Cell, waits: _Calls, hinted: _Hinted) -> Generator[Wait, Any, None]:
        yield self.ctx.first([wait for _, wait in waits], need=len(waits))
        cared_for = set().union(*hinted.values())
        silent = [number for number, wait in waits if wait.value is None and number not in cared_for]
        # Who keeps none yet comes first; but before a silent replica is forgotten, one host keeps several.
        others = sorted(self.preference.others(key), key=lambda number: number in hinted)
        for home, other in zip(silent, cycle(others), strict=False):
            self.ctx.send(self.nodes[other], Store(key=key, cell=cell, hint_for=home))


def _note(stored: set[int], hinted: _Hinted, meant: Mapping[int, int], number: int, answer: Any) -> None:
    """Tell those who stored for themselves from those, by complement, who keep a hint: for whom they are `meant`."""
    if number >= 0:
        stored.add(number)
    else:
        hinted.setdefault(~number, set()).add(meant[~number])
