"""The experiment on log policies over three short days: each policy shows what the report says of it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from experiments.experiment import Cell
from experiments.log_management import EXPERIMENT
from experiments.logs import AWAY, CALM, MONTH, LogRow, check, log_bound, measured
from experiments.measures.observation import Answer, Outcome
from experiments.measures.storage import archived_whole, unexplained
from experiments.results import Results
from experiments.scenario import Scenario, build, load, parse
from models.store.log.archive import ArchiveService
from models.store.shard import Shard

SEGMENT = 50
EVERY = 40


def short(name: str) -> Scenario:
    """Three days at twice the load, in small segments; the faults where they were, as shares of the run."""
    document: dict[str, Any] = deepcopy(dict(load(name).document))
    document["run"]["until"] = "72h"
    document["workload"] |= {"rate": "40/h", "accounts": 100, "ends": "71h"}
    document["system"] |= {"segment": SEGMENT, "window": 50, "peer_patience": 500}
    for fault in document["fault"]:
        fault["at"] = f"{int(fault['at'].removesuffix('h')) // 10}h"
        if fault["id"] == "away":
            fault["for"] = "17h"
    return parse(document, name=name, file=f"{name}.toml", text="")


def policy(arm: str) -> dict[str, Any]:
    """An arm's options, with snapshots as often as a short run needs them."""
    options = dict(EXPERIMENT.arm(arm).system)
    if "snapshot_every" in options:
        options["snapshot_every"] = EVERY
    if "snapshot_age" in options:
        options["snapshot_age"] = "7h"
    return options


@cache
def row(arm: str, name: str = MONTH) -> LogRow:
    found = measured(short(name).with_system(policy(arm)), Cell(scenario=name, arm=EXPERIMENT.arm(arm)), 1).row
    assert isinstance(found, LogRow)
    return found


def test_a_kept_log_takes_longer_to_recover_each_time_and_nothing_is_lost() -> None:
    kept = row("keep")
    weeks = [kept.recovery_week_1_ms, kept.recovery_week_2_ms, kept.recovery_week_3_ms, kept.recovery_week_4_ms]
    assert None not in weeks
    assert weeks == sorted(weeks)  # type: ignore[type-var]
    assert kept.accounts_wrong == 0
    assert kept.kept == kept.appended


def test_the_tail_holds_on_to_a_log_that_is_cut_behind_many_events_alone() -> None:
    assert row("cut").kept > 0.75 * row("cut").appended


@pytest.mark.parametrize("arm", ["sweep", "archive", "no-denials"])
def test_a_sweep_bounds_log_and_recovery(arm: str) -> None:
    swept = row(arm)
    assert swept.kept_most <= log_bound(arm, short(MONTH))
    assert swept.accounts_wrong == 0
    assert swept.kept + swept.dropped == swept.appended
    assert swept.recovery_week_4_ms is not None
    assert swept.recovery_week_4_ms < 2 * SEGMENT + 100


@pytest.mark.parametrize(
    ("appended", "in_doubt", "holds"), [(0, 0, True), (2, 2, True), (-1, 0, False), (1, 0, False), (3, 2, False)]
)
def test_entries_are_held_against_the_history(appended: int, in_doubt: int, holds: bool) -> None:
    """One too few is a command that was acknowledged and never written, one too many a command done twice."""
    kept = row("keep")
    changed = replace(kept, scenario=CALM, appended=kept.appended + appended, in_doubt=kept.in_doubt + in_doubt)
    without = replace(row("no-denials"), scenario=CALM, appended=1)  # says nothing here
    found = check(Results([changed, without], Path("none")))
    assert next(one for one in found if "one entry was appended" in one.claim).holds is holds


def test_age_frees_what_many_events_do_not() -> None:
    assert row("age").kept < row("cut").kept / 2


def test_snapshots_alone_make_loading_short_and_storage_large() -> None:
    assert row("snapshots").load_busy_ms < EVERY * 1.1
    assert row("snapshots").live_bytes > row("keep").live_bytes


def test_the_archive_has_what_was_dropped() -> None:
    archived = row("archive")
    assert archived.whole == ""
    assert archived.archived == archived.dropped > 0


def test_the_log_waits_for_a_follower_and_then_hands_it_everything() -> None:
    away = row("sweep", AWAY)
    assert log_bound("sweep", short(AWAY)) < away.kept_most <= 500 + log_bound("sweep", short(AWAY))
    assert away.installs > 0
    assert away.follower_lacks == 0


def test_an_archive_that_lost_or_changed_an_entry_is_not_whole() -> None:
    scenario = short(MONTH).with_system(policy("archive"))
    world, _ = build(scenario.without_faults(), 1)
    world.run(24 * 3_600_000_000)
    leader = world.service_named("us-east-1/c1/h1", "bank-account-0")
    archive = world.service_named("us-east-1/clients/client1", "archive")
    assert isinstance(leader, Shard)
    assert isinstance(archive, ArchiveService)
    assert archived_whole(leader, archive) == ""
    entries = archive.entries[0]
    changed = entries[3]
    entries[3] = changed._replace(event_id=changed.event_id + 1)
    assert "version" in archived_whole(leader, archive)
    del entries[3]
    assert "are archived" in archived_whole(leader, archive)


def answer(amount: int, outcome: Outcome) -> Answer:
    return Answer(1, "r", 7, amount, 0, 1, outcome)


def test_a_balance_is_explained_by_what_was_acknowledged_and_perhaps_by_what_is_in_doubt() -> None:
    told = [answer(5, Outcome.ACCEPTED), answer(3, Outcome.UNANSWERED), answer(9, Outcome.DENIED)]
    assert unexplained(told, {7: 105}, 100) == []
    assert unexplained(told, {7: 108}, 100) == []
    assert unexplained(told, {7: 103}, 100) == [7]
    assert unexplained(told, {}, 100) == [7]
