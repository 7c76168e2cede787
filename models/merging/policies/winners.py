"""Of concurrent writes that conflict, one counts: the last by field, the first, the one of a preferred region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.domain import Domain
from models.merging.meaning import WHOLE, Meaning
from models.merging.policies.recent import RecentPolicy, meet
from models.merging.writes import Write, precedes

__all__ = ["FirstWriter", "LastWriterByField", "PriorityRegion"]


class LastWriterByField(RecentPolicy):
    """Last writer wins by field: a write is lost only if later concurrent ones wrote all that it wrote."""

    name = "last-writer-by-field"

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """What is overwritten whole is lost to the last of those that did."""
        new = writes[-1]
        ours = self.parts(new.event)
        for place in concurrent:
            if lost_to[place]:
                continue
            theirs = self.parts(writes[place].event)
            if theirs == ours:
                lost_to[place] = new.address
                continue
            if not meet(ours, theirs):
                continue
            left = self._left(theirs, ours)
            for later in writes[place + 1 : -1] if left else ():
                if not precedes(writes[place], later):
                    left = self._left(left, self.parts(later.event))
            if not left:
                lost_to[place] = new.address

    def _left(self, parts: frozenset[str], overwritten: frozenset[str]) -> frozenset[str]:
        return frozenset() if WHOLE in overwritten else parts - overwritten


class FirstWriter(RecentPolicy):
    """The first in canonical order wins; what conflicts with it, and what was built on that unawares, loses."""

    name = "first-writer"

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """The new one loses to any concurrent one that counts and clashes; and with what it was built on."""
        new = writes[-1]
        ours = self.parts(new.event)
        for place in concurrent:
            if not lost_to[place] and meet(ours, self.parts(writes[place].event)):
                lost_to[-1] = writes[place].address
                return
        lost_to[-1] = self.lost_below(writes, lost_to, len(writes) - 1)

    def lost_below(self, writes: Sequence[Write], lost_to: Sequence[int], at: int) -> int:
        """The winner over a write that the one at `at` was built on, and that its writer had not seen; 0 if none."""
        write = writes[at]
        if not any(lost_to):
            return 0
        for place in range(at):
            winner = lost_to[place]
            if winner and precedes(writes[place], write) and self.clash(writes[place], write):
                rival = next((one for one in writes if one.address == winner), None)
                if rival is not None and not precedes(rival, write):
                    return winner
        return 0


class PriorityRegion(FirstWriter):
    """The write of the sub-domain that stands first in an order wins, even over one that was settled before.

    Args:
        domain: Whose events they are.
        meaning: What each event writes.
        order: Numbers of the sub-domains, the preferred first; those that are left out come last, by number.

    Raises:
        ValueError: nobody is preferred, or somebody twice.
    """

    name = "priority-region"

    def __init__(self, domain: Domain[Any], meaning: Meaning, order: Sequence[int]) -> None:
        super().__init__(domain, meaning)
        if not order or len(set(order)) < len(order):
            raise ValueError(f"{order=} prefers nobody, or somebody twice; name each sub-domain once")
        self._ranks = {number: rank for rank, number in enumerate(order)}

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """It loses to a concurrent one of higher rank; else those of lower rank and what stands on them lose to it."""
        new = writes[-1]
        rivals = [place for place in concurrent if not lost_to[place] and self.clash(writes[place], new)]
        for place in rivals:
            if self._rank(writes[place]) < self._rank(new):
                lost_to[-1] = writes[place].address
                return
        lost_to[-1] = self.lost_below(writes, lost_to, len(writes) - 1)
        if lost_to[-1]:
            return
        for place in rivals:
            lost_to[place] = new.address
        for place in concurrent:
            if not lost_to[place]:
                lost_to[place] = self.lost_below(writes, lost_to, place)

    def _rank(self, write: Write) -> tuple[int, int]:
        return (self._ranks.get(write.origin, len(self._ranks)), write.origin)
