"""The core on hosts: disks that forget, snapshots half installed, doubt, reads, and what operators ask."""

from __future__ import annotations

import pytest

from models.detection import Fixed, Plan
from models.raft.copy import _Redo
from models.raft.effects import HardState
from models.raft.member import _next_step
from models.raft.membership import Change, Membership, Step, seat_of
from models.raft.messages import AppendEntries, AppendReply, InstallSnapshot, VoteReply, VoteRequest
from models.raft.plan import Reads
from models.raft.shard import RaftShard
from models.raft.words import AddMember, MembersChanged, RemoveMember
from models.store.group.words import Promote, Promoted, StatusQuery
from models.store.requests import Accepted, Look, RolledBack, Seen, Unavailable
from sim.testing import FakeContext
from tests.models.raft.members import BEAT_US, ELECTION_US, Trio, alone, at, deposit, deposited, elected, said


def leading(**more: object) -> tuple[FakeContext, RaftShard]:
    """Member 1, elected in term 1, whose log has its own first entry."""
    ctx, one = alone(1, **more)  # type: ignore[arg-type]
    (first, _) = said(ctx, VoteRequest)
    assert first.pre
    ctx.deliver(one, VoteReply(source=2, term=1, granted=True, pre=True))
    ctx.advance(2_000)
    ctx.deliver(one, VoteReply(source=2, term=1, granted=True))
    ctx.advance(2_000)
    assert one.leads
    assert ("elected", 1) in ctx.notes
    ctx.sent.clear()
    return ctx, one


def acknowledge(ctx: FakeContext, one: RaftShard, source: int = 2) -> None:
    """A follower has all that was sent, and takes this one for the leader."""
    latest = one.core.log.last
    round_ = max((message.round for message in said(ctx, AppendEntries)), default=0)
    ctx.deliver(one, AppendReply(source=source, term=one.core.term, match=latest, verified=latest, round=round_))


# -- serving -------------------------------------------------------------------------------------


def test_a_command_is_answered_once_a_majority_has_flushed_it() -> None:
    ctx, one = leading()
    answer = ctx.deliver(one, deposit(5))
    ctx.advance(2_000)
    assert not answer.done
    acknowledge(ctx, one)
    assert isinstance(answer.value, Accepted)
    assert {"C3", "C5", "C6", "C7", "C8", "C10"} <= set(ctx.points)


def test_the_home_leads_at_first_and_another_once_it_is_cut_off() -> None:
    trio = Trio()
    trio.pass_time(30)
    assert trio.leader == 1
    trio.cut = {1}
    trio.pass_time(400)
    assert trio.leader in (2, 3)
    answer = trio.ask(trio.leader, deposit(1))
    trio.pass_time(20)
    assert isinstance(answer.value, Accepted)
    assert not trio.shards[1].leads  # it has not heard a quorum for too long
    trio.cut = set()
    trio.pass_time(200)
    assert {one.journal.length for one in trio.shards.values()} == {trio.shards[2].core.committed}


# -- disks ---------------------------------------------------------------------------------------


def test_a_member_that_lost_its_disk_is_a_new_one_and_is_taken_in_again() -> None:
    trio = Trio()
    trio.pass_time(30)
    trio.ask(1, deposit(1))
    trio.pass_time(30)
    trio.ctxs[3] = trio.ctxs[3].disk_loss()
    trio.begin(3)
    trio.pass_time(3)
    reborn = trio.shards[3]
    assert reborn.me != 3
    assert seat_of(reborn.me) == 3
    assert not reborn.whole
    trio.pass_time(400)
    assert trio.shards[1].core.log.membership == Membership((1, 2, reborn.me))
    assert reborn.whole
    assert reborn.told() == {7: 110}


def test_votes_of_a_member_that_lost_its_disk_count_for_nobody() -> None:
    ctx, _ = alone(3)
    ctx, reborn = alone(3, ctx.disk_loss())
    assert reborn.me != 3
    ctx.advance(2 * ELECTION_US)
    assert not [message for _, message in ctx.sent if isinstance(message, VoteRequest)]
    ctx.deliver(reborn, VoteRequest(source=2, term=5, last=9, last_term=4))
    ctx.advance(5_000)
    (vote,) = said(ctx, VoteReply)
    assert vote.granted
    assert vote.source == reborn.me


def test_a_member_whose_vote_is_torn_is_a_new_one() -> None:
    """Votes are replaced whole; half a one stays only where the device had said that it was flushed."""
    ctx, _ = alone(3)
    ctx.disk.append("vote", HardState(9, 2))
    _, reborn = alone(3, ctx.power_loss(torn=True))
    assert reborn.me != 3
    assert seat_of(reborn.me) == 3
    assert reborn.core.term == 0


def test_a_snapshot_that_was_being_installed_when_a_vote_was_torn_is_not_for_the_new_member() -> None:
    ctx, _ = alone(3)
    ctx.disk.append("redo", _Redo(9, (), ()))
    ctx.disk.flush("redo")
    ctx.advance(2_000)
    ctx.disk.append("vote", HardState(9, 2))
    ctx, reborn = alone(3, ctx.power_loss(torn=True))
    ctx.advance(5_000)
    assert reborn.me != 3
    _, again = alone(3, ctx.power_loss())
    assert again.me == reborn.me
    assert again.journal.base.position == 0


def test_term_and_vote_outlive_a_power_loss() -> None:
    ctx, one = alone(2)
    ctx.advance(2 * ELECTION_US)
    ctx.sent.clear()
    ctx.deliver(one, VoteRequest(source=3, term=9, last=0, last_term=0))
    assert said(ctx, VoteReply) == []
    ctx.advance(1_500)
    assert said(ctx, VoteReply)[0].granted
    ctx, one = alone(2, ctx.power_loss())
    ctx.advance(2 * ELECTION_US)
    ctx.sent.clear()
    ctx.deliver(one, VoteRequest(source=1, term=9, last=5, last_term=8))
    ctx.advance(1_500)
    assert not said(ctx, VoteReply)[0].granted


def test_a_crash_while_a_snapshot_is_installed_leaves_the_old_log_or_the_new() -> None:
    ends = set()
    for ms in range(1, 14):
        ctx, one = alone(2)
        entries = (elected(1, 1, 1, 1), deposited(2, 1, 40), deposited(3, 1, 41)._replace(tip=1))
        ctx.deliver(
            one, AppendEntries(source=1, term=1, prev=0, prev_term=0, entries=entries[:2], committed=2, round=1)
        )
        ctx.advance(5_000)
        snapshots = (one.streams.snapshot((0, 7), None, 0), one.streams.snapshot((entries[0].tenant, 0), None, 0))
        later = tuple(taken._replace(position=8 + place) for place, taken in enumerate(snapshots))
        message = InstallSnapshot(
            source=1, term=1, position=9, position_term=1, membership=Membership((1, 2, 3)), round=2, snapshots=later
        )
        ctx.deliver(one, message)
        ctx.advance(ms * 1_000)
        ctx, one = alone(2, ctx.power_loss())
        ctx.advance(10_000)
        assert one.ready
        assert not one.damaged
        assert one.me == 2
        assert one.told() == {7: 110}
        ends.add((one.journal.base.position, one.journal.length, one.core.committed))
    assert ends == {(0, 2, 0), (9, 9, 9)}


# -- doubt ---------------------------------------------------------------------------------------


def other_leader(ctx: FakeContext, one: RaftShard, committed: int, entries: tuple[object, ...], prev: int) -> None:
    prev_term = one.core.log.term_at(prev)
    assert prev_term is not None
    ctx.deliver(
        one,
        AppendEntries(
            source=2,
            term=2,
            prev=prev,
            prev_term=prev_term,
            entries=entries,
            committed=committed,
            round=1,  # type: ignore[arg-type]
        ),
    )
    ctx.advance(10_000)


def test_what_was_cut_is_rolled_back_only_once_another_entry_counts_in_its_place() -> None:
    ctx, one = leading()
    answer = ctx.deliver(one, deposit(5))
    ctx.advance(2_000)
    other_leader(ctx, one, 0, (elected(2, 2, 2, 2),), 1)
    assert not one.leads
    assert not answer.done, "another may have it, and be elected"
    assert one.told() == {}
    other_leader(ctx, one, 2, (), 2)
    assert answer.value == RolledBack(command_id=5)


def test_what_was_cut_and_comes_back_is_acknowledged() -> None:
    ctx, one = leading()
    answer = ctx.deliver(one, deposit(5))
    ctx.advance(2_000)
    mine = one.journal.at(2)
    other_leader(ctx, one, 0, (elected(2, 2, 2, 2),), 1)
    again = AppendEntries(
        source=3, term=3, prev=1, prev_term=1, entries=(mine, elected(3, 3, 3, 2)), committed=3, round=1
    )
    ctx.deliver(one, again)
    ctx.advance(10_000)
    assert isinstance(answer.value, Accepted)
    assert one.told() == {7: 110}


# -- reads ---------------------------------------------------------------------------------------


def test_a_read_waits_until_a_quorum_says_that_this_one_leads() -> None:
    ctx, one = leading()
    acknowledge(ctx, one)
    answer = ctx.deliver(one, Look(aggregate=7))
    assert not answer.done
    acknowledge(ctx, one)
    assert isinstance(answer.value, Seen)


def test_a_deposed_leader_answers_no_read() -> None:
    ctx, one = leading()
    acknowledge(ctx, one)
    answer = ctx.deliver(one, Look(aggregate=7))
    other_leader(ctx, one, 1, (elected(2, 2, 2, 2),), 1)
    assert answer.done
    assert answer.value is None


def test_a_lease_answers_at_once_and_only_while_it_lasts() -> None:
    ctx, one = leading(reads=Reads.LEASE)
    ctx.advance(BEAT_US)
    acknowledge(ctx, one)
    assert isinstance(ctx.deliver(one, Look(aggregate=7)).value, Seen)
    ctx.advance(ELECTION_US)
    assert not ctx.deliver(one, Look(aggregate=7)).done


# -- operators -----------------------------------------------------------------------------------


def test_whom_an_operator_promotes_leads() -> None:
    trio = Trio()
    trio.pass_time(30)
    answer = trio.ask(3, Promote(epoch=99))
    trio.pass_time(300)
    assert trio.leader == 3
    assert isinstance(answer.value, Promoted)
    assert answer.value.leads
    assert trio.ask(3, StatusQuery()).value.leads


def test_members_leave_and_join_one_step_at_a_time() -> None:
    trio = Trio()
    trio.pass_time(30)
    assert trio.ask(2, RemoveMember(seat=3)).value == MembersChanged(done=False, why="not the leader")
    left = trio.ask(1, RemoveMember(seat=3))
    trio.pass_time(30)
    assert left.value == MembersChanged(done=True)
    assert trio.shards[1].core.log.membership == Membership((1, 2))
    for _ in range(8):
        joined = trio.ask(1, AddMember(seat=3))
        trio.pass_time(40)
    assert joined.value == MembersChanged(done=True)
    assert trio.shards[1].core.log.membership == Membership((1, 2, 3))
    assert [value for name, value in trio.ctxs[1].notes if name == "members"] == ["remove 3", "add 3", "promote 3"]


@pytest.mark.parametrize(
    ("voters", "learners", "by_operator", "step"),
    [
        ((1, 2, 3), (), False, Change(Step.ADD, 65539)),
        ((1, 2, 3), (65539,), False, Change(Step.PROMOTE, 65539)),
        ((1, 2, 3, 65539), (), False, Change(Step.REMOVE, 3)),
        ((1, 2, 65539), (), False, None),
        ((1, 2), (3,), False, Change(Step.ADD, 65539)),
        ((1, 2), (3, 65539), False, Change(Step.REMOVE, 3)),  # a learner's place is a learner's
        ((1, 2), (65539,), False, None),
        ((1, 2), (65539,), True, Change(Step.PROMOTE, 65539)),
        ((1, 2), (), True, Change(Step.ADD, 65539)),
        ((1, 2), (), False, "65539 takes nobody's place; have an operator add it"),
    ],
)
def test_a_member_takes_the_place_of_its_hosts_earlier_one(
    voters: tuple[int, ...], learners: tuple[int, ...], by_operator: bool, step: Change | str | None
) -> None:
    assert _next_step(Membership(voters, learners), 65539, by_operator=by_operator) == step


def test_who_knows_no_leader_refuses() -> None:
    ctx, one = alone(2)
    assert ctx.deliver(one, deposit(1)).value == Unavailable(command_id=1, reason="no leader")
    assert at(2) == ctx.location


@pytest.mark.parametrize(("detector", "elections"), [(None, 1), (Fixed(timeout_us=5 * ELECTION_US), 5)])
def test_a_follower_stands_once_its_detector_suspects_the_leader(detector: Plan | None, elections: int) -> None:
    ctx, one = alone(2, detector=detector)
    ctx.deliver(one, AppendEntries(source=1, term=1, prev=0, prev_term=0, entries=(), committed=0, round=1, beat=1))
    said(ctx, VoteRequest)
    ctx.advance(elections * ELECTION_US - 1_000)
    assert said(ctx, VoteRequest) == []
    ctx.advance(ELECTION_US + 2_000)  # the random part of the wait
    assert said(ctx, VoteRequest)
