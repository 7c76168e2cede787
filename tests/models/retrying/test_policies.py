"""Back-off, budgets and breakers: what each allows, and what makes no sense and is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.retrying import (
    Backoff,
    Breaker,
    BreakerOptions,
    BudgetKind,
    BudgetOptions,
    Jitter,
    Position,
    RetryPolicy,
)
from sim.chance import Chance


def pauses(jitter: Jitter, count: int = 6, **more: float) -> list[int]:
    backoff = Backoff(base_us=100, cap_us=1_000, jitter=jitter, **more)  # type: ignore[arg-type]
    draws, made = Chance(1).draws("t"), [0]
    for failed in range(1, count + 1):
        made.append(backoff.pause_us(failed, made[-1], draws))
    return made[1:]


def test_without_jitter_pauses_double_up_to_the_cap() -> None:
    assert pauses(Jitter.NONE) == [100, 200, 400, 800, 1_000, 1_000]


@pytest.mark.parametrize(
    ("jitter", "low", "high"),
    [(Jitter.FULL, 0.0, 1.0), (Jitter.EQUAL, 0.5, 1.0), (Jitter.SHARE, 0.8, 1.2)],
)
def test_a_jittered_pause_stays_within_its_share(jitter: Jitter, low: float, high: float) -> None:
    whole = pauses(Jitter.NONE, 60)
    assert all(low * e <= us <= high * e for us, e in zip(pauses(jitter, 60), whole, strict=True))


def test_a_decorrelated_pause_is_drawn_from_the_base_to_three_times_the_last() -> None:
    made = pauses(Jitter.DECORRELATED, 200)
    assert all(100 <= us <= min(1_000, 3 * max(last, 100)) for last, us in zip([0, *made], made, strict=False))
    assert max(made) > 500


def test_a_throttle_stops_all_retries_at_half_and_lets_them_again_after_successes() -> None:
    budget = BudgetOptions(kind=BudgetKind.THROTTLE, tokens=4, ratio=0.5).make()
    allowed = []
    for _ in range(3):
        budget.failed()
        allowed.append(budget.may_retry(0, silent=True))
    budget.succeeded(silent=None)
    assert allowed == [True, False, False]
    assert not budget.may_retry(0, silent=True)
    budget.succeeded(silent=None)
    budget.succeeded(silent=None)
    assert budget.may_retry(0, silent=True)


def test_a_ratio_lets_its_part_of_first_attempts_be_retried_and_forgets_old_ones() -> None:
    budget = BudgetOptions(kind=BudgetKind.RATIO, ratio=0.2, window_us=1_000).make()
    for _ in range(10):
        budget.asked(0)
    assert [budget.may_retry(0, silent=True) for _ in range(3)] == [True, True, False]
    budget.asked(2_000)
    assert not budget.may_retry(2_000, silent=True)


def test_a_bucket_is_paid_from_and_gets_back_what_a_retry_cost_once_it_succeeds() -> None:
    budget = BudgetOptions(kind=BudgetKind.BUCKET, tokens=10).make()
    assert budget.may_retry(0, silent=True)
    assert not budget.may_retry(0, silent=False)
    budget.succeeded(silent=True)
    assert [budget.may_retry(0, silent=False) for _ in range(3)] == [True, True, False]
    budget.succeeded(silent=None)
    assert not budget.may_retry(0, silent=False)


def broken() -> Breaker:
    breaker = Breaker(BreakerOptions(window=4, least=4, threshold=0.5, open_us=100, probes=2))
    for _ in range(2):
        breaker.succeeded(0, 0)
        breaker.failed(0, 0)
    return breaker


def test_a_breaker_opens_once_half_of_a_full_window_failed() -> None:
    breaker = Breaker(BreakerOptions(window=4, least=4, threshold=0.5, open_us=100, probes=2))
    breaker.failed(0, 0)
    breaker.failed(0, 0)
    assert breaker.position is Position.CLOSED
    assert broken().position is Position.OPEN


def test_it_lets_probes_through_after_its_pause_and_closes_if_all_succeed() -> None:
    breaker = broken()
    assert [breaker.allows(99), breaker.allows(100), breaker.allows(100), breaker.allows(100)] == [
        False,
        True,
        True,
        False,
    ]
    breaker.succeeded(110, 100)
    assert breaker.position is Position.HALF_OPEN
    breaker.succeeded(110, 100)
    assert breaker.position is Position.CLOSED


def test_a_probe_that_fails_opens_it_again() -> None:
    breaker = broken()
    breaker.allows(100)
    breaker.failed(110, 100)
    assert (breaker.position, breaker.opened, breaker.allows(209), breaker.allows(210)) == (
        Position.OPEN,
        2,
        False,
        True,
    )


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_sent_before_it_opened_decides_nothing_while_it_is_half_open(fails: bool) -> None:
    breaker = broken()
    assert breaker.allows(100)
    for _ in range(2):
        (breaker.failed if fails else breaker.succeeded)(105, 0)
    assert (breaker.position, breaker.opened) == (Position.HALF_OPEN, 1)

    assert breaker.allows(106)
    breaker.succeeded(110, 100)
    breaker.succeeded(110, 106)
    assert breaker.position is Position.CLOSED


def test_what_fails_late_does_not_prolong_the_pause() -> None:
    breaker = broken()
    breaker.failed(99, 0)
    assert breaker.allows(100)


def test_probes_that_never_end_do_not_keep_it_half_open_for_ever() -> None:
    breaker = broken()
    assert [breaker.allows(t_us) for t_us in (100, 100, 150, 200)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Backoff(share=1.5), "no jitter"),
        (lambda: Backoff(base_us=10, cap_us=5), "below base_us"),
        (lambda: Backoff(factor=0.5), "shorter and shorter"),
        (lambda: BudgetOptions(kind=BudgetKind.RATIO, ratio=0.0), "allow no retry, ever"),
        (lambda: BudgetOptions(kind=BudgetKind.THROTTLE, tokens=1), "at least 2 tokens"),
        (lambda: BudgetOptions(kind=BudgetKind.BUCKET, tokens=9), "never pay"),
        (lambda: BreakerOptions(probes=0), "never closes again"),
        (lambda: BreakerOptions(threshold=0.0), "no share of calls"),
        (lambda: BreakerOptions(least=30), "give 1 to 20"),
        (lambda: RetryPolicy(attempts=0), "asks nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"probes=0.*") as refused:
        BreakerOptions(threshold=2.0, open_us=0, probes=0)
    assert str(refused.value).count(";") >= 2
