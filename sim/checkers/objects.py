"""What kind of object a key is, told by what is asked of it, and what its changes may add up to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from enum import StrEnum
from itertools import accumulate
from typing import Final

from sim.checkers.reading import Attempt
from sim.history import Value

__all__ = ["CHANGES", "Ceiling", "Shape", "added", "cut", "least_sum", "shape_of"]

#: What changes an object, in every vocabulary.
CHANGES: Final = frozenset({"write", "cas", "append", "add", "remove", "enqueue", "dequeue"})
_WITNESSES: Final = 10


class Shape(StrEnum):
    """Kinds of objects that checkers tell apart."""

    REGISTER = "register"  # write, cas
    LOG = "log"  # append
    SET = "set"  # add, remove, and reads of tuples
    COUNTER = "counter"  # add, and reads of numbers
    QUEUE = "queue"  # enqueue, dequeue
    OTHER = "other"


def shape_of(attempts: Iterable[Attempt]) -> Shape:
    """The kind of one key's object."""
    everything = list(attempts)
    asked = {a.f for a in everything}
    if "append" in asked:
        return Shape.LOG
    if asked & {"enqueue", "dequeue"}:
        return Shape.QUEUE
    if asked & {"add", "remove"}:
        members = any(isinstance(a.answer, tuple) for a in everything if a.ok and a.f == "read")
        # What is no number cannot be added up, and nothing is removed from a sum.
        members = members or "remove" in asked or any(a.f == "add" and not isinstance(a.asked, int) for a in everything)
        return Shape.SET if members else Shape.COUNTER
    return Shape.REGISTER if asked & {"write", "cas"} else Shape.OTHER


def added(attempt: Attempt) -> int:
    """What an operation adds to a counter."""
    return attempt.asked if attempt.f == "add" and isinstance(attempt.asked, int) else 0


def least_sum(attempts: Iterable[Attempt], initial: Value, read: Attempt) -> int:
    """The least that a counter may hold when it is read: of what was not acknowledged before, the worst."""
    begun = [a for a in attempts if not a.failed and a.begin < read.end]
    return _start(initial) + sum(added(a) if a.precedes(read) else min(0, added(a)) for a in begun)


class Ceiling:
    """The most that a counter may hold at a time: all that was begun to be added, and nothing taken away.

    Args:
        attempts: All operations on it, by beginning.
        initial: What it held at first.
    """

    __slots__ = ("_begun", "_sums")

    def __init__(self, attempts: Iterable[Attempt], initial: Value) -> None:
        adds = [a for a in attempts if not a.failed and added(a) > 0]
        self._begun = [a.begin for a in adds]
        self._sums = list(accumulate((added(a) for a in adds), initial=_start(initial)))

    def by(self, row: int) -> int:
        """The most that it may hold before this row."""
        return self._sums[bisect_left(self._begun, row)]


def _start(initial: Value) -> int:
    return initial if isinstance(initial, int) else 0


def cut(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The first few, where all of them together are a witness and each is as good as the next."""
    return tuple(attempts)[:_WITNESSES]
