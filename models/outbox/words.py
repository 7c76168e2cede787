"""What an event carries for others, and how it is handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import OUTBOX, Scope, message_type_id
from sim.message import Message, Value

__all__ = ["Deliver", "Outgoing", "Took"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing(Value):
    """A message in an event.

    Attributes:
        topic: Who is to hear.
        number: Its place among those of its aggregate, from 1.
        body: What it says.
    """

    topic: str
    number: int
    body: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver(Message):
    """A message of an outbox, to the consumer of its topic; key and number together are its id."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 3, command=True)
    key: int
    number: int
    body: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Took(Message):
    """The consumer has it, durably; `before` if it had it already."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 4)
    key: int
    number: int
    before: bool = False
