"""The global sequence: positions are given out when a transaction begins, and seen when it commits.

So a reader who follows positions may meet 7 before 6: the transaction of 6 is still open. A
reader that goes on past the gap (*naive*) never sees 6 if it commits later; one that waits
(*hold*) stays below the oldest transaction that could still fill a gap. A position whose
transaction rolled back stays empty for ever, and holds nobody once that is known.

Known from stores on relational databases, whose sequences count up outside of transactions.
"""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["HoldingReader", "NaiveReader", "Sequence"]

EntryT = TypeVar("EntryT")


class Sequence(Generic[EntryT]):
    """Positions from 1, and what committed at each.

    Attributes:
        entries: What committed, by position; an open or rolled-back position has none.
    """

    __slots__ = ("_next", "_open", "entries")

    def __init__(self) -> None:
        self.entries: dict[int, EntryT] = {}
        self._next = 1
        self._open: set[int] = set()

    def begin(self) -> int:
        """The position of a new transaction."""
        position, self._next = self._next, self._next + 1
        self._open.add(position)
        return position

    def commit(self, position: int, entry: EntryT) -> None:
        """It took place: readers may see it.

        Raises:
            ValueError: no such transaction is open.
        """
        self._end(position)
        self.entries[position] = entry

    def roll_back(self, position: int) -> None:
        """It never took place; ValueError if no such transaction is open."""
        self._end(position)

    @property
    def last(self) -> int:
        """The last position given out, 0 if none."""
        return self._next - 1

    @property
    def settled(self) -> int:
        """Up to which position nothing can appear any more: below the oldest open transaction."""
        return min(self._open, default=self._next) - 1

    def _end(self, position: int) -> None:
        if position not in self._open:
            raise ValueError(f"{position=} is no open transaction; begin one, and end it once")
        self._open.remove(position)


class NaiveReader(Generic[EntryT]):
    """Goes on past gaps: the negative control.

    Attributes:
        at: The last position that it went past.
    """

    __slots__ = ("at",)

    def __init__(self, at: int = 0) -> None:
        self.at = at

    def read(self, sequence: Sequence[EntryT]) -> list[tuple[int, EntryT]]:
        """What it has not gone past and finds now, in order of position."""
        found = _between(sequence, self.at, sequence.last)
        if found:
            self.at = found[-1][0]
        return found


class HoldingReader(Generic[EntryT]):
    """Stays below whatever an open transaction could still fill.

    Attributes:
        at: The last position that it went past.
    """

    __slots__ = ("at",)

    def __init__(self, at: int = 0) -> None:
        self.at = at

    def read(self, sequence: Sequence[EntryT]) -> list[tuple[int, EntryT]]:
        """What it has not gone past and cannot change any more, in order of position."""
        settled = sequence.settled
        found = _between(sequence, self.at, settled)
        self.at = max(self.at, settled)
        return found


def _between(sequence: Sequence[EntryT], after: int, until: int) -> list[tuple[int, EntryT]]:
    """Pairs of position and entry with `after` < position <= `until`."""
    entries = sequence.entries
    return [(position, entries[position]) for position in range(after + 1, until + 1) if position in entries]
