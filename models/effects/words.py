"""What passes between those who bring effects about and the world outside: it knows nothing of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import EFFECTS, Scope, message_type_id
from sim.message import Message, Transport

__all__ = ["Act", "Acted", "Fenced", "OutcomeIs", "WhatOf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Message):
    """A request to do something that cannot be undone; on a connection, as such requests go.

    Attributes:
        key: Of which effect, as the book will say.
        once: The idempotency key; what a receiver that dedups goes by.
        token: Grows with tenures and attempts; what a receiver that fences goes by.
        amount: What is asked.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, EFFECTS, 1, command=True)
    transport: ClassVar[Transport] = Transport.CONNECTION
    key: int
    once: int
    token: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted(Message):
    """It is done, `before` if it had been when this was asked."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, EFFECTS, 2)
    transport: ClassVar[Transport] = Transport.CONNECTION
    key: int
    receipt: int
    before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced(Message):
    """Somebody with a later token has asked about this effect; what was refused is not done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, EFFECTS, 3)
    transport: ClassVar[Transport] = Transport.CONNECTION
    key: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatOf(Message):
    """A question for what became of an effect; who fences refuses from then on what has an earlier token."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, EFFECTS, 4, command=True)
    transport: ClassVar[Transport] = Transport.CONNECTION
    key: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeIs(Message):
    """What became of an effect: its receipt, or 0 if it was not done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, EFFECTS, 5)
    transport: ClassVar[Transport] = Transport.CONNECTION
    key: int
    receipt: int
