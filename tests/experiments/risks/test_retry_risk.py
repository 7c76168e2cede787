"""The claims of `retry-risk`: short runs show what is claimed, and rows or rules that are wrong are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.experiment import Cell, ReportContext, Series
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.retry_risk import EXPERIMENT
from experiments.risks import ARMS, CUT, STREAM, RiskRow, check, forms, judged, run_once
from experiments.risks.arms import CALM, CHANCE, EVEN, FENCE, ONCE, SILENCE, TIME, UNEVEN, UNIFORM
from experiments.risks.claims import predicted
from experiments.risks.runs import fates_of
from experiments.risks.worlds import staged

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run retry-risk", seeds=4)
CELLS = (
    (CALM, TIME),
    (EVEN, TIME),
    (UNEVEN, TIME),
    *((CUT, arm) for arm in (ONCE, SILENCE, TIME, CHANCE, FENCE)),
    *((STREAM, arm) for arm in (ONCE, SILENCE, CHANCE)),
    (UNIFORM, ONCE),
)
NONE_TWICE = "A receiver that fences when it is asked, or dedups by key, leaves no duplicate and no omission"
ON_STREAM = "There a rule on P waits for the late answer and errs in nothing, where silence as failure multiplies"


class Kept(Results[RiskRow]):
    """Results whose timelines are in memory."""

    def __init__(self, rows: list[RiskRow], kept: Mapping[str, Series]) -> None:
        super().__init__(rows, Path("none"))
        self.kept = kept

    def series(self, scenario: str, arm: str, seed: int) -> Mapping[str, list[float]]:
        return {name: list(values) for name, values in self.kept[f"{scenario}/{arm}/{seed}"].items()}


@pytest.fixture(scope="module")
def found() -> Kept:
    results = [
        run_once(Cell(scenario=scenario, arm=EXPERIMENT.arm(arm)), seed) for scenario, arm in CELLS for seed in range(4)
    ]
    return Kept(
        [one.row for one in results if isinstance(one.row, RiskRow)], {one.row.key: one.series for one in results}
    )


def changed(found: Kept, scenario: str, arm: str, **values: float) -> Kept:
    rows = [
        replace(row, **values) if (row.scenario, row.arm) == (scenario, arm) else row  # type: ignore[arg-type]
        for row in found.rows
    ]
    return Kept(rows, found.kept)


def holds(found: Kept) -> dict[str, bool | None]:
    return {finding.claim: finding.holds for finding in check(found)}


def test_it_is_found_by_its_name() -> None:
    assert find("retry-risk") is EXPERIMENT


def test_no_claim_fails_in_short_runs(found: Kept) -> None:
    findings = holds(found)
    assert [claim for claim, held in findings.items() if held is False] == []
    assert findings["T* is as printed: 586.7 ms, never, 439.1 ms"] is True
    assert findings[NONE_TWICE] is True
    assert findings[ON_STREAM] is True


def test_one_duplicate_behind_a_fence_is_found(found: Kept) -> None:
    assert holds(changed(found, CUT, FENCE, duplicates=0.9))[NONE_TWICE] is False


def test_a_sum_that_is_off_is_found(found: Kept) -> None:
    off = changed(found, UNEVEN, TIME, duplicates=30.0)
    assert any(row.holds is False and row.claim.metric == "duplicates" for row in judged(off))


def test_a_late_answer_that_is_missed_on_a_connection_is_found(found: Kept) -> None:
    assert holds(changed(found, STREAM, CHANCE, omissions=1.0))[ON_STREAM] is False


def test_every_row_of_the_table_is_on_its_side_of_the_border() -> None:
    assert all(row.agrees for row in forms())
    assert len(forms()) == 15


def test_rules_of_one_seed_meet_the_same_cuts_and_charges() -> None:
    worlds = [staged(CUT, arm, 3) for arm in (ONCE, FENCE)]
    for ready in worlds:
        ready.world.run(10_000_000)
    first, second = ([(end.key, end.sent_us) for end in ready.caller.ends] for ready in worlds)
    assert first == second
    assert worlds[0].cuts == worlds[1].cuts


def test_a_silent_request_was_lost_or_executed_and_on_a_connection_it_is_executed_later() -> None:
    datagrams, connection = staged(UNIFORM, ONCE, 1), staged(STREAM, ONCE, 1)
    for ready in (datagrams, connection):
        ready.world.run(ready.until_us)
    parked = [fate.done for fate in fates_of(datagrams) if fate.end.parked_us is not None]
    assert set(parked) == {0, 1}
    queued = [fate for fate in fates_of(connection) if fate.silent_us > 1_000_000]
    assert queued
    assert all(fate.done == 1 for fate in queued)


def test_sums_without_a_retry_are_the_losses() -> None:
    assert predicted(UNEVEN, ONCE).omitted == pytest.approx(0.2)
    assert predicted(UNEVEN, ONCE).duplicates == pytest.approx(0.0, abs=1e-12)


def test_the_page_has_its_figures_and_its_answer(found: Kept, tmp_path: Path) -> None:
    context = ReportContext(question=EXPERIMENT.question, size="quick", provenance=SOURCE, findings=tuple(check(found)))
    answer = EXPERIMENT.report(found, tmp_path, context)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "586.7 ms" in answer
    assert answer.split(";")[0].replace("<", "&lt;") in page
    for name in ("frontier.svg", "silence.svg", "waiting.svg"):
        assert (tmp_path / name).stat().st_size > 1_000
        assert name in page
    assert all(arm.label in page for arm in ARMS if any(row.arm == arm.name for row in found.rows))
