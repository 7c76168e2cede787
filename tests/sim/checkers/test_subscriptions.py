"""Subscriptions: six claims, each with what breaks it alone."""

from __future__ import annotations

import pytest

from sim.checkers import Checker, Outcome
from sim.checkers.subscriptions import (
    SubscriptionSpec,
    atomic,
    bookmarkable,
    ordered,
    reliable,
    resumable,
    unique,
)
from tests.sim.checkers.scripts import script

CLAIMS: dict[str, Checker] = {
    "ordered": ordered,
    "unique": unique,
    "atomic": atomic,
    "reliable": reliable,
    "resumable": resumable,
    "bookmarkable": bookmarkable,
}
ABC = "1 invoke append s 'a'\n1 ok - v1\n2 invoke append s 'b'\n2 ok - v2\n3 invoke append s 'c'\n3 ok - v3\n"


def told(*words: str, at: int = 10) -> str:
    """What a reader records, from operation 10: `a1` is a delivery, `^` a subscribe, `=2` a bookmark."""
    lines = []
    for op, word in enumerate(words, at):
        if word[0] == "^":
            asked, _, after = word[1:].partition(">")
            lines += [f"{op} invoke subscribe s {asked or '-'} @r/sub", f"{op} ok - {'v' + after if after else ''}"]
        elif word[0] == "=":
            lines += [f"{op} invoke bookmark s @r/sub v{word[1:]}", f"{op} ok - v{word[1:]}"]
        else:
            lines += [f"{op} invoke deliver s '{word[0]}' @r/sub", f"{op} ok - v{word[1:]}"]
    return "\n".join(lines) + "\n"


def broken_in(text: str) -> dict[str, tuple[int, ...]]:
    verdicts = {name: check(script(text)) for name, check in CLAIMS.items()}
    return {name: v.witness for name, v in verdicts.items() if v.outcome is Outcome.INVALID}


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        (("^>0", "a1", "b2", "c3"), {}),
        (("a1", "b2", "c3"), {}),
        (("^>0", "a1", "=1", "^>1", "b2", "c3"), {}),
        (("^>0", "a1", "b2", "=1", "^>1", "b2", "c3"), {}),  # at least once
        (("^2", "c3"), {}),  # as it asked
        (("^>0", "a1", "^2>2", "c3", "=3"), {}),
        (("^>0", "b2", "a1", "c3"), {"ordered": (10 + 1, 10 + 2), "resumable": (1, 10, 11)}),
        (("^>0", "a1", "c3", "b2"), {"ordered": (12, 13)}),
        (("^>0", "a1", "b2", "b2", "c3"), {"unique": (12, 13)}),
        (("^>0", "a1", "b2", "a1", "c3"), {"unique": (11, 13)}),
        (("^>0", "a1", "c3"), {"reliable": (2, 12)}),
        (("^>0", "a1", "b2"), {"reliable": (3,)}),
        (("^>0",), {"reliable": (1,)}),
        (("^>0", "a1", "x2", "c3"), {"reliable": (2, 12)}),
        (("^>0", "a1", "=1", "^>1", "a1", "b2", "c3"), {"resumable": (12 + 1, 14)}),
        (("^>0", "a1", "=1", "^>1", "c3", "^>1", "b2", "c3"), {"resumable": (2, 13, 14)}),
        (("^>0", "a1", "=2", "b2", "c3"), {"bookmarkable": (2, 12)}),
        (("^>0", "a1", "b2", "=2", "^>1", "b2", "c3"), {"bookmarkable": (13, 14)}),
        (("^>0", "a1", "b2", "=1", "^>2", "c3"), {"bookmarkable": (14,)}),
        (("^1>0", "a1", "b2", "c3"), {"bookmarkable": (10,)}),
    ],
)
def test_each_claim_is_broken_by_its_own_anomaly(words: tuple[str, ...], broken: dict[str, tuple[int, ...]]) -> None:
    assert broken_in(ABC + told(*words)) == broken


def test_what_was_not_acknowledged_need_not_come() -> None:
    assert broken_in("1 invoke append s 'a'\n1 info\n" + told("^>0")) == {}
    assert broken_in("1 invoke append s 'a'\n1 fail\n" + told("^>0")) == {}


def test_what_was_in_doubt_and_came_to_one_must_come_to_all() -> None:
    other = "20 invoke subscribe s - @q/other\n20 ok - v0\n"
    assert broken_in("1 invoke append s 'a'\n1 info\n" + told("^>0", "a1") + other) == {"reliable": (11,)}


def test_a_delivery_in_doubt_is_no_loss_and_no_proof() -> None:
    text = ABC + told("^>0", "a1", "b2") + "20 invoke deliver s 'c' @r/sub\n20 info"
    assert broken_in(text) == {}
    assert reliable(script(text)).outcome is Outcome.UNKNOWN


def test_a_delivery_that_does_not_say_where_is_in_doubt_too() -> None:
    text = ABC + told("^>0", "a1", "b2") + "20 invoke deliver s 'c' @r/sub\n20 ok"
    assert broken_in(text) == {}
    assert reliable(script(text)).outcome is Outcome.UNKNOWN


def test_a_bookmark_may_say_how_far_at_either_end() -> None:
    ahead = ABC + told("^>0", "a1") + "20 invoke bookmark s @r/sub {}\n20 {}\n" + told("b2", "c3", at=30)
    assert broken_in(ahead.format("v2", "info")) == {"bookmarkable": (2, 20)}
    assert broken_in(ahead.format("", "ok - v2")) == {"bookmarkable": (2, 20)}
    assert broken_in(ahead.format("v2", "fail")) == {}
    assert broken_in(ahead.format("", "ok")) == {}


def test_an_event_may_be_a_tuple() -> None:
    text = "1 invoke append s (1,2)\n1 ok - v1\n" + told("^>0") + "20 invoke deliver s (1,2) @r/sub\n20 ok - v1"
    assert broken_in(text) == {}


def test_delivery_may_have_a_deadline() -> None:
    late = SubscriptionSpec(within_us=100)
    text = ABC + told("^>0", "a1", "b2")
    assert reliable(script(text), late).valid
    assert reliable(script(text + "30 invoke read s t500"), late).witness == (3,)


def test_two_subscriptions_and_two_streams_are_apart() -> None:
    text = ABC + told("^>0", "a1", "b2", "c3") + told("^>0", "a1", "b2", "c3", at=30).replace("/sub", "/two")
    assert broken_in(text) == {}
    assert broken_in(text + "50 invoke append t 'z'\n50 ok - v1") == {}  # nobody subscribes to it
    assert broken_in("50 invoke append t 'z'\n50 ok - v1\n" + ABC + told("c3", "b2", "a1"))["ordered"] == (10, 11)


PAIR = (
    "1 invoke append s 'a'\n1 ok - v1\n2 invoke transaction s ('b','c')\n2 ok - v3\n3 invoke append s 'd'\n3 ok - v4\n"
)


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        (("^>0", "a1", "b2", "c3", "d4"), {}),
        (("^>0", "a1", "b2", "^>1", "b2", "c3", "d4"), {}),  # cut short, and whole the next time
        (("^>0", "a1", "b2", "d4", "c3"), {"ordered": (13, 14), "atomic": (2, 12, 13, 14)}),
        (("^>0", "a1", "b2", "d4"), {"reliable": (2, 13), "atomic": (2, 12, 13)}),
        (("^>0", "a1", "c3", "d4"), {"reliable": (2, 12), "atomic": (2, 12, 13)}),
        (("^>0", "a1", "b2", "^>2", "c3", "d4"), {"atomic": (2, 13)}),
        (("^>0", "a1", "d4"), {"reliable": (2, 12)}),  # none of it is atomic
    ],
)
def test_transactions_come_whole(words: tuple[str, ...], broken: dict[str, tuple[int, ...]]) -> None:
    assert broken_in(PAIR + told(*words)) == broken


def test_a_history_that_ends_inside_a_transaction_leaves_it_open() -> None:
    verdict = atomic(script(PAIR + told("^>0", "a1", "b2")))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (2, 12))


@pytest.mark.parametrize(
    ("ending", "words", "broken"),
    [
        ("fail", ("^>0", "a1", "b2"), {"atomic": (2, 12), "reliable": (2, 12)}),
        ("info", ("^>0", "a1"), {}),
        ("info", ("^>0", "a1", "b2", "c3"), {}),
        ("info", ("^>0", "a1", "b2", "d3"), {"atomic": (2, 12, 13), "reliable": (13,)}),
    ],
)
def test_a_transaction_without_an_answer_is_judged_by_what_came(
    ending: str, words: tuple[str, ...], broken: dict[str, tuple[int, ...]]
) -> None:
    text = f"1 invoke append s 'a'\n1 ok - v1\n2 invoke transaction s ('b','c')\n2 {ending}\n"
    assert broken_in(text + told(*words)) == broken


@pytest.mark.parametrize(
    ("appends", "words"),
    [
        ("1 invoke append s 'b'\n1 ok - v1\n2 invoke append s 'd'\n2 ok - v2", ("^>0", "b1", "d2")),
        ("1 invoke append s 'b'\n1 info\n2 invoke append s 'd'\n2 ok - v2", ("^>0", "b1", "d2")),
    ],
)
def test_an_event_that_another_append_explains_shows_no_transaction(appends: str, words: tuple[str, ...]) -> None:
    assert broken_in(f"{appends}\n3 invoke transaction s ('b','c')\n3 info\n" + told(*words)) == {}


def test_an_event_refused_once_and_given_again_may_come() -> None:
    text = "1 invoke append s 'a'\n1 fail\n2 invoke append s 'a'\n2 info\n" + told("^>0", "a1")
    assert broken_in(text) == {}
    assert broken_in("1 invoke append s 'a'\n1 fail\n" + told("^>0", "a1")) == {"atomic": (1, 11), "reliable": (1, 11)}


@pytest.mark.parametrize(
    ("appends", "words", "witness"),
    [
        ("1 invoke append s 'a'\n1 ok - v1", ("^>0", "a1", "x2"), (12,)),  # nobody appended it
        ("1 invoke append s 'a'\n1 ok - v1\n2 invoke append s 'x'\n2 fail", ("^>0", "a1", "x2"), (2, 12)),
        ("1 invoke append s 'a'\n1 ok - v1\n2 invoke append s 'x'\n2 info", ("^>0", "a1", "x2"), ()),
        ("1 invoke append s 'a'\n1 ok - v1\n2 invoke append s 'x'\n2 ok", ("^>0", "a1", "x2"), ()),  # who knows where
        ("1 invoke append s 'a'\n1 ok - v1\n2 invoke append s 'x'", ("^>0", "a1", "x2"), ()),
        ("1 invoke append s 'a'\n1 ok - v1", ("^>0", "a1", "a2"), (1, 12)),  # it stands elsewhere
        ("1 invoke append s 'a'\n1 info", ("^>0", "a1", "a2"), (1, 11, 12)),  # one append makes one event
        ("1 invoke append s 'a'\n1 info\n2 invoke append s 'a'\n2 info", ("^>0", "a1", "a2"), ()),
        ("1 invoke append s 'a'\n1 info\n2 invoke append s 'a'\n2 ok - v2", ("^>0", "a1", "a2"), ()),
        ("1 invoke transaction s ('a','a')\n1 info", ("^>0", "a1", "a2"), ()),
        ("1 invoke transaction s ('a','a')\n1 info", ("^>0", "a1", "a2", "a3"), (1, 11, 12, 13)),
    ],
)
def test_what_is_delivered_was_appended(appends: str, words: tuple[str, ...], witness: tuple[int, ...]) -> None:
    verdict = reliable(script(appends + "\n" + told(*words)))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


@pytest.mark.parametrize(
    ("retried", "late", "witness"),
    [
        ("", "40 invoke append s 'a'\n40 ok - v1", (11, 40)),
        ("", "40 invoke append s 'a'\n40 info", (11, 40)),
        # The first try may have put it there, of which the second was told.
        ("1 invoke append s 'a'\n1 info\n", "40 invoke append s 'a'\n40 ok - v1", ()),
        ("1 invoke append s 'a'\n1 fail\n", "40 invoke append s 'a'\n40 ok - v1", (11, 40)),
    ],
)
def test_nothing_is_delivered_before_its_append_begins(retried: str, late: str, witness: tuple[int, ...]) -> None:
    verdict = reliable(script(retried + told("^>0", "a1") + late))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_an_append_that_overlaps_the_delivery_explains_it() -> None:
    text = "11 invoke deliver s 'a' @r/sub\n1 invoke append s 'a'\n11 ok - v1\n1 ok - v1"
    assert broken_in(text) == {}


def test_without_any_append_it_is_not_known_what_should_come() -> None:
    verdict = reliable(script(told("^>0", "a1")))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, ())
    assert reliable(script(told("^>0"))).valid


def test_a_subscribe_that_does_not_say_where_it_begins_is_not_judged() -> None:
    text = ABC + told("^>0", "a1", "=1", "^", "b2", "c3")
    assert broken_in(text) == {}
    assert resumable(script(text)).outcome is bookmarkable(script(text)).outcome is Outcome.UNKNOWN


def test_the_reason_names_subscription_and_event() -> None:
    assert reliable(script(ABC + told("^>0", "a1", "c3"))).reason == (
        "subscription 'sub' of 's': deliver 12 of 'c' at position 3 comes, and 'b' at position 2 never"
    )
