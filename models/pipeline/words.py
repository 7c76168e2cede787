"""What clients and API servers say to each other, and the two hosts of one pipe between themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import PIPELINE, Scope, message_type_id
from models.store.requests import Submit
from sim.message import Message, Transport

__all__ = ["ApiRequest", "Beat", "Broken", "Cancel", "Carry", "Closed", "Credit", "Done", "Open", "Opened", "Withdraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest(Message):
    """A request of a client.

    Attributes:
        number: The client's own count of its requests; a repeated attempt is another request.
        request: What the store is to do.
        user: Who asks.
        token: What shows that.
        patience_us: How long the client will wait for an answer.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 1, command=True)
    number: int
    request: Submit
    user: int
    token: int
    patience_us: int

    def wire_bytes(self) -> int:
        """The request and four numbers."""
        return self.request.wire_bytes() + 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Message):
    """Nobody waits for the answer to a request any more."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 2, command=True)
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Message):
    """The request failed at a stage after it may have taken effect: what became of it is not known."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 3)
    command_id: int
    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Message):
    """The first host opens a channel of an epoch to the second: whatever joined the two before is over."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 4, command=True)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Message):
    """The second host takes so many requests before it has begun with the first."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 5)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry(Message):
    """A request for the second host, the `number`-th of the epoch."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 6, command=True)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    number: int
    request: Submit
    user: int
    token: int
    patience_us: int

    def wire_bytes(self) -> int:
        """The request and five numbers."""
        return self.request.wire_bytes() + 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit(Message):
    """The second host has begun with so many requests of the epoch."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 7)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Message):
    """What became of a request that was carried: the store's answer, or the stage that it failed at and why.

    Attributes:
        epoch: It was carried in.
        number: It was carried as.
        answer: The store's, None if there is none.
        stage: That it failed at, else "".
        reason: Why.
        risky: Whether it may have taken effect all the same.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 8)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    number: int
    answer: Message | None = None
    stage: str = ""
    reason: str = ""
    risky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Message):
    """Nobody waits for the answer to a request that was carried."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 9, command=True)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Message):
    """One end is alive, believes in the epoch, and has sent so many requests, or answers, in it.

    The second host says in each how much room it has: a connection that an earlier life of the first had opened may
    have swallowed what said so before.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 10)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    sent: int
    window: int = 0
    taken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Message):
    """One end has closed the epoch, in both directions, and this is why."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PIPELINE, 11)
    transport: ClassVar[Transport] = Transport.CONNECTION
    epoch: int
    stage: str
    reason: str
