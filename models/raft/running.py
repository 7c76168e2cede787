"""A member in its group: it begins from what is on its disk, hears the others, and knows whether it leads.

`models.raft.doing` does what the core asks for.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from models.confidence.leading import Leading
from models.detection import Detector, FixedTimeout
from models.domain import Domain
from models.raft.doing import Doing
from models.raft.effects import Role
from models.raft.membership import seat_of
from models.raft.messages import (
    AppendEntries,
    AppendReply,
    InstallSnapshot,
    TimeoutNow,
    VoteReply,
    VoteRequest,
)
from models.raft.plan import RaftPlan, Reads
from models.store.log.entries import Entry
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Running"]


class Running(Doing):
    """A copy that takes part in its group; arguments as for the copy."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"C8", "C9"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        super().__init__(ctx, options, domain, plan=plan)
        self._tokens = 0

    def _begin(self) -> None:
        """Take part, from what is on the disk."""
        self.core = self.CORE(
            self.me,
            self.plan.raft,
            self._view(),
            self._state,
            read=self._entries,
            draw=self.ctx.rng("election").below,
            detector=self._detector,
            now_us=self.ctx.mono_us(),
            committed=self.committed,
        )
        self._takes_part = self.ready = True
        founding = self.core.term == 0 and self.me == self.options.home
        if founding and self.core.log.last == 0:
            self.ctx.set_timer(0, self._found)
        self._do()
        self._arm()

    def _found(self) -> Generator[Wait, Any, None]:
        """Stand at once, and once more before anybody else does: whom it asked may not have started yet."""
        for _ in range(2):
            if self._takes_part and not self._cutting and not self.core.leader:
                self._enter(self.core.campaign)
                self._arm()
            yield self.ctx.sleep(self.plan.raft.election_us // 2)

    def _detector(self) -> Detector:
        plan = self.plan.detector
        assert not isinstance(plan, Leading), "whoever believes makes its own"
        return FixedTimeout(self.plan.raft.election_us) if plan is None else plan.make()

    def _entries(self, after: int, limit: int) -> Sequence[Entry]:
        return self.journal.after(after, limit)

    @property
    def leader(self) -> int:
        """The number of the host that leads, as far as it knows; 0 if none."""
        return seat_of(self.core.leader) if self._takes_part else 0

    @property
    def leads_elsewhere(self) -> Location | None:
        """Where the leader is, if it is another that this member knows."""
        return self._locations.get(self.leader)

    @property
    def unshipped(self) -> int:
        """Entries that some peer is not known to have; 0 at a follower."""
        return max((self.journal.length - peer.match for peer in self.core.peers.values()), default=0)

    def wanted_by_peers(self, patience: int) -> list[int]:
        """Up to where each peer has the log, but for those that lack more than `patience` entries."""
        length = self.journal.length
        return [peer.match for peer in self.core.peers.values() if length - peer.match <= patience]

    # -- what comes in -----------------------------------------------------------------------

    @handles(AppendEntries)
    def on_append_entries(self, msg: AppendEntries, sender: Location) -> None:
        """From a leader."""
        self._hear(msg)

    @handles(AppendReply)
    def on_append_reply(self, msg: AppendReply, sender: Location) -> None:
        """From a follower."""
        self._hear(msg)

    @handles(VoteRequest)
    def on_vote_request(self, msg: VoteRequest, sender: Location) -> None:
        """From a candidate."""
        self._hear(msg)

    @handles(VoteReply)
    def on_vote_reply(self, msg: VoteReply, sender: Location) -> None:
        """From a voter."""
        self._hear(msg)

    @handles(InstallSnapshot)
    def on_install_snapshot(self, msg: InstallSnapshot, sender: Location) -> None:
        """From a leader that no longer has the entries."""
        self._hear(msg)

    @handles(TimeoutNow)
    def on_timeout_now(self, msg: TimeoutNow, sender: Location) -> None:
        """From a leader that hands over."""
        self._hear(msg)

    def _hold(self) -> None:
        """An event that was decided here was appended."""
        self.core.proposed()
        self._flush_soon()

    def _advanced(self) -> None:
        if not self._takes_part or self._cutting:
            return
        self._note_applied()
        leads = self.leads
        self.ctx.point("C7" if leads else "C9")
        self._enter(self.core.durable, self.journal.durable)
        if leads:
            self.ctx.point("C8")

    def head_gone(self, upto: int) -> None:
        """The log begins behind this position now."""
        if self._takes_part:
            self.core.compacted(upto)

    # -- reading -----------------------------------------------------------------------------

    def _still_leads(self) -> Generator[Wait, Any, bool]:
        """Whether nobody else had led up to when this was asked."""
        if self.plan.reads is Reads.LOCAL:
            return True
        if self.core.role is not Role.LEADER:
            return False
        self._tokens += 1
        wait = self._reads[self._tokens] = self.ctx.wait()
        self._enter(self.core.read, self._tokens)
        leads: bool = yield wait
        return leads
