"""How long a copy waits for the one before it: a fixed time, or a percentile of what answers took of late.

At a percentile p a share of about 1 - p of the calls is sent once more, whatever the answers take: under an overload
all are slow, the percentile with them, and no wave of copies follows, as it does where the time is fixed. But a
percentile of all answers learns from the slow ones too: where more than 1 - p of the calls go to a target that is slow,
it is that target's latency, and nothing is hedged that would gain. The percentile of the typical target (of each
target's own, the lower median) is not moved by fewer than half of them.

What counts is what each copy itself took, the ones that were not waited for included, or it would be the hedging that
makes answers quick: a copy without an answer took as long as it could be waited for.

Source: the 95th percentile "for this class of requests" of Dean and Barroso, The Tail at Scale, CACM 2013; the rest of
the rule is ours.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from enum import StrEnum
from math import ceil
from typing import Protocol

from sim.topology import Location

__all__ = ["Delay", "Fixed", "Observed", "Of"]


class Of(StrEnum):
    """Whose answers a percentile is of."""

    ALL = "all"
    TYPICAL = "typical"  # each target has its own; the lower median of these


class Delay(Protocol):
    """What a caller asks before it hedges, and tells of what its copies took; microseconds."""

    def us(self) -> int | None:
        """From one copy to the next; None while that is not known, and nothing is hedged."""
        ...

    def saw(self, target: Location, took_us: int) -> None:
        """A copy to a target was answered, or given up, after so long."""
        ...


class Fixed:
    """The same for ever."""

    def __init__(self, after_us: int) -> None:
        self._after_us = after_us

    def us(self) -> int | None:
        """As it was given."""
        return self._after_us

    def saw(self, target: Location, took_us: int) -> None:
        """Changes nothing."""


class Observed:
    """A percentile of the latest answers.

    Args:
        share: Of the answers, that come no later; in (0, 1).
        of: Whose.
        window: So many of the latest count, of each target where each has its own.
        least: Nothing is known before so many.
    """

    def __init__(self, share: float, of: Of, *, window: int, least: int) -> None:
        self._share = share
        self._of = of
        self._window = window
        self._least = least
        self._recent: dict[Location | None, _Recent] = {}

    def us(self) -> int | None:
        """The percentile as it is now."""
        known = sorted(one.at(self._share) for one in self._recent.values() if len(one) >= self._least)
        return known[(len(known) - 1) // 2] if known else None

    def saw(self, target: Location, took_us: int) -> None:
        """Count it, and let go of the oldest."""
        whose = target if self._of is Of.TYPICAL else None
        if whose not in self._recent:
            self._recent[whose] = _Recent(self._window)
        self._recent[whose].add(took_us)


class _Recent:
    """The latest values, in order of arrival and of size."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._arrived: deque[int] = deque()
        self._sorted: list[int] = []

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, value: int) -> None:
        if len(self._arrived) == self._window:
            del self._sorted[bisect_left(self._sorted, self._arrived.popleft())]
        self._arrived.append(value)
        insort(self._sorted, value)

    def at(self, share: float) -> int:
        """The smallest value that so large a share of all does not exceed."""
        return self._sorted[max(0, ceil(share * len(self._sorted) - 1e-9) - 1)]
