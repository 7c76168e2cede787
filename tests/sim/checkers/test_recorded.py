"""Every claim accepts the histories recorded as valid for it, and rejects the invalid ones.

A file is named after its claim, with a case after two underscores: `append_only__gap.jsonl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from sim.checkers import Checker, Outcome
from sim.checkers.sessions import monotonic_reads, monotonic_writes, read_your_writes, writes_follow_reads
from sim.checkers.streams import append_only
from sim.history import History

HISTORIES = Path(__file__).parents[2] / "histories"
CLAIMS: Mapping[str, Checker] = {
    "append_only": append_only,
    "monotonic_reads": monotonic_reads,
    "monotonic_writes": monotonic_writes,
    "read_your_writes": read_your_writes,
    "writes_follow_reads": writes_follow_reads,
}
#: What the recorded histories of a claim are held to, where it needs to be told.
SPECS: Mapping[str, object] = MappingProxyType({})


def recorded(folder: str, claim: str) -> list[Path]:
    return [path for path in sorted((HISTORIES / folder).glob("*.jsonl")) if path.stem.split("__")[0] == claim]


@pytest.mark.parametrize("claim", CLAIMS)
def test_valid_histories_are_accepted(claim: str) -> None:
    paths = recorded("valid", claim)
    assert paths, f"nothing in {HISTORIES / 'valid'} is named after {claim}"
    for path in paths:
        verdict = CLAIMS[claim](History.from_jsonl(path), SPECS.get(claim))
        assert verdict.outcome is Outcome.VALID, f"{path.name}: {verdict.reason}"


@pytest.mark.parametrize("claim", CLAIMS)
def test_invalid_histories_are_rejected_with_a_witness(claim: str) -> None:
    paths = recorded("invalid", claim)
    assert paths, f"nothing in {HISTORIES / 'invalid'} is named after {claim}"
    for path in paths:
        verdict = CLAIMS[claim](History.from_jsonl(path), SPECS.get(claim))
        assert (verdict.outcome, bool(verdict.witness)) == (Outcome.INVALID, True), path.name
