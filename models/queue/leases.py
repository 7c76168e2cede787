"""Who holds which letters, in the memory of the shard that leads: nothing of it outlives the reign.

A *shelf* is what the leader knows of a lane besides its letters: up to which number they are committed, so that
none is handed out that may yet be taken back, and which are out. Lanes that have something to hand out stand in
a line, and go to its end once they were served, so that a busy key does not starve the others.

A *receipt* names one lease: epoch, life of the leader, count. Each is greater than all before it, whoever gave
them, so that a receiver can tell an old holder from a new one (`models.queue.handing` tells how).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from models.queue.lanes import Lane, Letter

__all__ = ["Lease", "Leases", "Shelf", "free_letters", "issuer_of"]

_LIFE_SHIFT: Final = 32
_EPOCH_SHIFT: Final = 96


def issuer_of(receipt: int) -> tuple[int, int]:
    """Epoch and life of whoever gave a receipt."""
    return receipt >> _EPOCH_SHIFT, (receipt >> _LIFE_SHIFT) & ((1 << _EPOCH_SHIFT - _LIFE_SHIFT) - 1)


class Alarm(Protocol):
    """What ends a lease by time."""

    def cancel(self) -> object:
        """Let it go on."""


@dataclass(slots=True)
class Lease:
    """Letters that a consumer holds.

    Attributes:
        key: Whose.
        numbers: Which, in order; none if they were let go of as they were handed out.
        timer: When they come back.
        upto: Up to where the log must be committed for it to be over; 0 while nobody has settled it.
    """

    key: int
    numbers: tuple[int, ...]
    timer: Alarm | None = None
    upto: int = 0


class Shelf:
    """What the leader knows of a lane besides its letters.

    Attributes:
        upto: Letters up to this number are committed.
        out: Numbers that are held.
        leases: How many leases hold them.
    """

    __slots__ = ("leases", "out", "upto")

    def __init__(self, upto: int = 0) -> None:
        self.upto = upto
        self.out: set[int] = set()
        self.leases = 0


class Leases:
    """All leases of one reign.

    Args:
        epoch: Of the reign.
        life: Of the leader; no two of a member are the same, and a later one is greater.

    Attributes:
        shelves: By key.
        held: By receipt.
        line: Keys that have something to hand out, the next first.
        last: The greatest receipt so far.
    """

    def __init__(self, epoch: int, life: int) -> None:
        self.shelves: dict[int, Shelf] = {}
        self.held: dict[int, Lease] = {}
        self.line: OrderedDict[int, None] = OrderedDict()
        self.last = epoch << _EPOCH_SHIFT | life << _LIFE_SHIFT

    def exceed(self, epoch: int, life: int) -> None:
        """Give receipts of this epoch and life from now on, if they are greater."""
        self.last = max(self.last, epoch << _EPOCH_SHIFT | life << _LIFE_SHIFT)

    def shelf(self, key: int) -> Shelf:
        """A key's, made if there is none."""
        found = self.shelves.get(key)
        if found is None:
            found = self.shelves[key] = Shelf()
        return found

    def hold(self, key: int, shelf: Shelf, letters: tuple[Letter, ...]) -> tuple[int, Lease]:
        """A new lease and its receipt."""
        self.last += 1
        lease = Lease(key, tuple([letter.number for letter in letters]))
        self.held[self.last] = lease
        shelf.out.update(lease.numbers)
        shelf.leases += 1
        return self.last, lease

    def end(self, receipt: int) -> Lease | None:
        """Take a lease back; None if it is over already."""
        lease = self.held.pop(receipt, None)
        if lease is not None:
            if lease.timer is not None:
                lease.timer.cancel()
            shelf = self.shelves[lease.key]
            shelf.out.difference_update(lease.numbers)
            shelf.leases -= 1
        return lease

    def stop(self) -> None:
        """The reign is over: none comes back by time any more."""
        for lease in self.held.values():
            if lease.timer is not None:
                lease.timer.cancel()


def free_letters(lane: Lane, shelf: Shelf, limit: int, *, ordered: bool) -> tuple[Letter, ...]:
    """What may be handed out of a lane now: at most so many, in order, none that is held or may be taken back."""
    if not lane.waiting or (ordered and shelf.leases):
        return ()
    upto = shelf.upto
    if ordered:
        found = lane.waiting[:limit]
        # Each of them: what had parked alone stands, with its old number, behind letters that came later.
        for place, letter in enumerate(found):
            if letter.number > upto:
                return found[:place]
        return found
    out, free = shelf.out, []
    for letter in lane.waiting:
        if letter.number <= upto and letter.number not in out:
            free.append(letter)
            if len(free) == limit:
                break
    return tuple(free)
