"""What Raft needs to know of a log: the term of each position and who the members are, not the entries.

Terms never fall along a log, so a handful of runs says them all. The entry at the base is kept as
the first run's begin: it stands for everything that a snapshot has replaced.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from models.raft.membership import Membership, Reconfigured
from models.store.log.entries import Entry

__all__ = ["LogView"]


class LogView:
    """One member's log as terms; positions count from 1.

    Args:
        membership: In force at the base.
        base: Position up to which the log is gone.
        base_term: Term of the entry there.
        entries: What follows, on the device.

    Attributes:
        base: As given, and moved by `compact`.
        last: Position of the last entry.
        durable: Up to where the device has it.
    """

    __slots__ = ("_firsts", "_memberships", "_terms", "base", "durable", "last")

    def __init__(
        self, membership: Membership, base: int = 0, base_term: int = 0, entries: Sequence[Entry] = ()
    ) -> None:
        self.base = self.last = self.durable = base
        self._firsts, self._terms = [base], [base_term]
        self._memberships = [(base, membership)]
        self.extend(entries)
        self.durable = self.last

    @property
    def last_term(self) -> int:
        """Term of the last entry, 0 if there never was one."""
        return self._terms[-1]

    @property
    def membership(self) -> Membership:
        """The latest in the log, committed or not."""
        return self._memberships[-1][1]

    @property
    def changed_at(self) -> int:
        """Position of the entry that brought the membership; the base for one that is older."""
        return self._memberships[-1][0]

    def membership_at(self, position: int) -> Membership:
        """The one in force at a position, from the base on."""
        return next(found for at, found in reversed(self._memberships) if at <= position)

    def term_at(self, position: int) -> int | None:
        """The term of an entry; None beyond the log, and before its base."""
        if position > self.last or position < self.base:
            return None
        if position >= self._firsts[-1]:
            return self._terms[-1]
        return self._terms[bisect_right(self._firsts, position) - 1]

    def behind(self, last: int, last_term: int) -> bool:
        """Whether a log that ends like this has all that this one has, as far as votes go (section 3.6.1)."""
        return (self._terms[-1], self.last) <= (last_term, last)

    def meets(self, position: int, term: int) -> int:
        """The last position, at most `position`, whose term is at most `term`: where two logs may still agree."""
        position = min(position, self.last)
        for first, its_term in zip(reversed(self._firsts), reversed(self._terms), strict=True):
            if first <= position:
                if its_term <= term:
                    return position
                position = first - 1
        return position

    def append(self, term: int, count: int = 1) -> None:
        """So many more entries of a term."""
        if term != self._terms[-1]:
            assert term > self._terms[-1], f"{term=} follows {self._terms[-1]}; terms never fall along a log"
            self._firsts.append(self.last + 1)
            self._terms.append(term)
        self.last += count

    def reconfigure(self, term: int, membership: Membership) -> None:
        """One more entry, which changes the membership."""
        self.append(term)
        self._memberships.append((self.last, membership))

    def extend(self, entries: Sequence[Entry]) -> None:
        """More entries, in order."""
        for entry in entries:
            event = entry.event
            if event.__class__ is Reconfigured:
                assert isinstance(event, Reconfigured)
                self.reconfigure(entry.epoch, event.membership)
            elif entry.epoch == self._terms[-1]:
                self.last += 1
            else:
                self.append(entry.epoch)

    def cut(self, keep: int) -> None:
        """Keep what is up to a position; a membership that goes takes effect no more."""
        assert self.base <= keep <= self.last, f"{keep=} is outside {self.base}..{self.last}"
        self.last = keep
        self.durable = min(self.durable, keep)
        while self._firsts[-1] > keep:
            del self._firsts[-1], self._terms[-1]
        while self._memberships[-1][0] > keep:
            del self._memberships[-1]

    def compact(self, upto: int) -> None:
        """Let go of what is up to a position."""
        term = self.term_at(upto)
        assert term is not None, f"{upto=} is outside {self.base}..{self.last}"
        runs = bisect_right(self._firsts, upto)
        self._firsts[:runs], self._terms[:runs] = [upto], [term]
        membership = self.membership_at(upto)
        self._memberships = [(upto, membership), *(one for one in self._memberships if one[0] > upto)]
        self.base = upto

    def restart(self, membership: Membership, base: int, base_term: int) -> None:
        """Begin anew behind a snapshot."""
        self.base = self.last = self.durable = base
        self._firsts, self._terms = [base], [base_term]
        self._memberships = [(base, membership)]
