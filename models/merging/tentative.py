"""One aggregate in a merge: what is held below the cut, and what the writes above it come to, tentatively."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.merging.writes import Write

__all__ = ["Aggregate"]

#: After so many writes above the cut each, what is held is kept.
_MARK: Final = 32


class Aggregate:
    """What is held below the cut, the writes above it in canonical order, and what is held after some of them.

    A policy may hold every write above the cut, so what is held is kept after each `_MARK`-th and the last only: in a
    long cut memory would grow with the square of the writes otherwise.
    """

    __slots__ = ("held", "marks", "recorded", "writes")

    def __init__(self, held: Any) -> None:
        self.held = held
        self.writes: list[Write] = []
        #: Whether some record tells of it: that it has a history is news too, though nothing came of it.
        self.recorded = False
        #: After how many writes, and what is held then; ascending.
        self.marks: list[tuple[int, Any]] = []

    def disturb(self, at: int) -> None:
        """What is held after the write at an index, or any later one, counts no more."""
        marks = self.marks
        while marks and marks[-1][0] > at:
            marks.pop()

    def view(self, step: Callable[[Any, Write], Any]) -> Any:
        """What is held after all writes."""
        count, held = self.marks[-1] if self.marks else (0, self.held)
        writes, marks = self.writes, self.marks
        if count == len(writes):
            return held
        if marks and count % _MARK:
            marks.pop()
        for place in range(count, len(writes)):
            held = step(held, writes[place]).held
            if not (place + 1) % _MARK:
                marks.append((place + 1, held))
        if len(writes) % _MARK:
            marks.append((len(writes), held))
        return held

    def shed(self, count: int) -> None:
        """Drop the first writes, which are settled: the fold began with these very ones, so what follows stands."""
        del self.writes[:count]
        self.marks = [(at - count, held) for at, held in self.marks if at > count]
