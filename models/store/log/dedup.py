"""What was already done, by id: bounded, in the order in which it was done.

A store that remembers every id for ever grows for ever, so it remembers the last `capacity`.
A retry that comes later than that is done again; how late that may be is the promise, and it
is counted (`forgotten`), so that an experiment can see it broken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Window"]

ResultT = TypeVar("ResultT")


class Window(Generic[ResultT]):
    """The last ids and what came of each.

    Args:
        capacity: How many are remembered, at least 1.

    Attributes:
        forgotten: How many have been dropped so far.
    """

    # A queue of its own beside the dictionary: to find the first key of a dictionary whose front was
    # deleted takes as long as the front was.
    __slots__ = ("_capacity", "_found", "_order", "forgotten")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"{capacity=} remembers nothing; give at least 1")
        self._capacity = capacity
        self._found: dict[int, ResultT] = {}
        self._order: deque[int] = deque()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[tuple[int, ResultT]]:
        """Pairs of id and result, oldest first: what a snapshot keeps of it."""
        return ((key, self._found[key]) for key in self._order)

    def get(self, key: int) -> ResultT | None:
        """What came of an id, None if it is not remembered."""
        return self._found.get(key)

    def put(self, key: int, result: ResultT) -> None:
        """Remember one more; an id that is there keeps its result and its place."""
        found = self._found
        if key in found:
            return
        if len(found) == self._capacity:
            del found[self._order.popleft()]
            self.forgotten += 1
        found[key] = result
        self._order.append(key)

    def swap(self, key: int, result: ResultT) -> None:
        """Let an id that is there stand for another result, in its place."""
        assert key in self._found, f"{key} is not remembered"
        self._found[key] = result
