"""What instances, directories, watchers, schedulers and clients say to each other.

Heartbeats are of host scope, what watchers and schedulers tell is of cluster scope: each goes before what clients
ask, which is of service scope. What the registry's log is asked is what any store is asked (`models.store.requests`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from models.addressing import SERVICES, Scope, message_type_id
from sim.message import Message
from sim.topology import Location

__all__ = ["Beat", "Entry", "Find", "Found", "Gone", "NotHere", "Report", "Seen", "Serve", "Served", "Stop"]


class Entry(NamedTuple):
    """An instance that runs, as it said of itself."""

    slot: int
    epoch: int
    at: Location


class Seen(NamedTuple):
    """An instance as a watcher sees it: suspected or not, and how many requests a second it was last busy with."""

    slot: int
    epoch: int
    at: Location
    suspected: bool
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Message):
    """An instance lives: to directories, whose lease it renews, and to watchers.

    Attributes:
        slot: Whose it is.
        epoch: Under which.
        sequence: Grows by one.
        rate_per_s: Requests that it was given since the last beat, a second.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, SERVICES, 1)
    slot: int
    epoch: int
    sequence: int
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Message):
    """What a watcher sees, to schedulers.

    Attributes:
        number: Grows by one.
        seen: Every instance that it knows of, the latest epoch of a slot last.
        blind: Whether it takes itself for the one that is cut off.
    """

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, SERVICES, 2)
    number: int
    seen: tuple[Seen, ...]
    blind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Message):
    """A scheduler's word to an instance whose slot is nobody's, or another's."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, SERVICES, 3, command=True)
    slot: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone(Message):
    """No instance of this epoch of the slot, nor of one before, counts: from one that ends, or from a scheduler."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, SERVICES, 9)
    slot: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Find(Message):
    """A client's question for the instances of the service."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SERVICES, 4, command=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Message):
    """Those that a directory knows of, by slot; `knows` is False where it has heard of none yet."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SERVICES, 5)
    entries: tuple[Entry, ...]
    knows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve(Message):
    """A client's request to an instance."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SERVICES, 6, command=True)
    op: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Message):
    """It was done, by this instance."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SERVICES, 7)
    op: int
    slot: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHere(Message):
    """It was not done and will not be: the instance does not act for its slot now.

    Attributes:
        op: What.
        over: Whether it never will again, so that whoever has it in a list should look again.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, SERVICES, 8)
    op: int
    over: bool
