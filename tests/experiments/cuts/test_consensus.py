"""The claims of `consensus-under-partial-cuts`: right rows pass, wrong ones are found, runs show what is claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.consensus_under_partial_cuts import EXPERIMENT
from experiments.cuts import ARMS, SCENARIOS, CutRow, check, run_once
from experiments.cuts.arms import ALL, BRIDGE, CALM, DEAF, FOLLOWER, NO_CHECK_QUORUM, NO_PRE_VOTE, NONE, PAIR, RING
from experiments.experiment import Cell, Finding, ReportContext
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results

SOURCE = Provenance(
    commit=None, clean=None, lock="l", python="3", command="./lab run consensus-under-partial-cuts", seeds=3
)
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    (DEAF, NO_CHECK_QUORUM): {"settled_share": 0.0},
    (PAIR, NONE): {"elections": 2},
    (BRIDGE, NO_PRE_VOTE): {"cut_share": 0.8},
    (RING, NONE): {"cut_share": 0.8},
    (FOLLOWER, NONE): {"elections_healed": 1},
}


def row(scenario: str, arm: str, seed: int, **other: Any) -> CutRow:
    values: dict[str, Any] = dict.fromkeys(("cut_share", "settled_share", "healed_share"), 1.0)
    values |= dict.fromkeys(("elections", "elections_healed", "terms", "lost"), 0)
    values |= {"commands": 100, "latency_p99_ms": 20.0, "outage_ms": 100.0}
    return CutRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 3, **other: Any) -> Results[CutRow]:
    made = []
    for scenario in SCENARIOS:
        for arm in (arm.name for arm in ARMS):
            values = GOOD.get((scenario, arm), {}) | (other if (scenario, arm) == wrong else {})
            made += [row(scenario, arm, seed, **values) for seed in range(runs)]
    return Results(made, Path("none"))


def failing(results: Results[CutRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered() -> None:
    assert find("consensus-under-partial-cuts") is EXPERIMENT


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((RING, NO_PRE_VOTE), {"lost": 1}, [0]),
        ((BRIDGE, ALL), {"settled_share": 0.9}, [1]),
        ((RING, ALL), {"elections": 4}, [2]),
        ((CALM, ALL), {"elections": 1}, [2]),
        ((FOLLOWER, ALL), {"elections_healed": 1}, [3, 8]),
        ((PAIR, ALL), {"healed_share": 0.9}, [3]),
        ((DEAF, NO_CHECK_QUORUM), {"settled_share": 0.5}, [4]),
        ((PAIR, NONE), {"elections": 0}, [5]),
        ((PAIR, ALL), {"elections": 1}, [5]),
        ((BRIDGE, NO_PRE_VOTE), {"cut_share": 1.0}, [6]),
        ((RING, NONE), {"cut_share": 1.0}, [7]),
        ((FOLLOWER, NONE), {"elections_healed": 0}, [8]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def test_one_run_decides_no_comparison() -> None:
    assert sum(finding.holds is None for finding in check(rows(runs=1))) == 5


def one(scenario: str, arm: str) -> CutRow:
    found = run_once(Cell(scenario=scenario, arm=EXPERIMENT.arm(arm)), 1).row
    assert isinstance(found, CutRow)
    return found


def test_a_deaf_leader_is_replaced_only_by_who_checks_its_quorum() -> None:
    kept, lost = one(DEAF, ALL), one(DEAF, NO_CHECK_QUORUM)
    assert (kept.settled_share, kept.elections) == (1.0, 1)
    assert (lost.settled_share, lost.elections) == (0.0, 0)
    assert lost.outage_ms > 9_000
    assert lost.healed_share == kept.healed_share == 1.0


def test_who_comes_back_deposes_the_leader_only_without_safeguards() -> None:
    kept, lost = one(FOLLOWER, ALL), one(FOLLOWER, NONE)
    assert (kept.elections_healed, kept.terms) == (0, 0)
    assert (lost.elections_healed, lost.lost) == (1, 0)
    assert one(FOLLOWER, NONE) == lost


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows()
    made.series = lambda scenario, arm, seed: {"begin_s": [0.0, 0.5], "answered": [1.0, 0.5]}  # type: ignore[method-assign]
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "serves 0.0 [0.0, 0.0] % without check-quorum" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "answered.svg", "cuts.svg"}
