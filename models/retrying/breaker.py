"""A circuit breaker: closed, open, half-open.

Closed, it lets all through and counts how the last so many calls went; where too many failed it opens and refuses
all, which costs the target nothing. After a while it is half-open and lets a few probes through: if all succeed it
closes, if one fails it opens again. A probe that never ends counts as failed once it is as old as the pause, or the
breaker would stay half-open for ever (resilience4j#935). What was sent in an earlier position decides nothing: a call
that went out before it opened, and ends while it is half-open, is no probe.

After Nygard, "Release It!" (2007); the count-based window is resilience4j's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from sim.wording import Refused

__all__ = ["Breaker", "BreakerOptions", "Position"]


class Position(StrEnum):
    """What a breaker does with a call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """When a breaker opens, for how long, and how it closes again.

    Attributes:
        window: Calls that are looked back upon.
        threshold: Share of them that failed at which it opens, in (0, 1].
        least: Calls below which it does not judge.
        open_us: How long it refuses all, microseconds.
        probes: Calls let through after that; all must succeed.

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """

    window: int = 20
    threshold: float = 0.5
    least: int = 10
    open_us: int = 1_000_000
    probes: int = 2

    def __post_init__(self) -> None:
        wrong = []
        if not 0 < self.threshold <= 1:
            wrong.append(f"threshold={self.threshold} is no share of calls; give a number above 0, up to 1")
        if not 1 <= self.least <= self.window:
            wrong.append(f"least={self.least} of window={self.window} calls: give 1 to {max(1, self.window)}")
        if self.open_us < 1:
            wrong.append(f"open_us={self.open_us} is no pause; give at least 1")
        if self.probes < 1:
            wrong.append(f"probes={self.probes}: without half-open probes it never closes again; give at least 1")
        if wrong:
            raise Refused(wrong)


class Breaker:
    """The breaker of one caller for one target; times are the caller's monotonic clock.

    Attributes:
        position: Where it stands.
        opened: How often it opened.
    """

    def __init__(self, options: BreakerOptions) -> None:
        self.options = options
        self.position = Position.CLOSED
        self.opened = 0
        self._calls: deque[bool] = deque(maxlen=options.window)
        self._since_us = 0
        self._sent = 0
        self._good = 0

    def allows(self, now_us: int) -> bool:
        """Whether a call may go; one that may in the half-open position is a probe."""
        if self.position is not Position.CLOSED and self._rested(now_us):
            self._move(Position.HALF_OPEN, now_us)
        if self.position is Position.HALF_OPEN and self._sent < self.options.probes:
            self._sent += 1
            return True
        return self.position is Position.CLOSED

    def succeeded(self, now_us: int, sent_us: int) -> None:
        """A call that was let through, at `sent_us`, came to something."""
        if sent_us < self._since_us:
            return
        if self.position is Position.HALF_OPEN:
            self._good += 1
            if self._good >= self.options.probes:
                self._calls.clear()
                self._move(Position.CLOSED, now_us)
        elif self.position is Position.CLOSED:
            self._calls.append(True)

    def failed(self, now_us: int, sent_us: int) -> None:
        """One did not. What was sent before it opened may fail later, and must not prolong the pause."""
        if sent_us < self._since_us:
            return
        if self.position is Position.HALF_OPEN:
            self._open(now_us)
        elif self.position is Position.CLOSED:
            self._calls.append(False)
            bad = self._calls.count(False)
            if len(self._calls) >= self.options.least and bad >= self.options.threshold * len(self._calls):
                self._open(now_us)

    def _rested(self, now_us: int) -> bool:
        """Whether it has refused, or waited for its probes, for long enough."""
        return now_us - self._since_us >= self.options.open_us

    def _open(self, now_us: int) -> None:
        self.opened += 1
        self._move(Position.OPEN, now_us)

    def _move(self, position: Position, now_us: int) -> None:
        self.position = position
        self._since_us = now_us
        self._sent = self._good = 0
