"""Rounds of heartbeats: what their acknowledgements prove, and the reads that wait for that.

A follower that echoes a round has taken this member for the leader after the round began. So once
a quorum has, no later leader had been elected by then: whoever asked before the round may read
(*ReadIndex*, section 6.4), and none will be for as long as those followers stick to this one,
counted from when the round was *sent* (a *lease*, section 6.4.1).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["Read", "Rounds"]


class Read(NamedTuple):
    """A read that waits: for a round to be confirmed, and for everything up to a position to be committed."""

    round: int
    position: int
    token: int


class Rounds:
    """The rounds of one reign.

    Attributes:
        latest: The round that messages sent now belong to, from 1.
        confirmed: The latest that a quorum has acknowledged, 0 if none.
        confirmed_us: When that was sent; None if none was.
        reads: Those that wait, by round.
    """

    __slots__ = ("_asked", "_begun", "confirmed", "confirmed_us", "latest", "reads")

    def __init__(self) -> None:
        self.latest = 0
        self.confirmed = 0
        self.confirmed_us: int | None = None
        self.reads: deque[Read] = deque()
        self._begun: deque[tuple[int, int]] = deque()
        self._asked = 0

    def begin(self, now_us: int) -> None:
        """What is sent from now on proves that this member led now."""
        self.latest += 1
        self._begun.append((self.latest, now_us))

    def wait(self, token: int, position: int) -> bool:
        """Have a read wait for the next round; returns whether that should begin at once, none being asked for."""
        self.reads.append(Read(self.latest + 1, position, token))
        return self._asked <= self.confirmed

    def asked(self) -> None:
        """The latest round was begun for those who wait."""
        self._asked = self.latest

    def acknowledged(self, upto: int) -> None:
        """A quorum has acknowledged all rounds up to one."""
        begun = self._begun
        while begun and begun[0][0] <= upto:
            self.confirmed, self.confirmed_us = begun.popleft()

    def ready(self, committed: int) -> list[Read]:
        """The reads whose wait is over, in order."""
        found = []
        while self.reads and self.reads[0].round <= self.confirmed and self.reads[0].position <= committed:
            found.append(self.reads.popleft())
        return found

    @property
    def starving(self) -> bool:
        """Whether reads wait for a round that did not begin, and none is on its way that they waited for."""
        return bool(self.reads) and self.reads[-1].round > self.latest and self._asked <= self.confirmed
