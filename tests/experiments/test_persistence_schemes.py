"""The schemes' experiment: faults that are data, promises that can be broken, and a page made of made-up rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from experiments.commands.concluding import verdict
from experiments.crashes import CellResult
from experiments.crashes.replicas import ReplicaResult
from experiments.crashes.replicas.cells import ReplicaCell
from experiments.experiment import Cell, Finding, ReportContext
from experiments.measures import gather
from experiments.persistence_schemes import EXPERIMENT
from experiments.provenance import Provenance
from experiments.report.persistence_schemes import report
from experiments.results import Results
from experiments.scenario import load
from experiments.schemes import ARMS, CONTROL, FAILURES, SCENARIOS, SchemeRow, check, expected, frontier, promised
from experiments.schemes import run_once as run
from experiments.schemes.claims import breaks
from experiments.schemes.promises import every_us, left_behind
from experiments.schemes.runs import SPAN_US, at_its_instant
from experiments.schemes.windows import Windowed, rate_per_s, windows
from models.store.schemes import Loss, Recovery
from sim.faults import CrashKind

FLUSH_US = (1_000, 3_000)
RATE_PER_S = rate_per_s()
REPLICA_CELL = ReplicaResult(
    cell=ReplicaCell("R1", CrashKind.PROCESS_CRASH, Recovery.AT_ONCE, "multi-mem:2/3"), hits=1, promised="nothing"
)
CELL = CellResult(
    point="C3",
    kind=CrashKind.POWER_LOSS,
    recovery=Recovery.LATER,
    scheme="local-persist",
    applies=True,
    reason="",
    hits=1,
    promised="nothing",
    lost=0,
    lost_allowed=0,
    duplicated=0,
    holds=True,
    detail="",
)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Crash tables of one cell, which have tests of its own, and how often the first was made."""
    times: list[int] = []

    def one_cell(**few: object) -> tuple[CellResult, ...]:
        times.append(1)
        return (CELL,)

    monkeypatch.setattr("experiments.crashes.table", one_cell)
    monkeypatch.setattr("experiments.crashes.replicas.table", lambda **few: (REPLICA_CELL,))
    return times


@cache
def row(scenario: str, arm: str, seed: int = 1) -> SchemeRow:
    found = run(Cell(scenario=scenario, arm=EXPERIMENT.arm(arm)), seed).row
    assert isinstance(found, SchemeRow)
    return found


# -- the instant ---------------------------------------------------------------------------


def test_the_instant_is_a_function_of_the_seed_alone_and_written_into_the_schedule():
    scenario = load("schemes_disk_loss")
    first, again, other = (at_its_instant(scenario, seed) for seed in (1, 1, 2))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    at = [fault.at for fault in first.faults]
    assert at[0] == at[1]
    assert scenario.faults[0].at <= at[0] < scenario.faults[0].at + SPAN_US
    assert [fault["at"] for fault in first.document["fault"]] != [fault["at"] for fault in scenario.document["fault"]]


def test_the_instants_of_a_few_seeds_cover_the_span_evenly():
    scenario = load("schemes_process_crash")
    first_us = scenario.faults[0].at
    parts = sorted((at_its_instant(scenario, seed).faults[0].at - first_us) * 8 // SPAN_US for seed in range(16))
    assert max(parts.count(part) for part in range(8)) <= 3
    assert set(parts) == set(range(8))


def test_a_control_is_left_as_it_is():
    scenario = load(CONTROL)
    assert at_its_instant(scenario, 1) is scenario


def test_all_arms_fail_at_the_same_instant():
    assert row("schemes_host_power", "mem").failed_at_ms == row("schemes_host_power", "multi-mem-2of3").failed_at_ms


# -- promises ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "scenario", "loss"),
    [
        ("persist", "schemes_cluster_power", Loss.NOTHING),
        ("persist", "schemes_disk_loss", Loss.ALL),
        ("multi-mem-2of3", "schemes_host_power", Loss.NOTHING),
        ("multi-mem-2of3", "schemes_cluster_power", Loss.SINCE_SNAPSHOT),
        ("multi-mem-2of3-cluster", "schemes_cluster_power", Loss.NOTHING),
        ("multi-mem-2of3-cluster", "schemes_region_dark", Loss.SINCE_SNAPSHOT),
        ("multi-persist-2of3-region", "schemes_region_destroyed", Loss.NOTHING),
        ("multi-persist-2of3-cluster", "schemes_region_destroyed", Loss.ALL),
        ("ship-1s", "schemes_region_dark", Loss.NOTHING),
        ("ship-1s", "schemes_region_destroyed", Loss.UNSHIPPED),
    ],
)
def test_what_a_scheme_may_lose(arm: str, scenario: str, loss: Loss):
    assert promised(arm, scenario) is loss


def test_windows_are_half_a_period_and_what_flushes_add():
    assert expected("ship-1s", "schemes_region_destroyed", FLUSH_US) == (500_000, 1_000_000)
    assert expected("mem-1s", "schemes_process_crash", FLUSH_US) == (501_000, 1_003_000)
    assert expected("periodic-200ms", "schemes_host_power", FLUSH_US) == (103_000, 206_000)
    assert expected("periodic-200ms", "schemes_process_crash", FLUSH_US) is None
    assert expected("mem", "schemes_process_crash", FLUSH_US) is None


def test_a_broken_promise_is_noticed():
    kept = row("schemes_host_power", "persist")
    assert not breaks(kept, FLUSH_US)
    assert breaks(replace(kept, lost=1), FLUSH_US)
    windowed = replace(kept, arm="periodic-200ms", lost=5)
    assert not breaks(replace(windowed, lost_age_ms=205.0), FLUSH_US)
    assert breaks(replace(windowed, lost_age_ms=207.0), FLUSH_US)
    assert breaks(replace(row("schemes_process_crash", "mem"), scenario=CONTROL), FLUSH_US)


# -- runs ----------------------------------------------------------------------------------


def test_a_heap_that_is_never_saved_loses_just_what_was_acknowledged():
    found = row("schemes_process_crash", "mem")
    assert found.lost == found.at_risk > 0
    assert found.served_again_ms is not None
    assert found.served_again_ms < 1_000


def test_a_region_that_returns_brings_back_what_was_not_shipped_and_people_merge_it():
    found = row("schemes_region_dark", "ship-1s")
    assert found.resurfaced > 0
    assert found.merged > 0
    assert (found.lost, found.set_aside, found.duplicates) == (0, 0, 0)
    left = row("schemes_region_dark", "ship-1s-left")
    assert left.set_aside > 0
    assert left.merged == 0


def test_a_destroyed_region_takes_what_was_not_shipped():
    found = row("schemes_region_destroyed", "ship-250ms")
    assert found.lost_age_ms is not None
    assert found.lost_age_ms <= 250
    assert found.forced == 1


def test_denials_that_are_not_stored_leave_no_event():
    found = row(CONTROL, "no-denials")
    assert found.denied_share > 0
    assert found.events == round((1 - found.denied_share) * found.commands)
    assert row(CONTROL, "persist").events == row(CONTROL, "persist").commands


# -- rate x window --------------------------------------------------------------------------


def windowed(words: str) -> Windowed:
    """Eight runs of what calls itself flushed every second, with a period of its own."""
    arm = replace(EXPERIMENT.arm("periodic-1s"), system={"scheme": words})
    rows = [run(Cell(scenario="schemes_host_power", arm=arm), seed).row for seed in range(8)]
    (found,) = windows(Results([one for one in rows if isinstance(one, SchemeRow)], Path("none")))
    return found


def test_a_run_loses_rate_times_what_was_unsaved_in_it():
    found = windowed("local-persist-periodic+1s")
    assert found.off == 0
    assert found.surplus.excludes(0.0) is False
    assert found.surplus.high is not None is not found.measured.high
    # The instants' spread is out of it.
    assert found.surplus.high - found.surplus.estimate < 0.5 * (found.measured.high - found.measured.estimate)


@pytest.mark.parametrize("period", ["800ms", "950ms", "1.25s"])
def test_a_wrong_period_is_noticed_in_every_run(period: str):
    assert windowed(f"local-persist-periodic+{period}").off == 8


def test_a_look_at_the_instant_leaves_the_run_as_it_is():
    cell = Cell(scenario="schemes_host_power", arm=EXPERIMENT.arm("periodic-200ms"))
    scenario = at_its_instant(load(cell.scenario).with_system(cell.arm.system), 1)
    assert row(cell.scenario, cell.arm.name).digest == gather(scenario, 1).digest


# -- all together --------------------------------------------------------------------------


def made_up(folder: Path) -> Results[SchemeRow]:
    """Rows of every cell under four seeds, as they might have come out: later arms slower, losses as promised."""
    template = row("schemes_host_power", "periodic-1s")
    rows = []
    for scenario in SCENARIOS:
        for place, arm in enumerate(ARMS):
            for seed in range(4):
                may = scenario in FAILURES and promised(arm.name, scenario) is not Loss.NOTHING
                p50_ms = 2.0 + place + seed / 100
                often = every_us(arm.name, FLUSH_US)
                made = replace(
                    template,
                    scenario=scenario,
                    arm=arm.name,
                    seed=seed,
                    latency_near_p50_ms=p50_ms,
                    latency_near_p99_ms=2 * p50_ms,
                    lost=10 + seed if may else 0,
                    at_risk=10 + seed if scenario in FAILURES else None,
                    lost_age_ms=100.0 if may else None,
                    # As many as come in that time, and as often as the scheme says.
                    unsaved_ms=(10 + seed) * 1_000 / RATE_PER_S,
                    every_ms=None if often is None else often[0] / 1_000,
                    resurfaced=10 + seed if scenario in FAILURES and left_behind(arm.name, scenario) else 0,
                    decided_twice=0,
                    availability_all=1.0,
                )
                rows.append(made)
    return Results(rows, folder / "rows.jsonl")


def finding(results: Results[SchemeRow], words: str) -> Finding:
    return next(found for found in check(results) if words in found.claim)


def test_claims_hold_of_good_rows_and_fail_of_bad_ones(tmp_path: Path):
    good = made_up(tmp_path)
    assert finding(good, "more than it may").holds
    assert finding(good, "Sometimes whatever").holds
    assert finding(good, "At p50").holds
    assert finding(good, "two events").holds
    agree = finding(good, "Each run loses rate x")
    assert agree.holds
    assert " cells 1 have counts of their own, the others repeat them; of these 1 agree by their own" in agree.detail
    for wrong in ({"every_ms": 800.0}, {"unsaved_ms": 900.0}):
        changed = [replace(one, **wrong) if one.arm == "periodic-1s" else one for one in good.rows]
        assert finding(Results(changed, tmp_path / "rows.jsonl"), "Each run loses rate x").holds is False
    bad = Results([replace(one, duplicates=1, lost=9) for one in good.rows], tmp_path / "rows.jsonl")
    assert finding(bad, "more than it may").holds is False
    assert finding(bad, "two events").holds is False
    assert finding(bad, "everything acknowledged").holds is False
    level = Results([replace(one, latency_near_p50_ms=1.0) for one in good.rows], tmp_path / "rows.jsonl")
    assert finding(level, "At p50").holds is False


@pytest.mark.parametrize(
    ("cell", "holds"),
    [
        (CELL, True),
        (replace(CELL, holds=False, lost=1, detail="1 is lost"), False),
        (replace(CELL, hits=0), False),
        (replace(CELL, applies=False, hits=0), True),
    ],
    ids=["kept", "red", "without a hit", "does not apply"],
)
def test_a_red_cell_of_the_crash_table_and_one_without_a_hit_fail_the_experiment(
    cell: CellResult, holds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("experiments.crashes.table", lambda **_: (CELL, cell))
    found = finding(made_up(tmp_path), "At every crash point")
    assert found.holds is holds
    assert ("C3 under local-persist" in found.detail) is not holds
    assert verdict((found,), enough_seeds=True) == (0 if holds else 1)


def test_the_frontier_is_chosen_on_even_seeds_and_reported_on_odd_ones(tmp_path: Path):
    good = made_up(tmp_path)
    found = frontier(good, "schemes_process_crash")
    # The quickest that keeps everything, and the quickest of all.
    assert found.chosen == ("mem", "periodic-1s")
    assert found.confirmed == found.chosen
    assert found.held["mem"].unkept.estimate == 12
    lucky = [
        replace(one, lost=0) if (one.arm, one.seed % 2, one.scenario) == ("mem", 0, "schemes_process_crash") else one
        for one in good.rows
    ]
    found = frontier(Results(lucky, tmp_path / "rows.jsonl"), "schemes_process_crash")
    assert found.chosen == ("mem",)
    assert found.held["mem"].unkept.estimate == 12


def test_the_page_and_its_figure_are_functions_of_the_rows(tmp_path: Path, made: list[int]):
    results = made_up(tmp_path)
    source = Provenance(commit=None, clean=True, lock="0", python="3", seeds=4, command="./lab run persistence-schemes")
    context = ReportContext(
        question=EXPERIMENT.question, size="quick", provenance=source, findings=tuple(check(results))
    )
    pages = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        answer = report(results, tmp_path / name, context)
        pages.append(((tmp_path / name / "frontier.svg").read_bytes(), (tmp_path / name / "index.html").read_text()))
    assert pages[0] == pages[1]
    assert answer in pages[0][1]
    assert "nan" not in pages[0][1]
    assert made == [1]  # for the claims and for both pages
