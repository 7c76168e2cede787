"""The core on a host: what arrives goes in, what it asks for is done, in order.

A flush is also when entries are sent (`replicate`), so a batch on the disk is a batch on the way. One
timer stands at the core's deadline. To cut the log takes flushes of its own, and until they are done nothing
else reaches the core, since its log is ahead of the one that is here; to replace the log takes longer, and
the core knows of that. What waits for something to come to count is told after all the rest, since it
goes on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from models.addressing import mint
from models.detection import Detector, FixedTimeout
from models.domain import Domain
from models.raft.copy import OWN_KEY, RaftCopy
from models.raft.core import Raft
from models.raft.effects import (
    Became,
    Contradicted,
    Cut,
    Effect,
    HardState,
    Install,
    ReadReady,
    Role,
    Save,
    Send,
    Store,
    Supply,
    Write,
)
from models.raft.membership import GroupState, seat_of
from models.raft.messages import (
    AppendEntries,
    AppendReply,
    InstallSnapshot,
    RaftMessage,
    TimeoutNow,
    VoteReply,
    VoteRequest,
)
from models.raft.plan import RaftPlan, Reads
from models.store.log.entries import Entry, instance_of, tip_after
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Running"]

#: Messages that wait while the log is being cut; more are lost, as on the way.
_KEPT: Final = 1_000


class Running(RaftCopy):
    """A copy that takes part in its group; arguments as for the copy.

    Attributes:
        core: The rules of the game.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"elected", "role=home", "role=copy"})
    POINTS: ClassVar[frozenset[str]] = frozenset({"C8", "C9"})

    #: What decides; a subclass may have another.
    CORE: ClassVar[type[Raft]] = Raft

    core: Raft

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        super().__init__(ctx, options, domain, plan=plan)
        self._locations = dict(options.peers)
        self._takes_part = False
        self._led = False
        self._cutting = False
        self._rest: list[Effect] = []
        self._early: list[RaftMessage] = []
        self._to_tell: list[tuple[Wait, bool]] = []
        self._reads: dict[int, Wait] = {}
        self._tokens = 0
        self._alarm: Any = None
        self._alarm_us = 0
        self._saving: HardState | None = None

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
        plan = self.plan.raft.detector
        return FixedTimeout(self.plan.raft.election_us) if plan is None else plan.make()

    def _entries(self, after: int, limit: int) -> Sequence[Entry]:
        return self.journal.after(after, limit)

    @property
    def leads(self) -> bool:
        """Whether it decides."""
        return self.ready and self.core.accepts

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

    def _hear(self, msg: RaftMessage) -> None:
        if not self._takes_part:
            return
        if self._cutting:
            if len(self._early) < _KEPT:
                self._early.append(msg)
            return
        self._enter(self.core.step, msg)

    def _enter(self, door: Callable[..., object], *given: object) -> None:
        """Hand something to the core, with the time, and do what comes of it."""
        try:
            door(self.ctx.mono_us(), *given)
        except Contradicted as contradiction:
            self._stop(str(contradiction))
            return
        self._do()

    def _stop(self, why: str) -> None:
        """Some disk has lied: whatever this member says from now on may be wrong, so it says nothing."""
        self.ctx.note("damaged", why)
        self._takes_part = self.ready = False
        self.damaged = True

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

    def _flush_soon(self) -> None:
        """Something was appended: flush it, and send it when that begins."""
        if not self._flushing:
            self._flushing = True
            self.ctx.set_timer(0, self._flush)

    def _flush(self) -> Generator[Wait, Any, None]:
        """One flush after the other until nothing is left."""
        journal = self.journal
        while journal.durable < journal.length:
            if self.leads:
                self._enter(self.core.replicate)
            yield from journal.durable_at(journal.length)
        self._flushing = False

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

    # -- what is to be done ------------------------------------------------------------------

    def _do(self) -> None:
        """Do all that the core asks for, then tell who waited."""
        core = self.core
        while not self._cutting and (effects := core.take()):
            self._carry_out(effects)
        if self._cutting:
            return
        if core.committed > self.committed:
            self._committed_to(core.committed)
        while self._to_tell:
            wait, leads = self._to_tell.pop(0)
            wait.resolve(leads)

    def _carry_out(self, effects: list[Effect]) -> None:
        locations, send = self._locations, self.ctx.send
        for index, effect in enumerate(effects):
            kind = effect.__class__
            if kind is Send:
                to = locations.get(seat_of(effect.to))  # type: ignore[union-attr]
                if to is not None:
                    send(to, effect.message)  # type: ignore[union-attr]
            elif kind is Cut:
                self._cutting, self._rest = True, effects[index + 1 :]
                self.ready = False
                self.ctx.set_timer(0, self._cut_and_go_on, effect.keep)  # type: ignore[union-attr]
                return
            elif kind is Store:
                self._take(effect.entries)  # type: ignore[union-attr]
                self._flush_soon()
            else:
                self._do_seldom(effect)

    def _do_seldom(self, effect: Effect) -> None:
        if isinstance(effect, Save):
            self._keep(effect.state)
        elif isinstance(effect, Write):
            self._write_own(effect)
        elif isinstance(effect, ReadReady):
            wait = self._reads.pop(effect.token, None)
            if wait is not None:
                self._to_tell.append((wait, effect.position is not None))
        elif isinstance(effect, Became):
            self._became(effect)
        elif isinstance(effect, Supply):
            image = self.keeper.image()
            to = self._locations.get(seat_of(effect.to))
            if to is not None:
                self.ctx.send(to, self.core.snapshot_at(image.position, image.snapshots, image.window))
        elif isinstance(effect, Install):
            self.ready = False
            self.ctx.set_timer(0, self._install, effect.snapshot)

    def _keep(self, state: HardState) -> None:
        """Save term and vote; of those that come while one is being saved, only the last is of any use."""
        if self._saving is not None:
            self._saving = state
            return
        self._saving = state
        self._save(state).when_done(partial(self._kept, state))

    def _kept(self, state: HardState, _: object) -> None:
        latest, self._saving = self._saving, None
        assert latest is not None
        if latest != state:
            self._keep(latest)
        if self._takes_part:
            self._enter(self.core.saved, state)

    def _write_own(self, effect: Write) -> None:
        """Append an event of the shard itself."""
        stream, event, now = self.streams.of(OWN_KEY), effect.event, self.ctx.now_us()
        version = stream.version + 1
        tip = tip_after(stream.tip, version, 0, event)
        tenant, instance = OWN_KEY
        address = mint(self.options.event_type, instance, version)
        self._heed(event)
        entry = Entry(
            now, self.options.number, effect.position, self.core.term, tenant, address, 0, now, event, None, tip
        )
        assert instance_of(address) == instance
        self.journal.append(entry)
        self.keeper.appended(self.streams.apply(entry), entry)
        self._flush_soon()

    def _know(self, group: GroupState) -> None:
        super()._know(group)
        if self._takes_part:
            self.ctx.set_timer(0, self._arm)  # it may stand for election now, or no more

    def _became(self, effect: Became) -> None:
        leads = effect.role is Role.LEADER
        if leads:
            self.ctx.note("elected", effect.term)
        if leads != self._led:
            self._led = leads
            self.ctx.note("role", "home" if leads else "copy")
        self.ctx.set_timer(0, self._arm)

    # -- cutting and replacing ---------------------------------------------------------------

    def _cut_and_go_on(self, keep: int) -> Generator[Wait, Any, None]:
        yield from self._cut(keep)
        self._cutting, self.ready = False, self._takes_part
        rest, self._rest = self._rest, []
        self._carry_out(rest)
        if not self._cutting:
            self.core.durable(self.ctx.mono_us(), min(self.journal.durable, self.core.log.last))
        while self._early and not self._cutting:
            self._hear(self._early.pop(0))
        self._do()
        self._arm()

    def _install(self, msg: InstallSnapshot) -> Generator[Wait, Any, None]:
        yield from self._replace(msg)
        self.ready = self._takes_part
        if self._takes_part:
            self._settle_doubts()
            self._enter(self.core.installed)
            self._arm()

    # -- time --------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have the timer stand at the core's deadline, or before: who is late by it looks again."""
        due_us = self.core.deadline_us
        if due_us is None or not self._takes_part:
            return
        if self._alarm is not None:
            if self._alarm_us <= due_us:
                return
            self._alarm.cancel()
        self._alarm_us = due_us
        self._alarm = self.ctx.set_timer(max(1, due_us - self.ctx.mono_us()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if not self._takes_part or self._cutting:
            return
        due_us = self.core.deadline_us
        if due_us is not None and due_us <= self.ctx.mono_us():
            self._enter(self.core.tick)
        self._arm()

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
