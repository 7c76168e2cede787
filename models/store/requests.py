"""What clients ask of a store and what it answers.

An answer says what is certain. `Accepted` and `Refused` are outcomes, recorded and as safe as the
scheme promises; `Unavailable` means that this attempt changed nothing and never will. Where
that is not certain a store stays silent, and the client's time-out says what it is: it may have
happened. A store that surfaces doubt says so earlier (`InDoubt`); one that knows that an event was
taken back says that (`RolledBack`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import STORE, Scope, message_type_id
from models.domain import Command, Denied, Event
from models.store.log.entries import Entry, version_of
from models.store.log.journal import Answered
from sim.message import Message

__all__ = [
    "Accepted",
    "Answer",
    "Append",
    "Conflict",
    "Delete",
    "Forward",
    "Gone",
    "InDoubt",
    "Look",
    "Outcome",
    "OutcomeQuery",
    "ReadStream",
    "Refused",
    "RolledBack",
    "Seen",
    "StreamSlice",
    "Submit",
    "Unavailable",
    "answer_of",
]

#: What an appender expects where it is no version (`models.store.Expect`).
EXPECT_ANY, EXPECT_NO_STREAM, EXPECT_STREAM = -1, -2, -3


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Message):
    """A client's command to an aggregate, to the entry of its own region.

    Attributes:
        command_id: The idempotency key, the same on every attempt.
        aggregate: Instance, 64 bits.
        command: What is asked.
        tenant: Whose aggregate it is.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 1, command=True)
    command_id: int
    aggregate: int
    command: Command
    tenant: int = 0

    def wire_bytes(self) -> int:
        """A header, three numbers and a small command."""
        return 104


@dataclass(frozen=True, slots=True, kw_only=True)
class Append(Message):
    """A writer's own event, which no domain decides on, onto a stream that it has read.

    Attributes:
        event_id: The writer's id of the event, the same on every attempt.
        aggregate: The stream.
        event: What is to be appended.
        expected: Version that the writer has seen, or one of `EXPECT_ANY`, `EXPECT_NO_STREAM`, `EXPECT_STREAM`.
        tenant: Whose stream it is.

    Raises:
        ValueError: another negative `expected`.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 2, command=True)
    event_id: int
    aggregate: int
    event: Event
    expected: int = EXPECT_ANY
    tenant: int = 0

    def __post_init__(self) -> None:
        _check_expected(self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Message):
    """A request to make a stream empty to readers; `for_ever` closes it with a tombstone.

    Raises:
        ValueError: as for an append.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 3, command=True)
    event_id: int
    aggregate: int
    for_ever: bool = False
    expected: int = EXPECT_ANY
    tenant: int = 0

    def __post_init__(self) -> None:
        _check_expected(self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward(Message):
    """A request handed on to the leader; a member that does not lead refuses it, so none circles."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 4, command=True)
    request: Message

    def wire_bytes(self) -> int:
        """What it carries."""
        return self.request.wire_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Message):
    """A question for the current state of an aggregate."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 5, command=True)
    aggregate: int
    tenant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStream(Message):
    """A question for the events of a stream beyond a version."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 6, command=True)
    aggregate: int
    after: int = 0
    limit: int = 100
    tenant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeQuery(Message):
    """A question for what became of a request that got no certain answer."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 7, command=True)
    event_id: int
    tenant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Message):
    """It led to a success event: the aggregate's version, and what there is to tell of it after the event."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 8)
    command_id: int
    version: int
    told: int | str | None

    def wire_bytes(self) -> int:
        """A header and three numbers."""
        return 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Message):
    """It led to an error event: a rule of the domain said no."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 9)
    command_id: int
    version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Message):
    """The stream is not where the writer thought; it is at `current`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 10)
    command_id: int
    expected: int
    current: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone(Message):
    """The stream is closed for ever."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 11)
    command_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(Message):
    """The store could not serve; the attempt has no effect, now or later."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 12)
    command_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt(Message):
    """It is in the log, and not yet as safe as promised: it may come to count, or be taken back."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 13)
    command_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack(Message):
    """It was in a log that gave it up before it counted: this attempt has no effect, now or later."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 14)
    command_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Message):
    """An aggregate as its last acknowledged event left it.

    Attributes:
        version: Of that event, 0 if there never was one.
        told: What there is to tell of it.
        exists: Whether the stream has events that readers find.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 15)
    aggregate: int
    version: int
    told: int | str | None
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSlice(Message):
    """Acknowledged events of a stream, in order; `first` is the oldest version that is still kept."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 16)
    aggregate: int
    entries: tuple[Entry, ...]
    first: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Message):
    """What became of a request: `committed`, `in doubt`, or `unknown` (not in this log, or no longer remembered)."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, STORE, 17)
    event_id: int
    outcome: str


Answer = Accepted | Refused | Conflict | Gone | Unavailable | InDoubt | RolledBack


def answer_of(entry: Entry | Answered, command_id: int) -> Accepted | Refused:
    """The answer that a stored event stands for; the same each time a request is repeated."""
    version = version_of(entry.address)
    if isinstance(entry, Entry):
        event = entry.event
        reason = event.reason if isinstance(event, Denied) else None
    else:
        reason = entry.denied
    if reason is not None:
        return Refused(command_id=command_id, version=version, reason=reason)
    return Accepted(command_id=command_id, version=version, told=entry.told)


def _check_expected(expected: int) -> None:
    if expected < EXPECT_STREAM:
        raise ValueError(f"{expected=} is no version; give 0 or more, or EXPECT_ANY, EXPECT_NO_STREAM or EXPECT_STREAM")
