"""The claims of `hedging`: right rows pass, wrong ones are found, and short runs show what is claimed."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.hedges import ARMS, FULL, SCENARIOS, HedgeRow, check
from experiments.hedges.arms import (
    BOUNDED,
    BUSY,
    CALM,
    EARLY,
    FIXED,
    LOSSY,
    NONE,
    OVERLOAD,
    P95,
    QUOTA,
    SHARED,
    SLOW,
    STALLS,
    THROTTLED,
    TYPICAL,
)
from experiments.hedges.runs import measured
from experiments.hedging import EXPERIMENT
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import Scenario, load

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run hedging", seeds=6)
P99 = {(SLOW, NONE): 170.0, (SLOW, P95): 140.0, (STALLS, NONE): 250.0, (BUSY, P95): 150.0}
LATE = {(OVERLOAD, FIXED): 0.0, (OVERLOAD, THROTTLED): 0.6, (BUSY, EARLY): 0.0}


def row(scenario: str, arm: str, seed: int, **other: Any) -> HedgeRow:
    where = (scenario, arm)
    done = {(LOSSY, NONE): 0.97, (BUSY, EARLY): 0.3}.get(where, 1.0)
    values: dict[str, Any] = {"requests": 3_000, "done": done, "latency_p50_ms": 22.0}
    values |= {"latency_p99_ms": P99.get(where, 100.0) + seed % 2, "latency_p999_ms": 150.0, "extra": 0.05}
    values |= {"won": 0.01, "held": 0.0, "done_late": LATE.get(where, 1.0), "recovery_censored": 0}
    values |= {"recovered_s": None if scenario != OVERLOAD else inf if arm == FIXED else 2.0}
    return HedgeRow(scenario=scenario, arm=arm, seed=seed, digest="d", utilisation_busiest=0.5, **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 6, **other: Any) -> Results[HedgeRow]:
    made = [
        row(scenario, arm, seed, **(other if (scenario, arm) == wrong else {}))
        for scenario in SCENARIOS
        for arm in FULL[scenario]
        for seed in range(runs)
    ]
    return Results(made, Path("none"))


def failing(results: Results[HedgeRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("hedging") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CALM, P95), {"extra": 0.2}, [0]),
        ((CALM, NONE), {"done": 0.9}, [0]),
        ((SLOW, FIXED), {"latency_p99_ms": 180.0}, [1]),
        ((SLOW, TYPICAL), {"latency_p99_ms": 150.0}, [2]),
        ((STALLS, P95), {"latency_p99_ms": 260.0}, [3]),
        ((LOSSY, FIXED), {"done": 0.98}, [4]),
        ((SLOW, QUOTA), {"held": 0.1}, [5]),
        ((BUSY, P95), {"latency_p99_ms": 90.0}, [6]),
        ((BUSY, EARLY), {"done_late": 1.0}, [7]),
        ((BUSY, FIXED), {"done": 0.5}, [8]),
        ((OVERLOAD, FIXED), {"recovered_s": 3.0}, [9]),
        ((OVERLOAD, P95), {"recovered_s": inf}, [10]),
        ((OVERLOAD, QUOTA), {"done_late": 0.5}, [10]),
        ((OVERLOAD, THROTTLED), {"done_late": 1.0}, [11]),
        ((OVERLOAD, THROTTLED), {"done_late": 0.0}, [11]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def short(scenario: str, arm: str) -> HedgeRow:
    """A run that ends early, and whose trouble is over with its load."""
    cell = Cell(scenario=scenario, arm=EXPERIMENT.arm(arm))
    found = measured(cut_short(load(scenario).with_system(cell.arm.system)), cell, 3).row
    assert isinstance(found, HedgeRow)
    return found


def cut_short(scenario: Scenario) -> Scenario:
    ends_us = 18_000_000
    faults = []
    for fault in scenario.faults:
        assert isinstance(fault.at, int)
        assert fault.for_us is not None
        if fault.at < ends_us:
            faults.append(replace(fault, for_us=min(fault.for_us, ends_us - fault.at)))
    load_ = replace(scenario.workload, ends_us=ends_us)
    return replace(scenario, workload=load_, faults=tuple(faults), until_us=ends_us + 3_000_000)


def test_a_second_request_cuts_the_tail_of_one_slow_service() -> None:
    once, hedged = short(SLOW, NONE), short(SLOW, FIXED)
    assert once.extra == 0
    assert 0 < hedged.won <= hedged.extra < 0.2
    assert hedged.latency_p99_ms < once.latency_p99_ms


def test_copies_keep_an_overload_going_and_a_quota_holds_them_back() -> None:
    fixed, quota = short(OVERLOAD, FIXED), short(OVERLOAD, QUOTA)
    assert (fixed.recovered_s, fixed.held) == (inf, 0.0)
    assert quota.held > 0.1
    assert quota.extra < fixed.extra / 3


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows()
    made.series = lambda scenario, arm, seed: {"begin_s": [0.0, 0.5], "done": [1.0, 0.5]}  # type: ignore[method-assign]
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "keep it going in 6 of 6 runs" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "hedging.svg"}
    assert {THROTTLED, SHARED, QUOTA} == set(BOUNDED) < {arm.name for arm in ARMS}
