"""What coordinators and replicas say to each other.

The four legs of an operation are four classes, so that a scenario can give each its own delay
(`[latency.legs]`): `Store` and `Stored`, `Query` and `Held` are W, A, R and S of the PBS paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from models.addressing import LEADERLESS, Scope, message_type_id
from models.quorum.versions import Cell
from sim.message import Message

__all__ = [
    "HOME",
    "Compare",
    "Confirm",
    "Differing",
    "Digests",
    "Forget",
    "Give",
    "Given",
    "Held",
    "Page",
    "Query",
    "Standing",
    "Store",
    "Stored",
]

#: `Store.hint_for` of what is meant for the receiver itself.
HOME: Final = -1


class Standing(NamedTuple):
    """Whether a replica holds all that it ever acknowledged, and in which of its lives it says so."""

    holds_all: bool
    life: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Message):
    """Merge this into what you hold of the key; with `hint_for`, keep it for that replica."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 1)
    key: int
    cell: Cell
    hint_for: int = HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Message):
    """It is on my disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Message):
    """What do you hold of this key?"""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 3)
    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Message):
    """That, and it is on my disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 4)
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Message):
    """What do you hold, as a replica of this key? Asked before a tombstone is dropped."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 5)
    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Message):
    """Every replica holds this tombstone; drop it, if it is still what you hold."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 6)
    key: int
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Message):
    """Hashes of ranges, (index, hash), of the keys that sender and receiver share."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 7)
    number: int
    level: int
    hashes: tuple[tuple[int, int], ...]

    def work(self) -> int:
        """A unit for every sixteen hashes."""
        return 1 + len(self.hashes) // 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing(Message):
    """These of them are others here; `standing` is what the answer is worth to who fills an empty disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 8)
    indices: tuple[int, ...]
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests(Message):
    """All that the sender holds in ranges that differ: (key, digest)."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 9)
    number: int
    leaves: tuple[int, ...]
    entries: tuple[tuple[int, int], ...]

    def work(self) -> int:
        """A unit for every sixteen digests."""
        return 1 + len(self.entries) // 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Message):
    """What differs here, and the keys of which the sender's is wanted; `standing` as in `Differing`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 10)
    cells: tuple[tuple[int, Cell], ...]
    wanted: tuple[int, ...]
    standing: Standing

    def work(self) -> int:
        """A unit for every cell."""
        return 1 + len(self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Give(Message):
    """What was wanted."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 11)
    cells: tuple[tuple[int, Cell], ...]

    def work(self) -> int:
        """A unit for every cell."""
        return 1 + len(self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Message):
    """It is on my disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, LEADERLESS, 12)
