"""The table of `detector-theory`: its verdicts, its page, and that a wrong detector would be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.detection import CELLS, CLAIMS
from experiments.detector_theory import ARM, CONFIDENCE, EXPERIMENT, DetectorRow, check, judge, run_once
from experiments.experiment import Cell, ReportContext
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import shipped

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run detector-theory", seeds=30)
#: Of claims about one metric, the one that is worked out and not only as it was printed.
WORKED_OUT = {(claim.cell, claim.metric): claim for claim in reversed(CLAIMS) if not claim.printed}


def rows(values: dict[str, float], runs: int = 30) -> list[DetectorRow]:
    """Runs of every cell that scatter a little around `values` by "cell/metric", else around the closed form."""
    made = []
    for seed in range(runs):
        by_cell: dict[str, dict[str, float]] = {}
        for (cell, metric), claim in WORKED_OUT.items():
            around = values.get(f"{cell}/{metric}", claim.value)
            scatter = 0.0 if claim.tolerance and cell.partition("_")[0] != "swim" else 0.01 * (seed % 5 - 2)
            by_cell.setdefault(cell, {})[metric] = around * (1 + scatter)
        made += [
            DetectorRow(scenario=cell, arm=ARM.name, seed=seed, digest="d", count=5, **metrics)
            for cell, metrics in by_cell.items()
        ]
    return made


def verdicts(values: dict[str, float], runs: int = 30) -> dict[str, bool | None]:
    results = Results(rows(values, runs), Path("none"))
    return {f"{row.claim.cell}/{row.claim.metric}/{row.claim.printed}": row.holds for row in judge(results)}


def test_the_experiment_is_registered_and_no_headline() -> None:
    assert find("detector-theory") is EXPERIMENT
    assert not EXPERIMENT.headline
    assert set(EXPERIMENT.scenarios).isdisjoint(shipped())


def test_every_cell_has_a_row_and_every_row_a_cell() -> None:
    assert {claim.cell for claim in CLAIMS} == set(CELLS)
    assert len({claim.title for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.limit in (0.02, 0.05) for claim in CLAIMS)
    assert (1 - CONFIDENCE) * len(CLAIMS) == pytest.approx(0.01)


def test_right_values_are_inside() -> None:
    assert set(verdicts({}).values()) == {True}


@pytest.mark.parametrize(
    ("what", "value"),
    [("nfd_s_150/recurrence_s", 104.0), ("phi_8/akka_ms", 4_522.7), ("left_2/left_s", 4.82), ("swim_10/periods", 1.56)],
)
def test_a_wrong_value_is_outside(what: str, value: float) -> None:
    found = verdicts({what: value})
    wrong = {name for name, holds in found.items() if not holds}
    assert wrong
    assert all(name.startswith(f"{what}/") for name in wrong)
    assert all(found[name] is False for name in wrong)


def test_few_runs_leave_it_open(tmp_path: Path) -> None:
    results = Results(rows({}, runs=2), Path("none"))
    assert {row.holds for row in judge(results)} == {None}
    context = ReportContext(question="?", size="quick", provenance=SOURCE, findings=tuple(check(results)))
    assert EXPERIMENT.report(results, tmp_path, context) == "2 runs are too few to tell: no row has an interval."


def test_the_page_has_every_row_and_both_figures(tmp_path: Path) -> None:
    results = Results(rows({}), Path("none"))
    context = ReportContext(question="?", size="quick", provenance=SOURCE, findings=tuple(check(results)))
    answer = EXPERIMENT.report(results, tmp_path, context)
    worked_out = len(CLAIMS) - sum(bool(claim.printed) for claim in CLAIMS)
    assert answer.startswith(f"{worked_out} of {worked_out} closed forms and ")
    page = (tmp_path / "index.html").read_text()
    assert page.count(">inside<") == len(CLAIMS)
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "staircase.svg", "intervals.svg"}


@pytest.mark.parametrize("cell", ["nfd_s_105", "nfd_e_150", "phi_8", "delay_step", "left_2", "swim_5", "kept_slow"])
def test_a_run_is_a_function_of_cell_and_seed(cell: str) -> None:
    one, again = run_once(Cell(scenario=cell, arm=ARM), 3), run_once(Cell(scenario=cell, arm=ARM), 3)
    assert one == again
    claimed = {claim.metric for claim in CLAIMS if claim.cell == cell}
    assert all(getattr(one.row, metric) is not None for metric in claimed)
