"""What an event carries for others, and how it is handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import OUTBOX, Scope, message_type_id
from models.store.group.lineage import Reign
from sim.message import Message, Value

__all__ = ["Alive", "Deliver", "DeliverUnder", "Marked", "Outdated", "Outgoing", "Took"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverUnder(Message):
    """A message of an outbox, from whoever has a tenure; the rest as in `Deliver`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 5, command=True)
    tenure: int
    key: int
    number: int
    body: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated(Message):
    """The consumer has heard from whoever has a later tenure, and takes nothing under an earlier one."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 6)
    tenure: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Message):
    """Up to where the owner has delivered all of a shard, and the lineage that this is a place in; to the others."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, OUTBOX, 7)
    shard: int
    mark: int
    reigns: tuple[Reign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive(Message):
    """The owner of a tenure lives, for those who would take over."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, OUTBOX, 8)
    tenure: int
