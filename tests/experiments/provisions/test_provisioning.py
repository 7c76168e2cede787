"""The claims of `provisioning`: right rows pass, wrong ones are found, and a run measures what it says."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.provenance import Provenance
from experiments.provisioning import EXPERIMENT
from experiments.provisions import ARMS, SCENARIOS, ProvisionRow, check, run_once
from experiments.provisions.arms import CALM, CRASH, CUTS, MONITORS, REGION, REGISTRY, SCALE, SCHEDULER
from experiments.registry import find
from experiments.results import Results

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run provisioning", seeds=3)
SHARES = {"100ms": 0.95, "3s": 0.9, "20s": 0.6, "2min": 0.3, "3s-spare": 0.99, "2min-spare": 0.98}


def row(scenario: str, arm: str, seed: int, **other: Any) -> ProvisionRow:
    served = 1.0 if scenario == CALM else SHARES[arm] + 0.001 * (seed % 3)
    values: dict[str, Any] = {"requests": 700, "served_share": served, "unserved": 5}
    values |= {"short_s": None if scenario == CALM else 25.0 if scenario in CUTS else 4.0, "short_censored": 0}
    values |= {"cut_served": 0.8 if scenario in CUTS else None, "cut_changes": 0, "replaced": int(scenario != CALM)}
    values |= {"false_replacements": 0, "instances_most": 3, "strangers_acted": 0}
    return ProvisionRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 6, **other: Any) -> Results[ProvisionRow]:
    made = [
        row(scenario, arm.name, seed, **(other if (scenario, arm.name) == wrong else {}))
        for scenario in SCENARIOS
        for arm in ARMS
        for seed in range(runs)
    ]
    return Results(made, Path("none"))


def failing(results: Results[ProvisionRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("provisioning") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CALM, "20s"), {"served_share": 0.9}, [0]),
        ((CALM, "3s"), {"false_replacements": 1}, [0]),
        ((CRASH, "20s"), {"served_share": 0.99}, [1]),
        ((REGION, "20s"), {"served_share": 0.99}, [2]),
        ((SCALE, "20s"), {"served_share": 0.99}, [3]),
        ((CRASH, "2min-spare"), {"served_share": 0.2}, [4, 6]),
        ((REGION, "2min-spare"), {"served_share": 0.2}, [5]),
        ((CRASH, "2min-spare"), {"served_share": 0.9}, [6]),
        ((SCHEDULER, "3s"), {"cut_changes": 1}, [7]),
        ((REGISTRY, "3s-spare"), {"cut_served": 0.4}, [8]),
        ((MONITORS, "3s"), {"short_s": 5.0}, [9]),
        ((MONITORS, "3s"), {"short_s": inf}, [9]),
        ((REGION, "3s"), {"strangers_acted": 2}, [10]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def test_one_run_decides_no_comparison() -> None:
    assert [finding.holds for finding in check(rows(runs=1))].count(None) == 6


def test_a_run_tells_how_long_the_service_was_short_of_an_instance() -> None:
    found = run_once(Cell(scenario=CRASH, arm=EXPERIMENT.arm("3s")), 2).row
    assert isinstance(found, ProvisionRow)
    assert found.short_s is not None
    # A second to suspect it, three to start another, give or take a fifth, and what it takes to decide.
    assert 1.0 + 2.4 <= found.short_s <= 1.0 + 3.6 + 1.0
    assert (found.replaced, found.false_replacements, found.strangers_acted) == (1, 0, 0)


def test_in_a_cut_of_the_scheduler_nothing_is_provisioned() -> None:
    found = run_once(Cell(scenario=SCHEDULER, arm=EXPERIMENT.arm("100ms")), 2).row
    assert isinstance(found, ProvisionRow)
    assert found.short_s is not None
    assert (found.cut_changes, 16 < found.short_s < 19) == (0, True)


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows()
    series = {"begin_s": [0.0, 0.5], "served": [1.0, 0.5]}
    made.series = lambda scenario, arm, seed: series  # type: ignore[method-assign]
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "While the scheduler is cut off nothing is provisioned" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "served.svg"}
