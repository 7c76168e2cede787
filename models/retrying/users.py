"""Users of the first tier: open loop, each request retried under a policy, or hedged, and under a deadline."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from models.clients import Workload
from models.retrying.breaker import Breaker, BreakerOptions
from models.retrying.hedging import HedgeOptions, Hedger
from models.retrying.policy import Retrier, RetryPolicy
from models.retrying.words import Done, Request
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait
from sim.message import Message
from sim.topology import Location

__all__ = ["UserOptions", "Users"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOptions:
    """What the users of one client host are told.

    Attributes:
        entries: Services of the first tier, asked in turns.
        share: Part of the whole load.
        first_id: Operation ids count up from here.
        policy: Of every request.
        hedge: In the place of the policy; None for none.
        propagates: Whether they say how long they will wait.
    """

    entries: tuple[Location, ...]
    share: float
    first_id: int
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    hedge: HedgeOptions | None = None
    propagates: bool = False


class Users(Service):
    """All users of one client host; a request that was not answered in time is *info*, as it may have been done.

    Args:
        ctx: Its host.
        workload: Rate, beginning, end and deadline; the rest is not used.
        options: Whom they ask, and how.
        breaker: Makes the breaker of their policy.

    Attributes:
        hedger: What sends their requests more than once; None if nothing does.
    """

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        options: UserOptions,
        breaker: Callable[[BreakerOptions], Breaker] = Breaker,
    ) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._options = options
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._draws = ctx.rng("arrivals")
        self._due_us = float(workload.begins_us)
        self._next_id = options.first_id
        self.hedger = None if options.hedge is None else Hedger(ctx, options.hedge, good=_is_done)
        self._caller = self.hedger or Retrier(ctx, options.policy, good=_is_done, breaker=breaker)

    @property
    def attempts(self) -> int:
        """Attempts that they made."""
        return self._caller.asked.attempts

    @property
    def requests(self) -> int:
        """Requests that were due, the first attempt of which was made unless a breaker refused it."""
        return self._caller.asked.requests

    def start(self) -> None:
        """Schedule the first arrival; a host that restarts after the beginning stays idle."""
        if self.ctx.mono_us() <= self._workload.begins_us:
            self._schedule()

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        op, self._next_id = self._next_id, self._next_id + 1
        self._schedule()
        return self._operate(op) if self._workload.issues(op) else None

    def _operate(self, op: int) -> Generator[Wait, Any, None]:
        entries, propagates = self._options.entries, self._options.propagates
        self._record(op, Kind.INVOKE, None)
        end = yield from self._caller.call(
            lambda attempt: entries[(op + attempt) % len(entries)],
            lambda left_us: Request(op=op, left_us=left_us if propagates else None),
            self.ctx.mono_us() + self._workload.deadline_us,
        )
        if end.good:
            self._record(op, Kind.OK, end.attempts)
        else:
            self._record(op, Kind.INFO if end.unheard else Kind.FAIL, f"refused:{end.why}")

    def _record(self, op: int, kind: Kind, value: int | str | None) -> None:
        self.ctx.record(Operation(op, kind, "request", 0, value, None))


def _is_done(answer: Message) -> bool:
    return isinstance(answer, Done)
