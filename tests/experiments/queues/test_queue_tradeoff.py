"""The claims of `queue-tradeoff`: right rows pass, wrong ones are found, and short runs show what is claimed."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.provenance import Provenance
from experiments.queue_tradeoff import EXPERIMENT
from experiments.queues import ARMS, BUSY, CALM, SCENARIOS, QueueRow, check
from experiments.queues.arms import CRASH, CUT, DESIGNS, LEAST, MOST, POWER, Design
from experiments.queues.frontier import frontier, wrong_share
from experiments.registry import find
from experiments.results import Results

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run queue-tradeoff", seeds=3)
Change = Callable[[str, Design], dict[str, Any]]


def row(scenario: str, arm: str, seed: int, **other: Any) -> QueueRow:
    design = DESIGNS[arm]
    latency = {"mem": 3.0, "persist": 5.0, "multi-persist": 9.0}.get(design.scheme, 6.0)
    latency += 5.0 * (design.batch == "eight") + 4.0 * (design.mode == MOST) + 0.1 * seed
    values: dict[str, Any] = {
        "messages": 100,
        "acknowledged": 100,
        "effected_share": 1.0,
        "latency_p50_ms": latency,
        "latency_p99_ms": 500.0,
        "effects_per_s": 40.0 + 20.0 * (design.batch == "eight") + seed,
        "lost": 0,
        "duplicated": 0,
        "extra_effects": 0,
        "out_of_order": 0,
        "settled_late": 1,
        "timed_out": 1,
        "repeated": 0,
        "known": 0,
        "network_messages": 10.0,
        "utilisation_busiest": 0.1,
        "hottest_share": 0.2,
    }
    return QueueRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | usual(scenario, design) | other)


def usual(scenario: str, design: Design) -> dict[str, Any]:
    """What goes wrong where it may."""
    if scenario in (CALM, BUSY):
        return {}
    if design.mode == LEAST:
        return {"duplicated": 3, "lost": int((scenario, design.scheme) in ((CRASH, "mem"), (POWER, "periodic")))}
    return {"lost": 1} if design.mode == MOST else {}


def rows(change: Change | None = None, runs: int = 3) -> Results[QueueRow]:
    made = []
    for scenario in SCENARIOS:
        for arm, design in DESIGNS.items():
            other = change(scenario, design) if change else {}
            made += [row(scenario, arm, seed, **other) for seed in range(runs)]
    return Results(made, Path("none"))


def failing(results: Results[QueueRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def only(scenario: str, arm: str, **other: Any) -> Change:
    return lambda where, design: other if (where, design) == (scenario, DESIGNS[arm]) else {}


def test_it_is_registered_and_no_headline() -> None:
    assert find("queue-tradeoff") is EXPERIMENT
    assert not EXPERIMENT.headline
    assert len(ARMS) == 3 * 6 * 2


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("change", "which"),
    [
        (only(CALM, "least-mem-one", lost=1), [0]),
        (only(CALM, "dedup-persist-eight", out_of_order=1), [0]),
        (only(CALM, "dedup-ship-one", effected_share=0.9), [0]),
        (only(CRASH, "most-multi-persist-one", duplicated=1), [1]),
        (lambda where, design: {"lost": 0} if design.mode == MOST else {}, [2]),
        (only(CUT, "dedup-mem-one", duplicated=1), [3]),
        (lambda where, design: {"duplicated": 0}, [4]),
        (only(POWER, "dedup-multi-persist-eight", lost=1), [5]),
        (lambda where, design: {"lost": 0} if design.scheme == "mem" else {}, [6]),
        (lambda where, design: {"lost": 0} if design.scheme == "periodic" else {}, [7]),
        (only(CRASH, "least-persist-one", lost=2), [8]),
        (only(CUT, "least-multi-persist-one", out_of_order=1), [9]),
        (only(CALM, "dedup-persist-one", latency_p50_ms=1.0), [10]),
        (only(CALM, "dedup-multi-persist-one", latency_p50_ms=1.0), [11]),
        (only(CALM, "most-multi-persist-one", latency_p50_ms=1.0), [12]),
        (only(BUSY, "dedup-multi-persist-eight", effects_per_s=1.0), [13]),
        (only(CALM, "dedup-multi-persist-eight", latency_p50_ms=1.0), [14]),
    ],
)
def test_wrong_rows_are_found(change: Change, which: list[int]) -> None:
    assert failing(rows(change)) == which


def test_one_run_decides_no_comparison() -> None:
    assert sum(finding.holds is None for finding in check(rows(runs=1))) == 5


def test_a_frontier_has_nobody_that_another_beats() -> None:
    found = frontier(rows(), CRASH)
    assert found.chosen == found.confirmed == ("dedup-mem-one",)
    slower = frontier(rows(only(CRASH, "dedup-mem-one", lost=5)), CRASH)
    assert slower.chosen == ("least-mem-one", "dedup-persist-one"), "one that doubles beats one that loses more"
    assert wrong_share(row(CRASH, "least-mem-one", 0)) == 0.04


def test_a_run_measures_what_became_of_its_messages() -> None:
    found = EXPERIMENT.run_once(Cell(scenario=CRASH, arm=EXPERIMENT.arm("least-multi-persist-one")), 0).row
    assert isinstance(found, QueueRow)
    assert (found.lost, found.out_of_order, found.effected_share) == (0, 0, 1.0)
    assert found.duplicated > 0
    assert found.settled_late > 0
    assert 0 < found.hottest_share < 1
    again = EXPERIMENT.run_once(Cell(scenario=CRASH, arm=EXPERIMENT.arm("least-multi-persist-one")), 0).row
    assert again == found


def test_deduplicated_the_same_run_has_no_effect_twice() -> None:
    found = EXPERIMENT.run_once(Cell(scenario=CRASH, arm=EXPERIMENT.arm("dedup-multi-persist-one")), 0).row
    assert isinstance(found, QueueRow)
    assert (found.duplicated, found.extra_effects) == (0, 0)
    assert found.known + found.repeated > 0


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows(only(CRASH, "most-mem-one", latency_p99_ms=inf))
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "lost in 0 of 48" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "frontier.svg"}
