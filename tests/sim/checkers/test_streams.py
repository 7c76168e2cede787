"""Append-only streams: what is right and wrong with them, and that nothing else is."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.checkers import Budget, Outcome
from sim.checkers.reading import Attempt, attempts_of
from sim.checkers.streams import StreamSpec, append_only
from sim.history import History, Kind, Value
from tests.sim.checkers.draws import drawn, histories
from tests.sim.checkers.scripts import script

SOUND = """
1 invoke append x 'a'
2 invoke append x 'b'
2 ok - v1
3 invoke read x
1 ok - v2
3 ok ('b','a') v2
4 invoke append x 'c'
4 info
5 invoke read x
5 ok ('b','a','c')
"""


def test_a_sound_stream_is_accepted() -> None:
    assert append_only(script(SOUND)).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("text", "witness", "reason"),
    [
        ("1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok () v0", (1, 2), "stale: read 2 shows the end at 0"),
        (
            "1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok 'a' v1\n3 invoke read x\n3 ok - v0",
            (1, 3),
            "stale: read 3",
        ),
        (
            "1 invoke append x 'a'\n1 info\n2 invoke read x\n2 ok 'a' v1\n3 invoke read x\n3 ok - v0",
            (2, 3),
            "stale: read 3 shows the end at 0, but before it began read 2 had shown the end at 1",
        ),
        (
            "1 invoke append x 'a'\n1 ok - v2\n2 invoke append x 'b'\n2 ok - v1",
            (1, 2),
            "out of order: append 2 was given position 1",
        ),
        (
            "1 invoke append x 'a'\n2 invoke append x 'b'\n1 ok - v1\n2 ok - v1",
            (1, 2),
            "appends 1 and 2 were both acknowledged at position 1",
        ),
        (
            "1 invoke append x 'a'\n1 ok - v1\n2 invoke append x 'b'\n2 info\n3 invoke read x\n3 ok ('b',) v1",
            (1, 3),
            "append 1 was acknowledged at position 1 and is lost",
        ),
        (
            "1 invoke append x 'a'\n2 invoke append x 'b'\n3 invoke read x\n3 ok 'a' v1\n4 invoke read x\n4 ok 'b' v1",
            (3, 4),
            "operation 3 has 'a' at position 1, and operation 4 has 'b'",
        ),
        (
            "1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok ('a','a')",
            (1, 2),
            "duplicate: read 2 shows 'a' at position 2 and operation 1 has it at 1",
        ),
        (
            "1 invoke append x 'a'\n1 info\n2 invoke read x\n2 ok ('a','a')",
            (2,),
            "duplicate: read 2 shows 'a' at position 2 and operation 2 has it at 1",
        ),
        (
            "1 invoke append x 'a'\n1 fail\n2 invoke read x\n2 ok ('a',)",
            (1, 2),
            "read 2 shows 'a' at position 1, but append 1 of it failed",
        ),
        ("1 invoke append x 'a'\n1 info\n2 invoke read x\n2 ok ('b',)", (2,), "read 2 shows 'b' at position 1, which"),
        (
            "2 invoke read x\n2 ok ('a',)\n1 invoke append x 'a'\n1 info",
            (2,),
            "read 2 shows 'a' at position 1, but it was appended only after operation 2",
        ),
        ("1 invoke append x 'a'\n1 ok - v2", (1,), "gap: nothing can stand at position 1, and operation 1 is past it"),
        (
            "1 invoke append x 'a'\n1 ok - v2\n2 invoke append x 'b'\n2 info",
            (1,),
            "gap: nothing can stand at position 1",
        ),
        (
            "1 invoke append x 'a'\n1 ok - v1000000000000",
            (1,),
            "gap: nothing can stand at position 1",
        ),
        ("1 invoke append x 'a'\n1 ok - v0", (1,), "append 1 was acknowledged at position 0"),
        ("1 invoke append x 'a'\n2 invoke read x\n2 ok ('a',) v0", (2,), "read 2 shows 1 values of a stream"),
    ],
)
def test_what_is_wrong_is_told_with_its_witness(text: str, witness: tuple[int, ...], reason: str) -> None:
    verdict = append_only(script(text))
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, witness)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 invoke append x 'a'\n2 invoke append x 'b'\n2 ok - v2",  # one that is open fills the gap
        "1 invoke append x 'a'\n2 invoke append x 'a'\n1 ok - v2\n2 ok - v1",  # one value, given twice
        "1 invoke append x 'a'\n1 info\n2 invoke read x\n2 ok 'a' v1",  # what was in doubt did happen
        "1 invoke append x 'a'\n1 info\n2 invoke read x\n2 ok - v0\n3 invoke read x\n3 ok 'a' v1",  # and late
        "1 invoke append x 'a' t5\n1 ok - v1 t5\n2 invoke append x 'b' t5\n2 ok - v2 t5",  # all at one instant
        "1 invoke append x 'a'\n2 invoke append y 'b'\n2 ok - v1\n1 ok - v1",  # two streams
        "1 invoke read x\n1 ok 5 v1",  # a register's read: nobody appends
        "1 invoke append x 'a'\n1 ok - v1\n2 invoke read x @c/audit/r\n2 ok ()",  # an audit may be behind
        # Of two appends of one value the later one is shown, so that the earlier one can fill the gap.
        "1 invoke append x 'a'\n2 invoke append x 'b'\n2 ok - v2\n3 invoke append x 'a'\n4 invoke read x\n4 ok 'a' v3",
        # Nothing is read by a read without an answer, or by anything else.
        "1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 info\n3 invoke read x\n3 fail\n4 invoke note x 5\n4 ok 5",
    ],
)
def test_what_is_right_is_accepted(text: str) -> None:
    assert append_only(script(text)).outcome is Outcome.VALID


def test_stale_reads_may_be_allowed_and_contradictions_never() -> None:
    spec = StreamSpec(stale_reads=True)
    behind = script("1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok () v0")
    ahead = script("2 invoke read x\n2 ok - v1\n1 invoke append x 'a'\n1 ok - v1")
    other = script("1 invoke append x 'a'\n1 ok - v1\n2 invoke append x 'b'\n2 info\n3 invoke read x\n3 ok 'b' v1")
    assert append_only(behind, spec).valid
    assert append_only(ahead, spec).outcome is Outcome.INVALID
    assert append_only(other, spec).outcome is Outcome.INVALID


def test_answers_without_positions_are_not_judged() -> None:
    verdict = append_only(script("1 invoke append x 'a'\n1 ok\n2 invoke read x\n2 ok ('a',)"))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (1,))
    assert append_only(script("1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok 'a'")).witness == (2,)


def test_a_malformed_history_is_no_stream() -> None:
    for text in ("1 invoke append x 1\n1 invoke append x 1", "1 invoke append x 1\n1 ok - v1\n1 ok - v1"):
        assert append_only(script(text)).witness == (1,)
        assert "operation 1" in append_only(script(text)).reason


def test_values_count_against_the_budget() -> None:
    history = script("1 invoke append x 'a'\n1 ok - v1\n2 invoke read x\n2 ok ('a',)")
    assert append_only(history, None, Budget(states=5)).valid
    assert append_only(history, None, Budget(states=4)).outcome is Outcome.UNKNOWN
    assert append_only(history, None, Budget(states=3)).outcome is Outcome.UNKNOWN


def test_a_wrong_spec_is_refused() -> None:
    with pytest.raises(ValueError, match="give a StreamSpec"):
        append_only(History(), spec=3)


VALUES = st.sampled_from(["a", "b"])
APPENDS = st.one_of(
    drawn(f=st.just("append"), asked=VALUES, version=st.integers(1, 3)),
    drawn(f=st.just("append"), asked=VALUES, ending=st.sampled_from([Kind.INFO, Kind.FAIL, None])),
)
READS = st.integers(0, 3).flatmap(
    lambda end: drawn(
        f=st.just("read"),
        answer=st.one_of(
            st.none(),
            *([VALUES, st.lists(VALUES, min_size=end, max_size=end).map(tuple)] if end else []),
        ),
        version=st.just(end),
    )
)


@settings(max_examples=400)
@given(histories(st.one_of(APPENDS, APPENDS, READS), most=5))
def test_it_agrees_with_trying_every_order(history: History) -> None:
    assert append_only(history).valid is any_order_explains(attempts_of(history))


def any_order_explains(attempts: list[Attempt]) -> bool:
    """Whether some order of what took place, in real-time order, gives every answer."""
    done = [a for a in attempts if a.ok]
    maybe = [a for a in attempts if not a.ok and not a.failed and a.f == "append"]
    for chosen in range(1 << len(maybe)):
        taken = done + [a for n, a in enumerate(maybe) if chosen >> n & 1]
        if any(explains(order) for order in permutations(taken)):
            return True
    return not any(a.f == "append" for a in attempts)


def explains(order: tuple[Attempt, ...]) -> bool:
    stream: list[Value] = []
    for index, attempt in enumerate(order):
        if any(later.precedes(attempt) for later in order[index + 1 :]):
            return False
        if attempt.f == "append":
            stream.append(attempt.asked)
            if attempt.ok and attempt.version != len(stream):
                return False
        else:
            last = attempt.answer if isinstance(attempt.answer, tuple) else (attempt.answer,)
            if attempt.version != len(stream):
                return False
            if attempt.answer is not None and tuple(stream[len(stream) - len(last) :]) != last:
                return False
    return True
