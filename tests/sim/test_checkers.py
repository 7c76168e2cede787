"""Checkers accept what they should accept and reject what they should reject."""

from pathlib import Path
from typing import Any

import pytest

from sim.checkers import Budget, Checker, Outcome, OverBudget, every_operation_completes, well_formed
from sim.history import History, Kind, Operation

HISTORIES = Path(__file__).parents[1] / "histories"
CLAIMS: tuple[Checker, ...] = (well_formed, every_operation_completes)


def stored(name: str) -> History:
    return History.from_jsonl(HISTORIES / f"{name}.jsonl")


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_accepts_its_valid_history(claim: Checker) -> None:
    assert claim(stored(f"valid/{claim.__name__}")).outcome is Outcome.VALID  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("claim", "name", "witness", "reason"),
    [
        (well_formed, "well_formed_ends_twice", (1,), "operation 1 ends again in row 2"),
        (
            well_formed,
            "well_formed_ends_before_it_begins",
            (1,),
            "operation 1 ends in row 0 without having begun",
        ),
        (well_formed, "well_formed_begins_twice", (1,), "operation 1 begins again in row 1"),
        (well_formed, "well_formed_ends_as_another", (1,), "operation 1 begins as"),
        (every_operation_completes, "every_operation_completes", (2,), "1 operation never ended: 2"),
        (every_operation_completes, "well_formed_ends_twice", (1,), "operation 1 ends again in row 2"),
    ],
)
def test_a_claim_rejects_with_a_witness(claim: Checker, name: str, witness: tuple[int, ...], reason: str) -> None:
    verdict = claim(stored(f"invalid/{name}"))
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, witness)
    assert verdict.reason.startswith(reason)


def test_an_open_operation_is_well_formed() -> None:
    assert well_formed(stored("invalid/every_operation_completes")).valid


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_budget_too_small_gives_no_verdict(claim: Checker) -> None:
    verdict = claim(stored("valid/well_formed"), None, Budget(states=3))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "more than the budget of 3 steps" in verdict.reason
    assert not verdict.valid


def test_an_empty_history_breaks_no_claim() -> None:
    assert all(claim(History()).valid for claim in CLAIMS)


def test_many_open_operations_are_all_witnesses_but_few_are_printed() -> None:
    history = History()
    for op in range(8):
        history.append(op, "c", Operation(op, Kind.INVOKE, "read", 1, None))
    verdict = every_operation_completes(history)
    assert verdict.witness == tuple(range(8))
    assert verdict.reason == "8 operations never ended: 0, 1, 2, 3, 4, ..."


def test_a_budget_of_bytes_counts_what_is_held_at_once() -> None:
    meter = Budget(states=10, memory_bytes=100).meter()
    meter.spend(1, 100)
    meter.spend(1, 100)
    with pytest.raises(OverBudget, match="budget of 100 bytes"):
        meter.spend(1, 101)


def test_a_budget_of_seconds_runs_by_the_clock_it_is_given() -> None:
    now = iter([5.0, 6.0, 8.1])
    meter = Budget(states=10_000, seconds=3, clock=lambda: next(now)).meter()
    meter.spend(1)
    meter.spend(1)  # too soon after the last look for another
    with pytest.raises(OverBudget, match="budget of 3 s"):
        meter.spend(2_000)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"states": 0}, "states=0 is below 1"),
        ({"states": 1, "memory_bytes": 0}, "memory_bytes=0 is below 1"),
        ({"states": 1, "seconds": -1.0, "clock": lambda: 0.0}, "seconds=-1.0 is not 0 or more"),
        ({"states": 1, "seconds": 1.0}, "go together"),
        ({"states": 1, "clock": lambda: 0.0}, "go together"),
    ],
)
def test_a_budget_that_means_nothing_is_refused(limits: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Budget(**limits)
