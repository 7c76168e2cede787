"""Invariants: spans of violation, and the benefit of the doubt."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.checkers import Outcome
from sim.checkers.invariants import InvariantSpec, at_least, at_most, invariant, violations
from sim.checkers.reading import attempts_of
from sim.history import History, Kind
from tests.sim.checkers.draws import drawn, histories
from tests.sim.checkers.scripts import script

BALANCE = at_least(0, up=("deposit",), down=("withdraw",), initial=10)

TWICE = """
1 invoke withdraw x 8 t0
1 ok t100
2 invoke withdraw x 5 t150
2 ok t200
3 invoke withdraw x 4
3 ok t300
4 invoke deposit x 9 t500
4 ok t600
5 invoke withdraw y 11 t700
5 ok t800
6 invoke read x t900
6 ok 2 t1000
"""


def test_each_span_has_its_depth_and_its_duration() -> None:
    spans = violations(attempts_of(script(TWICE)), BALANCE)
    told = [(s.key, s.begin_us, s.end_us, s.depth, s.broken_by.op, s.mended_by and s.mended_by.op) for s in spans]
    assert told == [("x", 200, 500, 7, 2, 4), ("y", 800, None, 1, 5, None)]


def test_the_verdict_counts_them() -> None:
    verdict = invariant(script(TWICE), BALANCE)
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, (2, 5))
    assert verdict.reason == (
        "2 violations, 1 of them open at the end, 500 us together, at most 7 deep; "
        "the first began with withdraw 2 of 'x' at 200 us"
    )


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", True),
        ("1 invoke withdraw x 10\n1 ok", True),
        ("1 invoke withdraw x 11\n1 ok", False),
        ("1 invoke withdraw x 11\n1 fail", True),
        ("1 invoke withdraw x 11\n1 info", True),  # may not have happened
        ("1 invoke withdraw x 11\n2 invoke deposit x 1\n1 ok\n2 ok", True),  # may have come first
        ("1 invoke deposit x 1\n1 info\n2 invoke withdraw x 11\n2 ok", True),  # may have happened
        ("1 invoke deposit x 1\n1 fail\n2 invoke withdraw x 11\n2 ok", False),
        ("1 invoke deposit y 1\n1 ok\n2 invoke withdraw x 11\n2 ok", False),
        ("2 invoke withdraw x 11\n2 ok\n1 invoke deposit x 1\n1 ok", False),
    ],
)
def test_a_violation_is_certain(text: str, valid: bool) -> None:
    assert invariant(script(text), BALANCE).valid is valid


def test_a_sum_may_have_a_ceiling() -> None:
    seats = at_most(2, up=("take",), down=("give",))
    full = "1 invoke take x\n1 ok\n2 invoke take x\n2 ok\n"
    assert invariant(script(full), seats).valid
    assert invariant(script(full + "3 invoke take x\n3 ok"), seats).witness == (3,)
    assert invariant(script(full + "3 invoke take x\n4 invoke give x\n3 ok"), seats).valid


def test_where_nothing_is_known_to_ease_an_open_operation_leaves_doubt() -> None:
    unlike = InvariantSpec(
        initial=0, step=lambda _, a: a.asked, depth=lambda held: int(held == 13), matters=frozenset({"write"})
    )
    broken = "1 invoke write x 13\n1 ok\n"
    assert invariant(script(broken), unlike).witness == (1,)
    assert invariant(script(broken + "2 invoke write x 1\n2 ok"), unlike).outcome is Outcome.INVALID
    open_ = invariant(script("2 invoke write x 1\n" + broken), unlike)
    assert (open_.outcome, open_.witness) == (Outcome.UNKNOWN, (2,))
    assert invariant(script("2 invoke write y 1\n3 invoke read x\n" + broken), unlike).outcome is Outcome.INVALID


def test_an_invariant_has_to_be_given() -> None:
    with pytest.raises(ValueError, match="give a InvariantSpec"):
        invariant(History())


OPERATIONS = drawn(
    f=st.sampled_from(["deposit", "withdraw"]),
    asked=st.integers(1, 12),
    ending=st.sampled_from([Kind.OK, Kind.OK, Kind.FAIL, Kind.INFO, None]),
)


@given(histories(OPERATIONS, most=4))
def test_it_holds_iff_some_placement_of_all_operations_keeps_it(history: History) -> None:
    assert invariant(history, BALANCE).valid is some_placement_holds(history)


def some_placement_holds(history: History) -> bool:
    """Try for every operation each row of its span, and for those in doubt also none."""
    last = len(history)
    choices = []
    for a in attempts_of(history):
        if not a.failed:
            rows: list[int | None] = list(range(a.begin, min(a.end, last) + 1))
            choices.append([(row, a) for row in (rows if a.ok else [*rows, None])])
    for chosen in product(*choices):
        total, good = 10, True
        # At one row deposits may come first: between two rows there is room for every order.
        placed = sorted((row, a.f, a.op, a) for row, a in chosen if row is not None)
        for *_, a in placed:
            assert isinstance(a.asked, int)
            total += a.asked if a.f == "deposit" else -a.asked
            good = good and total >= 0
        if good:
            return True
    return False
