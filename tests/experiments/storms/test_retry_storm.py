"""The claims of `retry-storm`: right rows pass, wrong ones are found, and short runs show what is claimed."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.retry_storm import EXPERIMENT
from experiments.storms import ARMS, SCENARIOS, StormRow, check, run_once
from experiments.storms.arms import CALM, CUT, DROPS, LIGHT, NAIVE, NONE, ONE_LAYER, SHORT, SLOW, SPREAD, THIN
from experiments.storms.runs import STEP_US, recovered_us

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run retry-storm", seeds=3)
LASTS = {(SLOW, NAIVE), (SLOW, SPREAD), (SLOW, ONE_LAYER), (SLOW, DROPS), (CUT, NAIVE), (THIN, NAIVE), (SLOW, "ratio")}
MANY = dict.fromkeys(LASTS, 8.0) | {(SLOW, "ratio"): 1.2, (CALM, "lifo"): 2.5}


def row(scenario: str, arm: str, seed: int, **other: Any) -> StormRow:
    lasts = (scenario, arm) in LASTS
    recovered = inf if lasts else 5.0 + seed % 2 if arm == NONE else 1.0
    values: dict[str, Any] = {"requests": 1_000, "done_before": 1.0, "done_during": 0.0}
    values |= {"done_after": 0.0 if lasts else 1.0, "amplification": MANY.get((scenario, arm), 1.0)}
    values |= {"recovered_s": None if scenario == CALM else recovered, "recovery_censored": int(lasts)}
    values |= {"executed": 900, "done": 500, "refused": 0, "passed_over": 0, "utilisation_busiest": 0.9}
    return StormRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 6, **other: Any) -> Results[StormRow]:
    made = [
        row(scenario, arm.name, seed, **(other if (scenario, arm.name) == wrong else {}))
        for scenario in SCENARIOS
        for arm in ARMS
        for seed in range(runs)
    ]
    return Results(made, Path("none"))


def failing(results: Results[StormRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("retry-storm") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CALM, NAIVE), {"amplification": 1.2}, [0]),
        ((CALM, "shed"), {"done_after": 0.9}, [0]),
        ((SHORT, NAIVE), {"recovered_s": inf}, [1]),
        ((SLOW, NAIVE), {"recovered_s": 9.0}, [2]),
        ((CUT, NAIVE), {"recovered_s": 9.0}, [3]),
        ((SLOW, NONE), {"recovered_s": inf}, [4, 12]),
        ((SLOW, SPREAD), {"recovered_s": 9.0}, [5]),
        ((SLOW, ONE_LAYER), {"recovered_s": 9.0}, [6]),
        ((THIN, NAIVE), {"recovered_s": 9.0}, [7]),
        ((LIGHT, NAIVE), {"recovered_s": inf}, [7]),
        ((SLOW, "breaker"), {"recovered_s": inf}, [8]),
        ((CUT, "lifo"), {"recovered_s": inf}, [9]),
        ((SLOW, DROPS), {"recovered_s": 9.0}, [10]),
        ((SLOW, NAIVE), {"amplification": 2.0}, [11]),
        ((SLOW, "shed"), {"recovered_s": 6.0}, [12]),
        ((CALM, "lifo"), {"amplification": 1.0}, [13]),
        ((SLOW, "ratio"), {"recovered_s": 9.0}, [14]),
        ((SLOW, "ratio"), {"amplification": 4.0}, [14]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def test_two_runs_do_not_decide_who_is_sooner() -> None:
    assert [finding.holds for finding in check(rows(runs=2))].count(None) == 1


def test_recovery_is_the_first_step_from_which_nine_in_ten_are_done() -> None:
    requests = [(t_us, t_us >= 4_000_000) for t_us in range(0, 20_000_000, 100_000)]
    assert recovered_us(requests, 1_000_000, 20_000_000) == 3_000_000
    assert recovered_us(requests, 1_000_000, 6_000_000) == inf
    assert recovered_us(requests, 9_000_000, 20_000_000) == 0
    assert 3_000_000 % STEP_US == 0


def one(scenario: str, arm: str) -> StormRow:
    found = run_once(Cell(scenario=scenario, arm=EXPERIMENT.arm(arm)), 3).row
    assert isinstance(found, StormRow)
    return found


def test_naive_retries_keep_the_overload_and_a_breaker_ends_it() -> None:
    naive, breaker = one(SLOW, NAIVE), one(SLOW, "breaker")
    assert (naive.recovered_s, naive.recovery_censored) == (inf, 1)
    assert naive.amplification > 5
    assert breaker.recovered_s is not None
    assert breaker.recovered_s < 5
    assert one(SLOW, NAIVE) == naive


def test_below_the_threshold_they_do_not() -> None:
    assert one(LIGHT, NAIVE).recovery_censored == 0


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows()
    made.series = lambda scenario, arm, seed: {"begin_s": [0.0, 0.5], "done": [1.0, 0.5]}  # type: ignore[method-assign]
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "never recovered in 6 of 6 runs" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "goodput.svg"}
