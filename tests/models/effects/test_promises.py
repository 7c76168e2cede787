"""Only a receiver that dedups, or one that is asked first and fences, makes once of an ordering."""

from __future__ import annotations

from itertools import product

from models.delivery_ends import Deed, EffectFate, Error, OutsideEnd, Promise
from models.effects.outside import receiver_of
from models.effects.performing import Ordering
from models.effects.promises import promise_of
from models.effects.retrying import SEMANTICS

MOST, LEAST, ASK = (SEMANTICS[name] for name in ("at-most-once", "at-least-once", "ask-first"))


def test_dedup_and_an_asked_fence_promise_everything_under_every_ordering() -> None:
    gateway, printer = receiver_of("gateway"), receiver_of("printer")
    for ordering in Ordering:
        assert promise_of(ordering, LEAST, gateway, 2).may == frozenset()
        assert promise_of(ordering, ASK, printer, 2).may == frozenset()


def test_what_is_asked_again_without_either_may_be_done_twice() -> None:
    weak = [
        (LEAST, receiver_of("mailer")),
        (ASK, receiver_of("printer", fences=False)),
        (LEAST, receiver_of("printer")),
    ]
    for ordering, (policy, receiver) in product(Ordering, weak):
        assert promise_of(ordering, policy, receiver).may == {Error.DUPLICATE}


def test_each_ordering_errs_in_its_own_way_at_most_once() -> None:
    mailer = receiver_of("mailer")
    assert promise_of(Ordering.PERSIST_FIRST, MOST, mailer, 2).may == {Error.OMISSION}
    assert promise_of(Ordering.INTENT, MOST, mailer, 2).may == {Error.ORPHAN, Error.LEFT}
    assert promise_of(Ordering.ACT_FIRST, MOST, mailer, 1).may == {Error.ORPHAN, Error.LEFT}
    # Where nobody arbitrates who acts, an owner that stood still acts beside its successor.
    assert Error.DUPLICATE in promise_of(Ordering.ACT_FIRST, MOST, mailer, 2).may


def test_the_fate_of_an_effect_is_told_by_the_book_and_the_store_together() -> None:
    fates = {
        (stage, done): EffectFate(key=1, stage=stage, done=done).errors()
        for stage, done in product(("requested", "done", "left"), (0, 1, 2))
    }
    assert fates["done", 1] == ()
    assert fates["done", 0] == (Error.OMISSION,)
    assert fates["done", 2] == (Error.DUPLICATE,)
    assert fates["requested", 0] == (Error.OPEN,)
    assert fates["requested", 1] == (Error.ORPHAN,)
    assert fates["left", 0] == (Error.LEFT,)
    assert fates["left", 2] == (Error.DUPLICATE, Error.ORPHAN)


def test_an_end_counts_deeds_by_effect_and_finds_those_that_nobody_asked_for() -> None:
    book = (Deed(1, 0, 1, 1, 5, 150), Deed(1, 0, 2, 2, 5, 190), Deed(9, 0, 1, 3, 5, 200))
    end = OutsideEnd(book=book, promise=Promise(may=frozenset(), why=""))
    requested = [(1, "done", 100), (2, "left", 100)]
    assert [(fate.done, fate.latency_us) for fate in end.fates(requested)] == [(2, 50), (0, None)]
    assert end.strangers(requested) == (9,)
