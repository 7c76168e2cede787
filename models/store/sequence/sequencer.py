"""The sequencer of a store of many shards: it gives out global positions, and readers read by them.

Positions are given out when a transaction begins and seen when it commits, so they commit out of order.
A position is given out only below a ceiling that is durable, so none is given twice, and after a
restart everything below it that is not known to have committed counts as open. A transaction that
stays open for long (its shard died, or its word was lost) is asked about: once every shard's leader
says that it was never used, its position stays empty for ever.

`GlobalReader` follows the sequence from a durable checkpoint on by one of the two strategies of
`models.store.sequence.order`: *hold* misses nothing, *naive*, the negative control, goes on past gaps.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.addressing import SEQUENCE, Scope, message_type_id
from models.store.sequence.numbering import Begin, Begun, Numbered, NumberQuery, Numbers, Settle, Settled
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["GlobalReader", "ReadAll", "Sequencer", "Slice"]

_RESERVE: Final = 1_000
_CEILING: Final = "ceiling"
_SETTLED: Final = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAll(Message):
    """A reader asks for what stands beyond a global position."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 7, command=True)
    after: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Message):
    """What stands there, in order of position.

    Attributes:
        entries: Committed ones.
        settled: Up to which position nothing can appear any more.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 8)
    entries: tuple[Numbered, ...]
    settled: int

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1


class Sequencer(Service):
    """Gives out the positions of one global sequence.

    Args:
        ctx: Its host.
        shards: Of each shard its members, whose latest leader knows what became of open transactions, and
            how many of them must have answered before it is sure who that is.
        patience_us: How long a transaction may stay open before they are asked.

    Attributes:
        entries: What committed, by position.
        settled: Up to which position nothing can appear any more.
    """

    def __init__(self, ctx: Context, shards: Sequence[tuple[tuple[Location, ...], int]], *, patience_us: int) -> None:
        super().__init__(ctx)
        self.entries: dict[int, Numbered] = {}
        self.settled = 0
        self._shards = shards
        self._patience_us = patience_us
        self._next = 1
        self._ceiling = 0
        #: Open transactions by position, in order, with the time at which each was begun or last asked about.
        self._open: dict[int, int] = {}
        self._ready = False

    def start(self) -> Generator[Wait, Any, None]:
        """Recall what committed; all else below the ceiling is open until somebody knows better."""
        disk = self.ctx.disk
        ceilings = [record for record in disk.read(_CEILING) if record is not TORN]
        self._ceiling = max(ceilings, default=0)
        given_up = set()
        for record in disk.read(_SETTLED):
            if record.__class__ is Numbered:
                self.entries[record.number] = record
            elif record is not TORN:
                given_up.add(record)
        now = self.ctx.mono_us()
        unknown = (n for n in range(1, self._ceiling + 1) if n not in self.entries and n not in given_up)
        self._open = dict.fromkeys(unknown, now)
        self._next = self._ceiling + 1
        if self.entries or given_up:
            yield self.ctx.disk.flush(_SETTLED)
        yield from self._reserve()
        self._settle_up()
        self._ready = True
        while True:
            yield self.ctx.sleep(self._patience_us)
            yield from self._ask_about_open()

    def _reserve(self) -> Generator[Wait, Any, None]:
        ceiling = self._next + _RESERVE
        yield self.ctx.disk.replace(_CEILING, ceiling)
        self._ceiling = max(self._ceiling, ceiling)

    @handles(Begin)
    def on_begin(self, msg: Begin, sender: Location) -> Generator[Wait, Any, Begun] | Begun | None:
        """Give out the next position."""
        if not self._ready:
            return None
        return self._give() if self._next <= self._ceiling else self._give_later()

    def _give_later(self) -> Generator[Wait, Any, Begun]:
        while self._next > self._ceiling:
            yield from self._reserve()
        return self._give()

    def _give(self) -> Begun:
        number, self._next = self._next, self._next + 1
        self._open[number] = self.ctx.mono_us()
        return Begun(number=number)

    @handles(Settle)
    def on_settle(self, msg: Settle, sender: Location) -> Generator[Wait, Any, Settled] | None:
        """Note what committed and what was given up."""
        return self._settle(msg.committed, msg.given_up) if self._ready else None

    def _settle(self, committed: Sequence[Numbered], given_up: Sequence[int]) -> Generator[Wait, Any, Settled]:
        disk = self.ctx.disk
        fresh = [one for one in committed if one.number in self._open]
        gone = [number for number in given_up if number in self._open]
        for record in (*fresh, *gone):
            disk.append(_SETTLED, record)
        if fresh or gone:
            yield disk.flush(_SETTLED)
        for one in fresh:
            self.entries[one.number] = one
        for number in (*(one.number for one in fresh), *gone):
            self._open.pop(number, None)
        self._settle_up()
        return Settled(count=len(fresh) + len(gone))

    def _settle_up(self) -> None:
        self.settled = next(iter(self._open), self._next) - 1

    @handles(ReadAll)
    def on_read_all(self, msg: ReadAll, sender: Location) -> Slice | None:
        """Hand out what has committed."""
        if not self._ready:
            return None
        found: list[Numbered] = []
        for number in range(msg.after + 1, self._next):
            if len(found) == msg.limit:
                break
            if number in self.entries:
                found.append(self.entries[number])
        return Slice(entries=tuple(found), settled=self.settled)

    def _ask_about_open(self) -> Generator[Wait, Any, None]:
        """Ask every shard's leader about what has stayed open; what none can have used stays empty for ever."""
        now = self.ctx.mono_us()
        late = tuple(number for number, since in self._open.items() if now - since >= self._patience_us)[:_RESERVE]
        if not late:
            return
        never: set[int] = set(late)
        committed: list[Numbered] = []
        for members, needed in self._shards:
            calls = [self.ctx.call(member, NumberQuery(numbers=late), self._patience_us) for member in members]
            answers = yield self.ctx.first(calls, need=len(calls))
            told = [answer for _, answer in answers if isinstance(answer, Numbers)]
            latest = max((answer.epoch for answer in told), default=0)
            sure = next((answer for answer in told if answer.leads and answer.epoch == latest), None)
            # One that leads without having heard of a later reign might say never of what that reign committed.
            if sure is None or len(told) < needed:
                return
            never &= set(sure.never)
            committed += sure.committed
        if never or committed:
            yield from self._settle(committed, sorted(never))


class GlobalReader(Service):
    """Follows the global sequence.

    Args:
        ctx: Its host.
        sequencer: Whom it asks.
        holds: Whether it stays below what could still be filled; else it goes on past gaps.
        poll_us: Between questions when there is nothing new.

    Attributes:
        at: The last position that it went past.
        seen: What it met, in order.
    """

    def __init__(self, ctx: Context, sequencer: Location, *, holds: bool, poll_us: int) -> None:
        super().__init__(ctx)
        self.at = 0
        self.seen: list[Numbered] = []
        self._sequencer = sequencer
        self._holds = holds
        self._poll_us = poll_us

    def start(self) -> Generator[Wait, Any, None]:
        """Go on where an earlier life had got to: what was met and how far that is are one record."""
        for record in self.ctx.disk.read("seen"):
            if record is not TORN:
                self.at = record[0]
                self.seen += record[1]
        while True:
            answer = yield self.ctx.call(self._sequencer, ReadAll(after=self.at, limit=200), 2 * self._poll_us)
            fresh = self._fresh(answer) if isinstance(answer, Slice) else ()
            if fresh:
                at = fresh[-1].number
                self.ctx.disk.append("seen", (at, fresh))
                yield self.ctx.disk.flush("seen")
                self.at = at
                self.seen += fresh
            else:
                yield self.ctx.sleep(self._poll_us)

    def _fresh(self, found: Slice) -> tuple[Numbered, ...]:
        if not self._holds:
            return found.entries
        return tuple(one for one in found.entries if one.number <= found.settled)
