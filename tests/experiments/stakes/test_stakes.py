"""The claims of `confidence-in-the-store`: right rows pass, wrong ones are found; oracles know the present alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.confidence_in_the_store import EXPERIMENT
from experiments.experiment import Cell, Finding, ReportContext
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import Scenario, build, load, parse
from experiments.stakes import ARMS, SCENARIOS, StakeRow, check
from experiments.stakes.arms import (
    APART,
    BOOLS,
    CALM,
    CRASH,
    PLACES,
    SOURCE,
    Decided,
    Who,
    oracle_at,
    spectrum_at,
    who_of,
)
from experiments.stakes.costs import at_ratio, tuned
from experiments.stakes.oracles import Present
from experiments.stakes.runs import measured, scenario_of, words_of

SOURCE_OF = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run", seeds=3)


def row(scenario: str, arm: str, seed: int, **other: Any) -> StakeRow:
    who, decided = who_of(arm), PLACES[scenario].decided
    missed = {Who.BOOL: 0.5, Who.SOURCE: 0.5, Who.SPECTRUM: 0.4, Who.ORACLE: 0.1}[who] + seed / 100
    alarmed = 0.0 if decided is Decided.LEAD else 2.0 - (who is Who.ORACLE)
    if scenario == APART and who in (Who.BOOL, Who.SOURCE):
        alarmed = 1.0
    values: dict[str, Any] = {"operations": 9, "missed": missed, "alarmed": alarmed, "acts": int(scenario != CALM)}
    return StakeRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | {"broken": 0} | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 12, **other: Any) -> Results[StakeRow]:
    made = [
        row(scenario, arm.name, seed, **(other if (scenario, arm.name) == wrong else {}))
        for scenario in SCENARIOS
        for arm in ARMS
        for seed in range(runs)
    ]
    return Results(made, Path("none"))


def failing(results: Results[StakeRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if finding.holds is not True]


def test_it_is_registered_and_no_headline() -> None:
    assert find("confidence-in-the-store") is EXPERIMENT
    assert not EXPERIMENT.headline


@pytest.mark.parametrize("runs", [2, 12])
def test_right_rows_hold(runs: int) -> None:
    assert failing(rows(runs=runs)) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CRASH, BOOLS[0]), {"broken": 1}, [0]),
        ((CALM, spectrum_at("two")), {"acts": 1}, [1]),
        ((CRASH, oracle_at("two")), {"missed": 0.0}, [2]),
        ((CRASH, oracle_at("sixteen")), {"missed": 9.0}, [3]),
        ((APART, spectrum_at("quarter")), {"alarmed": 1.0}, [4]),
        ((APART, SOURCE), {"alarmed": 0.0}, [4]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    found = check(rows(where, **wrong))
    assert [number for number, finding in enumerate(found) if finding.holds is False] == which


def test_no_run_decides_nothing() -> None:
    lonely = Results([row(CRASH, BOOLS[0], 0)], Path("none"))
    assert [finding.holds for finding in check(lonely)] == [True, None, None, None, None]


def test_a_seed_that_lacks_a_trouble_costs_nothing_known() -> None:
    every = rows(runs=2)
    part = [one for one in every.rows if (one.scenario, one.arm, one.seed) != (CRASH, SOURCE, 1)]
    assert list(at_ratio(Results(part, Path("none")), Decided.LEAD, SOURCE, 1.0)) == [0]


def test_the_bool_is_chosen_on_the_seeds_that_it_is_not_judged_on() -> None:
    # The first bool is free on even seeds and dear on odd ones: whoever chose and judged on the same would take 0.
    made = [row(CRASH, name, seed, missed=1.0, alarmed=0.0) for name in BOOLS[1:] for seed in range(4)]
    made += [row(CRASH, BOOLS[0], seed, missed=9.0 * (seed % 2), alarmed=0.0) for seed in range(4)]
    assert tuned(Results(made, Path("none")), Decided.LEAD, 1.0) == {0: 1.0, 1: 9.0, 2: 1.0, 3: 9.0}


def test_each_arm_is_told_in_the_words_of_a_scenario() -> None:
    assert words_of(BOOLS[0], Decided.LEAD) == "belief:bool:silent=250000us"
    assert words_of(spectrum_at("quarter"), Decided.LOAD) == "belief:spectrum:miss=0.25:alarm=1"
    assert words_of(SOURCE, Decided.LOAD) == "belief:source:level=0.5"


def test_an_oracle_sees_a_cut_while_it_lasts_and_neither_before_nor_after() -> None:
    scenario = load(APART)
    world, system = build(scenario, 1)
    present = Present()
    present.see(world, scenario.faults)
    (members,) = system.groups.values()
    (cut,) = scenario.faults
    assert isinstance(cut.at, int)
    assert cut.for_us is not None
    seen = []
    for at_us in (1, cut.at - 1, cut.at + 1, cut.at + cut.for_us + 1):
        world.run(at_us)
        seen.append([present.joined(members[0], other) for other in members[1:]])
    assert seen[0] == seen[1] == seen[3] == [True, True]
    assert sorted(seen[2]) == [False, True]


def short(cell: Cell, until: str, ends: str) -> Scenario:
    made = scenario_of(cell)
    document: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in made.document.items()}
    document["run"] |= {"until": until}
    document["workload"]["ends"] = ends
    return parse(document, name=made.name, file=made.file, text="")


def one(scenario: str, arm: str, until: str, ends: str) -> StakeRow:
    cell = Cell(scenario=scenario, arm=EXPERIMENT.arm(arm))
    return measured(short(cell, until, ends), cell, 1)


def test_who_knows_replaces_the_dead_at_once() -> None:
    at_us = next(fault.at for fault in load(CRASH).faults)
    assert isinstance(at_us, int)
    until = f"{at_us // 1000 + 3000}ms"
    knows, waits = (one(CRASH, arm, until, f"{at_us // 1000 + 1000}ms") for arm in (oracle_at("two"), BOOLS[3]))
    assert 0 < knows.missed < waits.missed - 0.4
    assert (knows.alarmed, knows.broken) == (0, 0)


def test_who_knows_waits_where_that_pays_and_wastes_less() -> None:
    knows, never = (one("loading_hot", arm, "6s", "3500ms") for arm in (oracle_at("sixteen"), BOOLS[4]))
    assert knows.missed < never.missed
    assert knows.acts > 0 == never.acts
    assert one("loading_hot", oracle_at("sixteen"), "6s", "3500ms") == knows


def test_the_report_is_written(tmp_path: Path) -> None:
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE_OF, findings=findings)
    answer = EXPERIMENT.report(rows(), tmp_path, context)
    assert "who leads at 2: bool" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "cost.svg"}
