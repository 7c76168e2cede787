"""One copy of a Raft log on one host: what lies on the disk, and how it is taken back or replaced.

Beside log and snapshots three things lie there. *Who it is*: a host's number and an incarnation, drawn when it
finds no such record. A founder is installed, with incarnation 0, as the world begins; whoever starts
later without a record has lost its disk, and so forgotten what it voted and acknowledged. It is a new
member then, that nobody counts until it was taken in, and what is said to the old one speaks to
nobody. *Term and vote*. And a *redo* record while a snapshot that was handed over takes the place of the log: a
start that finds it does that again, so a crash leaves either the old log or the new one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Domain, Event
from models.ordinals import pack_ordinal
from models.raft.effects import HardState
from models.raft.log import LogView
from models.raft.membership import MEMBER_BITS, GroupState, Membership, seat_of
from models.raft.messages import InstallSnapshot
from models.raft.plan import RaftPlan
from models.store.group.lineage import Reign
from models.store.holding import COMMITTED, IN_DOUBT, ROLLED_BACK, SILENT, Holding
from models.store.log.entries import OWN, Control, Entry
from models.store.log.journal import Answered, Tip
from models.store.log.snapshots import Snapshot
from models.store.options import InDoubt, MemberOptions
from sim.host import Context, Wait
from sim.storage import TORN

__all__ = ["OWN_KEY", "RaftCopy"]

#: The stream of what is known of the group itself.
OWN_KEY: Final = (OWN, 0)
_IDENTITY: Final = "identity"
_VOTE: Final = "vote"
_REDO: Final = "redo"


class _Redo(NamedTuple):
    """A snapshot that is taking the place of everything."""

    position: int
    snapshots: tuple[Snapshot, ...]
    window: tuple[Answered, ...]


class _Doubt(NamedTuple):
    """Who waits for an entry that is no longer here, and perhaps elsewhere."""

    position: int
    epoch: int
    wait: Wait
    since_us: int


class RaftCopy(Holding):
    """One copy of a shard's log under Raft.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: Whose events it keeps.
        plan: How the group works.

    Attributes:
        me: Its number in the group: the host's, and above that the incarnation's.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"applied", "rolled-back", "damaged", "anew"})
    POINTS: ClassVar[frozenset[str]] = frozenset({"C4"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        super().__init__(ctx, options, domain)
        self.plan = plan
        self.me = 0
        self.reigns = self._lineage(GroupState())
        self._founders = Membership(tuple(sorted(plan.founders)), tuple(sorted(plan.learners)))
        self._group = GroupState()
        self._state = HardState()
        self._doubts: list[_Doubt] = []

    def _lineage(self, group: GroupState) -> tuple[Reign, ...]:
        # What all logs of the shard share, even those without an entry in common.
        return (Reign(0, self.options.home, 0), *group.reigns)

    @property
    def electorate(self) -> tuple[int, ...]:
        """The hosts of the voters, in the membership of what is committed."""
        voters = self._group.membership_at(self.committed, self._founders).voters
        return tuple(sorted(seat_of(voter) for voter in voters))

    # -- recovery ----------------------------------------------------------------------------

    def _recover(self) -> Generator[Wait, Any, None]:
        disk = self.ctx.disk
        identities, states, redo = disk.read(_IDENTITY), disk.read(_VOTE), disk.read(_REDO)
        installed = self.ctx.mono_us() == 0
        yield from self.journal.recover()
        yield from self.snapshots.recover()
        self.ctx.point("C4")
        if not identities:
            yield from self._begin_anew(installed=installed)
            return
        if TORN in (*identities, *states, *redo):
            # These are only ever replaced, which an honest device does whole: it has lied, and may have lost a vote.
            self.ctx.note("damaged", "a record of who it is or whom it voted for is torn")
            yield from self._begin_anew(installed=False)
            if redo:
                # It was for the one that this was; in a later life it would take the place of what this one takes.
                disk.truncate(_REDO, 0)
                yield disk.flush(_REDO)
            self._read_group()
            return
        self.me = identities[-1]
        self._state = states[-1] if states else HardState()
        if redo:
            yield from self._stand_behind(redo[-1])
        try:
            yield from self._replay()
        except LookupError as damage:
            # A hole that no snapshot covers: flushed data are gone, and with them this member's word.
            self.ctx.note("damaged", str(damage))
            yield from self._begin_anew(installed=False)
        self._read_group()

    def _begin_anew(self, *, installed: bool) -> Generator[Wait, Any, None]:
        """Be a member that nobody knows, with nothing; a founder's first life is known by its host's number alone."""
        incarnation = 0 if installed else self.ctx.rng("incarnation").between(1, 1 << 40)
        self.me = incarnation << MEMBER_BITS | self.options.number
        self._state = HardState()
        # Who it is first: were the log to go before, a crash would leave the old member without it.
        yield self.ctx.disk.replace(_IDENTITY, self.me)
        if installed:
            return
        self.ctx.note("anew", self.me)
        yield self.ctx.disk.replace(_VOTE, HardState())
        yield from self.journal.restart_at(0, ())
        yield from self.snapshots.replace_all(())
        self.streams.rebuild(())
        self.committed = 0

    def _view(self) -> LogView:
        """The log as the core sees it."""
        base = self.journal.base.position
        membership = self._group.membership_at(base, self._founders)
        return LogView(membership, base, self._group.term_at(base), self.journal.entries)

    # -- what must not be forgotten ----------------------------------------------------------

    def _save(self, state: HardState) -> Wait:
        wait: Wait = self.ctx.disk.replace(_VOTE, state)
        return wait

    # -- the shard's own stream --------------------------------------------------------------

    def _read_group(self) -> None:
        """What the own stream comes to, from memory or the log."""
        stream = self.streams.get(OWN_KEY)
        if stream is not None and stream.state is None:
            self.streams.load(OWN_KEY, self.snapshots.latest.get(OWN_KEY))
        state = stream.state if stream is not None else None
        self._know(state if isinstance(state, GroupState) else GroupState())

    def _know(self, group: GroupState) -> None:
        self._group = group
        self.reigns = self._lineage(group)
        self.whole = self.me in group.membership_at(self.journal.length + 1, self._founders).voters

    def _heed(self, event: Event) -> None:
        """One event more of the own stream."""
        assert isinstance(event, Control)
        group = event.after(self._group)
        assert isinstance(group, GroupState)
        self._know(group)

    # -- taking, cutting, replacing ----------------------------------------------------------

    def _take(self, entries: tuple[Entry, ...]) -> None:
        """Append a leader's entries."""
        self._append_all(entries)
        for entry in entries:
            if entry.tenant == OWN:
                self._heed(entry.event)

    def _cut(self, keep: int) -> Generator[Wait, Any, None]:
        """Give up what is beyond a position; none of it is known to be committed, nor that it never will be."""
        self._doubt(keep)
        yield from self._undisturbed()
        removed = yield from self.journal.truncate(keep)
        if removed:
            self.ctx.note("rolled-back", len(removed))
        yield from self._replay()
        self._read_group()
        self.keeper.forget()
        self._note_applied()

    def _replace(self, msg: InstallSnapshot) -> Generator[Wait, Any, None]:
        """Stand behind a snapshot that was handed over, in place of all that is here."""
        redo = _Redo(msg.position, msg.snapshots, msg.window)
        yield self.ctx.disk.replace(_REDO, redo)
        yield from self._undisturbed()
        self._doubt(self.journal.base.position)
        yield from self._stand_behind(redo)
        self._read_group()
        self.keeper.forget()
        self._note_applied()

    def _stand_behind(self, redo: _Redo) -> Generator[Wait, Any, None]:
        # Through nothing: a crash in between leaves an empty log, beyond which no snapshot is believed.
        yield from self.journal.restart_at(0, ())
        yield from self.snapshots.replace_all(redo.snapshots)
        tips = tuple(Tip(one.tenant, one.instance, one.version, one.tip) for one in self.snapshots.latest.values())
        yield from self.journal.restart_at(redo.position, redo.window, tips)
        self.streams.rebuild(self.snapshots.latest.values())
        self.committed = redo.position
        self.ctx.disk.truncate(_REDO, 0)
        yield self.ctx.disk.flush(_REDO)

    def _note_applied(self) -> None:
        """Tell how far this copy is, and of which reign (`models.ordinals`)."""
        self.ctx.note("applied", pack_ordinal(self.epoch, self.journal.durable))

    # -- doubt -------------------------------------------------------------------------------

    def _doubt(self, keep: int) -> None:
        """Who waits for an entry that goes: it may be with others, and come to count all the same (figure 3.7)."""
        for position, _, wait, since_us in sorted(one for one in self._waiting if one[0] > keep):
            self._doubts.append(_Doubt(position, self.journal.at(position).epoch, wait, since_us))
        self._waiting = sorted(one for one in self._waiting if one[0] <= keep)

    def _settle_doubts(self) -> None:
        """What counts at a position decides about the entry that stood there."""
        base = self.journal.base.position
        settled = [one for one in self._doubts if one.position <= self.committed]
        self._doubts = [one for one in self._doubts if one.position > self.committed]
        for one in settled:
            if one.position <= base:
                one.wait.resolve(SILENT)
            else:
                one.wait.resolve(COMMITTED if self._is_ours(one.position, one.epoch) else ROLLED_BACK)

    def _is_ours(self, position: int, epoch: int) -> bool:
        """Whether the entry that counts at a position is the one that was written there under an epoch."""
        return self.journal.at(position).epoch == epoch

    def _committed_to(self, position: int) -> None:
        super()._committed_to(position)
        if self._doubts:
            self._settle_doubts()

    def _surface(self) -> None:
        super()._surface()
        policy, now = self.options.in_doubt, self.ctx.mono_us()
        if policy is InDoubt.BLOCK or not self._doubts:
            return
        late = [one for one in self._doubts if now - one.since_us >= self.options.doubt_us]
        self._doubts = [one for one in self._doubts if now - one.since_us < self.options.doubt_us]
        for one in late:
            one.wait.resolve(IN_DOUBT if policy is InDoubt.SURFACE else SILENT)
