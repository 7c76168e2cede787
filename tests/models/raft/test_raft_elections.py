"""How a leader is found: sections 3.4, 3.6.1, 3.10, 4.2.3, 6.2 and 9.6 of the dissertation."""

from __future__ import annotations

import pytest

from models.detection import NfdE
from models.raft.effects import HardState, Role
from models.raft.messages import RaftMessage, TimeoutNow, VoteReply, VoteRequest
from tests.models.raft.alone import BEAT, Alone, E, ack, append, request, run


def granted(answers: list[tuple[int, RaftMessage]]) -> list[bool]:
    return [message.granted for _, message in answers if isinstance(message, VoteReply)]


# -- one vote a term ---------------------------------------------------------------------------


def test_a_voter_has_one_vote_a_term() -> None:
    voter = Alone(stickiness=False)
    assert granted(voter.hears(request(1), request(1, source=3), request(1), request(2, source=3))) == [
        True,
        False,
        True,
        True,
    ]


def test_its_vote_outlives_it() -> None:
    voter = Alone(stickiness=False)
    voter.hears(request(1))
    again = Alone(state=voter.saved[-1], stickiness=False)
    assert granted(again.hears(request(1, source=3), request(1))) == [False, True]


def test_nothing_is_said_before_it_is_saved() -> None:
    voter = Alone(stickiness=False, saves=False)
    assert voter.hears(request(1)) == []
    assert voter.saved == [HardState(1, 2)]
    voter.does("saved", HardState(1, 2))
    assert granted(voter.heard()) == [True]


def test_a_candidate_counts_its_own_vote_once_it_is_saved() -> None:
    alone = Alone(voters=(1,), saves=False)
    alone.waits(E)
    assert alone.core.role is Role.CANDIDATE
    alone.does("saved", HardState(1, 1))
    assert alone.core.role is Role.LEADER


def test_what_waited_for_an_earlier_term_is_never_said() -> None:
    voter = Alone(stickiness=False, saves=False)
    voter.hears(request(1), request(2, source=3))
    voter.does("saved", HardState(2, 3))
    assert [(to, message.term) for to, message in voter.heard()] == [(3, 2)]


def test_a_term_that_the_log_shows_counts_as_known() -> None:
    restarted = Alone(entries=run(1, 5), state=HardState(4, 1))
    assert restarted.core.term == 5
    assert restarted.saved == [HardState(5, 0)]


# -- who may be elected --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "last_term", "fits"), [(2, 3, True), (3, 3, True), (1, 4, True), (9, 2, False), (1, 3, False)]
)
def test_a_vote_goes_to_a_log_that_is_no_less_up_to_date(last: int, last_term: int, fits: bool) -> None:
    voter = Alone(entries=run(1, 1, 3), stickiness=False)
    assert granted(voter.hears(request(9, last, last_term))) == [fits]


def test_a_majority_elects_and_the_new_leader_begins_with_an_entry_of_its_own() -> None:
    candidate = Alone(voters=(1, 2, 3, 4, 5), pre_vote=False)
    candidate.waits(E)
    candidate.hears(VoteReply(source=2, term=1, granted=True), VoteReply(source=2, term=1, granted=True))
    assert candidate.core.role is Role.CANDIDATE
    candidate.hears(VoteReply(source=3, term=1, granted=True))
    assert candidate.core.role is Role.LEADER
    assert candidate.core.log.last == 1


def test_a_majority_that_refuses_ends_it() -> None:
    candidate = Alone(pre_vote=False)
    candidate.waits(E)
    candidate.hears(VoteReply(source=2, term=1, granted=False), VoteReply(source=3, term=1, granted=False))
    assert candidate.core.role is Role.FOLLOWER


def test_a_candidate_follows_whoever_was_elected() -> None:
    candidate = Alone(pre_vote=False)
    candidate.waits(E)
    candidate.hears(append(1, 0, 0))
    assert (candidate.core.role, candidate.core.leader) == (Role.FOLLOWER, 2)


def test_votes_for_an_earlier_term_do_not_count() -> None:
    candidate = Alone(pre_vote=False)
    candidate.waits(2 * E)
    assert candidate.core.term == 2
    candidate.hears(VoteReply(source=2, term=1, granted=True))
    assert candidate.core.role is Role.CANDIDATE


# -- pre-vote ------------------------------------------------------------------------------------


def test_asking_changes_no_term_on_either_side() -> None:
    candidate, voter = Alone(), Alone(me=2)
    candidate.waits(E)
    asked = candidate.heard_of(VoteRequest)
    assert {message.pre for _, message in asked} == {True}
    answers = [message for _, message in voter.hears(asked[0][1])]
    assert (candidate.core.term, voter.core.term, voter.saved) == (0, 0, [])
    candidate.hears(*answers)
    assert (candidate.core.term, candidate.core.role) == (1, Role.CANDIDATE)


def test_a_partitioned_member_comes_back_with_the_term_it_had() -> None:
    cut_off = Alone(state=HardState(3))
    cut_off.waits(20 * E)
    assert cut_off.core.term == 3
    without = Alone(state=HardState(3), pre_vote=False)
    without.waits(20 * E)
    assert without.core.term > 10


def test_a_refusal_from_a_later_term_is_heeded() -> None:
    candidate = Alone()
    candidate.waits(E)
    candidate.hears(VoteReply(source=2, term=7, granted=False, pre=True))
    assert (candidate.core.role, candidate.core.term) == (Role.FOLLOWER, 7)


def test_a_majority_of_voters_in_earlier_terms_that_refuse_ends_it_too() -> None:
    candidate = Alone(state=HardState(3))
    candidate.waits(E)
    candidate.hears(*(VoteReply(source=one, term=2, granted=False, pre=True) for one in (2, 3)))
    assert candidate.core.role is Role.FOLLOWER


# -- stickiness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pre", [False, True])
def test_whoever_hears_a_leader_ignores_candidates(pre: bool) -> None:
    voter = Alone()
    voter.at = 5 * E
    voter.hears(append(1, 0, 0))
    voter.at += E - 1
    assert voter.hears(request(2, source=3, pre=pre)) == []
    assert voter.core.term == 1
    voter.at += 1
    assert granted(voter.hears(request(2, source=3, pre=pre))) == [True]


def test_a_leader_ignores_them_as_well() -> None:
    leader = Alone().leads()
    assert leader.hears(request(9, 9, 9, source=3)) == []
    assert leader.core.role is Role.LEADER


def test_not_if_the_leader_itself_had_them_stand() -> None:
    voter = Alone()
    voter.hears(append(1, 0, 0))
    assert granted(voter.hears(request(2, source=3, transfer=True))) == [True]


def test_without_stickiness_anybody_may_disturb_a_leader() -> None:
    leader = Alone(stickiness=False).leads()
    leader.hears(request(9, 9, 9, source=3))
    assert (leader.core.role, leader.core.term) == (Role.FOLLOWER, 9)


def test_a_new_life_sticks_to_the_leader_that_it_cannot_remember() -> None:
    restarted = Alone(state=HardState(3, 2))
    assert restarted.hears(request(4, source=3)) == []
    restarted.at = E
    assert granted(restarted.hears(request(4, source=3))) == [True]


def test_not_even_an_operator_has_it_stand_while_it_sticks() -> None:
    restarted = Alone(state=HardState(3, 2))
    restarted.does("campaign")
    assert (restarted.core.role, restarted.heard()) == (Role.FOLLOWER, [])
    restarted.at = E
    restarted.does("campaign")
    assert restarted.core.role is Role.PRE_CANDIDATE


def test_a_first_life_has_nobody_to_stick_to() -> None:
    assert granted(Alone().hears(request(1))) == [True]


def test_nobody_stands_while_it_sticks_however_early_its_detector_suspects() -> None:
    hasty = Alone(level=0.1)
    hasty.at = 5 * E
    hasty.hears(append(1, 0, 0))
    assert hasty.core.deadline_us == 6 * E


# -- patience ------------------------------------------------------------------------------------


def test_every_word_of_the_leader_and_every_vote_renews_patience() -> None:
    follower = Alone(stickiness=False)
    follower.at = 10
    follower.hears(request(1))
    assert follower.core.deadline_us == 10 + E
    follower.at = 20
    follower.hears(append(1, 0, 0))
    assert follower.core.deadline_us == 20 + E


def test_a_refused_candidate_does_not() -> None:
    voter = Alone(entries=run(1, 1, 1), stickiness=False)
    before = voter.core.deadline_us
    voter.at = 500
    assert granted(voter.hears(request(5, 1, 1))) == [False]
    assert voter.core.deadline_us == before


def test_learners_and_strangers_never_stand() -> None:
    assert Alone(me=4, learners=(4,)).core.deadline_us is None
    assert Alone(me=5).core.deadline_us is None


def test_a_learner_votes_if_asked_since_it_may_have_been_promoted() -> None:
    assert granted(Alone(me=4, learners=(4,)).hears(request(1))) == [True]


# -- check-quorum --------------------------------------------------------------------------------


def test_a_leader_that_hears_no_quorum_steps_down() -> None:
    leader = Alone().leads()
    leader.waits(E // 2)
    leader.hears(ack(leader, 3))
    leader.waits(E - BEAT)
    assert leader.core.role is Role.LEADER
    leader.waits(2 * BEAT)
    assert leader.core.role is not Role.LEADER


def test_without_check_quorum_it_leads_nobody_for_ever() -> None:
    leader = Alone(check_quorum=False).leads()
    leader.waits(50 * E)
    assert leader.core.role is Role.LEADER


# -- handing the lead over -----------------------------------------------------------------------


def test_a_successor_is_told_to_stand_when_it_has_everything() -> None:
    leader = Alone().leads()
    leader.proposes()
    leader.flushes()
    assert leader.does("transfer", 3) is None
    assert not leader.core.accepts
    assert leader.heard_of(TimeoutNow) == []
    leader.hears(ack(leader, 3, 1))
    assert leader.heard_of(TimeoutNow) == []
    leader.hears(ack(leader, 3))
    leader.hears(ack(leader, 3))
    leader.hears(ack(leader, 2))
    assert [to for to, _ in leader.heard_of(TimeoutNow)] == [3]


def test_it_is_told_again_while_nothing_comes_of_it() -> None:
    leader = Alone().leads()
    leader.hears(ack(leader, 3))
    leader.does("transfer", 3)
    leader.waits(3 * BEAT)
    assert len(leader.heard_of(TimeoutNow)) == 4


def test_one_told_to_stand_asks_nobody_first_and_says_why() -> None:
    follower = Alone()
    follower.hears(append(1, 0, 0))
    asked = follower.hears(TimeoutNow(source=2, term=1))
    assert follower.core.role is Role.CANDIDATE
    assert {(message.pre, message.transfer) for _, message in asked} == {(False, True)}  # type: ignore[union-attr]


def test_nobody_stands_because_an_earlier_leader_said_so() -> None:
    follower = Alone()
    follower.hears(append(2, 0, 0))
    assert follower.hears(TimeoutNow(source=3, term=1)) == []
    assert follower.core.role is Role.FOLLOWER


def test_a_transfer_that_takes_too_long_is_given_up() -> None:
    leader = Alone(check_quorum=False).leads()
    leader.does("transfer", 3)
    leader.waits(E + BEAT)
    assert leader.core.accepts


@pytest.mark.parametrize(("to", "why"), [(1, "1 is no other voter"), (4, "4 is no other voter"), (9, "9 is no other")])
def test_the_lead_goes_to_another_voter(to: int, why: str) -> None:
    leader = Alone(learners=(4,)).leads()
    assert leader.does("transfer", to).startswith(why)


# -- who watches the leader ----------------------------------------------------------------------


def test_heartbeats_of_a_later_reign_are_no_old_ones() -> None:
    """They are numbered from 1 again, and by number a detector of the reign before would pass them over."""
    follower = Alone(me=3, stickiness=False, detector=NfdE(eta_us=BEAT, alpha_us=E, window=32))
    for beat in range(1, 9):
        follower.hears(append(1, 0, 0, beat=beat))
        follower.waits(BEAT)
    for beat in range(1, 9):
        follower.hears(append(2, 0, 0, beat=beat))
        follower.waits(BEAT)
    follower.heard()
    follower.waits(E - BEAT)
    assert follower.core.leader == 2
    follower.waits(2 * BEAT)
    assert [to for to, _ in follower.heard_of(VoteRequest)] == [1, 2]
