"""Who belongs to the group, and who may read: chapters 4 and 6 of the dissertation."""

from __future__ import annotations

import pytest

from models.raft.effects import ReadReady, Role, Write
from models.raft.membership import Change, Membership, Reconfigured, Step
from models.raft.messages import AppendEntries, AppendReply, TimeoutNow, VoteReply
from models.raft.options import RaftOptions
from tests.models.raft.alone import BEAT, Alone, E, ack, append, run
from tests.models.raft.cluster import OPTIONS, entry

ADD, PROMOTE, REMOVE = Step


def change(leader: Alone, step: Step, member: int) -> str | None:
    found: str | None = leader.does("change", Change(step, member))
    return found


def settle(leader: Alone, *sources: int) -> None:
    leader.flushes()
    for source in sources:
        leader.hears(ack(leader, source))


# -- one member at a time ------------------------------------------------------------------------


@pytest.mark.parametrize(("voters", "quorum", "reached"), [(1, 1, 10), (2, 2, 10), (3, 2, 20), (4, 3, 20), (5, 3, 30)])
def test_a_quorum_is_a_majority(voters: int, quorum: int, reached: int) -> None:
    members = Membership(tuple(range(1, voters + 1)))
    assert members.quorum == quorum
    assert members.reached(lambda voter: 10 * voter) == reached


@pytest.mark.parametrize(
    ("step", "member", "why"),
    [
        (ADD, 2, "2 is a member already"),
        (ADD, 4, "4 is a member already"),
        (PROMOTE, 2, "2 is no learner; add it first"),
        (PROMOTE, 9, "9 is no learner; add it first"),
        (REMOVE, 9, "9 is no member"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(step: Step, member: int, why: str) -> None:
    assert Membership((1, 2, 3), (4,)).after(Change(step, member)) == why


def test_the_last_voter_stays() -> None:
    assert Membership((1,), (2,)).after(Change(REMOVE, 1)) == "1 is the last voter; promote another first"


def test_a_change_counts_as_soon_as_it_is_in_the_log() -> None:
    leader = Alone().leads()
    assert change(leader, REMOVE, 3) is None
    assert leader.effects(Write) == [Write(2, Reconfigured(voters=(1, 2), learners=(), position=2))]
    settle(leader)
    leader.hears(ack(leader, 3))
    assert leader.core.committed == 1
    leader.hears(ack(leader, 2))
    assert leader.core.committed == 2


def test_one_change_at_a_time() -> None:
    leader = Alone().leads()
    assert change(leader, ADD, 4) is None
    assert change(leader, ADD, 5) == "an earlier change is not committed yet"
    settle(leader, 2)
    assert change(leader, ADD, 5) is None


def test_no_change_before_an_entry_of_its_own_term_is_committed() -> None:
    leader = Alone().elected()
    assert leader.core.role is Role.LEADER
    assert change(leader, ADD, 4) == "nothing of this term is committed yet"
    settle(leader, 2)
    assert change(leader, ADD, 4) is None


def test_only_a_leader_changes_anything() -> None:
    assert change(Alone(), ADD, 4) == "not the leader"


def test_a_change_that_is_given_up_counts_no_more() -> None:
    follower = Alone(entries=run(1, 1))
    changed = entry(2, 1, Reconfigured(voters=(1, 2, 3), learners=(4,), position=2))
    follower.hears(append(1, 1, 1, [changed]))
    assert follower.core.log.membership.learners == (4,)
    follower.hears(append(2, 1, 1, run(2, 2), source=3))
    assert follower.core.log.membership == Membership((1, 2, 3))


def test_a_membership_survives_the_head_of_the_log() -> None:
    leader = Alone().leads()
    change(leader, ADD, 4)
    settle(leader, 2)
    leader.core.compacted(2)
    assert leader.core.log.membership == leader.core.log.membership_at(2) == Membership((1, 2, 3), (4,))


# -- learners ------------------------------------------------------------------------------------


def test_a_learner_receives_the_log_and_is_not_counted() -> None:
    leader = Alone().leads()
    change(leader, ADD, 4)
    leader.flushes()
    assert {to for to, _ in leader.heard_of(AppendEntries)} >= {2, 4}
    leader.hears(ack(leader, 4))
    assert leader.core.committed == 1


def test_a_learner_is_promoted_only_once_a_round_of_catching_up_was_short() -> None:
    """Figure 4.4: a round brings it what there was when the round began."""
    leader = Alone(check_quorum=False).leads()
    leader.proposes(6)
    settle(leader, 2)
    change(leader, ADD, 4)
    settle(leader, 2)
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more"
    leader.at += 3 * E
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more"
    leader.at += E // 2
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) is None
    assert leader.core.log.membership == Membership((1, 2, 3, 4))


def caught_up() -> Alone:
    """A leader whose learner has just caught up."""
    leader = Alone(check_quorum=False).leads()
    change(leader, ADD, 4)
    settle(leader, 2)
    leader.hears(ack(leader, 4))
    leader.at += E // 2
    leader.hears(ack(leader, 4))
    return leader


def test_a_learner_that_caught_up_once_and_has_been_silent_since_is_not_promoted() -> None:
    leader = caught_up()
    leader.at += E + 1
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more"
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more", "that round was long"
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) is None


def test_a_learner_that_answers_and_falls_behind_is_not_promoted_until_it_has_caught_up_again() -> None:
    leader = caught_up()
    behind = leader.core.log.last
    leader.proposes(100)
    settle(leader, 2)
    leader.hears(ack(leader, 4, behind))
    for _ in range(4):
        leader.at += E // 2
        leader.hears(ack(leader, 4, behind))
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more"
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) == "4 has not caught up yet, or no more", "that round was long"
    leader.hears(ack(leader, 4))
    assert change(leader, PROMOTE, 4) is None


# -- a leader that is removed --------------------------------------------------------------------


def test_a_leader_leads_until_its_removal_is_committed_without_counting_itself() -> None:
    leader = Alone().leads()
    assert change(leader, REMOVE, 1) is None
    settle(leader, 2)
    assert (leader.core.role, leader.core.committed) == (Role.LEADER, 1)
    leader.heard()
    said = leader.hears(ack(leader, 3))
    assert (leader.core.role, leader.core.committed) == (Role.FOLLOWER, 2)
    assert [message.committed for _, message in said if isinstance(message, AppendEntries)] == [2, 2]
    assert [to for to, message in said if isinstance(message, TimeoutNow)] == [2]
    assert leader.core.deadline_us is None


def test_one_whose_removal_is_not_known_to_be_committed_stands_and_does_not_count_itself() -> None:
    """Section 4.2.2, figure 4.6: perhaps nobody else has enough of the log."""
    removed = Alone(
        entries=[*run(1, 1), entry(2, 1, Reconfigured(voters=(2, 3), learners=(), position=2))], pre_vote=False
    )
    removed.waits(E)
    assert removed.core.role is Role.CANDIDATE
    removed.hears(VoteReply(source=2, term=2, granted=True))
    assert removed.core.role is Role.CANDIDATE
    removed.hears(VoteReply(source=3, term=2, granted=True))
    assert removed.core.role is Role.LEADER


# -- reads ---------------------------------------------------------------------------------------


def reads(leader: Alone) -> list[ReadReady]:
    found: list[ReadReady] = leader.effects(ReadReady)
    return found


def latest_round(leader: Alone) -> int:
    return max(message.round for _, message in leader.heard_of(AppendEntries))


def test_a_read_waits_for_a_quorum_to_acknowledge_a_round_that_began_after_it() -> None:
    leader = Alone().leads()
    leader.does("read", 7)
    asked = latest_round(leader)
    leader.hears(ack(leader, 2, round=asked - 1))
    assert reads(leader) == []
    leader.hears(ack(leader, 2, round=asked))
    assert reads(leader) == [ReadReady(7, 1)]


def test_reads_share_rounds() -> None:
    leader = Alone().leads()
    for token in (1, 2, 3):
        leader.does("read", token)
    assert len([to for to, _ in leader.heard_of(AppendEntries) if to == 2]) == 1
    leader.hears(ack(leader, 2, round=2))
    assert reads(leader) == [ReadReady(1, 1)]
    leader.hears(ack(leader, 2, round=latest_round(leader)))
    assert reads(leader) == [ReadReady(2, 1), ReadReady(3, 1)]


def test_a_new_leader_reads_nothing_before_it_knows_what_is_committed() -> None:
    """Section 6.4, step 1."""
    leader = Alone(entries=run(1, 1, 1), pre_vote=False).elected()
    leader.does("read", 7)
    leader.hears(ack(leader, 2, 2, round=latest_round(leader)))
    assert reads(leader) == []
    settle(leader, 2)
    assert reads(leader) == [ReadReady(7, 3)]


def test_reads_of_a_reign_that_ends_are_refused() -> None:
    leader = Alone().leads()
    leader.does("read", 7)
    leader.hears(AppendReply(source=2, term=5, match=0, verified=0, round=0))
    assert reads(leader) == [ReadReady(7, None)]
    leader.does("read", 8)
    assert reads(leader) == [ReadReady(8, None)]


def test_who_is_alone_asks_nobody() -> None:
    leader = Alone(voters=(1,))
    leader.waits(E)
    leader.flushes()
    leader.does("read", 7)
    assert reads(leader) == [ReadReady(7, 1)]


# -- leases --------------------------------------------------------------------------------------


def leased() -> Alone:
    leader = Alone(lease=True, drift_bound=0.25, check_quorum=False).leads()
    leader.waits(BEAT)
    leader.hears(ack(leader, 2, round=latest_round(leader)))
    return leader


def test_a_lease_runs_from_when_the_heartbeats_were_sent_and_allows_for_drift() -> None:
    leader = Alone(lease=True, drift_bound=0.25, check_quorum=False).leads()
    leader.waits(BEAT)
    sent_at, number = leader.at, latest_round(leader)
    leader.at += BEAT // 2
    leader.hears(ack(leader, 2, round=number))
    lease = OPTIONS.election_us * 4 // 5
    assert [leader.core.leased(sent_at + age) for age in (0, lease - 1, lease)] == [True, True, False]
    leader.does("read", 7)
    assert reads(leader) == [ReadReady(7, 1)]
    assert leader.heard() == []


def test_one_follower_of_four_gives_no_lease() -> None:
    leader = Alone(voters=(1, 2, 3, 4, 5), lease=True, check_quorum=False, pre_vote=False)
    leader.waits(E)
    leader.hears(*(VoteReply(source=one, term=1, granted=True) for one in (2, 3)))
    leader.flushes()
    leader.hears(ack(leader, 2), ack(leader, 3))
    number = latest_round(leader)
    leader.hears(ack(leader, 2, round=number))
    assert not leader.core.leased(leader.at)
    leader.hears(ack(leader, 5, round=number))
    assert leader.core.leased(leader.at)


def test_a_lease_is_given_up_for_good_when_another_is_told_to_stand() -> None:
    leader = leased()
    leader.hears(ack(leader, 3))
    leader.does("transfer", 3)
    assert not leader.core.leased(leader.at)
    leader.waits(E + BEAT)
    leader.hears(ack(leader, 2, round=latest_round(leader)))
    assert leader.core.accepts
    assert not leader.core.leased(leader.at)


def test_no_lease_without_the_option() -> None:
    leader = Alone().leads()
    leader.waits(BEAT)
    leader.hears(ack(leader, 2, round=latest_round(leader)))
    assert not leader.core.leased(leader.at)


# -- options -------------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError) as told:
        RaftOptions(window=0, held=-1, drift_bound=-0.5, level=0.0, election_us=10, lease=True, stickiness=False)
    assert [text.split(" ")[0] for text in str(told.value).split("; ") if "=" in text.split(" ")[0]] == [
        "window=0",
        "held=-1",
        "drift_bound=-0.5",
        "level=0.0",
        "election_us=10",
        "lease=True",
    ]
