"""What is said on the read side: questions for views and their answers, and consumers' heartbeats.

A *token* is what makes a reader wait for what it knows of: pairs of aggregate and version, those that its
session wrote or saw. An answer says what it is worth: how far each shard's log went in, and since when
whoever wrote it knows of nothing newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.addressing import VIEWING, Scope, message_type_id
from models.confidence.visible.values import FRESHNESS_BYTES, Freshness
from models.reading.projections import Row
from models.reading.views import View
from sim.message import Message, Value

__all__ = [
    "ANY_ATTRIBUTE",
    "Announce",
    "Announced",
    "Beat",
    "Left",
    "LoadView",
    "Query",
    "Reads",
    "Rows",
    "Seat",
    "Token",
    "ViewIs",
    "covered",
]

Token = tuple[tuple[int, int], ...]

#: A query by keys asks for no attribute.
ANY_ATTRIBUTE: Final = -1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadView(Message):
    """A consumer asks the leader of a segment's group for a view."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 1, command=True)
    view: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewIs(Message):
    """All of it, and in which version its segment is shown."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 2)
    state: View
    shown: int

    def wire_bytes(self) -> int:
        """A sum that need not look into it."""
        return 128 + 64 * len(self.state.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Message):
    """A question for rows.

    Attributes:
        keys: Of these aggregates; empty for all.
        attribute: Of which the projection says this; `ANY_ATTRIBUTE` for whatever.
        token: Pairs of aggregate and version that the answer must have; others' keys are no matter.
        patience_us: How long it may wait for that.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 3, command=True)
    keys: tuple[int, ...] = ()
    attribute: int = ANY_ATTRIBUTE
    token: Token = ()
    patience_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Message):
    """The answer.

    Attributes:
        rows: What was found, by key.
        places: Pairs of shard and the position up to which its log went in everywhere that was asked.
        heard_us: Since when nothing newer is known, by the wall clock of who wrote it; 0 if never.
        fresh: Whether it has all of the token.
        missing: Parts of the key space that did not answer.
        stopped: Why the projection stands still somewhere; empty if it does not.
        worth: How likely what is said of each key is the latest, where views say that.
        parts: Where several parts answered, the places of each; none elsewhere.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 4)
    rows: tuple[Row, ...]
    places: tuple[tuple[int, int], ...]
    heard_us: int
    fresh: bool
    missing: tuple[int, ...] = ()
    stopped: str = ""
    worth: tuple[Freshness, ...] = ()
    parts: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = ()

    def wire_bytes(self) -> int:
        """A sum that need not look into it."""
        return 128 + 64 * len(self.rows) + FRESHNESS_BYTES * len(self.worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Message):
    """A consumer lives, and believes to own these segments."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, VIEWING, 1)
    consumer: int
    sequence: int
    owned: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Message):
    """A consumer owns nothing any more and will claim nothing, until it is heard again."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, VIEWING, 2)
    consumer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads(Message):
    """The operator's word to a consumer: whether it is to read."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, VIEWING, 1, command=True)
    seat: int
    reads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat(Value):
    """Which consumer it is that is started."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce(Message):
    """A projection has something to say outside: of which event, and by which version of it."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 5, command=True)
    event_id: int
    key: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced(Message):
    """It was heard, and will not be forgotten."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, VIEWING, 6)
    event_id: int


def covered(token: Token, versions: dict[int, int]) -> bool:
    """Whether rows of these versions have all of a token; an aggregate without a row has version 0."""
    return all(versions.get(key, 0) >= version for key, version in token)
