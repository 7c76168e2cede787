"""When what is done behind the acknowledgement was last done: for whoever measures what a failure then takes."""

from __future__ import annotations

__all__ = ["Rounds"]


class Rounds:
    """Flushes, or shipments, one after the other; times are of the member's monotonic clock.

    Attributes:
        count: How many began.
        started_us: When the wait for the first of them began; None before.
        begun_us: When the last of them began.
        covered_us: When the last of those that have ended began: what was there then is done with.
    """

    __slots__ = ("begun_us", "count", "covered_us", "started_us")

    def __init__(self) -> None:
        self.count = 0
        self.started_us: int | None = None
        self.begun_us: int | None = None
        self.covered_us: int | None = None

    def start(self, now_us: int) -> None:
        """From now on they come."""
        self.started_us = now_us

    def begin(self, now_us: int) -> None:
        """One begins."""
        self.count += 1
        self.begun_us = now_us

    def end(self) -> None:
        """The last that began has ended."""
        self.covered_us = self.begun_us

    @property
    def every_us(self) -> float | None:
        """How often one began, on average; None before the first."""
        if self.started_us is None or self.begun_us is None:
            return None
        return (self.begun_us - self.started_us) / self.count
