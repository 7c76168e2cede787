"""Prices and frontiers from rows that were made up; the lines of `merge-clusters` from one short run each."""

from __future__ import annotations

from dataclasses import fields
from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell
from experiments.merge_clusters import EXPERIMENT as CLUSTERS
from experiments.merging import MergeRow
from experiments.merging.prices import Standing, break_even, cheapest, frontier, owed, price
from experiments.results import Results


def row(arm: str, scenario: str, seed: int, **values: Any) -> MergeRow:
    blank: dict[str, Any] = {field.name: None if "None" in str(field.type) else 0 for field in fields(MergeRow)}
    named = {"arm": arm, "scenario": scenario, "seed": seed, "digest": "", "commands": 600, "acknowledged": 500}
    return MergeRow(**(blank | named | values))


def results(served: dict[str, float], owing: dict[str, int], calm: dict[str, int]) -> Results[MergeRow]:
    made = []
    for seed in range(4):
        for arm, share in served.items():
            run = {"availability_cut": share, "availability_all": share, "compensated": owing[arm] + calm[arm]}
            made.append(row(arm, "withdrawal", seed, **run))
            made.append(row(arm, "withdrawal_calm", seed, availability_all=1.0, compensated=calm[arm]))
    return Results(made, Path("none"))


MADE = results(
    {"majority": 0.7, "split": 1.0, "home": 0.7},
    {"majority": 0, "split": 6, "home": 3},
    dict.fromkeys(("majority", "split", "home"), 1),
)


def test_a_cut_costs_what_it_has_beyond_its_control() -> None:
    split, majority = price(MADE, "withdrawal", "split"), price(MADE, "withdrawal", "majority")
    assert split is not None
    assert majority is not None
    assert (split.owed_cut.estimate, split.unserved_cut.estimate) == (6, 0)
    assert majority.unserved_cut.estimate == pytest.approx(180)
    assert split.owed_hour == majority.owed_hour == 10 * 3600 / 600
    assert break_even(split, majority) == pytest.approx(30)
    assert break_even(majority, split) is None


def test_what_owes_no_more_and_serves_more_wins_at_any_ratio() -> None:
    free = results({"majority": 0.7, "split": 1.0}, {"majority": 0, "split": 0}, {"majority": 0, "split": 0})
    split, majority = (price(free, "withdrawal", arm) for arm in ("split", "majority"))
    assert split is not None
    assert majority is not None
    assert break_even(split, majority) == inf


def test_the_ratio_turns_the_ranking() -> None:
    assert cheapest(MADE, "withdrawal", 1)[0][0] == "split"
    assert cheapest(MADE, "withdrawal", 100)[0][0] == "majority"


def test_whoever_is_nowhere_better_is_beaten() -> None:
    found = frontier(MADE, "withdrawal")
    assert set(found.chosen) == {"majority", "split"}
    assert found.seeds == 2
    assert Standing(served=0.9, owed=0, p99_ms=5).beats(Standing(served=0.9, owed=0, p99_ms=50))
    assert not Standing(served=0.9, owed=0, p99_ms=5).beats(Standing(served=0.902, owed=0.1, p99_ms=5.1))


def test_a_cell_without_its_control_has_no_price() -> None:
    assert price(Results([row("split", "withdrawal", 0)], Path("none")), "withdrawal", "split") is None


def test_owed_counts_each_yes_once() -> None:
    assert owed(row("split", "withdrawal", 0, compensated=3, compensations=3)) == 3
    assert owed(row("apologise", "withdrawal", 0, compensations=2)) == 2
    assert owed(row("failover", "withdrawal", 0, set_aside=5, superseded=1, lost=1, compensated=2)) == 9


def test_along_cluster_lines_one_cut_cluster_takes_less_away() -> None:
    served, sent = {}, {}
    for arm in CLUSTERS.arms:
        made = CLUSTERS.run_once(Cell(scenario="lines_cluster", arm=arm), 0).row
        served[arm.name], sent[arm.name] = made.availability_cut, made.wan_bytes_per_command
        assert made.lost == made.violations_open == made.unstable_censored == 0
    assert served["region"] < min(served["cluster"], served["both"])
    assert sent["both"] < sent["cluster"]
