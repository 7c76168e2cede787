"""Every bundle under `tests/regressions/` says for ever what it is kept for.

A bundle of a deliberately broken system stays violated, by the same operations and for the same
reason; one of a bug that was mended bears `"expects": "valid"` and stays mended. Digests may change
with the code, verdicts may not.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.hunting import read_bundle, replay_bundle

FOLDER = Path(__file__).parents[1] / "regressions"
BUNDLES = sorted(path for path in FOLDER.iterdir() if path.is_dir())


def test_there_is_something_to_replay() -> None:
    assert BUNDLES


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_a_kept_bundle_says_what_it_is_kept_for(folder: Path) -> None:
    bundle = read_bundle(folder)
    replayed = replay_bundle(bundle)
    verdict = replayed.run.verdict
    assert verdict.outcome is bundle.expects, verdict.reason
    if not replayed.mended:
        way_out = f"if it is the same bug: ./lab replay {folder} --record"
        assert verdict.witness == bundle.verdict.witness, way_out
        assert without_numbers(verdict.reason) == without_numbers(bundle.verdict.reason), way_out


def without_numbers(reason: str) -> str:
    """What kind of thing went wrong, whatever its place in the run."""
    return re.sub(r"\d+", "N", reason)
