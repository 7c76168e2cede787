"""Aggregates in a leaderless store: what counts is one chain of versions, and what is not in it was overwritten."""

from __future__ import annotations

from functools import cache

import pytest

from models import Site, Status, Workload
from models.quorum.aggregate_store import leaderless
from sim.topology import grid
from tests.models.stores import REGIONS, SECOND, Run, fault, run_store


@cache
def cut() -> Run:
    return run_store(leaderless, hosts=2, accounts=3, faults=(fault("partition-full", "us-east-1", 3, 5),))


def test_without_faults_regions_agree_and_every_yes_is_in_a_chain_or_overwritten() -> None:
    run = run_store(leaderless, accounts=10)
    assert run.regions_agree()
    assert run.accepted() <= run.effective()
    assert set(run.statuses()) == {Status.MERGED, Status.SUPERSEDED}  # two regions decide within a round trip
    assert run.ledger.missing == 0


def test_the_balance_is_what_the_chain_comes_to() -> None:
    run = cut()
    for account, events in run.ledger.final.items():
        kept = [event for event in events if event.status is Status.MERGED]
        assert kept[-1].told == {view[account] for view in run.ledger.balances.values()}.pop()
        money = sum(event.amount if event.kind == "deposited" else -event.amount for event in kept)
        assert kept[-1].told == 20_000 + money


def test_a_command_counts_once_however_often_it_was_asked() -> None:
    kept = [e.command_id for events in cut().ledger.final.values() for e in events if e.status is Status.MERGED]
    assert len(kept) == len(set(kept))


def test_the_smaller_side_has_no_quorum_and_says_so() -> None:
    invoked = {row.op: row for row in cut().rows if row.kind == "invoke"}
    refused = [
        row for row in cut().rows if row.value == "refused:no quorum to read from" and invoked[row.op].t_us < 7 * SECOND
    ]
    assert {row.client.split("/")[0] for row in refused} == {"us-east-1"}


def test_what_makes_no_sense_is_refused_at_once() -> None:
    site = Site(grid(REGIONS, clusters=1, hosts=1, cores=1))
    with pytest.raises(ValueError, match=r"domain='nothing' .*rounds=0"):
        leaderless(site, Workload(rate_per_s=1, ends_us=SECOND), domain="nothing", rounds=0)
