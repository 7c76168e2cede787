"""What producers, consumers, operators and receivers of a queue say and hear.

A batch is one message: it costs the host one unit of its service time, and a quarter of one for every letter more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from models.addressing import QUEUE, Scope, message_type_id
from models.queue.lanes import Letter
from sim.message import HEADER_BYTES, Message
from sim.topology import Location

__all__ = [
    "DOUBT",
    "REFUSED",
    "Browse",
    "Browsed",
    "Done",
    "Effected",
    "Effects",
    "Elsewhere",
    "Given",
    "Handed",
    "Put",
    "RetryParked",
    "RetryTold",
    "Sent",
    "SettleAll",
    "SettleTold",
    "Stored",
    "Take",
]

#: In place of a letter's number: it is not in the queue and this attempt never will be; or nobody can tell.
REFUSED: Final = 0
DOUBT: Final = -1

_SENT_BYTES: Final = 28
_LETTER_BYTES: Final = 32


def _units(count: int) -> int:
    """Units of work of a batch: one, and a quarter for each more, rounded up."""
    return 1 + (count + 2) // 4 if count > 1 else 1


class Sent(NamedTuple):
    """A message on its way in."""

    message: int
    key: int
    body: int


class Handed(NamedTuple):
    """Letters of one key, handed to a consumer; `receipt` is what it settles them by."""

    key: int
    receipt: int
    letters: tuple[Letter, ...]


class Done(NamedTuple):
    """What a consumer did with what it was handed: settled these; failed at one (0 for none), and left the rest.

    Or nothing, as somebody was handed letters of the key under a `newest` receipt since (0 for nobody).
    """

    key: int
    receipt: int
    settled: tuple[int, ...]
    failed: int = 0
    newest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Message):
    """Messages of a producer."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 1, command=True)
    batch: tuple[Sent, ...]

    def work(self) -> int:
        """As a batch."""
        return _units(len(self.batch))

    def wire_bytes(self) -> int:
        """A header and the messages."""
        return HEADER_BYTES + _SENT_BYTES * len(self.batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Message):
    """What became of each: its number in its lane, `REFUSED` or `DOUBT`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 2)
    numbers: tuple[int, ...]

    def wire_bytes(self) -> int:
        """A header and a number each."""
        return HEADER_BYTES + 8 * len(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Message):
    """This member does not lead; who does, if it knows. The request had no effect."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 3)
    leader: Location | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Message):
    """A consumer's request for at most so many letters; it waits so long for the first.

    Attributes:
        session: Of this life of the consumer, drawn.
        request: Counts those of the session to this shard, from 1.
        limit: Letters at most.
        wait_us: How long it waits.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 4, command=True)
    session: int
    request: int
    limit: int
    wait_us: int

    def wire_bytes(self) -> int:
        """A header and four numbers."""
        return HEADER_BYTES + 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Message):
    """Letters, by key; none if none came in time."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 5)
    handed: tuple[Handed, ...]

    def work(self) -> int:
        """As a batch."""
        return _units(sum([len(one.letters) for one in self.handed]))

    def wire_bytes(self) -> int:
        """A header, and for each key its own and its letters."""
        return HEADER_BYTES + sum([16 + _LETTER_BYTES * len(one.letters) for one in self.handed])


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleAll(Message):
    """What a consumer did with what it was handed."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 6, command=True)
    done: tuple[Done, ...]

    def work(self) -> int:
        """As a batch."""
        return _units(sum([len(one.settled) for one in self.done]))

    def wire_bytes(self) -> int:
        """A header, and for each receipt itself, another if there is one, and numbers."""
        return HEADER_BYTES + sum([28 + 16 * (one.newest > 0) + 8 * len(one.settled) for one in self.done])


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleTold(Message):
    """It is written down, but for these receipts, which were no longer held."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 7)
    refused: tuple[int, ...]

    def wire_bytes(self) -> int:
        """A header and the receipts."""
        return HEADER_BYTES + 16 * len(self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects(Message):
    """What a consumer makes of letters, for whoever keeps it."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 8, command=True)
    key: int
    receipt: int
    letters: tuple[Letter, ...]

    def work(self) -> int:
        """As a batch."""
        return _units(len(self.letters))

    def wire_bytes(self) -> int:
        """A header, two numbers and the letters."""
        return HEADER_BYTES + 16 + _LETTER_BYTES * len(self.letters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effected(Message):
    """It is kept; or it is not, since somebody has been handed letters of the key since then, under `newest`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 9)
    kept: bool
    newest: int = 0

    def wire_bytes(self) -> int:
        """A header, and a receipt if it is not kept."""
        return HEADER_BYTES + 16 * (self.newest > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryParked(Message):
    """An operator's request to try again what is parked."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 10, command=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTold(Message):
    """So many letters came back."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 11)
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Browse(Message):
    """An operator's question for what is in a shard."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 12, command=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed(Message):
    """The messages in a shard.

    Attributes:
        waiting: Those that may be handed out or are held, by lane, in order.
        parked: Those that are put aside.
        hot: Keys and how often messages came for them, at most, the busiest first.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUEUE, 13)
    waiting: tuple[int, ...]
    parked: tuple[int, ...]
    hot: tuple[tuple[int, int], ...]
