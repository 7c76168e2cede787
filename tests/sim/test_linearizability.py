"""Linearizability agrees with an oracle that tries every order, and shows why not."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sim.checkers import DEFAULT_BUDGET, SPECIFICATIONS, Budget, Outcome, Specification, Verdict, linearizable
from sim.checkers.linearizability import search
from sim.checkers.linearizability.calls import parts_of
from sim.checkers.linearizability.checker import doom
from sim.checkers.linearizability.search import Effort
from sim.checkers.queues import first_in_first_out
from sim.checkers.specifications import UNANSWERED
from sim.history import History, Kind, Operation
from tests.sim.histories_of import ALPHABETS, explained, histories, only, written

MODELS = sorted(SPECIFICATIONS)


def test_every_shipped_specification_is_held_against_the_oracle() -> None:
    assert sorted(ALPHABETS) == MODELS


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_verdict_is_the_oracles_and_a_witness_needs_none_of_the_others(name: str, data: st.DataObject) -> None:
    history: History = data.draw(histories(name))
    spec = SPECIFICATIONS[name]
    verdict = linearizable(history, spec)
    assert verdict.outcome is (Outcome.VALID if explained(history, spec) else Outcome.INVALID)
    event(verdict.outcome)
    if not verdict.valid:
        others = [begin.op for begin, _ in history.pairs() if begin.op not in verdict.witness]
        for count in range(len(others) + 1):
            for some in combinations(others, count):
                assert not explained(only(history, (*verdict.witness, *some)), spec)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cheaper_ways_are_never_wrong(name: str, data: st.DataObject, monkeypatch: pytest.MonkeyPatch) -> None:
    history: History = data.draw(histories(name, most=6))
    spec = replace(SPECIFICATIONS[name], quick=None)
    valid = linearizable(history, spec).valid
    for few in (1, 8):
        with monkeypatch.context() as patched:
            patched.setattr(search, "_SOME_ALIKE", few)
            for part in parts_of(history, spec):
                some = doom(part, spec, DEFAULT_BUDGET.meter(), Effort.SOME)
                joined = doom(part, spec, DEFAULT_BUDGET.meter(), Effort.JOINED)
                assert valid or some is not None
                assert not valid or joined is None


@pytest.mark.parametrize("name", [name for name in MODELS if SPECIFICATIONS[name].quick is not None])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_told_without_a_search_is_what_the_search_tells(name: str, data: st.DataObject) -> None:
    history: History = data.draw(histories(name, most=7))
    spec = SPECIFICATIONS[name]
    assert spec.quick is not None
    quick = spec.quick(history)
    event(quick.outcome)
    searched = linearizable(history, replace(spec, quick=None))
    assert quick.outcome in (searched.outcome, Outcome.UNKNOWN)


def queue(*events: tuple[int, str, str, object]) -> Verdict:
    return first_in_first_out(written(*events))


def test_a_queue_tells_its_bad_patterns_apart() -> None:
    put = [(op, kind, "enqueue", op) for op in (1, 2) for kind in ("invoke", "ok")]
    second = [(3, "invoke", "dequeue", None), (3, "ok", "dequeue", 2)]
    first = [(4, "invoke", "dequeue", None), (4, "ok", "dequeue", 1)]
    empty = [(5, "invoke", "dequeue", None), (5, "ok", "dequeue", None)]
    lost = [(6, "invoke", "dequeue", None), (6, "info", "dequeue", None)]
    assert queue(*put, *first, *second, *empty).valid
    assert queue(*put, *second, *first) == (
        Outcome.INVALID,
        (1, 2, 3, 4),
        "key 'x': what was put in first was not taken first",
    )
    assert queue(*put, *second).witness == (1, 2, 3)
    assert queue(*put, *lost, *second).valid
    assert queue(*put, *first, *empty).reason == "key 'x': the queue was found empty and was not"
    assert queue(*put, *first, *lost, *empty).valid
    assert queue(*first, *put).reason == "key 'x': nobody had put in what was taken"
    assert queue(*put, *first, (7, "invoke", "dequeue", None), (7, "ok", "dequeue", 1)).witness == (1, 4, 7)


def with_unique_values(history: History) -> History:
    """The same, but that each write writes its own number, and a read of 1 or 2 is of the first or second of them."""
    writes = [row.op + 10 for row in history if row.f == "write" and row.kind is Kind.INVOKE]
    written_by = {1: writes[0] if writes else 99, 2: writes[1] if len(writes) > 1 else 98}
    unique = History()
    for row in history:
        value = row.op + 10 if row.f == "write" else written_by.get(row.value)  # type: ignore[arg-type]
        unique.append(row.t_us, row.client, Operation(row.op, row.kind, row.f, row.key, value))
    return unique


@settings(max_examples=300, deadline=None)
@given(drawn=histories("register", most=6))
def test_zones_say_what_the_oracle_and_the_search_say(drawn: History) -> None:
    history, register = with_unique_values(drawn), SPECIFICATIONS["register"]
    searched = replace(register, stand=None)  # zones need to know that the latest write stands
    verdict = linearizable(history, register)
    assert verdict.valid == explained(history, register) == linearizable(history, searched).valid
    event(verdict.outcome)
    assert verdict.valid or not explained(only(history, verdict.witness), register)


def test_a_stale_read_is_shown_with_the_write_it_saw_and_the_one_it_missed() -> None:
    history = written(
        (1, "invoke", "write", 1),
        (1, "ok", "write", None),
        (2, "invoke", "read", None),
        (2, "ok", "read", 1),
        (3, "invoke", "write", 2),
        (3, "ok", "write", None),
        (4, "invoke", "read", None),
        (4, "ok", "read", 1),
    )
    verdict = linearizable(history, SPECIFICATIONS["register"])
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, (1, 3, 4))


def test_a_write_that_timed_out_may_take_effect_between_two_later_reads() -> None:
    begun = [(1, "invoke", "write", 5), (1, "info", "write", 5)]
    before = [(2, "invoke", "read", None), (2, "ok", "read", None)]
    after = [(3, "invoke", "read", None), (3, "ok", "read", 5)]
    back = [(4, "invoke", "read", None), (4, "ok", "read", None)]
    register = SPECIFICATIONS["register"]
    assert linearizable(written(*begun, *before, *after), register).valid
    assert linearizable(written(*begun, *before), register).valid
    assert linearizable(written(*begun, *after, *back), register).witness == (1, 3, 4)


def test_a_source_that_needs_what_came_later_is_no_part_of_a_witness() -> None:
    history = written(
        (0, "invoke", "cas", (1, 2)),
        (1, "invoke", "read", None),
        (1, "ok", "read", 2),  # only the cas can have put it there, and nobody had written 1
        (2, "invoke", "cas", (2, 1)),
        (3, "invoke", "cas", (0, 1)),
        (3, "info", "cas", None),
        (4, "invoke", "write", 0),
        (4, "ok", "write", None),
        (2, "ok", "cas", None),
        (5, "invoke", "cas", (2, 1)),
        (5, "ok", "cas", None),
    )
    assert linearizable(history, SPECIFICATIONS["cas-register"]).witness == (1,)


def test_a_write_that_another_hid_is_kept_if_it_shows_without_that() -> None:
    history = written(
        (0, "invoke", "write", 0),
        (0, "ok", "write", None),
        (1, "invoke", "write", 2),
        (1, "ok", "write", None),
        (2, "invoke", "cas", (0, 0)),
        (2, "ok", "cas", None),
    )
    assert linearizable(history, SPECIFICATIONS["cas-register"]).witness == (0, 1, 2)


def test_a_pending_cas_that_never_can_have_happened_is_no_part_of_a_witness() -> None:
    history = written(
        (1, "invoke", "cas", (5, 2)),
        (1, "info", "cas", None),
        (2, "invoke", "read", None),
        (2, "ok", "read", 2),
    )
    assert linearizable(history, SPECIFICATIONS["cas-register"]).witness == (2,)
    put = written((0, "invoke", "write", 5), (0, "ok", "write", None))
    for row in history:
        put.append(row.t_us + 2, row.client, Operation(row.op, row.kind, row.f, row.key, row.value))
    assert linearizable(put, SPECIFICATIONS["cas-register"]).valid


def test_a_long_history_is_shown_to_be_wrong_by_a_few_of_its_last_operations() -> None:
    writes = [(op, kind, "cas", (op % 3, (op + 1) % 3)) for op in range(3_000) for kind in ("invoke", "ok")]
    read = [(3_000, "invoke", "read", None), (3_000, "ok", "read", 1)]
    spec = replace(SPECIFICATIONS["cas-register"], initial=0)
    assert linearizable(written(*writes, *read), spec).witness == (2_997, 2_998, 2_999, 3_000)


def test_many_writes_that_timed_out_cost_no_more_than_few() -> None:
    pending = [(op, kind, "write", op % 3) for op in range(300) for kind in ("invoke", "info")]
    reads = [
        (op, kind, "read", value)
        for op, end in enumerate([0, 2, 1] * 40, 300)
        for kind, value in (("invoke", None), ("ok", end))
    ]
    verdict = linearizable(written(*pending, *reads), SPECIFICATIONS["register"], Budget(states=100_000))
    assert verdict.outcome is Outcome.VALID


def test_keys_are_judged_apart() -> None:
    history = written(
        (1, "invoke", "write", 1, None, "x"),
        (1, "ok", "write", None, None, "x"),
        (2, "invoke", "read", None, None, "y"),
        (2, "ok", "read", None, None, "y"),
        (3, "invoke", "read", None, None, "x"),
        (3, "ok", "read", None, None, "x"),
    )
    verdict = linearizable(history, SPECIFICATIONS["register"])
    assert verdict.witness == (1, 3)
    assert verdict.reason == "key 'x': no order of 2 explains their answers"


def test_the_initial_value_is_the_specifications() -> None:
    history = written((1, "invoke", "read", None), (1, "ok", "read", 7))
    assert not linearizable(history, SPECIFICATIONS["register"]).valid
    assert linearizable(history, replace(SPECIFICATIONS["register"], initial=7)).valid


def hostile(clients: int) -> History:
    """Nobody ends before everybody has begun, and one read saw what nobody wrote."""
    writes = [(op, "invoke", "write", op % 7) for op in range(clients)]
    read = [(clients, "invoke", "read", None), (clients, "ok", "read", 99)]
    return written(*writes, *read, *((op, "ok", "write", None) for op in range(clients)))


def test_a_hostile_history_ends_in_unknown_within_its_states() -> None:
    verdict = linearizable(hostile(50), SPECIFICATIONS["register"], Budget(states=50_000))
    assert verdict == (Outcome.UNKNOWN, (), "more than the budget of 50,000 steps is needed; raise it")


def test_a_hostile_history_ends_in_unknown_within_its_bytes() -> None:
    verdict = linearizable(hostile(50), SPECIFICATIONS["register"], Budget(states=10**9, memory_bytes=1_000_000))
    assert verdict == (Outcome.UNKNOWN, (), "more than the budget of 1,000,000 bytes is needed; raise it")


def test_a_specification_of_ones_own_is_two_functions() -> None:
    def turn(state: bool, f: str, asked: object, answered: object, version: int | None) -> tuple[bool, bool]:
        return answered in (state, UNANSWERED), not state

    toggle = Specification(name="toggle", init=bool, step=turn)
    rows = [(1, "invoke", "flip", None), (1, "ok", "flip", False), (2, "invoke", "flip", None)]
    assert linearizable(written(*rows, (2, "ok", "flip", True)), toggle).valid
    assert linearizable(written(*rows, (2, "ok", "flip", False)), toggle).witness == (1, 2)


def test_an_ill_formed_history_is_invalid_as_well_formed_has_it() -> None:
    history = written((1, "ok", "read", None))
    verdict = linearizable(history, SPECIFICATIONS["register"])
    assert verdict == (Outcome.INVALID, (1,), "operation 1 ends in row 0 without having begun")


@pytest.mark.parametrize(
    ("spec", "f", "rule"),
    [(None, "read", "is no specification"), (SPECIFICATIONS["queue"], "dequeu", "did you mean 'dequeue'")],
)
def test_what_cannot_be_judged_is_refused(spec: object, f: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        linearizable(written((1, "invoke", f, None)), spec)


@pytest.mark.parametrize(
    ("name", "f", "asked", "rule"),
    [
        ("cas-register", "cas", 5, r"operation 1: cas is asked a pair \[old, new\], not 5"),
        ("counter", "add", "x", "add is asked a whole number, not 'x'"),
        ("queue", "enqueue", None, "enqueue is asked a value other than null, not None"),
    ],
)
def test_what_a_specification_cannot_step_is_refused(name: str, f: str, asked: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        linearizable(written((1, "invoke", f, asked)), SPECIFICATIONS[name])


@pytest.mark.parametrize("name", ["counter", "set", "append-log"])
def test_an_answer_of_another_kind_is_no_answer(name: str) -> None:
    change = "append" if name == "append-log" else "add"
    pending = [(1, "invoke", change, 1), (1, "info", change, None)]
    for answer in (None, "x", (None,)):
        read = [(2, "invoke", "read", None), (2, "ok", "read", answer)]
        assert linearizable(written(*pending, *read), SPECIFICATIONS[name]).witness == (2,)
