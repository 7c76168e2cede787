"""Invariant confluence to a bound: what merges safely, and the smallest pair that does not."""

import pytest

from sim.checkers.budget import Budget
from sim.checkers.confluence import Confluence, SplitSystem, confluent


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
