"""The hybrid logical clock of a shard: stamps that respect causality and survive restarts.

A stamp is one whole number, microseconds of the wall clock or one more than the largest stamp
seen, whichever is larger. A stamp or promise never exceeds a *ceiling* that was made durable
before; after a restart stamps begin above the ceiling, so no life of the process repeats or
undercuts what an earlier life stamped or promised.

Source: Kulkarni et al., "Logical Physical Clocks", OPODIS 2014. Departure: their pair
(physical, counter) is one number here, the counter being counted in microseconds; it can run
ahead of the wall clock by as many microseconds as events follow one another faster than that,
and by the reserve after a restart, until the wall clock has caught up.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.host import Context, Wait
from sim.storage import TORN

__all__ = ["HybridClock"]


class HybridClock:
    """Stamps for one shard.

    Args:
        ctx: The service that owns it.
        reserve_us: How far ahead of the time each durable ceiling is set (> 0).

    Attributes:
        last_us: Largest stamp given, seen or promised.
        ceiling_us: No stamp or promise goes beyond this.
    """

    def __init__(self, ctx: Context, *, reserve_us: int, file: str = "clock") -> None:
        if reserve_us < 1:
            raise ValueError(f"{reserve_us=} reserves nothing; give at least 1")
        self.last_us = 0
        self.ceiling_us = 0
        self._asked_us = 0
        self._ctx = ctx
        self._file = file
        self._reserve_us = reserve_us

    @property
    def is_kept(self) -> bool:
        """Whether an earlier life left a ceiling on this disk."""
        return bool(self._ctx.disk.read(self._file))

    def recover(self) -> Generator[Wait, Any, None]:
        """Start above whatever an earlier life may have used."""
        ceilings = [record for record in self._ctx.disk.read(self._file) if record is not TORN]
        self.last_us = self.ceiling_us = self._asked_us = max(ceilings, default=0)
        yield from self.reserve()

    def reserve(self) -> Generator[Wait, Any, None]:
        """Raise the durable ceiling ahead of both clocks."""
        # Never below what was asked for before: two may be under way at once, the disk keeps the
        # later one, and the wall clock may have jumped back between them.
        ahead_us = max(self._ctx.now_us(), self.last_us) + self._reserve_us
        ceiling_us = self._asked_us = max(self._asked_us, ahead_us)
        yield self._ctx.disk.replace(self._file, ceiling_us)
        self.ceiling_us = max(self.ceiling_us, ceiling_us)

    @property
    def low(self) -> bool:
        """Whether half of the reserve is used up, so that it is time to renew it."""
        return max(self._ctx.now_us(), self.last_us) + self._reserve_us // 2 > self.ceiling_us

    def observe(self, stamp_us: int) -> None:
        """Take note of a stamp made elsewhere: later stamps here exceed it."""
        if stamp_us > self.last_us:
            self.last_us = stamp_us

    def stamp(self) -> int | None:
        """The next stamp, larger than any before; None if the ceiling must be raised first."""
        stamp_us = max(self._ctx.now_us(), self.last_us + 1)
        if stamp_us > self.ceiling_us:
            return None
        self.last_us = stamp_us
        return stamp_us

    def promise(self) -> int:
        """A time that no later stamp of this clock will be at or below."""
        promised_us = min(max(self._ctx.now_us(), self.last_us), self.ceiling_us)
        self.last_us = max(self.last_us, promised_us)
        return promised_us
