"""What members say to one another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, NamedTuple

from models.addressing import DETECTION, Scope, message_type_id
from sim.message import HEADER_BYTES, Message, Transport

__all__ = ["Ack", "Gossip", "Nack", "Ping", "PingRequest", "PushPull", "Rumour", "State", "StreamAck", "StreamPing"]

#: Bytes of a rumour: what, who, incarnation, whose word.
_RUMOUR_BYTES: Final = 16


class State(IntEnum):
    """What a member holds another to be."""

    ALIVE = 0
    SUSPECT = 1
    DEAD = 2


class Rumour(NamedTuple):
    """A word about a member: its state as of an incarnation, and who says so first-hand."""

    state: State
    subject: int
    incarnation: int
    source: int


@dataclass(frozen=True, slots=True)
class _Telling(Message):
    """Base of messages that carry rumours."""

    rumours: tuple[Rumour, ...]

    def wire_bytes(self) -> int:
        """Header, two numbers, and the rumours."""
        return HEADER_BYTES + 16 + _RUMOUR_BYTES * len(self.rumours)


@dataclass(frozen=True, slots=True)
class Ping(_Telling):
    """Are you there? Answered by an `Ack` of the same number."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 1)
    number: int


@dataclass(frozen=True, slots=True)
class Ack(_Telling):
    """I am; or, from who was asked to probe: it is."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 2)
    number: int


@dataclass(frozen=True, slots=True)
class PingRequest(_Telling):
    """Please probe a member for me, and say so if it does not answer (`nack`)."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 3)
    number: int
    subject: int
    nack: bool


@dataclass(frozen=True, slots=True)
class Nack(Message):
    """I was asked to probe and heard nothing; you, at least, are heard."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 4)
    number: int


@dataclass(frozen=True, slots=True)
class Gossip(_Telling):
    """Rumours, for their own sake."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 5)


@dataclass(frozen=True, slots=True)
class StreamPing(Message):
    """A probe over a connection, which loses nothing."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 6)
    transport: ClassVar[Transport] = Transport.CONNECTION
    number: int


@dataclass(frozen=True, slots=True)
class StreamAck(Message):
    """The answer to it."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 7)
    transport: ClassVar[Transport] = Transport.CONNECTION
    number: int


@dataclass(frozen=True, slots=True)
class PushPull(_Telling):
    """All that a member knows beyond that everybody was alive at first; answered in kind."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 8)
    transport: ClassVar[Transport] = Transport.CONNECTION
    source: int
