"""The claims of `explaining-away`: short runs show what is claimed, and rows that are wrong are found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from experiments.experiment import Cell, ReportContext, Series
from experiments.explaining import ARMS, BEFORE, CALM, SCENARIOS, SINCE, ExplainingRow, check, forms
from experiments.explaining.runs import run_once
from experiments.explaining.tellers import PRODUCT, TREE
from experiments.explaining.worlds import hearing_of, setting_of, watched
from experiments.explaining_away import EXPERIMENT
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run explaining-away", seeds=6)


class Kept(Results[ExplainingRow]):
    """Results whose timelines are in memory."""

    def __init__(self, rows: list[ExplainingRow], kept: Mapping[str, Series]) -> None:
        super().__init__(rows, Path("none"))
        self.kept = kept

    def series(self, scenario: str, arm: str, seed: int) -> Mapping[str, list[float]]:
        return {name: list(values) for name, values in self.kept[f"{scenario}/{arm}/{seed}"].items()}


@pytest.fixture(scope="module")
def found() -> Kept:
    results = [
        run_once(Cell(scenario=scenario, arm=arm), seed) for scenario in SCENARIOS for arm in ARMS for seed in range(6)
    ]
    return Kept(
        [one.row for one in results if isinstance(one.row, ExplainingRow)],
        {one.row.key: one.series for one in results},
    )


def swapped(found: Kept, first: str, second: str) -> Kept:
    """The same, with what two tellers said exchanged."""
    names = {first: second, second: first}
    kept = {}
    for key, series in found.kept.items():
        scenario, arm, seed = key.split("/")
        kept[f"{scenario}/{names.get(arm, arm)}/{seed}"] = series
    return Kept(list(found.rows), kept)


def test_it_is_found_by_its_name() -> None:
    assert find("explaining-away") is EXPERIMENT


def test_no_claim_fails_in_short_runs_and_what_is_broken_is_caught(found: Kept) -> None:
    findings = {finding.claim: finding.holds for finding in check(found)}
    assert [claim for claim, holds in findings.items() if holds is False] == []
    assert findings["Scores of hosts judged alone are miscalibrated, and the check finds it"] is True
    assert findings["Phi read as a probability is miscalibrated, and the check finds it"] is True


def test_a_belief_that_says_what_the_product_does_is_found(found: Kept) -> None:
    findings = {finding.claim: finding.holds for finding in check(swapped(found, TREE, PRODUCT))}
    assert findings[f"The belief with right priors is calibrated: hosts, {SINCE}"] is False


def test_every_row_of_the_closed_form_is_believed() -> None:
    assert max(row.gap for row in forms()) < 1e-9


def test_tellers_of_one_seed_meet_the_same_faults(found: Kept) -> None:
    for seed in range(3):
        fates = {
            tuple(found.series(SINCE, arm.name, seed)["host_came"] + found.series(SINCE, arm.name, seed)["region_came"])
            for arm in ARMS
        }
        assert len(fates) == 1


def test_nothing_fails_in_the_control(found: Kept) -> None:
    assert all(row.hosts_down == row.regions_down == 0 for row in found.rows if row.scenario == CALM)


def test_faults_that_were_there_before_leave_nothing_to_be_heard() -> None:
    hearing = hearing_of(BEFORE)
    seen = watched(BEFORE, 1, setting_of(BEFORE).priors, hearing)
    seen.world.run(4_000_000)
    belief = seen.observer.belief
    for region, hosts in seen.hosts.items():
        for host in hosts:
            down = host in seen.struck_us or region in seen.struck_us
            assert (belief.evidence_of(host).sent_us is None) is down


def test_the_page_has_its_figures_and_its_answer(found: Kept, tmp_path: Path) -> None:
    context = ReportContext(question=EXPERIMENT.question, size="quick", provenance=SOURCE, findings=tuple(check(found)))
    answer = EXPERIMENT.report(found, tmp_path, context)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "0.9901" in answer
    assert answer.split(":")[0] in page
    for name in ("explained.svg", "reliability.svg"):
        assert (tmp_path / name).stat().st_size > 1_000
        assert name in page
