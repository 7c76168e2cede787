"""Callers and tiers: deadlines that go along, attempts that multiply, queues that turn work away."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from models.clients import Workload
from models.retrying import (
    Backoff,
    BreakerOptions,
    BudgetKind,
    BudgetOptions,
    End,
    Intake,
    IntakeOptions,
    Jitter,
    Order,
    Retrier,
    RetryPolicy,
    tiers,
)
from models.retrying.intake import Job
from models.retrying.tier import TierOptions
from models.retrying.words import Busy, Done, Request
from models.system import Site
from sim.host import Wait
from sim.message import Message
from sim.testing import FakeContext
from sim.topology import at_service, grid, pack_location

TARGET = at_service(pack_location(1, 1, 2), "tier")


class Caller:
    """One request under a policy, and how it ended."""

    def __init__(self, policy: RetryPolicy, deadline_us: int = 10_000) -> None:
        self.ctx = FakeContext()
        self.retrier = Retrier(self.ctx, policy, good=lambda answer: isinstance(answer, Done))
        self.end: End | None = None
        self.ctx.run(self._ask, deadline_us)

    def _ask(self, deadline_us: int) -> Generator[Wait, Any, None]:
        self.end = yield from self.retrier.call(
            lambda attempt: TARGET, lambda left_us: Request(op=1, left_us=left_us), deadline_us
        )

    def answer(self, message: Message) -> None:
        self.ctx.calls[-1][2].resolve(message)

    @property
    def left_us(self) -> list[int | None]:
        return [msg.left_us for _, msg in self.ctx.sent if isinstance(msg, Request)]


PLAIN = RetryPolicy(attempts=3, patience_us=4_000, backoff=Backoff(base_us=500, jitter=Jitter.NONE))


def test_a_silent_target_is_asked_again_with_what_is_left_of_the_deadline() -> None:
    caller = Caller(PLAIN)
    caller.ctx.advance(20_000)
    assert caller.left_us == [4_000, 4_000, 500]  # two patiences and pauses of 500 and 1,000 us
    assert caller.end == End(None, False, 3, True, "attempts")


def test_a_good_answer_ends_it() -> None:
    caller = Caller(PLAIN)
    caller.answer(Done(op=1))
    assert caller.end == End(Done(op=1), True, 1, False, "")


def test_an_answer_that_is_no_good_is_not_silence() -> None:
    caller = Caller(PLAIN)
    for _ in range(3):
        caller.answer(Busy(op=1))
        caller.ctx.advance(1_500)
    assert caller.end == End(Busy(op=1), False, 3, False, "attempts")


def test_the_budget_ends_it_before_the_attempts_do() -> None:
    spent = BudgetOptions(kind=BudgetKind.THROTTLE, tokens=2, ratio=0.1)
    caller = Caller(RetryPolicy(attempts=9, patience_us=100, budget=spent))
    caller.ctx.advance(20_000)
    assert caller.end is not None
    assert (caller.end.attempts, caller.end.why) == (1, "budget")


def test_an_open_breaker_asks_nobody() -> None:
    caller = Caller(replace(PLAIN, attempts=9, patience_us=100, breaker=BreakerOptions(window=2, least=2)))
    caller.ctx.advance(5_000_000)
    assert caller.end is not None
    assert (caller.end.attempts, caller.end.why, caller.retrier.asked.refused_by_breaker) == (2, "breaker", 1)


# -- queues ------------------------------------------------------------------------------------


def taken(order: Order, jobs: int, **more: bool) -> tuple[Intake, list[Job]]:
    intake = Intake(IntakeOptions(workers=1, limit=100, order=order, **more))
    made = [Job(1_000 * (number + 1), Wait()) for number in range(jobs)]
    for job in made:
        intake.offer(job, 0)
    return intake, made


def served(jobs: list[Job]) -> list[int]:
    return [number for number, job in enumerate(jobs) if job.turn.value is True]


@pytest.mark.parametrize(("order", "second"), [(Order.FIFO, 1), (Order.LIFO, 4), (Order.ADAPTIVE, 1)])
def test_the_order_says_who_is_next(order: Order, second: int) -> None:
    intake, jobs = taken(order, 5)
    intake.done(0, 10)
    assert served(jobs) == sorted([0, second])


def test_an_adaptive_queue_serves_the_latest_while_it_is_long() -> None:
    intake, jobs = taken(Order.ADAPTIVE, 20)
    intake.done(0, 10)
    assert served(jobs) == [0, 19]


def test_what_is_past_its_deadline_is_passed_over() -> None:
    intake, jobs = taken(Order.FIFO, 4, drops_stale=True)
    intake.done(0, 2_500)
    assert (served(jobs), intake.passed_over) == ([0, 2], 1)


def test_what_cannot_be_done_in_time_is_refused_on_arrival() -> None:
    intake, _ = taken(Order.FIFO, 1, sheds=True)
    intake.done(0, 1_000)  # work takes a thousand, as it now knows
    assert [intake.offer(Job(3_500, Wait()), 1_000) for _ in range(4)] == [True, True, False, False]
    assert intake.refused == 2


def test_a_full_queue_refuses() -> None:
    intake = Intake(IntakeOptions(workers=1, limit=2))
    assert [intake.offer(Job(None, Wait()), 0) for _ in range(4)] == [True, True, True, False]


# -- deployments -------------------------------------------------------------------------------

SITE = Site(grid(("east",), clusters=1, hosts=2, cores=1, clients=1))
LOAD = Workload(rate_per_s=10, ends_us=1_000_000)


def test_a_deployment_tells_all_that_is_wrong_at_once() -> None:
    with pytest.raises(ValueError, match=r"each needs one; give 1\.\.2") as refused:
        tiers(SITE, LOAD, depth=3, attempts=0, share=2.0, probes=0, budget=BudgetKind.RATIO, ratio=0.0, sheds=True)
    told = str(refused.value)
    assert all(word in told for word in ("asks nobody", "no jitter", "never closes", "no retry, ever", "propagates"))


def test_dropping_stale_work_needs_deadlines_that_go_along() -> None:
    with pytest.raises(ValueError, match="set propagates=True"):
        TierOptions(intake=IntakeOptions(drops_stale=True))
