"""The first headline on a small, short cut: each design shows what the report says of it."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import replace
from functools import cache
from math import inf, isinf
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell, Finding, RunResult
from experiments.measures import Observation, fates, latencies_ms, observe, overdrafts, stability
from experiments.measures.fates import Fate
from experiments.merge_domains import EXPERIMENT
from experiments.merging import ARMS, BIN_US, SITUATIONS, MergeRow, judge, scenario_of
from experiments.merging.choosing import COMPARED
from experiments.merging.designs import LINEARIZABLE
from experiments.merging.situations import HISTORIC, MOST_COMMANDS
from experiments.properties import PROPERTIES
from experiments.report.merge_domains import answer_of
from experiments.results import Results
from experiments.scenario import Scenario, load, parse
from experiments.statistics import quantile

SAFE = ("no_acknowledged_loss", "conservation", "convergence", "invariant_restored", "settled", "one_event_a_command")


def short(target: str = "us-east-1") -> Scenario:
    """A cut of 20 s under ten times the contention of the shipped scenario."""
    document: dict[str, Any] = deepcopy(dict(load("isolate_region").document))
    document["run"] = {"until": "60s", "warm_up": "2s"}
    document["topology"] |= {"hosts": 2}
    document["workload"] |= {"rate": "30/s", "accounts": 60, "ends": "42s"}
    document["fault"] = [document["fault"][0] | {"at": "10s", "for": "20s", "targets": [target]}]
    return parse(document, name="short", file="short.toml", text="")


@cache
def seen(arm: str, target: str = "us-east-1") -> Observation:
    options = dict(EXPERIMENT.arm(arm).system)
    if arm == "failover":
        options |= {"reconcile": "200/s", "reconcile_delay": "2s", "suspect_after": "3s"}
    return observe(short(target).with_system(options), 1)


def count(arm: str, fate: Fate) -> int:
    return list(fates(seen(arm)).values()).count(fate)


@pytest.mark.parametrize("arm", ["home", "majority", "split"])
def test_designs_that_promise_safety_keep_every_property(arm: str) -> None:
    verdicts = {name: PROPERTIES[name].holds(seen(arm)) for name in SAFE}
    assert {name: verdict.reason for name, verdict in verdicts.items() if not verdict.valid} == {}
    assert PROPERTIES["met_traffic"].holds(seen(arm)).valid


def test_the_split_overdraws_in_the_cut_and_compensates_each_overdraft() -> None:
    assert count("split", Fate.COMPENSATED) > 0
    assert overdrafts(seen("split")).times > 0
    assert overdrafts(seen("split")).open == 0


def test_last_writer_wins_is_caught() -> None:
    caught = {name for name in SAFE if not PROPERTIES[name].holds(seen("lww")).valid}
    assert caught >= {"no_acknowledged_loss", "conservation"}
    assert "convergence" not in caught  # the regions agree, on a wrong balance
    assert count("lww", Fate.SUPERSEDED) > 0


def test_a_failover_leaves_writes_behind_that_only_the_operator_brings_back() -> None:
    run = seen("failover")
    assert len(run.ledger.divergent) > 0
    assert run.ledger.conflicts > 0  # the same address stands for two different events
    assert run.noted["promoted"]
    assert PROPERTIES["no_acknowledged_loss"].holds(run).valid


def test_without_an_operator_they_stay_behind() -> None:
    idle = EXPERIMENT.arm("failover").system | {"reconcile_delay": "10min", "suspect_after": "3s"}
    run = observe(short().with_system(idle), 1)
    assert list(fates(run).values()).count(Fate.SET_ASIDE) > 0
    assert not PROPERTIES["no_acknowledged_loss"].holds(run).valid
    lag = stability(run).stable_after_heal_s
    assert lag is not None
    assert isinf(lag)


def test_isolating_another_region_promotes_nobody() -> None:
    run = seen("failover", "eu-west-1")
    assert run.noted["promoted"] == ()
    assert run.ledger.divergent == ()


def test_arms_meet_the_same_commands_at_the_same_instants() -> None:
    asked = [
        [(a.command_id, a.account, a.amount, a.invoked_us) for a in seen(arm).answers]
        for arm in ("home", "split", "lww")
    ]
    assert asked[0] == asked[1] == asked[2]


@cache
def rows() -> tuple[RunResult, ...]:
    return tuple(
        judge(Cell(scenario="github_2018", arm=EXPERIMENT.arm(arm)), 1, seen(arm)) for arm in ("home", "split")
    )


def test_a_row_adds_up_and_its_series_cover_the_run() -> None:
    for result in rows():
        row, series = result.row, result.series
        assert isinstance(row, MergeRow)
        assert row.commands == sum(series["issued_cutoff"]) + sum(series["issued_rest"])
        assert row.regret == row.superseded + row.compensated
        assert len(series["backlog"]) == 61
        assert len(series["issued_rest"]) == 60_000_000 // BIN_US
        assert row.cut_s == 20.0
    home, split = (result.row for result in rows())
    assert isinstance(home, MergeRow)
    assert isinstance(split, MergeRow)
    assert (home.availability_cut or 0) < 0.5 < (split.availability_cut or 0)
    assert isinf(home.latency_rest_p99_ms or 0)


@cache
def row_of(arm: str) -> MergeRow:
    row = judge(Cell(scenario="github_2018", arm=EXPERIMENT.arm(arm)), 1, seen(arm)).row
    assert isinstance(row, MergeRow)
    return row


def test_the_sides_of_the_cut_are_told_apart() -> None:
    """Under one home region only the cut-off side, which has the home, goes on."""
    home, run = row_of("home"), seen("home")
    assert (home.availability_cutoff, home.availability_rest) == (1.0, pytest.approx(0.0, abs=0.1))
    assert (home.latency_cutoff_p50_ms or inf) < 100 < (home.latency_rest_p50_ms or 0)
    assert home.acknowledged == len(fates(run))


def test_what_was_taken_back_is_counted_on_the_side_that_was_told_yes() -> None:
    split, run = row_of("split"), seen("split")
    region_of = {a.command_id: a.region for a in run.answers}
    taken = [c for c, fate in fates(run).items() if fate is Fate.COMPENSATED]
    assert split.regret_cutoff == sum(region_of[c] == "us-east-1" for c in taken)
    assert split.regret_rest == len(taken) - (split.regret_cutoff or 0)
    assert split.regret_share == pytest.approx(len(taken) / split.acknowledged)
    assert split.violations == (split.violations_cutoff or 0) + (split.violations_rest or 0)
    assert split.degraded_per_cut == pytest.approx((20 + (split.stable_after_heal_s or 0)) / 20)
    assert split.compensations == len(taken)
    assert (split.compensation_p50_s or 0) > 0


def test_the_truth_of_a_bank_is_that_of_any_domain() -> None:
    for arm in ("split", "failover", "lww"):
        row, found = row_of(arm), overdrafts(seen(arm))
        assert (row.violations, row.violation_depth, row.violations_open) == (found.times, found.depth, found.open)
        assert row.violation_s == pytest.approx(found.account_us / 1e6)


def test_a_silent_last_writer_breaks_sessions_and_a_split_that_tells_does_not() -> None:
    assert row_of("lww").session_violations > 0
    assert row_of("split").session_violations == 0


def test_latencies_before_the_cut_are_of_commands_that_were_over_by_then() -> None:
    """Virginia is cut off at 10 s: what asks later than a deadline before that may wait for its answer in the cut."""
    run, home = seen("home"), row_of("home")
    over = [a for a in run.measured if a.invoked_us <= 10_000_000 - run.scenario.workload.deadline_us]
    later = [a for a in run.measured if 10_000_000 > a.invoked_us > over[-1].invoked_us]
    assert any(a.answered_us is None for a in later)
    assert all(a.answered_us is not None and a.answered_us < 10_000_000 for a in over)
    assert home.latency_calm_p99_ms == quantile(latencies_ms(over), 0.99) < 1000


def test_a_quantile_of_too_few_commands_is_none() -> None:
    home = row_of("home")
    assert home.latency_calm_p999_ms is None
    assert home.latency_rest_p99_ms is not None
    assert home.latency_rest_p999_ms is None


def test_the_merge_lag_after_the_heal_is_that_of_calm_days() -> None:
    split = row_of("split")
    assert split.lag_p50_s is not None
    assert split.lag_healed_p50_s == pytest.approx(split.lag_p50_s, rel=0.3)
    assert split.lag_healed_p99_s is not None
    assert split.lag_healed_p99_s < 20


def test_what_was_overwritten_in_silence_is_owed_and_not_made() -> None:
    lww = row_of("lww")
    assert lww.compensation_failures == lww.superseded > 0
    assert row_of("split").compensation_failures == 0


def test_one_conflict_left_to_a_person_does_not_hide_what_others_are_owed() -> None:
    """Of what replay took back, one write waits for a person; the notes of all compensations are lost."""
    run = seen("split")
    taken = [event for event in run.events() if event.status == "compensated" and event.kind != "denied"]
    told = {command for command, fate in fates(run).items() if fate is Fate.COMPENSATED}
    one = next(event for event in taken if event.command_id in told)
    assert run.ledger.merging is not None
    left = replace(run.ledger.merging, opened=1, left=frozenset({one.address}))
    without = replace(run, ledger=replace(run.ledger, merging=left), noted=dict(run.noted) | {"compensated": ()})
    row = judge(Cell(scenario="github_2018", arm=EXPERIMENT.arm("split")), 1, without).row
    assert isinstance(row, MergeRow)
    assert row.compensation_failures == len(told) - 1 > 0


def test_only_where_regions_decide_alone_is_a_decision_stale() -> None:
    assert row_of("home").stale_decisions == 0
    assert row_of("split").stale_decisions > 0


def test_divergent_writes_leave_out_refusals() -> None:
    entries = seen("failover").ledger.divergent
    assert row_of("failover").divergent_writes == sum(e.kind != "denied" for e in entries) < len(entries)


def in_every_workload(seeds: int = 1) -> list[MergeRow]:
    """The short run's rows as if of replay in every workload, of its majority, and of their controls."""
    made = []
    for workload in COMPARED:
        for name, source in (("split", "split"), ("majority", "home")):
            for scenario in (workload, SITUATIONS[workload].control):
                made += [replace(row_of(source), scenario=scenario, arm=name, seed=seed) for seed in range(seeds)]
    return made


@pytest.mark.parametrize(("held", "begins"), [(True, "Yes"), (None, "So far"), (False, "Not as claimed")])
def test_the_answer_says_yes_only_if_the_claims_hold(held: bool | None, begins: str, tmp_path: Path) -> None:
    findings = [Finding(claim="c", holds=held, detail=""), Finding(claim="s", holds=False, detail="", sometimes=True)]
    answer = answer_of(Results(in_every_workload(2), tmp_path / "none"), findings)
    assert answer.startswith(begins)
    assert "of 1,000 yeses had to be made good" in answer


def test_every_cell_lays_out_has_a_control_and_keeps_to_its_load() -> None:
    cells = EXPERIMENT.cells(EXPERIMENT.full)
    for scenario, arm in cells:
        one = SITUATIONS[scenario]
        assert (one.control, arm) in cells
        laid = scenario_of(scenario, EXPERIMENT.arm(arm))
        assert laid.system.build(laid.topology, laid.workload).placements
        assert laid.workload.rate_per_s * laid.workload.ends_us / 1e6 <= MOST_COMMANDS
        assert bool(laid.faults) is not one.calm
        if one.workload not in LINEARIZABLE and scenario not in HISTORIC:
            assert laid.workload.contended


def test_the_github_cut_has_its_real_length() -> None:
    assert scenario_of("github_2018", ARMS[0]).faults[0].for_us == 43_000_000


def test_one_seed_leaves_the_paired_claim_undecided(tmp_path: Path) -> None:
    findings = EXPERIMENT.check(Results(in_every_workload(), tmp_path / "none"))
    assert findings[0].holds is None
    assert findings[1].holds


def test_the_readme_says_what_the_committed_report_answers() -> None:
    root = Path(__file__).parents[2]
    answer = json.loads((root / "reports/merge-domains/run.json").read_text(encoding="utf-8"))["answer"]
    row = next(
        line for line in (root / "README.md").read_text(encoding="utf-8").splitlines() if "(`merge-domains`)" in line
    )
    least, most = (f"{float(one):.2f}".lstrip("0") for one in re.findall(r"\+(0\.\d+) \[", answer)[:2])
    owing = re.findall(r"\(for unique username\) ([\d.]+) ", answer)
    even = re.findall(r"more than ([\d.]+) unserved ones \[([\d.]+), ([\d.]+)\]", answer)
    assert f"serves {least} (withdrawal) to {most} (counter)" in row
    assert [f"{float(one):.0f} of 1,000" in row for one in owing] == [True]
    ratios = [tuple(f"{float(one):.0f}" for one in each) for each in even]
    assert [f"more than {at} unserved commands [{low}, {high}]" in row for at, low, high in ratios] == [True]
