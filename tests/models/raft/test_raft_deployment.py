"""Raft laid out over a topology: what is refused before a run, and whole stores from end to end."""

from __future__ import annotations

from typing import Any

import pytest

from models.clients import Workload
from models.deployment import majority
from models.domains.bank_account import BankAccount
from models.keyspace import Stored, key_space
from models.keyspace.storage import PLACEMENTS
from models.operations.membership import Change
from models.raft.deployment import raft
from models.raft.plan import Reads
from models.raft.words import AddMember, MembersChanged, RemoveMember
from models.store.schemes import Spread
from models.system import Site
from sim.history import Kind
from sim.topology import Location, grid
from tests.models.stores import fault, run_store

SITE = Site(grid(["a", "b", "c"], clusters=1, hosts=2, cores=1, racks=1))
LOAD = Workload(rate_per_s=1, ends_us=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"members": 4}, "members=4: an even group survives no more failures than one of a member less; give 3 or 5"),
        ({"members": 0}, "members=0 are no group, .* give 1 or 3"),
        ({"members": 7}, "7 members, each in another host: there is room for 6; give members=5"),
        ({"members": 5, "spread": "region"}, "5 members, each in another region: there is room for 3; give members=3"),
        (
            {"spares": 1, "spread": "region"},
            "3 members and 1 learners or spares, each in another region: .* 3; give members=1",
        ),
        ({"placement": "rings"}, "placement='rings' is none; did you mean 'ring'"),
        ({"members": 7, "placement": "ring"}, "7 members, each in another host: .* 6; give members=5"),
        ({"spread": "zone"}, "spread='zone' is no level to spread over"),
        ({"learners": -1}, "learners=-1 is negative"),
        (
            {"election_us": 100, "heartbeat_us": 90},
            "election_us=100 allows for no lost heartbeat at heartbeat_us=90; give at least",
        ),
        ({"drift_bound": -1.0}, "drift_bound=-1.0 is no share"),
        ({"reads": Reads.LEASE, "stickiness": False}, "set stickiness = true, or choose reads = 'index'"),
        ({"registers": True}, "registers are one shard of profiles"),
        ({"home": "d"}, "home='d' is no region here"),
        ({"segment": 0}, "segment=0 keeps nothing"),
        ({"tenants": 0}, "tenants=0 is nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        raft(SITE, LOAD, **options)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="even group") as refused:
        raft(SITE, LOAD, members=2, spread="zone", home="d", segment=0, learners=-1, domain="bank", placement="rng")
    told = ("zone", "home='d'", "segment=0", "learners=-1", "'bank'", "placement='rng'")
    assert all(word in str(refused.value) for word in told)


def test_an_even_group_that_has_no_room_is_told_both() -> None:
    with pytest.raises(ValueError, match="members=4: an even group") as refused:
        raft(SITE, LOAD, members=4, spread="region", shards=0)
    assert "there is room for 3; give members=3" in str(refused.value)
    assert "shards=0 stores nothing" in str(refused.value)


def test_a_majority_of_an_even_number_of_regions_is_refused() -> None:
    with pytest.raises(ValueError, match="members=2: an even group"):
        majority(Site(grid(["us-east-1", "b"], clusters=1, hosts=1, cores=1)), LOAD)


def test_operators_are_told_who_belongs_and_how_that_changes() -> None:
    system = raft(SITE, LOAD, members=3, learners=1, spares=1)
    ((_, members),) = system.groups.items()
    assert len(members) == 4  # a spare is none of them
    assert system.membership is not None
    spare = SITE.topology.hosts[SITE.topology.index_of(Location((int(members[0]) >> 64) << 64))].location
    ask = system.membership.request(Change(shard="bank-account-0", add=True, host=spare))
    assert isinstance(ask, AddMember)
    assert ask.seat == 1
    leave = system.membership.request(Change(shard="bank-account-0", add=False, host=spare))
    assert leave == RemoveMember(seat=1)
    with pytest.raises(AssertionError, match="has no seat"):
        system.membership.request(Change(shard="bank-account-0", add=False, host=members[0]))
    assert system.membership.is_done(Change(shard="", add=True, host=spare), MembersChanged(done=True))
    assert not system.membership.is_done(Change(shard="", add=True, host=spare), MembersChanged(done=False))


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_shards_are_where_the_key_space_puts_them(placement: str) -> None:
    parts = {(Stored.EVENTS, BankAccount.number): 6}
    space = key_space(SITE.topology, placement=placement, spread=Spread.REGION, copies=3, parts=parts)
    system = raft(SITE, LOAD, shards=6, spread="region", placement=placement)
    assert list(system.groups.values()) == [
        space.places(Stored.EVENTS, shard, f"bank-account-{shard}", number=BankAccount.number, n=3)
        for shard in range(6)
    ]


def test_placed_groups_elect_their_leaders_and_serve() -> None:
    run = run_store(raft, shards=4, placement="ring", ends_s=5, until_s=12, rate=40)
    assert run.accepted() == run.effective()
    assert run.accepted()


def test_a_group_of_one_serves() -> None:
    run = run_store(raft, members=1, ends_s=2, until_s=4)
    assert len(run.accepted()) > 20
    assert run.accepted() <= run.effective()


@pytest.mark.parametrize("after_us", range(1_400, 4_000, 600))
def test_a_disk_that_fills_up_during_an_election_ends_the_process_and_not_the_run(after_us: int) -> None:
    run = run_store(raft, members=1, ends_s=4, until_s=6, faults=(fault("disk-full", "*", after_us / 1e6, 1),))
    assert run.accepted()
    assert run.accepted() <= run.effective()


def test_learners_have_everything_and_elect_nobody() -> None:
    run = run_store(raft, members=3, learners=2, hosts=2, ends_s=4, until_s=6)
    (group,) = run.ledger.ends
    assert [member.whole for member in group.members] == [True, True, True, False, False]
    assert len({member.length for member in group.members}) == 1


def test_cut_heads_and_snapshots_bring_a_member_back_that_was_away_for_long() -> None:
    log = {"snapshot_every": 4, "segment": 8, "truncate": True, "sweep": True, "keep_every_us": 200_000}
    run = run_store(raft, spread="region", peer_patience=8, faults=(fault("partition-full", "eu-west-1", 1, 8),), **log)
    (group,) = run.ledger.ends
    assert len({member.length for member in group.members}) == 1
    assert all(not member.flaws and not member.state_flaws and not member.departures for member in group.members)
    assert run.regions_agree()


def test_operators_hand_over_the_lead_where_nobody_leads_well() -> None:
    run = run_store(
        raft, spread="region", promote_after_us=1_500_000, faults=(fault("partition-full", "us-east-1", 2, 6),)
    )
    assert [row for row in run.rows if 6_000_000 < row.t_us < 8_000_000 and row.kind is Kind.OK]
    assert run.accepted() <= run.effective()
