"""Hedged calls: the first good answer counts, copies are bounded, and what must not be done twice is refused."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from models.retrying import (
    PRESETS,
    BudgetKind,
    BudgetOptions,
    End,
    HedgeOptions,
    Hedger,
    Of,
    RetryPolicy,
    hedge_of,
    preset_of,
)
from models.retrying.delays import Observed
from models.retrying.words import Busy, Done, Request
from sim.host import Wait
from sim.testing.fake import FakeContext
from sim.topology import pack_location

TARGETS = [pack_location(1, 1, number) for number in (2, 3, 4)]


def hedged(deadline_us: int = 1_000, **more: Any) -> tuple[FakeContext, list[End]]:
    values: dict[str, Any] = {"idempotent": True, "after_us": 100}
    ctx, ends = FakeContext(), []
    hedger = Hedger(ctx, HedgeOptions(**values | more), good=lambda answer: isinstance(answer, Done))

    def ask() -> Generator[Wait, Any, None]:
        end = yield from hedger.call(lambda n: TARGETS[n], lambda _: Request(op=1), deadline_us)
        ends.append(end)

    ctx.run(ask)
    return ctx, ends


def test_a_prompt_answer_is_asked_for_once() -> None:
    ctx, ends = hedged()
    ctx.advance(99)
    ctx.answer(Done(op=1))
    assert ends == [End(Done(op=1), True, 1, False, "")]
    assert [to for to, _ in ctx.sent] == TARGETS[:1]


def test_the_first_good_answer_counts_whoever_gives_it() -> None:
    ctx, ends = hedged()
    ctx.advance(101)
    assert [to for to, _ in ctx.sent] == TARGETS[:2]
    ctx.answer(Done(op=1), 1)
    assert ends == [End(Done(op=1), True, 2, True, "")]


def test_a_refusal_sends_the_next_copy_at_once() -> None:
    ctx, ends = hedged(most=3)
    ctx.advance(10)
    ctx.answer(Busy(op=1))
    assert len(ctx.sent) == 2
    ctx.answer(Busy(op=1))
    ctx.answer(Busy(op=1))
    assert ends == [End(Busy(op=1), False, 3, False, "attempts")]


def test_a_budget_holds_copies_back() -> None:
    ctx, ends = hedged(budget=BudgetOptions(kind=BudgetKind.RATIO, ratio=0.1))
    ctx.advance(900)
    assert len(ctx.sent) == 1
    ctx.advance(200)
    assert [end.why for end in ends] == ["deadline"]


def test_what_must_not_be_done_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot be hedged; give the call a key.*after_us=-1.*most=1 is no number"):
        HedgeOptions(idempotent=False, after_us=-1, most=1)


def test_presets_are_found_by_name_with_their_source() -> None:
    assert set(PRESETS) == {"aws-standard", "finagle", "grpc"}
    for name in PRESETS:
        found = preset_of(name)
        assert isinstance(found.policy, RetryPolicy)
        assert found.source
    with pytest.raises(ValueError, match="did you mean 'finagle'"):
        preset_of("finagel")


# -- delays that are learnt --------------------------------------------------------------------


def learnt(of: Of, *, slow: int = 0, share: float = 0.9) -> Observed:
    """Ten answers from each of four targets, in 1 to 10 us; so many targets are a hundred times as slow."""
    delay = Observed(share, of, window=10 if of is Of.TYPICAL else 40, least=10)
    for number in range(4):
        for us in range(1, 11):
            delay.saw(pack_location(1, 1, number + 2), us * (100 if number < slow else 1))
    return delay


def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed() -> None:
    assert [learnt(Of.ALL, share=share).us() for share in (0.1, 0.5, 0.9, 0.99)] == [1, 5, 9, 10]


def test_one_slow_target_of_four_moves_the_percentile_of_all_and_not_that_of_the_typical_one() -> None:
    assert (learnt(Of.ALL, slow=1).us(), learnt(Of.TYPICAL, slow=1).us()) == (600, 9)


def test_where_most_targets_are_slow_the_typical_one_is() -> None:
    assert learnt(Of.TYPICAL, slow=3).us() == 900


def test_the_oldest_answers_are_forgotten() -> None:
    delay = learnt(Of.ALL, slow=4)
    for _ in range(40):
        delay.saw(TARGETS[0], 7)
    assert delay.us() == 7


def test_nothing_is_hedged_before_enough_was_seen_and_then_at_the_percentile() -> None:
    ctx, ends = FakeContext(), []
    hedger = Hedger(ctx, HedgeOptions(idempotent=True, at=0.5, least=2, window=2))

    def ask() -> Generator[Wait, Any, None]:
        end = yield from hedger.call(lambda n: TARGETS[n], lambda _: Request(op=1), ctx.mono_us() + 1_000)
        ends.append(end.attempts)

    for took_us in (30, 50):
        ctx.run(ask)
        ctx.advance(took_us)
        ctx.answer(Done(op=1))
    ctx.run(ask)
    ctx.advance(31)  # the median of 30 and 50 is the lower
    ctx.answer(Done(op=1), 1)
    assert (ends, hedger.won) == ([1, 1, 2], 1)


def test_a_copy_that_was_not_waited_for_counts_all_the_same() -> None:
    ctx = FakeContext()
    hedger = Hedger(ctx, HedgeOptions(idempotent=True, at=0.99, least=1))
    ctx.run(hedger.call, lambda n: TARGETS[n], lambda _: Request(op=1), 1_000)
    ctx.answer(Done(op=1))  # at once, so that the next call is hedged at once
    ctx.run(hedger.call, lambda n: TARGETS[n], lambda _: Request(op=1), 1_000)
    ctx.advance(10)
    ctx.answer(Done(op=1), 1)
    assert hedger.won == 1
    ctx.advance(790)
    ctx.answer(Done(op=1))
    ctx.run(hedger.call, lambda n: TARGETS[n], lambda _: Request(op=1), 2_000)
    ctx.advance(799)
    assert len(ctx.sent) == 4
    ctx.advance(2)
    assert len(ctx.sent) == 5


def test_every_copy_that_was_refused_is_a_failure_to_the_budget() -> None:
    spent = BudgetOptions(kind=BudgetKind.THROTTLE, tokens=2, ratio=0.1)
    ctx, ends = hedged(budget=spent)
    ctx.answer(Busy(op=1))
    assert [end.why for end in ends] == ["budget"]


# -- words -------------------------------------------------------------------------------------


def test_words_of_a_scenario() -> None:
    assert hedge_of("", idempotent=False) is None
    assert hedge_of("30ms", idempotent=True) == HedgeOptions(idempotent=True, after_us=30_000)
    finagle = preset_of("finagle").policy.budget
    wanted = HedgeOptions(idempotent=True, at=0.95, of=Of.TYPICAL, window=50, most=3, budget=finagle)
    assert hedge_of("p95:of=typical:window=50:most=3:budget=finagle", idempotent=True) == wanted


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("soon", "'soon' is no delay; write a duration or a percentile"),
        ("p100", "at=1.0 is no share of answers"),
        ("30ms:most=9", "give 2 to 5"),
        ("30ms:most=two", "not a whole number"),
        ("30ms:budget=finagel", "did you mean 'finagle'"),
        ("p95:of=typicall", "did you mean 'typical'"),
        ("30ms:mots=3", "did you mean 'most'"),
        ("30ms:most=2:most=3", "'most' is given twice"),
        ("p95:least=5:window=2", "give 1 to 2"),
    ],
)
def test_words_that_mean_nothing_are_refused_with_the_way_out(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        hedge_of(words, idempotent=True)


def test_all_that_is_wrong_with_words_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"most='x'.*'off' is no part.*cannot be hedged"):
        hedge_of("30ms:most=x:off=all", idempotent=False)


@pytest.mark.parametrize(("name", "allowed"), [("grpc", 4), ("finagle", 100), ("aws-standard", 50)])
def test_how_many_retries_in_a_row_a_preset_bears_where_nothing_succeeds(name: str, allowed: int) -> None:
    budget = preset_of(name).policy.budget.make()
    count = 0
    for _ in range(200):
        budget.failed()
        if not budget.may_retry(0, silent=True):
            break
        count += 1
    assert count == allowed
