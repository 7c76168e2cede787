"""How a leader is found: waiting, asking, voting (dissertation, sections 3.4, 3.6.1, 4.2.3, 9.6).

A follower waits until its detector suspects the leader, then a random time more, so that few stand
at once. A *pre-vote* asks first whether an election could be won. Whoever *sticks* to a leader that it
heard within the minimum election time-out neither votes nor stands, unless that leader itself
hands the lead over; on that promise leases rest, and it outlives a restart.
"""

from __future__ import annotations

from typing import Any

from models.raft.effects import HardState, Role
from models.raft.following import Following
from models.raft.messages import TimeoutNow, VoteReply, VoteRequest

__all__ = ["Electing"]


class Electing(Following):
    """A member in an election; arguments as for a node."""

    __slots__ = ("_votes",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._votes: dict[int, bool] = {}

    @property
    def electable(self) -> bool:
        """Whether it may stand: it is a voter, and its log is not being replaced.

        One whose removal is in its log and not known to be committed stands too, though its own vote does not
        count: perhaps nobody else has enough of the log to be elected (section 4.2.2, figure 4.6).
        """
        if self._installing is not None:
            return False
        log = self.log
        if self.me in log.membership.voters:
            return True
        return log.changed_at > self.committed and self.me in log.membership_at(log.changed_at - 1).voters

    def _sticks(self, now_us: int) -> bool:
        if not self.options.stickiness:
            return False
        return self.role is Role.LEADER or now_us - self._heard_us < self.options.election_us

    def _stands_at(self) -> int | None:
        """When it stands for election if nothing comes."""
        if not self.electable:
            return None
        options = self.options
        due = max(self._since_us, self._heard_us) + options.election_us
        if self.leader:
            crosses = self._detector.crosses_us(options.level)
            if crosses is None:
                return None
            due = max(self._since_us, crosses)
        if options.stickiness:
            due = max(due, self._heard_us + options.election_us)
        return due + self._jitter_us

    # -- standing ----------------------------------------------------------------------------

    def _stand(self, now_us: int) -> None:
        """Its patience is over."""
        self._since_us = now_us
        self._jitter_us = self._draw(self.options.election_us)
        if not self.options.pre_vote:
            self._campaign(now_us)
            return
        self._become(Role.PRE_CANDIDATE, 0)
        self._votes = {self.me: True}
        self._ask(self.term + 1, pre=True)
        self._count(now_us)

    def _campaign(self, now_us: int, *, transfer: bool = False) -> None:
        """Stand in a new term; its own vote counts once it is saved, like any other."""
        self._since_us = now_us
        self._to_term(self.term + 1, self.me)
        self._new_term()
        self._become(Role.CANDIDATE, 0)
        self._votes = {}
        self._ask(self.term, transfer=transfer)

    def _ask(self, term: int, *, pre: bool = False, transfer: bool = False) -> None:
        log = self.log
        request = VoteRequest(
            source=self.me, term=term, last=log.last, last_term=log.last_term, pre=pre, transfer=transfer
        )
        for voter in log.membership.voters:
            if voter != self.me:
                self._send(voter, request)

    def _saved_vote(self, now_us: int, state: HardState) -> None:
        if self._is_saved(state) and self.role is Role.CANDIDATE:
            self._votes[self.me] = True
            self._count(now_us)

    def _count(self, now_us: int) -> None:
        """Go on once a majority of the voters has said yes, or can no longer."""
        membership = self.log.membership
        votes = [self._votes.get(voter) for voter in membership.voters]
        if votes.count(True) >= membership.quorum:
            if self.role is Role.CANDIDATE:
                self._begin_reign(now_us)
            else:
                self._campaign(now_us)
        elif votes.count(False) > len(votes) - membership.quorum:
            self._become(Role.FOLLOWER, 0)

    # -- voting ------------------------------------------------------------------------------

    def _on_vote_request(self, now_us: int, msg: VoteRequest) -> None:
        if self._sticks(now_us) and not msg.transfer:
            return
        fits = self._has_enough(msg)
        if msg.pre:
            granted = fits and msg.term > self.term
        else:
            if msg.term > self.term:
                self._follow(now_us, msg.term, 0)
            granted = fits and msg.term == self.term and self._vote in (0, msg.source)
            if granted:
                self._since_us = now_us
                self._vote = msg.source
        self._send(
            msg.source,
            VoteReply(source=self.me, term=msg.term if granted else self.term, granted=granted, pre=msg.pre),
        )

    def _has_enough(self, candidate: VoteRequest) -> bool:
        """Whether its log has all that may be committed, as far as this member knows (section 3.6.1)."""
        return self.log.behind(candidate.last, candidate.last_term)

    def _on_vote_reply(self, now_us: int, msg: VoteReply) -> None:
        if msg.pre:
            # A voter of an earlier term says its own when it refuses.
            meant = msg.term == self.term + 1 if msg.granted else msg.term <= self.term
            counts = meant and self.role is Role.PRE_CANDIDATE
        else:
            counts = msg.term == self.term and self.role is Role.CANDIDATE
        if counts:
            self._votes[msg.source] = msg.granted
            self._count(now_us)

    def _on_timeout_now(self, now_us: int, msg: TimeoutNow) -> None:
        if msg.term == self.term and self.role is not Role.LEADER and self.electable:
            self._campaign(now_us, transfer=True)

    # -- what the layer above adds -----------------------------------------------------------

    def _begin_reign(self, now_us: int) -> None:
        """A majority has voted for this member."""
        raise NotImplementedError
