"""The world outside: what it does twice, what it remembers, what it refuses, and what a crash leaves of its book."""

from __future__ import annotations

import pytest

from models.effects.outside import Outside, OutsideOptions, receiver_of
from models.effects.words import Act, Acted, Fenced, OutcomeIs, WhatOf
from sim.message import Message
from sim.testing.fake import FakeContext


def outside(options: OutsideOptions, ctx: FakeContext | None = None) -> tuple[FakeContext, Outside]:
    ctx = ctx or FakeContext()
    made = Outside(ctx, options)
    ctx.start(made)
    return ctx, made


def act(key: int = 1, token: int = 1, once: int = 7) -> Act:
    return Act(key=key, once=once, token=token, amount=5)


def told(ctx: FakeContext, service: Outside, msg: Message) -> object:
    answer = ctx.deliver(service, msg)
    ctx.advance(20_000)
    return answer.value


def test_a_mailer_does_twice_what_it_is_asked_twice() -> None:
    ctx, mailer = outside(receiver_of("mailer"))
    answers = [told(ctx, mailer, act()), told(ctx, mailer, act())]
    assert answers == [Acted(key=1, receipt=1), Acted(key=1, receipt=2)]
    assert told(ctx, mailer, WhatOf(key=1, token=1)) is None, "and cannot be asked"


def test_a_gateway_knows_a_key_until_its_window_is_full() -> None:
    ctx, gateway = outside(receiver_of("gateway", dedup=1))
    told(ctx, gateway, act())
    assert told(ctx, gateway, act(token=2)) == Acted(key=1, receipt=1, before=True)
    told(ctx, gateway, act(key=2, once=8))
    assert told(ctx, gateway, act(token=3)) == Acted(key=1, receipt=3)


def test_two_requests_at_once_are_one_deed_of_a_gateway() -> None:
    ctx, gateway = outside(receiver_of("gateway"))
    answers = [ctx.deliver(gateway, act()), ctx.deliver(gateway, act())]
    ctx.advance(20_000)
    assert [answer.value.before for answer in answers] == [False, True]


def test_not_done_stays_true_once_it_was_told_even_after_a_power_loss() -> None:
    ctx, printer = outside(receiver_of("printer"))
    assert told(ctx, printer, WhatOf(key=1, token=5)) == OutcomeIs(key=1, receipt=0)
    assert told(ctx, printer, act(token=4)) == Fenced(key=1, token=5)
    ctx, printer = outside(receiver_of("printer"), ctx.power_loss())
    assert told(ctx, printer, act(token=4)) == Fenced(key=1, token=5)
    assert told(ctx, printer, act(token=6)) == Acted(key=1, receipt=1)


def test_without_a_fence_a_late_request_is_done() -> None:
    ctx, printer = outside(receiver_of("printer", fences=False))
    told(ctx, printer, WhatOf(key=1, token=5))
    assert told(ctx, printer, act(token=4)) == Acted(key=1, receipt=1)


def test_what_was_not_on_the_disk_was_not_done() -> None:
    ctx, printer = outside(receiver_of("printer"))
    ctx.deliver(printer, act())
    ctx.advance(5_500)  # appended, and the flush under way
    assert len(printer.book) == 1
    ctx, printer = outside(receiver_of("printer"), ctx.power_loss(torn=True))
    assert told(ctx, printer, WhatOf(key=1, token=2)) == OutcomeIs(key=1, receipt=0)


def test_an_unknown_receiver_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'printer'"):
        receiver_of("prnter")
    with pytest.raises(ValueError, match="nothing to fence"):
        receiver_of("mailer", fences=True)
