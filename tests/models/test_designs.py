"""The four designs end to end in small worlds: what each must keep under which fault."""

import pytest

from models import (
    EventKind,
    Site,
    Status,
    Workload,
    home_failover,
    home_region,
    majority,
    region_split,
)
from sim.history import Kind
from sim.topology import grid
from tests.models.stores import REGIONS, SECOND, fault, run_store

QUICK_FAILOVER = {
    "suspect_after_us": 1_500_000,
    "monitor_heartbeat_us": 200_000,
    "reconcile_delay_us": 1_000_000,
    "reconcile_per_s": 50.0,
}
DURABLE = [home_region, majority, region_split]
HOME_CUT = fault("partition-full", "us-east-1", 3, 5)


def last_writer_wins(site, workload):
    return region_split(site, workload, merge="silent-last-writer")


def quick_failover(site, workload):
    return home_failover(site, workload, **QUICK_FAILOVER)


def quick_failover_at(site, workload, **options):
    return home_failover(site, workload, **(QUICK_FAILOVER | options))


EVERY = [*DURABLE, quick_failover, last_writer_wins]


@pytest.mark.parametrize("factory", EVERY)
def test_without_faults_every_command_is_answered_and_the_regions_agree(factory):
    run = run_store(factory, hosts=2)

    kinds = {row.kind for row in run.rows}
    assert kinds <= {Kind.INVOKE, Kind.OK, Kind.FAIL}
    assert len(run.accepted()) > 250
    assert run.accepted() == run.effective()
    assert run.regions_agree()
    assert Status.TENTATIVE not in run.statuses()
    assert (run.ledger.divergent, run.ledger.conflicts, run.notes["promoted"]) == ((), 0, [])


@pytest.mark.parametrize("factory", EVERY)
def test_designs_meet_the_same_commands_at_the_same_instants(factory):
    def invoked(run):
        return [(r.t_us, r.op, r.f, r.key, r.value) for r in run.rows if r.kind is Kind.INVOKE]

    assert invoked(run_store(factory, faults=(HOME_CUT,))) == invoked(run_store(home_region))


@pytest.mark.parametrize("factory", DURABLE)
@pytest.mark.parametrize("target", [*REGIONS, "us-west-2/c1/h1"])
def test_a_cut_loses_no_acknowledged_event(factory, target):
    run = run_store(factory, faults=(fault("partition-full", target, 3, 5),), hosts=2)

    assert run.accepted() <= run.effective()
    assert run.regions_agree()
    assert Status.TENTATIVE not in run.statuses()


@pytest.mark.parametrize("factory", DURABLE)
@pytest.mark.parametrize("kind", ["process-crash", "power-loss"])
@pytest.mark.parametrize("region", REGIONS)
def test_no_crash_of_a_store_loses_an_acknowledged_event(factory, kind, region):
    params = {"torn": True} if kind == "power-loss" else {}
    crash = fault(kind, f"{region}/c1/h1", 3.0123, 1, **params)

    run = run_store(factory, faults=(crash,), ends_s=8, until_s=16)

    assert run.accepted() <= run.effective()
    assert run.regions_agree()
    assert Status.TENTATIVE not in run.statuses()


def test_while_the_home_is_cut_off_only_its_own_clients_are_served():
    run = run_store(home_region, faults=(HOME_CUT,))

    inside = [r for r in run.rows if 3_200_000 < r.t_us < 5_000_000 and r.kind is Kind.OK]
    assert {row.client.split("/")[0] for row in inside} == {"us-east-1"}


def test_a_majority_goes_on_under_another_leader_while_the_first_is_cut_off():
    run = run_store(majority, faults=(HOME_CUT,))

    inside = [r for r in run.rows if 6_500_000 < r.t_us < 8_000_000 and r.kind is Kind.OK]
    assert {row.client.split("/")[0] for row in inside} == {"us-west-2", "eu-west-1"}


def test_a_majority_answers_only_what_a_second_region_has():
    run = run_store(majority, faults=(fault("partition-full", "us-west-2", 3, 5),))

    assert [r for r in run.rows if 3_200_000 < r.t_us < 8_000_000 and r.kind is Kind.OK]


def test_the_split_answers_everybody_during_the_cut_and_compensates_what_overdrew():
    run = run_store(region_split, faults=(HOME_CUT,), accounts=3, opening_balance=10_000)

    assert {row.kind for row in run.rows} <= {Kind.INVOKE, Kind.OK, Kind.FAIL}
    reversed_ = {e.command_id for events in run.ledger.final.values() for e in events if e.status is Status.COMPENSATED}
    assert reversed_ == {value for _, _, value in run.notes["compensated"]}
    assert reversed_, "no withdrawal met the cut; the claim was not tried"
    assert min(b for view in run.ledger.balances.values() for b in view.values()) >= 0


def test_every_region_of_the_split_emits_the_same_compensations():
    run = run_store(region_split, faults=(HOME_CUT,), accounts=3, opening_balance=10_000)
    shards = zip(*run.system.stores.values(), strict=True)

    for locations in shards:
        first, *others = [run.world.service(at).superseded for at in locations]
        assert first
        assert all(other == first for other in others)


def test_last_writer_wins_supersedes_acknowledged_events_under_the_same_cut():
    run = run_store(last_writer_wins, faults=(HOME_CUT,))

    assert run.statuses()[Status.SUPERSEDED] > 0
    assert run.notes["compensated"] == []
    for view in run.ledger.balances.values():
        for account, balance in view.items():
            total = 20_000 + sum(_effect(e) for e in run.ledger.final[account] if e.status is Status.MERGED)
            assert balance == total  # the surviving chain explains the balance, and nothing else does


def _effect(event):
    signs = {EventKind.DEPOSITED: 1, EventKind.WITHDRAWN: -1, EventKind.DENIED: 0}
    return signs[event.kind] * event.amount


def test_a_failover_leaves_acknowledged_events_behind_until_the_operator_is_done():
    run = run_store(quick_failover, faults=(HOME_CUT,), until_s=30)

    assert [value for _, _, value in run.notes["promoted"]] == [2]
    left_behind = {e.command_id for e in run.ledger.divergent if e.kind is not EventKind.DENIED}
    assert sum(value for _, _, value in run.notes["divergent"]) == len(left_behind) > 0
    assert run.ledger.conflicts > 0
    fates = {e.status for e in run.ledger.divergent if e.kind is not EventKind.DENIED}
    assert fates <= {Status.MERGED, Status.COMPENSATED}
    compensated = {e.command_id for e in run.ledger.divergent if e.status is Status.COMPENSATED}
    assert run.accepted() <= run.effective() | compensated
    assert run.regions_agree()


@pytest.mark.parametrize("kind", ["process-crash", "power-loss"])
def test_a_crash_at_any_millisecond_of_a_step_down_loses_no_acknowledged_event(kind):
    small = {"ends_s": 9, "until_s": 16} | QUICK_FAILOVER
    calm = run_store(home_failover, faults=(HOME_CUT,), **small)
    stepped_down_us = next(t for t, _, value in calm.notes["role"] if value == "copy")

    caught = 0
    for before_ms in range(-2, 13):
        crash = fault(kind, "us-east-1/c1/h1", (stepped_down_us - before_ms * 1_000) / 1e6, 0.002)
        run = run_store(home_failover, faults=(HOME_CUT, crash), **small)

        aside = [e for e in run.ledger.divergent if e.kind is not EventKind.DENIED]
        compensated = {value for _, _, value in run.notes["compensated"]}
        assert run.accepted() <= run.effective() | compensated, f"{before_ms} ms before the end"
        assert {e.status for e in aside} <= {Status.MERGED, Status.COMPENSATED}
        assert len({e.ordinal for e in run.ledger.divergent}) == len(run.ledger.divergent) > 0
        assert run.regions_agree()
        caught += [t for t, _, value in run.notes["role"] if value == "copy"] != [stepped_down_us]
    assert caught > 5, "few crashes met the step-down; the claim was hardly tried"


def test_operators_work_at_the_rate_they_were_given():
    rate = {"reconcile_per_s": 20.0}
    run = run_store(quick_failover_at, faults=(HOME_CUT,), rate=60, accounts=100, ends_s=10, until_s=30, **rate)

    done_us = sorted(t for name in ("reconciled", "compensated") for t, _, _ in run.notes[name])
    assert len(done_us) > 60
    assert (len(done_us) - 1) / (done_us[-1] - done_us[0]) * SECOND == pytest.approx(20, rel=0.02)


def test_what_a_former_home_still_holds_behind_a_cut_is_set_aside_and_not_lost():
    run = run_store(quick_failover, faults=(fault("partition-full", "us-east-1", 3, 60),), ends_s=10, until_s=14)

    open_ = {e.command_id for e in run.ledger.divergent if e.status is Status.DIVERGENT}
    left_behind = run.accepted() - run.effective()
    assert left_behind
    assert left_behind <= open_
    assert len({e.ordinal for e in run.ledger.divergent}) == len(run.ledger.divergent)


@pytest.mark.parametrize("factory", EVERY)
def test_stores_that_are_down_at_the_end_are_counted(factory):
    crash = fault("process-crash", "eu-west-1", 4, 60)

    assert run_store(factory, faults=(crash,), hosts=2, ends_s=3, until_s=6).ledger.missing == 2
    assert run_store(factory, hosts=2, ends_s=3, until_s=6).ledger.missing == 0
    recovering = fault("process-crash", "eu-west-1/c1/h1", 4, 1.9995)
    assert run_store(factory, faults=(recovering,), hosts=2, ends_s=3, until_s=6).ledger.missing == 1


def test_what_no_operator_reconciles_stays_counted():
    run = run_store(home_failover, faults=(HOME_CUT,), **(QUICK_FAILOVER | {"reconcile_delay_us": 3_600_000_000}))

    open_ = {e.command_id for e in run.ledger.divergent if e.status is Status.DIVERGENT}
    assert run.accepted() - run.effective() <= open_
    assert run.accepted() & open_


def test_isolating_a_region_that_is_not_the_home_promotes_nobody():
    run = run_store(quick_failover, faults=(fault("partition-full", "us-west-2", 3, 5),))

    assert (run.notes["promoted"], run.ledger.divergent) == ([], ())
    assert run.accepted() <= run.effective()


def test_after_two_failovers_the_regions_agree_and_every_promise_is_kept_or_reversed_openly():
    cuts = (HOME_CUT, fault("partition-full", "us-west-2", 12, 5))
    run = run_store(quick_failover, faults=cuts, ends_s=20, until_s=40)

    assert [value for _, _, value in run.notes["promoted"]] == [2, 3]
    compensated = {e.command_id for e in run.ledger.divergent if e.status is Status.COMPENSATED}
    assert run.accepted() <= run.effective() | compensated
    assert run.regions_agree()


@pytest.mark.parametrize("factory", EVERY)
def test_a_seed_gives_the_same_run(factory):
    first, second = (run_store(factory, faults=(HOME_CUT,), ends_s=9, until_s=12) for _ in range(2))

    assert first.world.digest() == second.world.digest()
    assert first.ledger == second.ledger


@pytest.mark.parametrize("factory", DURABLE)
def test_overlapping_faults_of_every_kind_lose_nothing(factory):
    faults = (
        fault("partition-one-way", "us-east-1", 2, 4),
        fault("partition-full", "eu-west-1", 4, 4),
        fault("power-loss", "us-west-2/c1/h1", 4.5, 0.7, torn=True),
        fault("process-crash", "us-east-1/c1/h2", 5, 1),
        fault("power-loss", "us-east-1/c1/h2", 5.5, 1),
    )
    run = run_store(factory, faults=faults, hosts=2, until_s=30)

    assert run.accepted() <= run.effective()
    assert run.regions_agree()


def test_regions_of_unequal_size_and_unknown_options_are_refused():
    topology = grid(["a", "b"], clusters=1, hosts=1, cores=1)
    site, workload = Site(topology), Workload(rate_per_s=1, ends_us=1)
    with pytest.raises(ValueError, match="home 'us-east-1' is no region here"):
        home_region(site, workload)
    with pytest.raises(ValueError, match="choose one of canonical-replay, accept-and-apologise"):
        region_split(site, workload, merge="newest")
