"""What is measured of elections by a detector, on fingers; and that claims can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.experiment import Cell
from experiments.failovers import ARMS, SCENARIOS, FailoverRow, check, run_once
from experiments.failovers.arms import AKKA, CALM, CRASH, MEAN, PAUSES, PHI
from experiments.failovers.runs import STEP_US, both_us, unavailable_us
from experiments.measures import Answer, Outcome
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import load

S = 1_000_000


def answer(invoked_us: int, outcome: Outcome) -> Answer:
    return Answer(1, "east", 0, 1, invoked_us, None, outcome)


def rows(runs: int = 4) -> list[FailoverRow]:
    """As it should be: phi eager, Akka patient."""
    again = {PHI: 0.4, AKKA: 3.9}
    return [
        FailoverRow(
            scenario=scenario,
            arm=arm.name,
            seed=seed,
            digest="d",
            commands=100,
            answered_share=1.0,
            failovers=int(scenario == CRASH),
            needless=5 * (scenario == PAUSES and arm.name == PHI),
            unavailable_s=3.0 if (scenario, arm.name) == (CRASH, AKKA) else 0.0,
            two_leaders_ms=0.0,
            led_again_s=again.get(arm.name, 0.8) + 0.01 * seed if scenario == CRASH else None,
            lost=0,
        )
        for scenario in SCENARIOS
        for arm in ARMS
        for seed in range(runs)
    ]


def failing(found: list[FailoverRow]) -> list[str]:
    return [finding.claim for finding in check(Results(found, Path("none"))) if not finding.holds]


def test_a_step_is_unavailable_when_fewer_than_half_are_answered() -> None:
    found = [answer(at, Outcome.ACCEPTED) for at in (0, 1, STEP_US)]
    found += [answer(at, Outcome.UNANSWERED) for at in (2, STEP_US, STEP_US + 1, 3 * STEP_US)]
    assert unavailable_us(found, 0, 10 * STEP_US) == 2 * STEP_US
    assert unavailable_us(found, 2 * STEP_US, 10 * STEP_US) == STEP_US


def test_two_lead_from_when_the_second_begins_until_the_first_hears_of_it() -> None:
    roles = [(0, "a", True), (5, "b", True), (9, "a", False), (20, "c", True)]
    assert both_us(roles, 30) == 4 + 10
    assert both_us([], 30) == 0


def test_claims_hold_of_rows_that_say_so_and_fail_of_others() -> None:
    assert failing(rows()) == []
    changed: dict[str, Callable[[FailoverRow], FailoverRow]] = {
        "No acknowledged": lambda row: replace(row, lost=1),
        "Control": lambda row: replace(row, failovers=1) if row.scenario == CALM else row,
        "An average": lambda row: replace(row, led_again_s=2.0) if (row.scenario, row.arm) == (CRASH, MEAN) else row,
        "phi as": lambda row: replace(row, needless=0),
        "Akka's": lambda row: replace(row, needless=1) if row.arm == AKKA else row,
        "Two take": lambda row: replace(row, two_leaders_ms=5.0) if row.scenario == CALM else row,
    }
    for begin, change in changed.items():
        assert [claim for claim in failing([change(row) for row in rows()]) if claim.startswith(begin)], begin


def test_an_eager_detector_deposes_a_leader_that_only_stood_still() -> None:
    arms = {arm.name: arm for arm in ARMS}
    row = run_once(Cell(scenario=PAUSES, arm=arms[PHI]), 1).row
    assert isinstance(row, FailoverRow)
    assert row.needless > 0
    assert row.needless == row.failovers
    assert row.lost == 0


def test_the_experiment_is_registered_with_a_control() -> None:
    experiment = find("detection-in-the-store")
    assert not experiment.headline
    assert not load(experiment.scenarios[0]).faults


def test_a_detector_that_probes_cannot_watch_a_leader() -> None:
    with pytest.raises(ValueError, match="'swim' is no detector"):
        load(CALM).with_system({"detector": "swim"})
