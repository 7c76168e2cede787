"""Checkers accept what they should accept and reject what they should reject."""

from pathlib import Path

import pytest

from sim.checkers import Checker, Outcome, every_operation_completes, well_formed
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
    verdict = claim(stored("valid/well_formed"), None, 3)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "more than the budget of 3" in verdict.reason
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
