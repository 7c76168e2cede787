"""Raft as a machine without a world: time, messages and flushes go in, effects come out.

It holds no entry and knows no clock, disk or network. Its log is a view of terms (`models.raft.log`);
whoever runs it appends, flushes, sends and saves what it asks for, in order, and takes what it asks
for (`take`) after every input. The layers below are the roles: `node` (what is saved before
what is said), `following`, `electing`, `leading`; this one is the door.

    core.step(now, message)             for effect in core.take(): ...
    core.proposed()                     the log has one entry more; `replicate` when it is being flushed
    core.durable(now, position)         the device has the log up to there

Source: Ongaro, "Consensus: Bridging Theory and Practice", Stanford, 2014, with its correction of
single-server changes (raft-dev, July 2015): no change before an entry of the leader's own term is
committed. The shape is that of etcd's library (github.com/etcd-io/raft).
"""

from __future__ import annotations

from models.raft.effects import HardState, ReadReady, Role
from models.raft.leading import Leading
from models.raft.membership import Change, Step
from models.raft.messages import (
    AppendEntries,
    AppendReply,
    InstallSnapshot,
    RaftMessage,
    VoteReply,
    VoteRequest,
)
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot

__all__ = ["Raft"]


class Raft(Leading):
    """One member of one group; arguments as for a node. All times are of one monotonic clock."""

    __slots__ = ()

    # -- time and messages -------------------------------------------------------------------

    @property
    def deadline_us(self) -> int | None:
        """When to call `tick` next, as things stand; None if only a message can change anything."""
        if self.role is not Role.LEADER:
            return self._stands_at()
        return self._beats_at_us

    def tick(self, now_us: int) -> None:
        """Do what is due."""
        if self.role is not Role.LEADER:
            stands_at = self._stands_at()
            if stands_at is not None and now_us >= stands_at:
                self._stand(now_us)
            return
        if now_us < self._beats_at_us:
            return
        if self.options.check_quorum and self._unheard(now_us):
            self._follow(now_us, self.term, 0)
            return
        self._hand_on(now_us, again=True)
        self._beat(now_us)

    def step(self, now_us: int, msg: RaftMessage) -> None:
        """Take a message from another member."""
        kind = msg.__class__
        if msg.term > self.term and kind is not VoteRequest and not _is_promise(msg):
            leads = kind is AppendEntries or kind is InstallSnapshot
            self._follow(now_us, msg.term, msg.source if leads else 0)
        if isinstance(msg, AppendReply):
            self._on_append_reply(now_us, msg)
        elif isinstance(msg, AppendEntries):
            self._on_append(now_us, msg)
        elif isinstance(msg, VoteRequest):
            self._on_vote_request(now_us, msg)
        elif isinstance(msg, VoteReply):
            self._on_vote_reply(now_us, msg)
        elif isinstance(msg, InstallSnapshot):
            self._on_install(now_us, msg)
        else:
            self._on_timeout_now(now_us, msg)

    def campaign(self, now_us: int) -> None:
        """Stand for election at once, by the same rules: not while it sticks to a leader, who may read on that."""
        if self.role is not Role.LEADER and self.electable and not self._sticks(now_us):
            self._stand(now_us)

    # -- the log and the disk ----------------------------------------------------------------

    @property
    def accepts(self) -> bool:
        """Whether it may append entries of its own: it leads, and is not about to hand over."""
        return self.role is Role.LEADER and self._transfer is None

    def proposed(self, count: int = 1) -> None:
        """Entries were appended here, in this term."""
        assert self.role is Role.LEADER, f"a {self.role} appends nothing of its own"
        self.log.append(self.term, count)

    def replicate(self, now_us: int) -> None:
        """Send what has been appended."""
        if self.role is Role.LEADER:
            self._due = self.log.last
            for to, peer in self.peers.items():
                self._pump(now_us, to, peer)

    def durable(self, now_us: int, position: int) -> None:
        """The device has the log as it is now up to a position."""
        if position <= self.log.durable:
            return
        self.log.durable = position
        if self.role is Role.LEADER:
            self._commit(now_us)
        else:
            self._flushed()

    def saved(self, now_us: int, state: HardState) -> None:
        """Term and vote are on the device."""
        self._saved_vote(now_us, state)

    def compacted(self, upto: int) -> None:
        """The log lets go of its head; a snapshot of what is committed stands for it."""
        assert upto <= self.committed, f"{upto=} is not committed"
        self.log.compact(upto)

    def snapshot_at(
        self, position: int, snapshots: tuple[Snapshot, ...] = (), window: tuple[Answered, ...] = ()
    ) -> InstallSnapshot:
        """What to send a member in place of the log up to a position that is committed and not before its base."""
        term = self.log.term_at(position)
        assert term is not None, f"{position=} is outside {self.log.base}..{self.log.last}"
        assert position <= self.committed, f"{position=} is not committed"
        return InstallSnapshot(
            source=self.me,
            term=self.term,
            position=position,
            position_term=term,
            membership=self.log.membership_at(position),
            round=self._rounds.latest,
            snapshots=snapshots,
            window=window,
        )

    def installed(self, now_us: int) -> None:
        """The snapshot that was handed over stands in place of the log, on the device."""
        self._installed()

    # -- what operators and clients ask ------------------------------------------------------

    def change(self, now_us: int, change: Change) -> str | None:
        """Begin a change of the membership; returns why not, None if it is in the log."""
        log = self.log
        if not self.accepts:
            return "not the leader"
        if log.changed_at > self.committed:
            return "an earlier change is not committed yet"
        if self.committed < self._reign_start:
            return "nothing of this term is committed yet"
        after = log.membership.after(change)
        if isinstance(after, str):
            return after
        if change.step is Step.PROMOTE and not self.peers[change.member].keeps_up(now_us, self.options.election_us):
            return f"{change.member} has not caught up yet, or no more"
        self._reconfigure(now_us, after)
        return None

    def transfer(self, now_us: int, to: int) -> str | None:
        """Begin to hand the lead over; returns why not. Nothing is accepted until that succeeds or takes too long."""
        if not self.accepts:
            return "not the leader"
        if to == self.me or to not in self.log.membership.voters:
            return f"{to} is no other voter"
        self._transfer, self._told = (to, now_us + self.options.election_us), False
        self.replicate(now_us)
        self._hand_on(now_us, again=True)
        return None

    def read(self, now_us: int, token: int) -> None:
        """Ask for a state that is up to date; `ReadReady` answers, at once under a lease."""
        if self.role is not Role.LEADER:
            self._refuse([token])
        elif self._leased(now_us):
            self._effects.append(ReadReady(token, self.committed))
        elif self._rounds.wait(token, max(self.committed, self._reign_start)):
            self._round(now_us)

    def leased(self, now_us: int) -> bool:
        """Whether what is committed may be read without asking anybody."""
        return self._leased(now_us)


def _is_promise(msg: RaftMessage) -> bool:
    """Whether its term is only one that an election might have."""
    return isinstance(msg, VoteReply) and msg.pre and msg.granted
