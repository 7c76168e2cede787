"""Detectors are tuned before the change, judged after it, and told apart at equal detection time."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log
from pathlib import Path

import numpy as np
import pytest

from experiments.detection.changing import ETA_US, NETWORKS, Heard, heard
from experiments.detection.contest import ARMS, CONTENDERS, REFERENCE, ContestRow, check, run_once
from experiments.detection.contest.beside import intervals, promises, step_course
from experiments.detection.contest.scoring import crash_instants, score
from experiments.detection.contest.standing import EQUAL, pooled, standings, winners
from experiments.detection.contest.tuning import TARGETS_S, sought, tuned
from experiments.experiment import Cell
from experiments.registry import find
from experiments.results import Results
from models.detection import Deviation, Exponential, Fixed, Mean, Phi, Recent
from models.detection.accrual import normal_point
from models.detection.arrays import crossings
from sim.chance import Chance

WARM_US = 1_200 * ETA_US


@pytest.fixture(scope="module")
def calm() -> Heard:
    return heard(Chance(7), NETWORKS["calm"], count=3_500, eta_us=ETA_US, since_us=0)


def row(network: str, arm: str, seed: int, **values: int | float | None) -> ContestRow:
    base = ContestRow(
        scenario=network,
        arm=arm,
        seed=seed,
        digest="d",
        mean_2s_mistakes=40,
        tail_4s_mistakes=40,
        tuned_mistakes=10,
        tuned_wrong=0.01,
        tuned_mean_s=2.6,
        tuned_tail_s=3.1,
        tuned_trouble_s=2.9,
        points=7,
        mistakes=100,
        crashes_censored=0,
        messages_per_s=1.0,
    )
    return replace(base, **values)  # type: ignore[arg-type]


def results(change: dict[tuple[str, str], dict[str, int | float | None]], runs: int = 6) -> Results[ContestRow]:
    rows = [
        row(network, arm.name, seed, **change.get((network, arm.name), {}))
        for network in NETWORKS
        for arm in ARMS
        for seed in range(runs)
    ]
    return Results(rows, Path("none"))


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.name)
def test_every_detector_is_tuned_to_what_is_asked_or_says_that_it_cannot(contender: object, calm: Heard) -> None:
    assert contender in CONTENDERS
    one = next(each for each in CONTENDERS if each is contender)
    crashes_us = crash_instants(Chance(7), calm, 1_000, WARM_US)
    values = tuned(one, calm, crashes_us, WARM_US)
    found = [score(one.make(value), calm, crashes_us, WARM_US).mean_s for value in values if value is not None]
    asked = [target for target, value in zip(TARGETS_S, values, strict=True) if value is not None]
    assert len(asked) >= 5
    assert found == pytest.approx(asked, abs=0.05)


def test_two_names_are_one_detector() -> None:
    trace = heard(Chance(7), NETWORKS["bursts"], count=3_000, eta_us=ETA_US, since_us=0).trace
    recent = Recent(50)
    averaged = crossings(Mean(eta_us=ETA_US, factor=8 * log(10), recent=recent), trace)
    accrued = crossings(Exponential(eta_us=ETA_US, threshold=8, recent=recent), trace)
    assert np.abs(averaged - accrued).max() <= 1
    deviating = Deviation(eta_us=ETA_US, deviations=normal_point(8.0), deviation_us_min=1, recent=recent)
    assert np.abs(crossings(deviating, trace) - crossings(Phi(eta_us=ETA_US, recent=recent), trace)).max() <= 1


def test_a_value_is_found_on_a_curve_that_bends() -> None:
    asked: list[float] = []

    def curve(value: float) -> float:
        asked.append(value)
        return value**2

    found = sought(curve, [(0.0, 0.0), (10.0, 100.0)], 9.0)
    assert found == pytest.approx(3.0, abs=0.2)
    assert sought(curve, [(0.0, 0.0), (10.0, 100.0)], 101.0) is None
    assert sought(curve, [], 1.0) is None
    assert sought(curve, [(0.0, 1.0), (1.0, inf)], 1.0) == 0.0


def test_a_crash_that_nobody_notices_has_no_mean_but_is_counted(calm: Heard) -> None:
    crashes_us = crash_instants(Chance(7), calm, 100, WARM_US)
    found = score(Fixed(timeout_us=4_000 * ETA_US), calm, crashes_us, WARM_US)
    assert found.mean_s == inf
    assert 0 < found.censored < 100
    soon = score(Fixed(timeout_us=2 * ETA_US), calm, crashes_us, WARM_US)
    assert soon.censored == 0
    assert soon.mean_s < soon.tail_s < 2.2


def test_a_run_is_a_function_of_cell_and_seed() -> None:
    cell = Cell(scenario="bursts", arm=next(arm for arm in ARMS if arm.name == "mean-5"))
    first, again, other = run_once(cell, 1), run_once(cell, 1), run_once(cell, 2)
    assert first == again
    assert first.row.digest != other.row.digest
    assert first.series["mean_s"] == sorted(first.series["mean_s"])


def test_winners_are_chosen_on_one_half_of_the_seeds_and_told_by_the_other() -> None:
    found = results({})
    rows = [
        replace(one, mean_2s_mistakes=(1 if one.seed % 2 == 0 else 79))
        if (one.scenario, one.arm) == ("cuts", "nfd-e")
        else one
        for one in found.rows
    ]
    won = winners(Results(rows, Path("none")))
    lucky = next(one for one in won if (one.network, one.metric) == ("cuts", "mean_2s_mistakes"))
    assert lucky.arm == "nfd-e"
    assert lucky.ratio is not None
    assert lucky.ratio.estimate == pytest.approx(79.5 / 40.5)
    assert {one.arm for one in won if one is not lucky} == {REFERENCE}


def test_ratios_leave_out_who_has_no_such_detection_time() -> None:
    found = results({("cuts", "phi"): {"tail_4s_mistakes": None}, ("cuts", "akka"): {"tail_4s_mistakes": 400}})
    against = {(one.network, one.arm, one.metric): one for one in standings(found)}
    assert len(against) == len(NETWORKS) * (len(CONTENDERS) - 1) * len(EQUAL) - 1
    worse = against["cuts", "akka", "tail_4s_mistakes"]
    assert worse.ratio.estimate == pytest.approx(400.5 / 40.5)
    assert worse.adjusted is not None
    assert worse.adjusted < 0.01


def test_runs_that_are_all_alike_by_a_mistake_or_two_prove_nothing() -> None:
    few: dict[tuple[str, str], dict[str, int | float | None]] = {
        ("cuts", arm): {"tail_4s_mistakes": count} for arm, count in ((REFERENCE, 1), ("fixed", 0))
    }
    found = [one for one in standings(results(few, runs=3)) if one[:3] == ("cuts", "fixed", "tail_4s_mistakes")]
    assert found[0].ratio.estimate == pytest.approx(1 / 3)
    assert found[0].adjusted == 1.0


def test_who_has_no_such_detection_time_has_no_total() -> None:
    found = results({("cuts", "phi"): {"tail_4s_mistakes": None}})
    assert pooled(found, "cuts", "phi", "tail_4s_mistakes") is None


def test_claims_fail_where_rows_say_otherwise() -> None:
    verdicts = {finding.claim: finding.holds for finding in check(results({}))}
    gain = next(claim for claim in verdicts if "nowhere errs clearly less" in claim)
    assert verdicts[gain] is True
    assert [claim for claim, holds in verdicts.items() if claim.startswith("A short window") and holds] == []
    better = results({("bursts", REFERENCE): {"tail_4s_mistakes": 10}})
    assert {finding.claim: finding.holds for finding in check(better)}[gain] is False


def test_what_averaging_learns_is_the_closed_form_and_of_a_step_nothing() -> None:
    assert all(one.interval.excludes(one.closed_s) is False for one in intervals())
    course = step_course()
    assert sum(abs(gap_s - 1) > 1e-5 for gap_s in course.gap_s) == 1
    assert course.mean_s[-1] == pytest.approx(1.0, abs=1e-6)
    assert course.expected_s[-1] - course.expected_s[0] == pytest.approx(0.8, abs=1e-5)


def test_stalls_break_promises_that_independent_delays_would_keep() -> None:
    found = promises()
    assert all(one.ratio.low is not None and one.ratio.low > 10 for one in found)


def test_the_experiment_is_a_headline_with_a_control() -> None:
    experiment = find("heartbeat-average")
    assert experiment.headline
    assert experiment.scenarios[0] == "calm"
    assert not NETWORKS["calm"].parts
