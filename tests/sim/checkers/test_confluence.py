"""Invariant confluence to a bound: what merges safely, and the smallest pair that does not."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from sim.checkers.budget import Budget
from sim.checkers.confluence import Confluence, SplitSystem, SystemFailed, confluent


def counter(start: int = 0, *, floor: int = 0, steps: tuple[int, ...] = (1, -1)) -> SplitSystem[int, int]:
    """A number whose steps add up, refused below a floor, that should never be negative."""
    return SplitSystem(
        initial=start,
        offers=lambda held, side: steps,
        apply=lambda held, step, side: held + step if held + step >= floor else None,
        merge=lambda base, left, right: left + right - base,
        invariant=lambda held: held >= 0,
    )


def test_steps_that_only_add_are_confluent() -> None:
    answer = confluent(counter(steps=(1, 2)), depth=5)
    assert (answer.outcome, answer.base, answer.left, answer.right) == (Confluence.CONFLUENT, (), (), ())
    assert answer.compared > 100


def test_the_smallest_counterexample_is_found() -> None:
    answer = confluent(counter(start=3), depth=6)
    assert (answer.outcome, answer.merged) == (Confluence.BROKEN, -1)
    # Four operations are needed, and one step before the cut does as well as one within it.
    assert len(answer.base) + len(answer.left) + len(answer.right) == 4


def test_what_needs_more_operations_than_the_depth_is_not_found() -> None:
    assert confluent(counter(start=3), depth=3).outcome is Confluence.CONFLUENT
    assert confluent(counter(start=3), depth=4).outcome is Confluence.BROKEN


def test_a_common_state_may_be_needed_first() -> None:
    answer = confluent(counter(start=0), depth=3)
    assert (answer.outcome, answer.base, answer.left, answer.right) == (Confluence.BROKEN, ((1, 1),), (-1,), (-1,))


def test_a_rule_that_breaks_without_a_cut_is_told_apart() -> None:
    answer = confluent(counter(start=0, floor=-1), depth=2)
    assert (answer.outcome, answer.merged) == (Confluence.BROKEN_ALONE, -1)


def register(*, first: bool) -> SplitSystem[tuple[int, int, str], str]:
    """A count of writes, the side of the last and its value; a merge takes the first side's, or the highest."""
    return SplitSystem(
        initial=(0, -1, ""),
        offers=lambda held, side: ("a", "b"),
        apply=lambda held, value, side: (held[0] + 1, side, value),
        merge=lambda base, left, right: (left if left != base else right) if first else max(left, right),
        invariant=lambda held: True,
        owed=lambda base, left, right, merged: f"{left[-1]!r} is gone" if left and right and merged[1] == 1 else "",
    )


def test_a_merge_that_depends_on_who_is_first_diverges() -> None:
    answer = confluent(register(first=True), depth=2)
    assert (answer.outcome, answer.left, answer.right) == (Confluence.DIVERGENT, ("a",), ("a",))
    assert answer.reason == "with the sides exchanged it merges to (1, 1, 'a')"


def test_what_was_accepted_and_is_taken_back_is_owed() -> None:
    answer = confluent(register(first=False), depth=2)
    assert (answer.outcome, answer.reason) == (Confluence.OWED, "'a' is gone")


def test_the_worst_of_several_is_told() -> None:
    # A single step is owed at once; only two on each side break the invariant.
    system = SplitSystem(
        initial=0,
        offers=lambda held, side: (1,),
        apply=lambda held, step, side: held + step if held < 2 else None,
        merge=lambda base, left, right: left + right - base,
        invariant=lambda held: held < 3,
        owed=lambda base, left, right, merged: "one" if left or right else "",
    )
    assert confluent(system, depth=1).outcome is Confluence.OWED
    assert confluent(system, depth=4).outcome is Confluence.BROKEN


def test_a_budget_that_ends_leaves_it_unknown() -> None:
    answer = confluent(counter(steps=(1, 2)), depth=9, budget=Budget(states=500))
    assert answer.outcome is Confluence.UNKNOWN
    assert "500" in answer.reason


def test_what_was_found_before_the_budget_ended_is_told() -> None:
    # The owed one is at depth 1; the search for something worse is cut short.
    answer = confluent(register(first=False), depth=12, budget=Budget(states=300))
    assert answer.outcome is Confluence.OWED
    assert answer.reason.startswith("'a' is gone; more than the budget of 300 steps")


@pytest.mark.parametrize(
    ("system", "depth", "told"),
    [(counter(), 0, "depth=0 tries nothing"), (counter(start=-1), 1, "the first state breaks the invariant")],
)
def test_what_cannot_be_asked_is_refused(system: SplitSystem[int, int], depth: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        confluent(system, depth)


def test_sides_that_accept_nothing_have_shown_nothing() -> None:
    answer = confluent(counter(steps=(-1,)), depth=3)
    assert (answer.outcome, answer.compared) == (Confluence.UNKNOWN, 0)
    assert answer.reason.startswith("both sides refuse all 2 operations that are offered in the first state")


def test_one_side_that_accepts_is_enough() -> None:
    only_left = replace(counter(), offers=lambda held, side: () if side else (1,))
    assert confluent(only_left, depth=3).outcome is Confluence.CONFLUENT


def _raises(*_: object) -> int:
    raise RuntimeError("boom")


def _exits(*_: object) -> int:
    raise SystemExit(7)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"initial": []}, "initial is [], which cannot be hashed"),
        ({"offers": _raises}, "offers(state=0, side=1) raised RuntimeError: boom; mend offers"),
        ({"offers": lambda held, side: None}, "offers(state=0, side=1) gave None, which holds no operations"),
        ({"offers": lambda held, side: ([],)}, "an operation of offers(state=0, side=1) is []"),
        ({"offers": lambda held, side: map(_raises, (1,))}, "offers(state=0, side=1) raised RuntimeError: boom"),
        ({"apply": _exits}, "apply(state=0, operation=1, side=1) raised SystemExit: 7; mend apply"),
        ({"apply": lambda held, step, side: [held]}, "the state of apply(state=0, operation=1, side=1) is [0]"),
        ({"merge": _raises}, "merge(base=0, left=0, right=1) raised RuntimeError: boom"),
        ({"merge": lambda base, left, right: None}, "merge(base=0, left=0, right=1) gave None"),
        ({"invariant": lambda held: None}, "invariant(state=0) gave None; give whether it holds"),
        ({"owed": lambda base, left, right, merged: None}, "owed(base=0, left=(), right=(1,), merged=1) gave None"),
    ],
)
def test_a_mistake_in_a_system_names_the_function_and_what_it_was_called_with(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(SystemFailed) as failed:
        confluent(replace(counter(), **wrong), depth=2)
    assert told in str(failed.value)


def test_what_is_offered_without_end_ends_with_the_budget() -> None:
    endless = replace(counter(), offers=lambda held, side: count(1))
    answer = confluent(endless, depth=2, budget=Budget(states=1_000))
    assert answer.outcome is Confluence.UNKNOWN
    assert str(answer.reason).endswith("; try less deep")
