"""The table of `world-theory`: its verdicts, its page, and that a wrong world would be found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.experiment import Cell, ReportContext
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.scenario import shipped
from experiments.theory import CLAIMS
from experiments.world_theory import ARM, CONFIDENCE, EXPERIMENT, TheoryRow, check, judge, run_once, single_jobs

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run world-theory", seeds=30)


def rows(values: dict[str, float], runs: int = 30, **more: int) -> list[TheoryRow]:
    """Runs of every world that scatter a little around `values` by "cell/metric", else around the closed form."""
    made = []
    for seed in range(runs):
        by_cell: dict[str, dict[str, float]] = {}
        for claim in CLAIMS:
            around = values.get(f"{claim.cell}/{claim.metric}", claim.value)
            by_cell.setdefault(claim.cell, {})[claim.metric] = around * (1 + 0.01 * (seed % 5 - 2))
        made += [
            TheoryRow(scenario=cell, arm=ARM.name, seed=seed, digest="d", count=5, **metrics, **more)  # type: ignore[arg-type]
            for cell, metrics in by_cell.items()
        ]
    return made


def verdicts(values: dict[str, float], runs: int = 30) -> dict[str, bool | None]:
    results = Results(rows(values, runs), Path("none"))
    return {f"{row.claim.cell}/{row.claim.metric}": row.holds for row in judge(results)}


def test_the_experiment_is_registered_and_no_headline() -> None:
    assert find("world-theory") is EXPERIMENT
    assert not EXPERIMENT.headline


def test_its_worlds_are_not_mistaken_for_shipped_scenarios() -> None:
    assert set(EXPERIMENT.scenarios).isdisjoint(shipped())


def test_all_that_the_issue_of_theory_is_about_has_rows() -> None:
    groups = {claim.group for claim in CLAIMS}
    assert groups == {
        "M/M/1",
        "M/D/1",
        "Several cores",
        "Strict priority",
        "Overload of a bounded inbox",
        "Loss",
        "Delays",
        "Changing with time",
        "Group commit",
    }
    assert len({claim.title for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.limit in (0.02, 0.05) for claim in CLAIMS)


def test_intervals_hold_all_at_once() -> None:
    assert (1 - CONFIDENCE) * len(CLAIMS) == pytest.approx(0.01)


def test_right_values_are_inside() -> None:
    assert set(verdicts({}).values()) == {True}


def test_a_wrong_value_is_outside() -> None:
    found = verdicts({"mm1_70/wait_us": 2_400.0})
    assert found.pop("mm1_70/wait_us") is False
    assert set(found.values()) == {True}


def test_few_runs_leave_it_open_and_say_so(tmp_path: Path) -> None:
    two = check(Results(rows({}, runs=2), Path("none")))[0]
    assert two.detail.endswith(", no verdict from so few runs: 30 seeds or more are meant to do")
    four = check(Results(rows({}, runs=4), Path("none")))[0]
    assert four.detail.endswith("; too wide to tell: 30 seeds or more are meant to do")
    context = ReportContext(question="?", size="quick", provenance=SOURCE, findings=(two,))
    answer = EXPERIMENT.report(Results(rows({}, runs=2), Path("none")), tmp_path, context)
    assert answer == "2 runs are too few to tell: no interval is as narrow as its row asks for."
    assert set(verdicts({}, runs=1).values()) == {None}
    assert set(verdicts({}, runs=3).values()) == {None}


def test_a_single_job_that_waits_otherwise_fails_the_claim() -> None:
    made = rows({}, runs=2, error_us=0)
    assert check(Results(made, Path("none")))[-1].holds
    made[0] = replace(made[0], error_us=3)
    found = check(Results(made, Path("none")))[-1]
    assert found.holds is False
    assert "the largest difference is 3 us" in found.detail


def test_a_run_is_a_function_of_cell_and_seed() -> None:
    cell = Cell(scenario="md1_50", arm=ARM)
    one, again, other = run_once(cell, 3), run_once(cell, 3), run_once(cell, 4)
    assert one == again
    assert one.row.digest != other.row.digest
    assert run_once(Cell(scenario="link_md1_50", arm=ARM), 3).row.wait_us != one.row.wait_us  # type: ignore[attr-defined]


def test_the_page_has_every_row_and_both_figures(tmp_path: Path) -> None:
    results = Results(rows({}, error_us=0), Path("none"))
    context = ReportContext(question="?", size="quick", provenance=SOURCE, findings=tuple(check(results)))
    answer = EXPERIMENT.report(results, tmp_path, context)
    assert answer.startswith(f"{len(CLAIMS)} of {len(CLAIMS)} closed forms lie inside")
    page = (tmp_path / "index.html").read_text()
    assert page.count(">inside<") == len(CLAIMS)
    assert all(claim.title.replace(">", "&gt;") in page for claim in CLAIMS)
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "waits.svg", "intervals.svg"}
    assert set(single_jobs(results)) == set(EXPERIMENT.scenarios)
