"""Every claim accepts the histories recorded as valid for it, and rejects the invalid ones.

A file is named after its claim, with a case after two underscores: `append_only__gap.jsonl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from sim.checkers import Outcome
from sim.checkers.catalogue import CLAIMS as ALL
from sim.checkers.invariants import at_least
from sim.checkers.liveness import LivenessSpec
from sim.checkers.staleness import StalenessSpec
from sim.history import History

HISTORIES = Path(__file__).parents[2] / "histories"
# The two claims about form have tests of their own.
CLAIMS = sorted(ALL.keys() - {"well_formed", "every_operation_completes"})
#: What the recorded histories of a claim are held to, where it needs to be told.
SPECS: Mapping[str, object] = MappingProxyType(
    {
        "bounded_staleness": StalenessSpec(bound_us=100_000),
        "invariant": at_least(0, up=("deposit",), down=("withdraw",)),
        # Cut from 0 to 2 s and from 8 s to 9 s.
        "recovers_after_each_heal": LivenessSpec(
            heals_us=(2_000_000, 9_000_000), faults_us=(0, 8_000_000), bound_us=2_000_000
        ),
    }
)


def recorded(folder: str, claim: str) -> list[Path]:
    return [path for path in sorted((HISTORIES / folder).glob("*.jsonl")) if path.stem.split("__")[0] == claim]


@pytest.mark.parametrize("claim", CLAIMS)
def test_valid_histories_are_accepted(claim: str) -> None:
    paths = recorded("valid", claim)
    assert paths, f"nothing in {HISTORIES / 'valid'} is named after {claim}"
    for path in paths:
        verdict = ALL[claim].check(History.from_jsonl(path), SPECS.get(claim))
        assert verdict.outcome is Outcome.VALID, f"{path.name}: {verdict.reason}"


@pytest.mark.parametrize("claim", CLAIMS)
def test_invalid_histories_are_rejected_with_a_witness(claim: str) -> None:
    paths = recorded("invalid", claim)
    assert paths, f"nothing in {HISTORIES / 'invalid'} is named after {claim}"
    for path in paths:
        verdict = ALL[claim].check(History.from_jsonl(path), SPECS.get(claim))
        assert (verdict.outcome, bool(verdict.witness)) == (Outcome.INVALID, True), path.name


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_empty_history_breaks_no_claim(claim: str) -> None:
    assert ALL[claim].check(History(), SPECS.get(claim)).outcome is Outcome.VALID


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_says_what_it_takes(claim: str) -> None:
    """A spec of another kind is refused, and so is none where one is needed."""
    with pytest.raises(ValueError, match=getattr(ALL[claim].spec, "__name__", "")):
        ALL[claim].check(History(), object())
    assert claim in SPECS or not ALL[claim].needed
    if ALL[claim].needed:
        with pytest.raises(ValueError, match="does not say what to check"):
            ALL[claim].check(History())
