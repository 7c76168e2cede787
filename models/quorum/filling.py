"""When a replica that lost its disk may answer again: once nothing that it acknowledged can be missing.

A write that W replicas acknowledged, this one among them, is at W - 1 others at least. While fewer than W disks
are lost at once, one of those still holds it; so it suffices to have compared with all others but W - 2, each of
which *holds all* that it ever acknowledged. One whose own disk is empty says nothing by agreeing.

Where so many are empty that this can never come about, W or more of them, there is another way. Once every other
replica was compared with, and those that do not hold all are in the lives in which they were found a round
before, there was a moment at which all of them were empty together. What is in none of the rest had all its W
copies lost at that moment, and waiting brings nothing back. That all disks are empty is the case without a rest.

Departure: an acknowledgement that a replica gave before it lost its disk still counts for a write whose coordinator
is waiting for others meanwhile. To have it not count takes crash vectors (Michael et al., DISC 2017), which are not
built here.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.quorum.messages import Standing

__all__ = ["Filling"]


class Filling:
    """The comparisons of a replica that fills its disk.

    Args:
        others: All other replicas.
        need: How many that hold all must be compared with.
    """

    def __init__(self, others: Iterable[int], need: int) -> None:
        self._left = set(others)
        self._more = need
        self._empty: dict[int, int] = {}
        self._empty_before: dict[int, int] = {}

    @property
    def left(self) -> list[int]:
        """Whom to compare with in this round."""
        return sorted(self._left)

    @property
    def enough(self) -> bool:
        """Whether so many that hold all were compared with."""
        return self._more <= 0

    def compared(self, peer: int, standing: Standing) -> None:
        """A comparison has come to an end."""
        if standing.holds_all:
            self._left.discard(peer)
            self._more -= 1
        else:
            self._empty[peer] = standing.life

    def round_over(self) -> bool:
        """End a round; returns whether nothing can be missing."""
        together = self._empty == self._empty_before and set(self._empty) == self._left
        self._empty_before, self._empty = self._empty, {}
        return self.enough or together
