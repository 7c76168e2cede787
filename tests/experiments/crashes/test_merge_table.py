"""Every cell of the merge's crash table is struck and keeps everything; with one thing wrong some cell does not."""

from __future__ import annotations

import pytest

from experiments.crashes.merges import MERGE_POINTS, STRIKES, MergeCell, cells, run, to_text
from models.losing import LosableShard
from models.settling import Place

BROKEN = "tests.experiments.crashes.broken_merges"


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("point", MERGE_POINTS)
def test_every_cell_is_struck_and_keeps_everything(point: str, place: str) -> None:
    results = [run(MergeCell(point, strike, place), strikes=1) for strike in STRIKES]
    assert all(one.holds for one in results), to_text(results)


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("point", ["C3", "C5", "C6", "C7"])
def test_wherever_it_strikes_no_right_is_used_twice_or_lost(point: str, strike: str) -> None:
    scarce = {"opening_balance": 20, "rate": "40/s"}
    cell = MergeCell(point, strike, "every")
    found = run(cell, system={"domain": "floored-counter", "merge": "escrow"}, workload=scarce, strikes=3)
    assert (found.hits, found.wrong) == (3, ())


def test_the_table_has_every_point_that_the_merge_marks() -> None:
    assert {cell.point for cell in cells()} == {point for point in LosableShard.POINTS if point.startswith("G")}
    assert len(list(cells())) == 54


@pytest.mark.parametrize(
    ("broken", "cell", "told"),
    [
        ("tells_once", MergeCell("G3", "process-crash", "home"), "nobody was told"),
        ("forgets_its_vector", MergeCell("G4", "process-crash", "every"), "its writes come to"),
        ("stays_lost_unawares", MergeCell("G6", "process-crash", "every"), "regions differ in what is final"),
    ],
)
def test_a_merge_with_one_thing_wrong_loses_a_cell(broken: str, cell: MergeCell, told: str) -> None:
    found = run(cell, system={"factory": f"{BROKEN}:{broken}"})
    assert not found.holds
    assert told in to_text([found])
