"""What a host keeps for replicas that could not be reached, on its disk, within limits of count and age."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, NamedTuple

from models.quorum.versions import Cell
from sim.storage import Disk, DiskFull

__all__ = ["Hint", "Hints"]

FILE: Final = "hints"
_COMPACT_AT: Final = 256


class Hint(NamedTuple):
    """A version for somebody else, and when it was taken by the wall clock, microseconds."""

    number: int
    home: int
    key: int
    cell: Cell
    born_us: int


class Hints:
    """The hints of one host.

    Args:
        disk: Where they are kept.
        most: How many at most.
        window_us: From this age on they are dropped.

    Attributes:
        refused: Hints that were not taken for want of room.
        dropped: Hints that grew too old.
        handed: Hints that their replicas have taken.
    """

    def __init__(self, disk: Disk, most: int, window_us: int) -> None:
        self._disk = disk
        self._most = most
        self._window_us = window_us
        self._held: dict[int, Hint] = {}
        self._next = 0
        self._records = 0
        self.refused = 0
        self.dropped = 0
        self.handed = 0

    def recall(self, records: list[Any]) -> None:
        """Take up what the disk holds after a restart."""
        self._records = len(records)
        for record in records:
            hints = (record,) if isinstance(record, Hint) else record if isinstance(record, tuple) else ()
            for hint in hints:
                self._held[hint.number] = hint
                self._next = max(self._next, hint.number + 1)
            if isinstance(record, int):
                self._held.pop(record, None)

    def take(self, home: int, key: int, cell: Cell, now_us: int) -> bool:
        """Keep a hint, to be flushed by the caller; False if there are too many.

        Raises:
            DiskFull: there is no room on the disk.
        """
        if len(self._held) >= self._most:
            self.refused += 1
            return False
        hint = Hint(self._next, home, key, cell, now_us)
        self._disk.append(FILE, hint)
        self._records += 1
        self._next += 1
        self._held[hint.number] = hint
        return True

    def drop_old(self, now_us: int) -> int:
        """Drop what is too old by now; says how many."""
        old = [hint for hint in self._held.values() if now_us - hint.born_us >= self._window_us]
        for hint in old:
            self._forget(hint)
        self.dropped += len(old)
        return len(old)

    def delivered(self, hint: Hint) -> None:
        """Its replica has taken it."""
        if hint.number in self._held:
            self._forget(hint)
            self.handed += 1

    def by_home(self) -> dict[int, list[Hint]]:
        """What is kept for each replica, oldest first."""
        found: dict[int, list[Hint]] = {}
        for hint in self._held.values():
            found.setdefault(hint.home, []).append(hint)
        return dict(sorted(found.items()))

    def of_key(self, key: int) -> list[Cell]:
        """What is kept of a key."""
        return [hint.cell for hint in self._held.values() if hint.key == key]

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bloated(self) -> bool:
        """Whether most of the file is about hints that are gone."""
        return self._records > _COMPACT_AT + 4 * len(self._held)

    def compact(self) -> Any:
        """A wait for the file to hold what is kept and nothing else."""
        self._records = 1
        return self._disk.replace(FILE, tuple(self._held.values()))

    def _forget(self, hint: Hint) -> None:
        del self._held[hint.number]
        # Lost, this record brings the hint back, and handing it over twice does no harm.
        with suppress(DiskFull):
            self._disk.append(FILE, hint.number)
            self._records += 1
