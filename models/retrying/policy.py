"""A retry policy as a value, and what carries it out for one caller: attempts, pauses, budget, breaker, deadline.

Any client or service can be given one. `RetryPolicy` says what is done; each caller makes a `Retrier` of it for each
target, since budgets and breakers remember. Time left goes with a request, not an instant, as clocks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.retrying.backoff import Backoff
from models.retrying.breaker import Breaker, BreakerOptions
from models.retrying.budget import BudgetOptions
from sim.host import Context, Wait
from sim.message import Message
from sim.topology import Location
from sim.wording import Refused

__all__ = ["Asked", "End", "Retrier", "RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What a caller does about attempts that fail.

    Attributes:
        attempts: At most, the first among them.
        patience_us: With one attempt, microseconds.
        backoff: Pauses between them.
        budget: What retries all together may come to.
        breaker: When nothing is asked at all; None for never.

    Raises:
        ValueError: no attempt, or no patience.
    """

    attempts: int = 3
    patience_us: int = 500_000
    backoff: Backoff = field(default_factory=Backoff)
    budget: BudgetOptions = field(default_factory=BudgetOptions)
    breaker: BreakerOptions | None = None

    def __post_init__(self) -> None:
        wrong = []
        if self.attempts < 1:
            wrong.append(f"attempts={self.attempts} asks nobody; give at least 1, which is no retry")
        if self.patience_us < 1:
            wrong.append(f"patience_us={self.patience_us} waits for no answer; give at least 1")
        if wrong:
            raise Refused(wrong)


class End(NamedTuple):
    """How a request ended.

    Attributes:
        answer: The last one, None for none.
        good: Whether it is what was asked for.
        attempts: How often it was sent.
        unheard: Whether some attempt got no answer, so that it may have been carried out.
        why: Why nothing more was tried: "", "attempts", "budget", "breaker" or "deadline".
    """

    answer: Message | None
    good: bool
    attempts: int
    unheard: bool
    why: str


@dataclass(slots=True, kw_only=True)
class Asked:
    """What a retrier has done so far: requests, attempts, and what its budget and its breaker refused."""

    requests: int = 0
    attempts: int = 0
    refused_by_budget: int = 0
    refused_by_breaker: int = 0


class Retrier:
    """One caller's policy towards one target.

    Args:
        ctx: The caller's.
        policy: What to do.
        name: Of its randomness.
        good: Whether an answer is what was asked for.
        final: Whether an answer that is not good would be the same however often it is asked for.
        breaker: Makes its breaker.

    Attributes:
        asked: What it has done.
    """

    def __init__(
        self,
        ctx: Context,
        policy: RetryPolicy,
        *,
        name: str = "retries",
        good: Callable[[Message], bool] = lambda answer: True,
        final: Callable[[Message], bool] = lambda answer: False,
        breaker: Callable[[BreakerOptions], Breaker] = Breaker,
    ) -> None:
        self.ctx = ctx
        self.policy = policy
        self.asked = Asked()
        self._good = good
        self._final = final
        self._draws = ctx.rng(name)
        self._budget = policy.budget.make()
        self._breaker = None if policy.breaker is None else breaker(policy.breaker)

    def call(
        self,
        target: Callable[[int], Location],
        request: Callable[[int], Message],
        deadline_us: int,
    ) -> Generator[Wait, Any, End]:
        """Ask until there is a good answer, or the policy or the deadline ends it.

        Args:
            target: Whom to ask in the attempt of a number, from 0.
            request: What to say, given the time that is left for it, microseconds.
            deadline_us: On the caller's monotonic clock.
        """
        ctx, policy = self.ctx, self.policy
        self.asked.requests += 1
        self._budget.asked(ctx.mono_us())
        sent, pause_us, unheard, paid = 0, 0, False, None
        answer: Message | None = None
        while (left_us := deadline_us - ctx.mono_us()) > 0:
            if self._breaker is not None and not self._breaker.allows(ctx.mono_us()):
                self.asked.refused_by_breaker += 1
                return End(answer, False, sent, unheard, "breaker")
            sent += 1
            self.asked.attempts += 1
            patience_us = min(policy.patience_us, left_us)
            sent_us = ctx.mono_us()
            answer = yield ctx.call(target(sent - 1), request(patience_us), patience_us)
            if answer is not None and self._good(answer):
                self._tell_good(paid, sent_us)
                return End(answer, True, sent, unheard, "")
            unheard = unheard or answer is None
            if answer is not None and self._final(answer):
                self._tell_good(paid, sent_us)  # the target is well
                return End(answer, False, sent, unheard, "")
            self._tell_bad(sent_us)
            if sent >= policy.attempts:
                return End(answer, False, sent, unheard, "attempts")
            paid = answer is None
            if not self._budget.may_retry(ctx.mono_us(), silent=paid):
                self.asked.refused_by_budget += 1
                return End(answer, False, sent, unheard, "budget")
            pause_us = policy.backoff.pause_us(sent, pause_us, self._draws)
            yield ctx.sleep(max(0, min(pause_us, deadline_us - ctx.mono_us())))
        return End(answer, False, sent, unheard, "deadline")

    def _tell_good(self, paid: bool | None, sent_us: int) -> None:
        self._budget.succeeded(silent=paid)
        if self._breaker is not None:
            self._breaker.succeeded(self.ctx.mono_us(), sent_us)

    def _tell_bad(self, sent_us: int) -> None:
        self._budget.failed()
        if self._breaker is not None:
            self._breaker.failed(self.ctx.mono_us(), sent_us)
