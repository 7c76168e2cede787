"""The claims of `layer-priority`: right rows pass, wrong ones are found, and short runs show what is claimed."""

from __future__ import annotations

from copy import deepcopy
from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.layer_priority import EXPERIMENT
from experiments.layers import ARMS, CALM, FAILOVER, HOSTS, LINKS, SCENARIOS, STORM, LayerRow, check
from experiments.layers.arms import CAPPED, FIFO, PRIORITY, under
from experiments.layers.runs import measured
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import Scenario, load, parse
from sim.message import Layer

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run layer-priority", seeds=3)
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    (HOSTS, FIFO): {"answered_share": 0.5, "false_failovers": 2},
    (LINKS, FIFO): {"false_failovers": 1},
    (FAILOVER, FIFO): {"led_again_ms": 9_000.0},
    (STORM, FIFO): {"answered_share": 0.6, "false_failovers": 1},
    (STORM, PRIORITY): {"answered_share": 0.0, "false_failovers": 1},
}


def row(scenario: str, arm: str, seed: int, **other: Any) -> LayerRow:
    layers = {"region": 10, "cluster": 100, "host": 3_000, "service": 2_000}
    values: dict[str, Any] = {f"{unit}_{name}": n for name, n in layers.items() for unit in ("messages", "bytes")}
    values |= {"commands": 100, "answered_share": 1.0, "latency_p50_ms": 100.0 + seed, "latency_p99_ms": 200.0}
    values |= {"unled": 0, "false_failovers": 0, "led_again_ms": 3_000.0 if scenario == FAILOVER else None}
    values |= {"served_again_ms": None, "overflowed": 0, "utilisation_busiest": 0.5}
    return LayerRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, runs: int = 3, **other: Any) -> Results[LayerRow]:
    made = []
    for scenario in SCENARIOS:
        for arm in (arm.name for arm in ARMS):
            values = GOOD.get((scenario, arm), {}) | (other if (scenario, arm) == wrong else {})
            made += [row(scenario, arm, seed, **values) for seed in range(runs)]
    return Results(made, Path("none"))


def failing(results: Results[LayerRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("layer-priority") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CALM, FIFO), {"latency_p50_ms": 150.0}, [0]),
        ((CALM, CAPPED), {"answered_share": 0.5}, [0]),
        ((HOSTS, PRIORITY), {"false_failovers": 1}, [1]),
        ((LINKS, FIFO), {"false_failovers": 0}, [2]),
        ((HOSTS, FIFO), {"answered_share": 1.0, "false_failovers": 2}, [3]),
        ((FAILOVER, FIFO), {"led_again_ms": 3_000.0}, [4]),
        ((STORM, PRIORITY), {"answered_share": 1.0, "false_failovers": 1}, [5]),
        ((STORM, CAPPED), {"false_failovers": 1}, [6]),
        ((STORM, CAPPED), {"answered_share": 0.5}, [7]),
        ((CALM, PRIORITY), {"messages_region": 500}, [8]),
        ((CALM, PRIORITY), {"bytes_host": 500}, [9]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def test_a_failover_that_never_came_is_later_than_any() -> None:
    assert failing(rows((FAILOVER, FIFO), led_again_ms=inf)) == []


def test_one_run_decides_no_comparison() -> None:
    undecided = [finding for finding in check(rows(runs=1)) if finding.holds is None]
    assert len(undecided) == 7


def test_an_arm_says_how_layers_are_served() -> None:
    calm = load(CALM)
    assert under(calm, PRIORITY) is calm
    fifo, capped = under(calm, FIFO), under(calm, CAPPED)
    assert (fifo.hosts.priority, fifo.latency.priority) == (False, False)
    assert capped.hosts.layer_caps == ((Layer.REGION, 0.3),)
    assert capped.latency.layer_caps == {Layer.REGION: 4_800}


def short(name: str) -> Scenario:
    """The scenario with half as much time: three seconds of load after the storm's or the overload's beginning."""
    document: dict[str, Any] = deepcopy(dict(load(name).document))
    document["run"]["until"] = "8s"
    document["workload"]["ends"] = "6s"
    return parse(document, name=name, file=f"{name}.toml", text="")


def one(name: str, arm: str) -> LayerRow:
    found = measured(under(short(name), arm), Cell(scenario=name, arm=EXPERIMENT.arm(arm)), 1).row
    assert isinstance(found, LayerRow)
    return found


def test_a_healthy_leader_behind_a_full_inbox_is_deposed_only_where_all_wait_in_one_queue() -> None:
    assert (one(HOSTS, FIFO).false_failovers, one(HOSTS, PRIORITY).false_failovers) == (1, 0)


def test_a_storm_starves_commands_unless_it_is_capped() -> None:
    starved, fed = one(STORM, PRIORITY), one(STORM, CAPPED)
    assert starved.answered_share < 0.2
    assert fed.answered_share == 1.0
    assert starved.messages_region > fed.messages_region  # what is not confirmed because it still waits
    assert one(STORM, PRIORITY) == starved


def test_the_report_is_written(tmp_path: Path) -> None:
    made = rows()
    made.series = lambda scenario, arm, seed: {"begin_s": [0.0, 0.5], "answered": [1.0, 0.5]}  # type: ignore[method-assign]
    findings = (Finding(claim="c", holds=True, detail="d"),)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=findings)
    answer = EXPERIMENT.report(made, tmp_path, context)
    assert "deposes a healthy leader in 3 of 3 runs" in answer
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "answered.svg", "volume.svg"}
