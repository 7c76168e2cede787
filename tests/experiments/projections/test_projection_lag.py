"""The claims of `projection-lag`: right rows pass, wrong ones are found; crash cells keep their promises."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from experiments.projection_lag import EXPERIMENT
from experiments.projections import ARMS, SCENARIOS, LagRow, check
from experiments.projections.arms import (
    ASYNC,
    CALM,
    INLINE,
    LIVE,
    LOAD,
    READER_STILL,
    REBUILD,
    SMALL,
    TOKENS,
    WAITING,
    WRITERS_OUT,
)
from experiments.projections.crashes import ReadCell, cells, of_cell, why_not
from experiments.registry import find
from experiments.results import Results
from models.reading.options import Checkpoint
from models.store.schemes import Recovery
from sim.faults import CrashKind

GOOD: dict[tuple[str, str], dict[str, Any]] = {
    (CALM, WAITING): {"lag_p50_ms": 10.0},
    (LOAD, SMALL): {"lag_p99_ms": 200.0},
    (CALM, INLINE): {"command_p50_ms": 9.0},
    (CALM, LIVE): {"read_p50_ms": 9.0},
    (CALM, ASYNC): {"stale_share": 0.1, "own_missed": 3},
    (WRITERS_OUT, INLINE): {"read_p99_ms": 2_000.0},
    (READER_STILL, ASYNC): {"stale_p99_ms": 1_300.0},
}


def row(scenario: str, arm: str, seed: int, **other: Any) -> LagRow:
    kept = arm not in (INLINE, LIVE)
    values: dict[str, Any] = {
        "commands": 100,
        "command_p50_ms": 8.0 + seed / 100,
        "command_p99_ms": 10.0,
        "reads": 100,
        "read_p50_ms": 5.0 + seed / 100,
        "read_p99_ms": 10.0,
        "answered_share": 1.0,
        "stale_share": 0.0,
        "stale_p99_ms": 0.0,
        "own_reads": 50,
        "own_p50_ms": 5.0,
        "own_p99_ms": 10.0,
        "own_missed": 0,
        "lag_p50_ms": 25.0 + seed / 100 if kept else None,
        "lag_p99_ms": 60.0 + seed / 100 if kept else None,
        "stated_p50_ms": 100.0,
        "stated_p99_ms": 200.0,
        "fault_reads_share": None,
        "fault_commands_share": None,
        "stolen": int(scenario == READER_STILL),
        "fenced": int(scenario == READER_STILL),
        "exact": True,
        "switched_ms": 80.0 if arm == REBUILD else None,
    }
    return LagRow(scenario=scenario, arm=arm, seed=seed, digest="d", **values | other)


def rows(wrong: tuple[str, str] | None = None, **other: Any) -> Results[LagRow]:
    made = []
    for scenario in SCENARIOS:
        for arm in (arm.name for arm in ARMS):
            values = GOOD.get((scenario, arm), {}) | (other if (scenario, arm) == wrong else {})
            made += [row(scenario, arm, seed, **values) for seed in range(3)]
    return Results(made, Path("none"))


def failing(results: Results[LagRow]) -> list[int]:
    return [number for number, finding in enumerate(check(results)) if not finding.holds]


def test_it_is_registered_and_no_headline() -> None:
    assert find("projection-lag") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_right_rows_hold() -> None:
    assert failing(rows()) == []


@pytest.mark.parametrize(
    ("where", "wrong", "which"),
    [
        ((CALM, WAITING), {"lag_p50_ms": 30.0}, [0]),
        ((LOAD, SMALL), {"lag_p99_ms": 50.0}, [1]),
        ((CALM, INLINE), {"command_p50_ms": 7.0}, [2]),
        ((CALM, LIVE), {"read_p50_ms": 4.0}, [3]),
        ((CALM, ASYNC), {"stale_share": 0.0}, [4]),
        ((LOAD, LIVE), {"stale_share": 0.1}, [5]),
        ((TOKENS, ASYNC), {"own_missed": 1}, [6]),
        ((WRITERS_OUT, ASYNC), {"read_p99_ms": 2_000.0}, [7]),
        ((READER_STILL, ASYNC), {"stale_p99_ms": 0.0}, [8]),
        ((READER_STILL, SMALL), {"fenced": 0}, [9]),
        ((LOAD, REBUILD), {"switched_ms": inf}, [10]),
        ((CALM, SMALL), {"exact": False}, [11]),
    ],
)
def test_wrong_rows_are_found(where: tuple[str, str], wrong: dict[str, Any], which: list[int]) -> None:
    assert failing(rows(where, **wrong)) == which


def test_the_table_has_every_point_crash_recovery_and_way_to_save() -> None:
    assert len(list(cells())) == 9 * 2 * 3 * 3
    assert why_not("P2", Checkpoint.ATOMIC)
    assert not why_not("P2", Checkpoint.AFTER)


def cell(point: str, checkpoint: Checkpoint) -> ReadCell:
    return ReadCell(point, CrashKind.PROCESS_CRASH, Recovery.LATER, checkpoint)


@pytest.mark.parametrize(
    ("point", "checkpoint", "missed", "doubled"),
    [
        ("P1", Checkpoint.ATOMIC, False, False),
        ("P2", Checkpoint.AFTER, False, True),
        ("P3", Checkpoint.BEFORE, True, False),
        ("P7", Checkpoint.ATOMIC, False, False),
        ("P8", Checkpoint.ATOMIC, False, False),
    ],
)
def test_what_a_crash_costs_is_what_the_way_to_save_promises(
    point: str, checkpoint: Checkpoint, missed: bool, doubled: bool
) -> None:
    found = of_cell(cell(point, checkpoint))
    assert found.wrong == ()
    assert found.struck
    assert (found.missed > 0, found.doubled > 0) == (missed, doubled)


def test_a_cell_tells_of_a_system_that_breaks_its_promise() -> None:
    found = of_cell(cell("P2", Checkpoint.ATOMIC), "tests.experiments.projections.hasty:system")
    assert "it was passed all the same" in found.wrong
    assert any("count twice, and atomic promises none" in wrong for wrong in found.wrong)
