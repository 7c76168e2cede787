"""Session guarantees: each by name, on what it forbids, and against every pair of operations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.checkers import Budget, Checker, Outcome
from sim.checkers.reading import Attempt, attempts_of
from sim.checkers.sessions import (
    SessionSpec,
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from sim.history import History, Kind
from tests.sim.checkers.draws import drawn, histories
from tests.sim.checkers.scripts import script

GUARANTEES: dict[str, Checker] = {
    "read your writes": read_your_writes,
    "monotonic reads": monotonic_reads,
    "monotonic writes": monotonic_writes,
    "writes follow reads": writes_follow_reads,
}


def broken_in(text: str, spec: object = None) -> set[str]:
    return {name for name, check in GUARANTEES.items() if check(script(text), spec).outcome is Outcome.INVALID}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok 0 v3", "read your writes"),
        ("1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok 2 v4", "read your writes"),
        ("1 invoke append x 1 @c/s\n1 ok - v1\n2 invoke read x @c/s\n2 ok (2,3) v2", "read your writes"),
        ("1 invoke read x @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok 0 v3", "monotonic reads"),
        ("1 invoke read x @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok 0 v4", "monotonic reads"),
        ("1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke write x 2 @c/s\n2 ok 2 v3", "monotonic writes"),
        ("1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke cas x (1,2) @c/s\n2 ok (1,2) v4", "monotonic writes"),
        ("1 invoke read x @c/s\n1 ok 1 v4\n2 invoke write x 2 @c/s\n2 ok 2 v3", "writes follow reads"),
        ("1 invoke read x @c/s\n1 ok 1 v4\n2 invoke append x 2 @c/s\n2 ok - v4", "writes follow reads"),
    ],
)
def test_each_guarantee_has_its_own_anomaly(text: str, broken: str) -> None:
    assert broken_in(text) == {broken}
    assert GUARANTEES[broken](script(text)).witness == (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok 1 v4",
        "1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @c/t\n2 ok 0 v3",  # two sessions of one client
        "1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @d/s\n2 ok 0 v3",  # two clients
        "1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read y @c/s\n2 ok 0 v3",  # two keys
        "1 invoke write x 1 @c/s\n2 invoke read x @c/s\n1 ok 1 v4\n2 ok 0 v3",  # at once
        "1 invoke write x 1 @c/s\n1 info\n2 invoke read x @c/s\n2 ok 0 v3",  # may yet take effect
        "1 invoke write x 1 @c/s\n1 fail\n2 invoke read x @c/s\n2 ok 0 v3",
        "1 invoke write x 1 @c\n1 ok 1 v4\n2 invoke read x @c\n2 ok 0 v3",  # no session at all
        "1 invoke append x 1 @c/s\n1 ok - v1\n2 invoke read x @c/s\n2 ok (1,3) v2",
        "1 invoke append x 1 @c/s\n1 ok - v1\n2 invoke read x @c/s\n2 ok - v2",
    ],
)
def test_nothing_is_forbidden_across_sessions_or_in_doubt(text: str) -> None:
    assert broken_in(text) == set()
    assert all(check(script(text)).valid for check in GUARANTEES.values())


def test_one_instant_is_ordered_by_rows() -> None:
    assert broken_in("1 invoke write x 1 @c/s t5\n1 ok 1 v4 t5\n2 invoke read x @c/s t5\n2 ok 0 v3 t5") == {
        "read your writes"
    }


def test_a_client_without_sessions_may_be_taken_as_one() -> None:
    text = "1 invoke write x 1 @c\n1 ok 1 v4\n2 invoke read x @c\n2 ok 0 v3"
    assert broken_in(text, SessionSpec(whole_clients=True)) == {"read your writes"}


def test_a_read_tells_the_version_of_a_write_by_its_value() -> None:
    text = "1 invoke write x 1 @c/s\n1 ok 1\n2 invoke read x @d/s\n2 ok 1 v4\n3 invoke read x @c/s\n3 ok 0 v3"
    assert broken_in(text) == {"read your writes"}
    twice = text.replace("1 invoke write x 1 @c/s", "0 invoke write x 1 @e/s\n0 info\n1 invoke write x 1 @c/s")
    verdict = read_your_writes(script(twice))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (1,))


def test_what_a_key_held_at_first_is_version_nought() -> None:
    text = "1 invoke write x 1 @c/s\n1 ok 1 v4\n2 invoke read x @c/s\n2 ok -"
    assert broken_in(text) == {"read your writes"}
    assert read_your_writes(script(text + "\n3 invoke write x - @d/s\n3 info")).outcome is Outcome.UNKNOWN


def test_the_first_operation_of_a_session_needs_no_version() -> None:
    assert monotonic_reads(script("1 invoke read x @c/s\n1 ok 7")).valid
    assert monotonic_reads(script("1 invoke read x @c/s\n1 ok 7\n2 invoke read x @c/s\n2 ok 7 v3")).witness == (1,)
    assert monotonic_reads(script("1 invoke read x @c/s\n1 ok 7 v3\n2 invoke read x @c/s\n2 ok 9")).witness == (2,)


@pytest.mark.parametrize("check", GUARANTEES.values())
def test_form_and_budget_come_first(check: Checker) -> None:
    text = "1 invoke write x 1 @c/s\n1 ok 1 v4\n1 ok 1 v4"
    assert check(script(text)).reason.startswith("operation 1 ends again")
    assert check(script(text), None, Budget(states=2)).outcome is Outcome.UNKNOWN
    with pytest.raises(ValueError, match="give a SessionSpec"):
        check(History(), "sessions")


NAMES = {"client": st.sampled_from("cd"), "session": st.sampled_from(["s", "t", ""])}
OPERATIONS = st.one_of(
    drawn(f=st.just("write"), asked=st.integers(1, 3), version=st.integers(1, 3), **NAMES),
    drawn(f=st.just("read"), answer=st.integers(1, 3), version=st.integers(1, 3), **NAMES),
    drawn(f=st.sampled_from(["write", "read"]), asked=st.just(1), ending=st.sampled_from([Kind.INFO, None]), **NAMES),
)


@settings(max_examples=200)
@given(histories(OPERATIONS, most=6))
def test_they_agree_with_looking_at_every_pair(history: History) -> None:
    attempts = attempts_of(history)
    kinds = {"read your writes": ("write", "read"), "monotonic reads": ("read", "read")}
    kinds |= {"monotonic writes": ("write", "write"), "writes follow reads": ("read", "write")}
    for name, check in GUARANTEES.items():
        pairs = [(a, b) for a in attempts for b in attempts if (a.f, b.f) == kinds[name] and in_session(a, b)]
        assert check(history).valid is all(holds(a, b) for a, b in pairs), name


def in_session(a: Attempt, b: Attempt) -> bool:
    return a.ok and b.ok and a.precedes(b) and bool(a.session) and (a.client, a.session) == (b.client, b.session)


def holds(a: Attempt, b: Attempt) -> bool:
    assert a.version is not None
    assert b.version is not None
    if b.f == "write":
        return a.version < b.version
    held = a.asked if a.f == "write" else a.answer
    return a.version < b.version or (a.version == b.version and held == b.answer)


def test_what_was_shown_of_a_version_counts_though_an_answer_before_showed_nothing_of_it() -> None:
    text = "9 invoke append x 5\n9 info\n"
    for op, value in ((1, "-"), (2, "5"), (3, "6")):
        text += f"{op} invoke read x @a/s\n{op} ok {value} v1\n"
    assert monotonic_reads(script(text)).witness == (2, 3)
