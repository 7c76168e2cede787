"""The claims of `speculative-load`: right rows pass, wrong ones are found, and short runs show what is claimed."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.loads import ARMS, CALM, CUT, HOT, QUIET, SCENARIOS, LoadRow, check
from experiments.loads.arms import ADAPTIVE, CONSISTENT, OPTIMISTIC, SLOW, SPECULATIVE, arm_of
from experiments.loads.runs import measured
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import Scenario, load, parse
from experiments.speculative_load import EXPERIMENT

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run speculative-load", seeds=3)
P50 = {CONSISTENT: 194.0, SPECULATIVE: 155.0, OPTIMISTIC: 120.0, ADAPTIVE: 140.0}
HOT_P50 = {CONSISTENT: 340.0, SPECULATIVE: 160.0, OPTIMISTIC: 270.0, ADAPTIVE: 250.0}
REFUSED = {CONSISTENT: 0.4, SPECULATIVE: 0.4, OPTIMISTIC: 0.6, ADAPTIVE: 0.45}
EQUAL = {"counter": 1.0, "bank-account": 0.95, "username": 0.75}


def row(scenario: str, arm: str, seed: int, **other: Any) -> LoadRow:
    strategy, _, domain = arm.partition("-")
    hot = scenario == HOT
    slow_ms = 300 if scenario == SLOW else 0
    values: dict[str, Any] = {"commands": 100, "answered_share": 0.7 if scenario == CUT else 1.0}
    values |= {"latency_p50_ms": (HOT_P50 if hot else P50)[strategy] + seed + slow_ms, "latency_p95_ms": 400.0}
    values |= {"stale_share": 0.8 if hot else 0.1, "behind_mean": 1.0, "equal_share": EQUAL[domain] - seed / 2000}
    values |= {"redone": 0.1, "looked": 1.0, "appended": 1.2, "untrue": 0}
    values |= {"worked": 1.3 if strategy != CONSISTENT and domain == "username" else 1.0}
    values |= {"refused_share": REFUSED[strategy] if hot else 0.1}
    return LoadRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 3, **other: Any) -> Results[LoadRow]:
    made = [
        row(scenario, arm.name, seed, **(other if (scenario, arm.name) == wrong else {}))
        for scenario in SCENARIOS
        for arm in ARMS
        for seed in range(runs)
    ]
    return Results(made, Path("none"))


def failing(results: Results[LoadRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("speculative-load") is EXPERIMENT
    assert not EXPERIMENT.headline


@pytest.mark.parametrize("runs", [2, 12])
def test_right_rows_hold(runs: int) -> None:
    assert failing(rows(runs=runs)) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CUT, arm_of(OPTIMISTIC, "counter")), {"untrue": 1}, [0]),
        ((QUIET, arm_of(ADAPTIVE, "username")), {"answered_share": 0.9}, [1]),
        ((CALM, arm_of(SPECULATIVE, "username")), {"latency_p50_ms": 200.0}, [2]),
        ((SLOW, arm_of(SPECULATIVE, "counter")), {"latency_p50_ms": 300.0}, [3]),
        ((QUIET, arm_of(OPTIMISTIC, "bank-account")), {"latency_p50_ms": 160.0}, [4]),
        ((HOT, arm_of(OPTIMISTIC, "counter")), {"latency_p50_ms": 100.0}, [5]),
        ((HOT, arm_of(OPTIMISTIC, "username")), {"refused_share": 0.3}, [5, 9]),
        ((HOT, arm_of(SPECULATIVE, "counter")), {"equal_share": 0.8}, [6]),
        ((HOT, arm_of(SPECULATIVE, "username")), {"equal_share": 0.99}, [6]),
        ((HOT, arm_of(SPECULATIVE, "username")), {"worked": 1.0}, [7]),
        ((HOT, arm_of(SPECULATIVE, "counter")), {"worked": 1.1}, [7]),
        ((CALM, arm_of(ADAPTIVE, "counter")), {"latency_p50_ms": 210.0}, [8]),
        ((CUT, arm_of(SPECULATIVE, "counter")), {"answered_share": 0.9}, [10]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which
    assert [check(rows(where, runs=12, **wrong))[number].holds for number in which] == [False] * len(which)


def test_a_run_without_an_answer_decides_nothing() -> None:
    found = check(rows((CALM, arm_of(SPECULATIVE, "username")), latency_p50_ms=inf))
    assert found[2].holds is None


def short(name: str, strategy: str, domain: str) -> Scenario:
    document: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in load(name).document.items()}
    document["run"] |= {"until": "8s", "warm_up": "1s"}
    document["workload"]["ends"] = "4s"
    return parse(document, name=name, file=f"{name}.toml", text="").with_system(
        {"strategy": strategy, "domain": domain}
    )


def one(name: str, strategy: str, domain: str) -> LoadRow:
    return measured(short(name, strategy, domain), Cell(scenario=name, arm=EXPERIMENT.arm(arm_of(strategy, domain))), 1)


def test_speculation_hides_the_work_and_optimism_the_look_up() -> None:
    waits = {
        strategy: one(QUIET, strategy, "counter").latency_p50_ms for strategy in (CONSISTENT, SPECULATIVE, OPTIMISTIC)
    }
    assert waits[CONSISTENT] - waits[SPECULATIVE] == pytest.approx(40, abs=8)
    assert waits[OPTIMISTIC] < waits[SPECULATIVE] - 15


def test_a_name_is_decided_anew_and_a_counter_is_not() -> None:
    name, counter = one(HOT, SPECULATIVE, "username"), one(HOT, SPECULATIVE, "counter")
    assert (counter.worked, counter.equal_share) == (1.0, 1.0)
    assert name.worked > 1.1
    assert one(HOT, SPECULATIVE, "username") == name


def test_the_report_is_written(tmp_path: Path) -> None:
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(rows(), tmp_path, context)
    assert "It gains the work that it hides behind the look-up" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "staleness.svg"}
