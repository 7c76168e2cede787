"""What waits before a service's workers: a bounded queue with a discipline, and when to turn work away.

A host's own inbox is first in, first out. Under an overload that serves everybody too late: each request waits for
longer than its caller does, so all work is done for nobody. What is here is the queue of the service itself, which
can do better: serve the latest first (they may still be waited for), pass over what nobody waits for any more, or
refuse at once what could not be served in time.

Adaptive order (first in first out while the queue is short, last in first out when it is not) is that of Maurer,
"Fail at Scale", ACM Queue 2015.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from sim.host import Wait
from sim.wording import Refused

__all__ = ["Intake", "IntakeOptions", "Job", "Order"]

#: Weight of the latest in the running mean of how long work takes.
_RECENT = 0.1


class Order(StrEnum):
    """Who is served next."""

    FIFO = "fifo"
    LIFO = "lifo"
    ADAPTIVE = "adaptive"  # LIFO while more wait than there are workers, times eight


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeOptions:
    """How a service takes in work.

    Attributes:
        workers: Requests under way at once.
        limit: Requests that may wait; more are refused.
        order: Who is next.
        drops_stale: Whether what is past its deadline is passed over; it needs callers that say theirs.
        sheds: Whether what will surely be past it is refused on arrival; the same.

    Raises:
        ValueError: no worker, or no room.
    """

    workers: int = 2
    limit: int = 1_000
    order: Order = Order.FIFO
    drops_stale: bool = False
    sheds: bool = False

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} takes nothing in; give at least 1"
            for name in ("workers", "limit")
            if getattr(self, name) < 1
        ]
        if wrong:
            raise Refused(wrong)


@dataclass(slots=True)
class Job:
    """One request that was taken in.

    Attributes:
        deadline_us: When its caller gives up, by the service's monotonic clock; None if it did not say.
        turn: Tells whether it is served: True, or False if it is passed over.
    """

    deadline_us: int | None
    turn: Wait


class Intake:
    """The queue of one service.

    Attributes:
        refused: Requests turned away on arrival.
        passed_over: Requests that were too old when their turn came.
        running: Requests under way.
    """

    def __init__(self, options: IntakeOptions) -> None:
        self.options = options
        self.refused = 0
        self.passed_over = 0
        self.running = 0
        self._waiting: deque[Job] = deque()
        self._took_us = 0.0

    def offer(self, job: Job, now_us: int) -> bool:
        """Take a job in, unless there is no room or no hope."""
        full = len(self._waiting) >= self.options.limit
        if full or (self.options.sheds and self._hopeless(job, now_us)):
            self.refused += 1
            return False
        self._waiting.append(job)
        self._dispatch(now_us)
        return True

    def done(self, began_us: int, now_us: int) -> None:
        """A job that had its turn is done; whoever is next has his."""
        took_us = now_us - began_us
        self._took_us = took_us if not self._took_us else self._took_us + _RECENT * (took_us - self._took_us)
        self.running -= 1
        self._dispatch(now_us)

    def _hopeless(self, job: Job, now_us: int) -> bool:
        if job.deadline_us is None:
            return False
        workers = self.options.workers
        ahead = 0 if self._latest_first() else len(self._waiting)
        rounds = 1 + (self.running >= workers) + ahead / workers
        return now_us + self._took_us * rounds > job.deadline_us

    def _dispatch(self, now_us: int) -> None:
        while self._waiting and self.running < self.options.workers:
            job = self._waiting.pop() if self._latest_first() else self._waiting.popleft()
            if self.options.drops_stale and job.deadline_us is not None and job.deadline_us <= now_us:
                self.passed_over += 1
                job.turn.resolve(False)
                continue
            self.running += 1
            job.turn.resolve(True)

    def _latest_first(self) -> bool:
        if self.options.order is Order.ADAPTIVE:
            return len(self._waiting) > 8 * self.options.workers
        return self.options.order is Order.LIFO
