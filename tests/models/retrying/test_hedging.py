"""Hedged calls: the first good answer counts, copies are bounded, and what must not be done twice is refused."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from models.retrying import PRESETS, BudgetKind, BudgetOptions, End, HedgeOptions, Hedger, RetryPolicy, preset_of
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
