"""Numbers of the global sequence on the side of a shard: asked for before an event is written, told when it counts.

A number is *in hand* from when the sequencer gave it until its event is in the log or the transaction
is given up. The leader tells what was committed in the order of its log, from a durable mark
on, and what was given up; asked about numbers that have stayed open for long, it says of each
whether it was committed, is pending, or was never used and never will be. It can say *never* of a
number that neither it nor its log has: whoever had it in hand led before, and can commit no more. But of a log whose
head came as a snapshot, before the sequencer was told of all of it, nobody here knows the numbers: then it says of none
that it was never used, and what is not known stays open, for one who has the entries to tell.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from models.addressing import SEQUENCE, Scope, message_type_id
from sim.host import Wait
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

if TYPE_CHECKING:
    from models.store.holding import Holding

__all__ = ["Begin", "Begun", "NumberQuery", "Numbered", "Numbering", "Numbers", "Settle", "Settled"]

#: Up to where everything was told; a pair of that, and up to where the log came as a snapshot that was not told whole.
_MARK: Final = "numbered"
_BATCH: Final = 200


class Numbered(NamedTuple):
    """What stands at a number of the global sequence.

    Attributes:
        number: The global position.
        shard: Whose event it is.
        tenant: Whose address it is.
        address: Of the event.
    """

    number: int
    shard: int
    tenant: int
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin(Message):
    """A shard begins a transaction and asks for its number."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 1, command=True)
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Message):
    """Its number: given to nobody else, ever."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 2)
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Message):
    """A shard tells what became of transactions: committed, or given up."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 3, command=True)
    committed: tuple[Numbered, ...]
    given_up: tuple[int, ...]

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.committed) + len(self.given_up) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Message):
    """The sequencer has that, durably."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 4)
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberQuery(Message):
    """The sequencer asks a shard's leader what became of numbers that have stayed open."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 5, command=True)
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(Message):
    """The answer: what was committed, and which were never used and never will be. The rest is pending.

    Attributes:
        epoch: That the member lives under, or has promised to.
        leads: Whether it takes itself for the leader.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SEQUENCE, 6)
    epoch: int
    leads: bool
    committed: tuple[Numbered, ...]
    never: tuple[int, ...]


class Numbering:
    """The numbers of one member.

    Args:
        shard: The member.
        sequencer: Who gives them; None where there is no global sequence.

    Attributes:
        marked: Up to which position of the log the sequencer is known to have everything.
    """

    def __init__(self, shard: Holding, sequencer: Location | None) -> None:
        self.marked = 0
        self._shard = shard
        self._sequencer = sequencer
        self._told = 0
        self._untold = 0
        self._in_hand: set[int] = set()
        self._given_up: list[int] = []

    def begin(self) -> Generator[Wait, Any, int | None]:
        """A number, in hand from now on; None if the sequencer is silent."""
        shard = self._shard
        assert self._sequencer is not None
        message = Begin(shard=shard.options.shard)
        answer = yield shard.ctx.call(self._sequencer, message, shard.options.ask_us)
        if not isinstance(answer, Begun):
            return None
        self._in_hand.add(answer.number)
        return answer.number

    def used(self, number: int) -> None:
        """Its event is in the log."""
        self._in_hand.discard(number)

    def give_up(self, number: int) -> None:
        """No event will have it."""
        self._in_hand.discard(number)
        self._given_up.append(number)

    def live(self) -> Generator[Wait, Any, None]:
        """Tell the sequencer what is committed and what was given up, for as long as the member leads."""
        shard, ctx = self._shard, self._shard.ctx
        marks = [record for record in ctx.disk.read(_MARK) if record is not TORN]
        last = marks[-1] if marks else 0
        self.marked, self._untold = last if isinstance(last, tuple) else (last, 0)
        self._told = self.marked
        while True:
            self.marked = min(self.marked, shard.journal.length)
            self._told = min(self._told, shard.journal.length)
            if not shard.leads or not (self._given_up or self._told < shard.committed):
                yield ctx.sleep(shard.options.settle_us)
                continue
            yield from self._settle()

    def _settle(self) -> Generator[Wait, Any, None]:
        shard, ctx = self._shard, self._shard.ctx
        assert self._sequencer is not None
        start = max(self._told, shard.journal.base.position)
        entries = shard.journal.after(start, min(_BATCH, shard.committed - start))
        number = shard.options.shard
        committed = tuple(Numbered(e.number, number, e.tenant, e.address) for e in entries if e.number)
        given_up = tuple(self._given_up[:_BATCH])
        message = Settle(committed=committed, given_up=given_up)
        answer = yield ctx.call(self._sequencer, message, shard.options.ask_us)
        if isinstance(answer, Settled):
            del self._given_up[: len(given_up)]
            self._told = start + len(entries)
            if not self.knows_all:
                return  # and the log is kept: what it has beyond its head may be asked about
            self.marked = self._told
            yield ctx.disk.replace(_MARK, self.marked)
            shard.let_go()

    def stands_behind(self, position: int, released: int) -> Generator[Wait, Any, None]:
        """A snapshot is about to take the place of the log up to a position; of it, up to `released` all was told."""
        if self._sequencer is not None and position > released:
            self._untold = position
            yield self._shard.ctx.disk.replace(_MARK, (self.marked, position))

    @property
    def knows_all(self) -> bool:
        """Whether the sequencer has heard of whatever this log does not have any more."""
        return self._untold <= max(self.marked, self._shard.released)

    def about(self, numbers: tuple[int, ...]) -> Numbers:
        """What became of numbers, as the leader knows it."""
        shard = self._shard
        wanted = set(numbers) - self._in_hand
        found, pending = [], set()
        for entry in shard.journal.entries:
            if entry.number in wanted:
                if entry.position <= shard.committed:
                    found.append(Numbered(entry.number, shard.options.shard, entry.tenant, entry.address))
                else:
                    pending.add(entry.number)
        never = wanted - pending - {one.number for one in found} if self.knows_all else set()
        epoch = max(shard.epoch, shard.promised)
        return Numbers(epoch=epoch, leads=shard.leads, committed=tuple(found), never=tuple(sorted(never)))
