"""A member of a Raft group on its host, and what it does for operators.

Members are known by their host and an incarnation (`models.raft.copy`). One that lost its disk asks to be
taken in again under its new number: it learns, is promoted when it has caught up, and only then does the
group let go of its earlier incarnation, so that each step begins where the last one ended, whoever
leads by then. `Promote` is the leader handing over (section 3.10): nobody is made to lead whom a
majority has not elected, however it is ordered.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from models.raft.believing import Believing
from models.raft.membership import Change, Membership, Step, seat_of
from models.raft.words import AddMember, HandOver, MembersChanged, Named, NameQuery, RemoveMember
from models.store.group.words import Promote, Promoted, Status, StatusQuery
from sim.host import Wait, handles
from sim.topology import Location

__all__ = ["RaftMember"]

_NOT_LEADING = "not the leader"


class RaftMember(Believing):
    """One member of one shard under Raft; arguments and attributes are those of the copy."""

    NOTES: ClassVar[frozenset[str]] = frozenset({"members"})

    def start(self) -> Generator[Wait, Any, None]:
        """Recover from the disk, then take part for as long as it lives."""
        yield from self._recover()
        self._begin()
        yield from self._live()

    def _live(self) -> Generator[Wait, Any, None]:
        self._live_beside()
        if self.me != self.options.number:
            self.ctx.set_timer(0, self._rejoin)
        while True:
            yield self.ctx.sleep(self.options.ship.heartbeat_us)
            self._surface()

    def _rejoin(self) -> Generator[Wait, Any, None]:
        """Ask to be taken in, until an answer says that it is a member in place of the one that it was."""
        asked, peers = 0, self.options.peers
        while self._takes_part and peers:
            to = self.leads_elsewhere or peers[asked % len(peers)][1]
            asked += 1
            request = AddMember(seat=self.options.number, member=self.me)
            answer = yield self.ctx.call(to, request, self.plan.hand_over_us)
            if isinstance(answer, MembersChanged) and answer.done:
                return
            yield self.ctx.sleep(self.plan.rejoin_us)

    # -- the lead ----------------------------------------------------------------------------

    @handles(StatusQuery)
    def on_status_query(self, msg: StatusQuery, sender: Location) -> Status:
        """Tell the operator how it is."""
        return Status(
            number=self.options.number,
            epoch=self.core.term if self._takes_part else self.epoch,
            leads=self.leads,
            progress=self._progress(),
            length=self.journal.length,
            whole=self.whole,
            ready=self.ready,
        )

    @handles(Promote)
    def on_promote(self, msg: Promote, sender: Location) -> Promoted | Generator[Wait, Any, Promoted] | None:
        """Take the lead over from whoever has it; where nobody has, stand for election."""
        if not self.ready:
            return None
        if self.leads:
            return Promoted(epoch=self.core.term)
        return self._promoted()

    def _promoted(self) -> Generator[Wait, Any, Promoted]:
        leader = self.leads_elsewhere
        if leader is None:
            self._enter(self.core.campaign)
        else:
            self.ctx.send(leader, HandOver(member=self.me))
        step_us = max(1, self.plan.hand_over_us // 20)
        for _ in range(20):
            yield self.ctx.sleep(step_us)
            if self.leads:
                break
        return Promoted(epoch=self.core.term, leads=self.leads)

    @handles(HandOver)
    def on_hand_over(self, msg: HandOver, sender: Location) -> None:
        """Let another lead; refused by the core if it is no voter."""
        if self.leads:
            self._enter(self.core.transfer, msg.member)

    # -- members -----------------------------------------------------------------------------

    @handles(NameQuery)
    def on_name_query(self, msg: NameQuery, sender: Location) -> Named | None:
        """Say which incarnation this is."""
        return Named(member=self.me) if self._takes_part else None

    @handles(AddMember)
    def on_add_member(self, msg: AddMember, sender: Location) -> Any:
        """Take in a host's member, if this one leads."""
        return self._add(msg) if self.leads else MembersChanged(done=False, why=_NOT_LEADING)

    def _add(self, msg: AddMember) -> Generator[Wait, Any, MembersChanged]:
        member, by_operator = msg.member, not msg.member
        if by_operator:
            found = yield from self._name_at(msg.seat)
            if found is None:
                return MembersChanged(done=False, why=f"nobody answers at host {msg.seat}")
            member = found
        while self.leads:
            change = _next_step(self.core.log.membership, member, by_operator=by_operator)
            if isinstance(change, str):
                return MembersChanged(done=False, why=change)
            refused = yield from self._change(change)
            if refused is not None or change is None:
                return MembersChanged(done=refused is None, why=refused or "")
        return MembersChanged(done=False, why=_NOT_LEADING)

    def _name_at(self, seat: int) -> Generator[Wait, Any, int | None]:
        if seat == self.options.number:
            return self.me
        to = self._locations.get(seat)
        if to is None:
            return None
        answer = yield self.ctx.call(to, NameQuery(), self.options.ask_us)
        return answer.member if isinstance(answer, Named) else None

    @handles(RemoveMember)
    def on_remove_member(self, msg: RemoveMember, sender: Location) -> Any:
        """Let a host's members go, if this one leads."""
        return self._remove(msg.seat) if self.leads else MembersChanged(done=False, why=_NOT_LEADING)

    def _remove(self, seat: int) -> Generator[Wait, Any, MembersChanged]:
        while self.leads:
            left = [member for member in self.core.log.membership.members if seat_of(member) == seat]
            change = Change(Step.REMOVE, left[0]) if left else None
            refused = yield from self._change(change)
            if refused is not None or len(left) < 2:
                return MembersChanged(done=refused is None, why=refused or "")
        return MembersChanged(done=False, why=_NOT_LEADING)

    def _change(self, change: Change | None) -> Generator[Wait, Any, str | None]:
        """Make one step, if one is left to make, and wait until the membership counts; returns why it does not."""
        if change is not None:
            refused = self.core.change(self.ctx.mono_us(), change)
            if refused is not None:
                return refused
            self.ctx.note("members", f"{change.step} {change.member}")
            self._do()
        learnt = yield from self._until_committed(self.core.log.changed_at)
        return "it may have been in vain" if learnt else None


def _next_step(membership: Membership, member: int, *, by_operator: bool) -> Change | str | None:
    """The next step that takes a member in, in the place of its host's earlier ones; None if it is in."""
    earlier = [one for one in membership.members if seat_of(one) == seat_of(member) and one != member]
    if member not in membership.members:
        if not (earlier or by_operator):
            return f"{member} takes nobody's place; have an operator add it"
        return Change(Step.ADD, member)
    counts = by_operator or any(one in membership.voters for one in earlier)
    if member in membership.learners and counts:
        return Change(Step.PROMOTE, member)
    return Change(Step.REMOVE, earlier[0]) if earlier else None
