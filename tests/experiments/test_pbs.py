"""The experiment `pbs`: its rows, what makes a row fail, and its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.experiment import Cell, ReportContext
from experiments.pbs import ARM, EXPERIMENT, QuorumRow, check, compared, judge, run_once
from experiments.provenance import Provenance
from experiments.quorums import CELLS, CLAIMS, Kind
from experiments.quorums.published import TABLE
from experiments.registry import find
from experiments.results import Results

METRICS = [name for name in QuorumRow.__dataclass_fields__ if name.endswith("_ms") or name[-1].isdigit()]


@pytest.fixture(scope="module")
def rows() -> tuple[QuorumRow, ...]:
    """One run of every cell, and three more that scatter around it."""
    made = []
    for name in CELLS:
        row = run_once(Cell(scenario=name, arm=ARM), 1).row
        assert isinstance(row, QuorumRow)
        for seed in range(4):
            spread = {
                metric: value * (1 + 0.01 * (seed - 1.5))
                for metric in METRICS
                if (value := getattr(row, metric)) is not None
            }
            made.append(replace(row, seed=seed, **spread))
    return tuple(made)


def results_of(rows: tuple[QuorumRow, ...]) -> Results[QuorumRow]:
    return Results(rows, Path("none"))


def test_the_experiment_is_registered_and_no_headline() -> None:
    assert find("pbs") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_every_cell_of_the_table_is_a_row_and_every_row_is_measured() -> None:
    assert {claim.cell for claim in CLAIMS} <= set(CELLS)
    assert {claim.other for claim in CLAIMS} - {""} <= set(CELLS)
    published = [claim for claim in CLAIMS if claim.printed]
    partial = [entry for entry in TABLE if entry.r + entry.w <= 3]
    assert sum(claim.kind is Kind.LATENCY for claim in published) == 2 * len(TABLE) == 48
    assert sum(claim.kind in (Kind.STEP, Kind.ZERO) for claim in published) == len(partial) == 12
    assert len(published) <= 100, "tolerances hold at once for a hundred"
    assert {claim.cell.partition("-n")[2].partition("r")[0] for claim in CLAIMS if claim.kind is Kind.CLOSED} == {
        str(n) for n in range(2, 11)
    }


def test_no_row_is_wrong_and_the_store_agrees(rows: tuple[QuorumRow, ...]) -> None:
    results = results_of(rows)
    assert [judged.claim.title for judged in judge(results) if judged.holds is False] == []
    assert all(found[1:] == (0, 0) for found in compared(results).values())
    assert [finding for finding in check(results) if finding.holds is False] == []


def test_few_runs_leave_everything_open(rows: tuple[QuorumRow, ...]) -> None:
    few = results_of(tuple(row for row in rows if row.seed < 2))
    assert {judged.holds for judged in judge(few)} == {None}


def test_a_wrong_figure_and_a_store_that_differs_fail(rows: tuple[QuorumRow, ...]) -> None:
    def spoilt(row: QuorumRow) -> QuorumRow:
        if row.scenario == "disk-w1":
            return replace(row, latency_ms=22.0, low_ms=21.0, high_ms=23.0)
        return replace(row, mismatches=1) if row.scenario == "store-disk-n3r1w1" else row

    wrong = [finding for finding in check(results_of(tuple(map(spoilt, rows)))) if finding.holds is False]
    assert len(wrong) == 1 + sum(claim.cell == "disk-w1" for claim in CLAIMS)


def test_a_row_is_a_function_of_its_cell_and_seed() -> None:
    for name in ("disk-n3r1w1", "store-ssd-n3r1w1", "versions-n3r1w1", "wan-w2"):
        cell = Cell(scenario=name, arm=ARM)
        assert run_once(cell, 3) == run_once(cell, 3)
        assert run_once(cell, 3).row.digest != run_once(cell, 4).row.digest


def test_the_page_shows_published_ours_interval_and_verdict(rows: tuple[QuorumRow, ...], tmp_path: Path) -> None:
    provenance = Provenance(commit=None, clean=None, lock="x", python="3", command="./lab run pbs", seeds=2)
    context = ReportContext(question=EXPERIMENT.question, size="quick", provenance=provenance, findings=())
    answer = EXPERIMENT.report(results_of(rows), tmp_path, context)
    page = (tmp_path / "index.html").read_text()
    assert "published" in answer
    for printed in ("1364.0", "45.5", "112.65", "true quantile", "may lie", "verdict"):
        assert printed in page
    assert (tmp_path / "visibility.svg").exists()
    assert (tmp_path / "intervals.svg").exists()
