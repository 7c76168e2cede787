"""How the log is replicated and committed: chapters 3, 5 and 10 of the dissertation."""

from __future__ import annotations

import pytest

from models.raft.effects import Contradicted, Cut, HardState, Install, Role, Store, Supply
from models.raft.log import LogView
from models.raft.membership import Membership
from models.raft.messages import AppendEntries, AppendReply, InstallSnapshot, RaftMessage
from models.raft.progress import Pace
from tests.models.raft.alone import BEAT, Alone, E, ack, append, run
from tests.models.raft.cluster import OPTIONS


def reply(answers: list[tuple[int, RaftMessage]]) -> AppendReply:
    ((_, message),) = answers
    assert isinstance(message, AppendReply)
    return message


# -- the view of the log -------------------------------------------------------------------------


def test_the_view_knows_the_term_of_every_position() -> None:
    log = LogView(Membership((1,)), entries=run(1, 1, 1, 2, 4, 4))
    assert [log.term_at(position) for position in range(7)] == [0, 1, 1, 2, 4, 4, None]
    log.cut(3)
    assert (log.last, log.last_term, log.durable) == (3, 2, 3)
    log.append(7, 2)
    assert [log.term_at(position) for position in range(3, 7)] == [2, 7, 7, None]
    assert log.durable == 3


def test_the_view_keeps_its_terms_when_the_head_goes() -> None:
    log = LogView(Membership((1,)), entries=run(1, 1, 1, 2, 4, 4))
    log.compact(2)
    assert [log.term_at(position) for position in range(7)] == [None, None, 1, 2, 4, 4, None]
    log.compact(5)
    assert (log.base, log.last, log.last_term, log.term_at(5)) == (5, 5, 4, 4)


def test_the_view_finds_where_two_logs_may_still_agree() -> None:
    log = LogView(Membership((1,)), entries=run(1, 1, 1, 2, 4, 4))
    assert [log.meets(5, term) for term in range(6)] == [0, 2, 3, 3, 5, 5]
    assert [log.meets(position, 3) for position in (2, 3, 4, 99)] == [2, 3, 3, 3]


# -- a follower ----------------------------------------------------------------------------------


def test_a_follower_appends_after_what_it_shares_and_answers_when_that_is_flushed() -> None:
    follower = Alone(entries=run(1, 1))
    new = run(2, 1, 2)
    assert follower.hears(append(2, 1, 1, new)) == []
    assert follower.effects(Store) == [Store(tuple(new))]
    follower.does("durable", 2)
    follower.does("durable", 3)
    assert [message.match for _, message in follower.heard_of(AppendReply)] == [2, 3]


def test_a_heartbeat_is_answered_at_once_with_what_is_flushed() -> None:
    follower = Alone(entries=run(1, 1))
    follower.hears(append(1, 1, 1, run(2, 1)))
    answer = reply(follower.hears(append(1, 1, 1, round=4, beat=4)))
    assert (answer.match, answer.verified, answer.round) == (1, 2, 4)


def test_it_gives_up_what_contradicts_the_leader_and_no_more() -> None:
    follower = Alone(entries=run(1, 1, 1, 2, 2))
    follower.hears(append(3, 1, 1, run(2, 1, 3)))
    assert follower.effects(Cut) == [Cut(2)]
    assert follower.effects(Store) == [Store(tuple(run(3, 3)))]
    assert (follower.core.log.last, follower.core.log.last_term) == (3, 3)


def test_a_late_message_takes_nothing_away() -> None:
    follower = Alone(entries=run(1, 1, 1, 1))
    assert reply(follower.hears(append(1, 0, 0, run(1, 1)))).verified == 1
    assert follower.core.log.last == 3
    assert follower.others[-1:] != [Cut(1)]


def test_it_refuses_what_follows_an_entry_that_it_does_not_have() -> None:
    follower = Alone(entries=run(1, 1, 1, 2, 2))
    answer = reply(follower.hears(append(5, 4, 4, run(5, 5))))
    assert (answer.rejected, answer.hint, answer.hint_term) == (4, 4, 2)
    answer = reply(follower.hears(append(5, 4, 1, run(5, 5))))
    assert (answer.rejected, answer.hint, answer.hint_term) == (4, 2, 1)
    answer = reply(follower.hears(append(5, 9, 5)))
    assert (answer.rejected, answer.hint, answer.hint_term) == (9, 4, 2)


def test_it_commits_only_what_it_knows_to_be_the_leaders() -> None:
    follower = Alone(entries=run(1, 1, 1, 2, 2))
    follower.hears(append(5, 1, 1, committed=4))
    assert follower.core.committed == 1
    follower.hears(append(5, 1, 1, run(2, 1), committed=4))
    assert follower.core.committed == 2


def test_it_tells_a_leader_of_an_earlier_term_that_its_reign_is_over() -> None:
    follower = Alone(entries=run(1, 3))
    assert reply(follower.hears(append(2, 0, 0))).term == 3
    leader = Alone(me=2).leads()
    leader.hears(AppendReply(source=1, term=3, match=0, verified=0, round=0))
    assert (leader.core.role, leader.core.term) == (Role.FOLLOWER, 3)


def test_what_came_too_early_waits_for_what_is_between() -> None:
    follower = Alone(entries=run(1, 1))
    follower.hears(append(1, 3, 1, run(4, 1)), append(1, 2, 1, run(3, 1)))
    assert follower.effects(Store) == []
    follower.hears(append(1, 1, 1, run(2, 1)))
    assert follower.core.log.last == 4
    assert sum(len(store.entries) for store in follower.effects(Store)) == 3


def test_what_waited_for_an_earlier_leader_is_forgotten() -> None:
    follower = Alone(entries=run(1, 1))
    follower.hears(append(1, 2, 1, run(3, 1)))
    follower.hears(append(2, 1, 1, run(2, 2), source=3))
    assert follower.core.log.last == 2


# -- a leader ------------------------------------------------------------------------------------


def test_a_leader_counts_itself_once_its_own_flush_is_done() -> None:
    leader = Alone().leads()
    leader.proposes()
    leader.hears(ack(leader, 2))
    assert leader.core.committed == 1
    leader.does("durable", 2)
    assert leader.core.committed == 2


def test_others_may_be_a_majority_without_it() -> None:
    leader = Alone().leads()
    leader.proposes()
    leader.hears(ack(leader, 2), ack(leader, 3))
    assert leader.core.committed == 2


def test_what_earlier_leaders_wrote_is_not_committed_by_counting() -> None:
    """Figure 3.7: (c) a majority has the entry of term 2, which (d) may yet lose it."""
    leader = Alone(entries=run(1, 1, 2), pre_vote=False)
    leader.elected()
    leader.hears(ack(leader, 2, 2), ack(leader, 3, 2))
    assert (leader.core.term, leader.core.committed) == (3, 0)
    leader.flushes()
    leader.hears(ack(leader, 2, 3))
    assert leader.core.committed == 3


def test_entries_flow_in_batches_as_far_as_the_window_goes() -> None:
    leader = Alone().leads()
    leader.proposes(40)
    sent = [(to, message) for to, message in leader.heard_of(AppendEntries) if to == 2]
    assert [len(message.entries) for _, message in sent] == [OPTIONS.batch] * (OPTIONS.window // OPTIONS.batch)
    leader.hears(ack(leader, 2, 4))
    assert [message.prev for to, message in leader.heard_of(AppendEntries) if to == 2] == [13]


def test_a_new_leader_sends_what_it_begins_with_at_once_however_long_its_log() -> None:
    leader = Alone(entries=run(1, *[1] * 40), pre_vote=False)
    leader.elected()
    leader.does("replicate")
    assert [message.prev for _, message in leader.heard_of(AppendEntries) if message.entries] == [40, 40]


def test_nothing_is_sent_until_it_is_being_flushed() -> None:
    leader = Alone().leads()
    leader.proposes(2, sends=False)
    assert leader.heard() == []
    leader.does("replicate")
    assert [len(message.entries) for to, message in leader.heard_of(AppendEntries) if to == 2] == [2]


@pytest.mark.parametrize(
    ("ours", "theirs", "trips"),
    [
        ([7] * 100, [2 + n // 20 for n in range(100)], 1),
        ([2 + n // 20 for n in range(100)], [1] * 100, 1),
        ([3 + n // 20 * 2 for n in range(100)], [2 + n // 20 * 2 for n in range(100)], 5),
        ([7] * 100, [], 1),
        ([], [2] * 100, 0),
    ],
)
def test_a_log_that_went_astray_is_found_in_a_round_trip_a_term(ours: list[int], theirs: list[int], trips: int) -> None:
    """Section 3.5 on conflicting terms: after five entries that they share, a hundred differ."""
    leader = Alone(entries=run(1, *[1] * 5, *ours), state=HardState(20), pre_vote=False, batch=1_000, window=1_000)
    follower = Alone(me=2, entries=run(1, *[1] * 5, *theirs))
    leader.elected()
    leader.flushes()
    refused = 0
    words = [message for to, message in leader.heard() if to == 2]
    while words:
        answers = [message for _, message in follower.hears(*words)]
        refused += sum(isinstance(answer, AppendReply) and answer.rejected > 0 for answer in answers)
        words = [message for to, message in leader.hears(*answers) if to == 2]
    # Two words at the begin of the reign ask the same: a heartbeat, and the entry that it begins with.
    assert refused <= trips + 1
    assert [follower.core.log.term_at(n) for n in range(106)] == [leader.core.log.term_at(n) for n in range(106)]


def test_what_is_lost_is_sent_again_once_nothing_moves() -> None:
    leader = Alone().leads()
    leader.proposes(2)
    leader.heard()
    leader.at += 50
    leader.hears(ack(leader, 2, 1))
    assert leader.heard_of(AppendEntries) == []
    leader.at += OPTIONS.retry_us
    leader.hears(ack(leader, 2, 1))
    assert [(message.prev, len(message.entries)) for _, message in leader.heard_of(AppendEntries)] == [(1, 2)]


def test_a_heartbeat_goes_out_in_time_whatever_else_does() -> None:
    leader = Alone(check_quorum=False).leads()
    beats = []
    for _ in range(3):
        leader.proposes()
        leader.waits(BEAT)
        beats += [message.beat for to, message in leader.heard_of(AppendEntries) if to == 2 and message.beat]
    assert beats == [2, 3, 4]


def test_a_member_that_forgot_what_it_acknowledged_is_given_it_again() -> None:
    leader = Alone(check_quorum=False).leads()
    leader.proposes(5)
    leader.hears(ack(leader, 2))
    leader.waits(OPTIONS.retry_us)
    leader.heard()
    forgot = AppendReply(source=2, term=1, match=0, verified=0, round=1, rejected=6, hint=2, hint_term=1)
    leader.hears(forgot)
    assert [message.prev for to, message in leader.heard_of(AppendEntries) if to == 2] == [2]


# -- snapshots -----------------------------------------------------------------------------------


def compacted() -> Alone:
    leader = Alone(check_quorum=False).leads()
    leader.proposes(9)
    leader.flushes()
    leader.hears(ack(leader, 2))
    leader.core.compacted(8)
    del leader.entries[:8]
    leader.base = 8
    leader.heard()
    return leader


def test_who_lacks_what_is_gone_is_handed_a_snapshot_once_it_is_heard() -> None:
    leader = compacted()
    leader.waits(3 * BEAT)
    assert leader.effects(Supply) == []
    leader.hears(ack(leader, 3, 0))
    leader.hears(ack(leader, 3, 0))
    assert leader.effects(Supply) == [Supply(3)]
    snapshot = leader.core.snapshot_at(10)
    assert (snapshot.position, snapshot.position_term, snapshot.membership) == (10, 1, Membership((1, 2, 3)))
    leader.waits(OPTIONS.snapshot_us)
    leader.hears(ack(leader, 3, 0))
    assert leader.effects(Supply) == [Supply(3)]
    leader.hears(ack(leader, 3, 10))
    assert leader.core.peers[3].pace is Pace.STREAM


def test_a_follower_stands_behind_a_snapshot() -> None:
    follower = Alone(entries=run(1, 1, 1))
    members = Membership((2, 3), (1,))
    snapshot = InstallSnapshot(source=2, term=4, position=7, position_term=3, membership=members)
    assert follower.hears(snapshot) == []
    assert follower.effects(Install) == [Install(snapshot)]
    assert reply(follower.hears(append(4, 7, 3, beat=1))).verified == 0
    follower.does("installed")
    assert reply(follower.heard()[-1:]).match == 7
    log = follower.core.log
    assert (log.base, log.last, log.last_term, log.membership, follower.core.committed) == (7, 7, 3, members, 7)


def test_a_snapshot_of_what_it_has_only_tells_that_it_is_committed() -> None:
    follower = Alone(entries=run(1, 1, 1, 1))
    members = Membership((1, 2, 3))
    answer = reply(follower.hears(InstallSnapshot(source=2, term=1, position=2, position_term=1, membership=members)))
    assert (answer.match, follower.core.committed, follower.core.log.last) == (2, 2, 3)
    assert follower.effects(Install) == []


def test_nobody_stands_for_election_while_its_log_is_replaced() -> None:
    follower = Alone()
    members = Membership((1, 2, 3))
    follower.hears(InstallSnapshot(source=2, term=1, position=2, position_term=1, membership=members))
    assert follower.core.deadline_us is None
    follower.does("installed")
    assert follower.core.deadline_us == E


def test_a_leader_that_lacks_what_is_committed_is_no_leader_to_follow() -> None:
    follower = Alone(entries=run(1, 1, 1))
    follower.hears(append(1, 2, 1, committed=2))
    with pytest.raises(Contradicted, match="the leader of term 2 lacks what is committed after 1"):
        follower.hears(append(2, 1, 1, run(2, 2)))


def test_a_follower_that_has_more_of_a_reign_than_its_leader_was_led_by_somebody_else() -> None:
    leader = Alone().leads()
    with pytest.raises(Contradicted, match="2 has 3 entries of a log whose leader has 1: somebody else led term 1 too"):
        leader.hears(ack(leader, 2, 3))


def test_terms_that_fall_along_a_log_contradict_it() -> None:
    follower = Alone(entries=run(1, 3))
    follower.core.committed = 1
    follower.core.compacted(1)
    with pytest.raises(Contradicted, match="after an entry of term 3 comes one of term 2"):
        follower.hears(append(3, 0, 0, run(1, 2, 2)))
