"""What handlers and the keepers of snapshots near them say to each other, and what a snapshot is to a handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import LOADING, Scope, message_type_id
from models.domain import State
from sim.message import Message

__all__ = ["Fetch", "Fetched", "Image", "Keep", "Recall", "Recalled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(State):
    """An aggregate as its committed events up to a version left it.

    Attributes:
        version: Of the last of them, 0 for none.
        tip: The stream's hash chain there: an image of what the store has since given up has another.
        state: What they came to.
        recent: Pairs of command id and version of the latest of them, in order: who decides by this image alone
            would do a repeated command twice.
    """

    version: int
    tip: int
    state: State
    recent: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Message):
    """A question for the newest image of an aggregate."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LOADING, 1, command=True)
    tenant: int
    aggregate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Message):
    """The newest image of an aggregate, None if none is kept."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LOADING, 2)
    image: Image | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep(Message):
    """An image for others to begin with: what it says is committed."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LOADING, 3, command=True)
    tenant: int
    aggregate: int
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Message):
    """A question for the newest image of an aggregate, and for how old that is."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LOADING, 4, command=True)
    tenant: int
    aggregate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled(Message):
    """The newest image of an aggregate, None if none is kept, and how long ago that was taken."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LOADING, 5)
    image: Image | None
    age_us: int = 0
