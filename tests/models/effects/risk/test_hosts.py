"""A caller, its hearing and a payee: gaps as they are, late answers, budgets, and what is refused."""

from __future__ import annotations

import pytest

from models.confidence import Costs, Erlang, Request
from models.effects.outside import receiver_of
from models.effects.risk import Caller, CallerOptions, Hearing, Payee, RiskRule, Route, Rung, SilenceIsFailure
from models.effects.risk.words import Charge, Charged, ChargeIs, ChargeRefused, PayeeBeat, WhatOfCharge
from models.retrying.budget import BudgetKind, BudgetOptions
from sim.message import Message
from sim.testing.fake import FakeContext
from sim.topology import pack_location

THERE = pack_location(2, 1, 1)


def test_what_is_heard_leaves_no_gap_and_what_is_not_an_open_one() -> None:
    hearing = Hearing(100, 0)
    for sent_us in (0, 100, 200):
        hearing.heard(sent_us, sent_us + 20)
    assert hearing.gap(210, 240).missing_us == ()
    open_gap = hearing.gap(210, 580)
    assert (open_gap.since_us, open_gap.missing_us, open_gap.back_us) == (10, (90, 190, 290), None)
    assert hearing.hears(520)
    assert not hearing.hears(521)


def test_a_hole_is_kept_for_attempts_before_its_end_and_no_others() -> None:
    hearing = Hearing(100, 0)
    for sent_us in (0, 500, 600):
        hearing.heard(sent_us, sent_us + 20)
    hole = hearing.gap(250, 640)
    assert (hole.since_us, hole.missing_us, hole.back_us) == (-230, (-150, -50, 50, 150), 250)
    assert hearing.gap(510, 640).missing_us == ()


def test_a_heartbeat_that_comes_late_mends_its_hole() -> None:
    hearing = Hearing(100, 0)
    for sent_us, now_us in ((0, 20), (200, 220), (100, 230)):
        hearing.heard(sent_us, now_us)
    assert hearing.gap(50, 240).missing_us == ()


def options(rule: RiskRule | SilenceIsFailure, **more: object) -> CallerOptions:
    values: dict[str, object] = {
        "payee": THERE,
        "rules": (rule,),
        "rate_per_s": 0.05,
        "begins_us": 0,
        "ends_us": 1_000_000_000,
        "beat_us": 100_000,
    }
    return CallerOptions(**values | more)  # type: ignore[arg-type]


NAIVE = SilenceIsFailure(pause_us=300_000, most=9, give_up_us=1_000_000)


def caller(rule: RiskRule | SilenceIsFailure, **more: object) -> tuple[FakeContext, Caller]:
    """One that has just sent its first charge, and will send no other."""
    ctx = FakeContext()
    made = Caller(ctx, options(rule, **more))
    ctx.start(made)
    while not made.ends:
        ctx.advance(1_000)
    return ctx, made


def asked(ctx: FakeContext, kind: type[Message]) -> list[Message]:
    return [message for _, message in ctx.sent if isinstance(message, kind)]


def test_a_late_answer_to_the_first_attempt_ends_it() -> None:
    ctx, made = caller(NAIVE)
    ctx.advance(350_000)
    assert len(asked(ctx, Charge)) == 2
    ctx.answer(Charged(key=0, receipt=1), 0)
    assert made.ends[0].answered_us is not None
    ctx.advance(700_000)
    assert len([one for one in asked(ctx, Charge) if one.key == 0]) == 2  # type: ignore[attr-defined]


def test_a_budget_holds_retries_back() -> None:
    ctx, made = caller(NAIVE, budget=BudgetOptions(kind=BudgetKind.BUCKET, tokens=10))
    ctx.advance(999_000)
    first = made.ends[0]
    assert first.attempts == 2
    assert first.refused > 0


def test_it_asks_and_on_a_no_charges_again_with_a_later_token() -> None:
    one_way = Erlang(mean_us=50_000)
    request = Request(request_loss=0.01, reply_loss=0.01, round_trip=Erlang(mean_us=100_000, stages=2))
    route = Route(request=request, arrival=one_way, beat_us=100_000, beat_delay=one_way)
    fence = RiskRule(
        costs=Costs(lost=1.0, duplicate=100.0), route=route, ladder=(Rung.FENCE,), least_us=100_000, give_up_us=900_000
    )
    ctx, made = caller(fence)
    made.on_beat(PayeeBeat(number=0, sent_us=ctx.now_us()), THERE)
    ctx.advance(110_000)
    (question,) = asked(ctx, WhatOfCharge)
    ctx.answer(ChargeIs(key=0, receipt=0), 1)
    first, again = asked(ctx, Charge)[:2]
    assert first.token < question.token < again.token  # type: ignore[attr-defined]
    ctx.advance(900_000)
    assert made.ends[0].parked_us is not None


def test_a_payee_fences_and_beats() -> None:
    ctx = FakeContext()
    payee = Payee(ctx, receiver_of("printer"), (THERE,), 100_000)
    ctx.start(payee)
    asked_first = ctx.deliver(payee, WhatOfCharge(key=7, token=5))
    ctx.advance(10_000)
    assert asked_first.value == ChargeIs(key=7, receipt=0)
    late = ctx.deliver(payee, Charge(key=7, token=4, amount=1))
    again = ctx.deliver(payee, Charge(key=7, token=6, amount=1))
    ctx.advance(300_000)
    assert late.value == ChargeRefused(key=7, token=5)
    assert again.value == Charged(key=7, receipt=1)
    assert [deed.key for deed in payee.book] == [7]
    assert len(asked(ctx, PayeeBeat)) == 4


def test_everything_wrong_with_a_caller_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"rules is empty.*rate_per_s=0.*ends_us=0.*beat_us=0"):
        options(NAIVE, rules=(), rate_per_s=0.0, ends_us=0, beat_us=0)
