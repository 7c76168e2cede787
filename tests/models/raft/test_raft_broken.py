"""The witness sees: each rule of Raft, left out, breaks what the rule is for within some random schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.raft.core import Raft
from models.raft.effects import Contradicted, ReadReady, Role, Send
from models.raft.membership import Change
from models.raft.messages import AppendEntries, RaftMessage, VoteRequest
from tests.models.raft.cluster import OPTIONS, Cluster
from tests.models.raft.scenes import (
    Scene,
    change_before_commit,
    cut_off_after_transfer,
    cut_off_leader,
    many_changes,
    overtaken_entry,
    restarted_voter,
    unflushed_leader,
    unknowing_leader,
)
from tests.models.raft.schedule import play, random_actions

#: Most that are tried; the first few find most of it.
SEEDS = 100


class CountsAnyTerm(Raft):
    """Commits by counting what earlier leaders wrote (figure 3.7)."""

    def _commit(self, now_us: int) -> None:
        self._reign_start = 0
        super()._commit(now_us)


class CountsItselfEarly(Raft):
    """A leader takes itself for a holder before its own flush."""

    def _match_of(self, member: int) -> int:
        return self.log.last if member == self.me else super()._match_of(member)


class AnswersEarly(Raft):
    """A follower acknowledges what it has not flushed."""

    def _answer(self, rejected: int = 0, hint: int = 0, hint_term: int = 0) -> None:
        durable, self.log.durable = self.log.durable, self.log.last
        super()._answer(rejected, hint, hint_term)
        self.log.durable = durable


class SpeaksEarly(Raft):
    """Says what it voted before it is saved."""

    def _send(self, to: int, message: RaftMessage) -> None:
        self._effects.append(Send(to, message))


class VotesForAnybody(Raft):
    """Votes for candidates that lack what it has (section 3.6.1)."""

    def _on_vote_request(self, now_us: int, msg: VoteRequest) -> None:
        super()._on_vote_request(now_us, replace(msg, last=10**9, last_term=10**9))


class VotesTwice(Raft):
    """Forgets within a term whom it voted for."""

    def _on_vote_request(self, now_us: int, msg: VoteRequest) -> None:
        if self.role is Role.FOLLOWER and not msg.pre:
            self._vote = 0
        super()._on_vote_request(now_us, msg)


class TakesWhatComes(Raft):
    """Appends after an entry that is not the leader's."""

    def _meets(self, msg: AppendEntries) -> bool:
        return msg.prev <= self.log.last


class BelievesTheCommit(Raft):
    """Takes as committed what it has, though that may not be what the leader has."""

    def _on_append(self, now_us: int, msg: AppendEntries) -> None:
        self._verified = self.log.last
        super()._on_append(now_us, msg)


class ReadsUnasked(Raft):
    """Answers reads without asking whether it still leads."""

    def read(self, now_us: int, token: int) -> None:
        self._effects.append(ReadReady(token, self.committed if self.role is Role.LEADER else None))


class ReadsBeforeItKnows(Raft):
    """A new leader answers from what it knew as a follower (section 6.4, step 1)."""

    def read(self, now_us: int, token: int) -> None:
        if self.role is Role.LEADER and self._rounds.wait(token, self.committed):
            self._round(now_us)


class LeasesForLonger(Raft):
    """Counts a lease from when the answers came, and then some."""

    def _leased(self, now_us: int) -> bool:
        return super()._leased(now_us - 600)


class LeasesThroughTransfers(Raft):
    """Keeps its lease though it has told another to stand."""

    def _leased(self, now_us: int) -> bool:
        self._handed = False
        return super()._leased(now_us)


class ForgetsItsPromise(Raft):
    """Votes as soon as it has started again, though a leader counts on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heard_us -= self.options.election_us


class ChangesManyAtOnce(Raft):
    """Begins a change before the one before it is committed."""

    def change(self, now_us: int, change: Change) -> str | None:
        after = self.log.membership.after(change)
        if not self.accepts or isinstance(after, str):
            return "no"
        self._reconfigure(now_us, after)
        return None


class ChangesTooSoon(Raft):
    """Begins a change before anything of its term is committed: the known error of section 4.1."""

    def change(self, now_us: int, change: Change) -> str | None:
        start, self._reign_start = self._reign_start, 0
        refused = super().change(now_us, change)
        self._reign_start = start
        return refused


@pytest.mark.parametrize(
    "kind",
    [
        AnswersEarly,
        SpeaksEarly,
        VotesForAnybody,
        VotesTwice,
        TakesWhatComes,
        BelievesTheCommit,
        ReadsUnasked,
    ],
)
def test_random_schedules_find_it(kind: type[Raft]) -> None:
    def all_well(seed: int) -> bool:
        options = replace(OPTIONS, pre_vote=False, check_quorum=False, stickiness=False)
        cluster = Cluster(seed, (1, 2, 3), (4,), options=options, kind=kind)
        cluster.loss = cluster.twice = 0.05
        cluster.slowest_flush = 400
        try:
            play(cluster, random_actions(seed, 60))
        except (AssertionError, Contradicted):
            return False
        return True

    assert not all(map(all_well, range(SEEDS)))


SCENES = [
    (overtaken_entry, CountsAnyTerm),
    (unknowing_leader, ReadsBeforeItKnows),
    (cut_off_leader, LeasesForLonger),
    (cut_off_leader, ReadsUnasked),
    (cut_off_after_transfer, LeasesThroughTransfers),
    (restarted_voter, ForgetsItsPromise),
    (unflushed_leader, CountsItselfEarly),
    (many_changes, ChangesManyAtOnce),
    (change_before_commit, ChangesTooSoon),
]


@pytest.mark.parametrize(("scene", "kind"), SCENES)
def test_a_scene_finds_it(scene: Scene, kind: type[Raft]) -> None:
    def all_well(seed: int) -> bool:
        try:
            scene(seed, kind)
        except (AssertionError, Contradicted):
            return False
        return True

    assert not all(map(all_well, range(SEEDS)))


@pytest.mark.parametrize("scene", sorted({scene for scene, _ in SCENES}, key=lambda scene: scene.__name__))
def test_raft_plays_the_scene_well(scene: Scene) -> None:
    came_about = [scene(seed, Raft) for seed in range(10)]
    assert sum(came_about) >= 5
