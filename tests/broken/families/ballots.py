"""What the replicas of the leader's log tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from models.addressing import Scope, message_type_id
from sim.message import Message
from tests.broken.families.layout import CONSENSUS

__all__ = ["Append", "Appended", "Entry", "Passed", "Ping", "Pong", "Vote", "Voted"]


class Entry(NamedTuple):
    """One entry of the log; operation 0 is a leader's first, which says nothing."""

    epoch: int
    op: int
    key: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(Message):
    """Make me the leader of this epoch; my log ends so."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 1)
    epoch: int
    candidate: int
    last: int
    last_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted(Message):
    """Whether you have my vote, and my epoch."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONSENSUS, 2)
    epoch: int
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Append(Message):
    """I lead; after the entry at `prev`, of epoch `prev_epoch`, come these; up to `commit` all is final."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, CONSENSUS, 3)
    epoch: int
    leader: int
    prev: int
    prev_epoch: int
    entries: tuple[Entry, ...]
    commit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended(Message):
    """Up to `match` my disk holds what you sent; if not ok, up to there it may agree."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, CONSENSUS, 4)
    epoch: int
    ok: bool
    match: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Message):
    """Which epoch do you know of?"""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, CONSENSUS, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Message):
    """This."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, CONSENSUS, 6)
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Message):
    """What a client asked me, for the leader."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, CONSENSUS, 7)
    op: int
    f: str
    key: int
    value: int
