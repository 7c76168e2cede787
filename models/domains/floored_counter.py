"""A counter that never goes below nothing: tickets, tokens, credits. Two sides that each count down may get there."""

from __future__ import annotations

from models.domain import Denied, decides, invariant
from models.domains.counter import Add, Added, Count, Counter

__all__ = ["FlooredCounter"]


class FlooredCounter(Counter, name="floored-counter", number=24):
    """Counters with a floor of 0.

    Args:
        start: What each begins with.

    Raises:
        ValueError: it begins below its floor.
    """

    def __init__(self, start: int = 0) -> None:
        if start < 0:
            raise ValueError(f"{start=} is below the floor; begin with at least 0")
        self.start = start

    def initial(self) -> Count:
        """What it begins with."""
        return Count(total=self.start)

    @decides
    def add(self, state: Count, command: Add) -> Added | Denied:
        """Anything but nothing, and no more down than is there."""
        if not command.n:
            return Denied(reason="nothing to add")
        return Added(n=command.n) if state.total + command.n >= 0 else Denied(reason="below the floor")

    @invariant
    def never_below_the_floor(self, state: Count) -> bool:
        """Nothing is taken that is not there."""
        return state.total >= 0
