"""What the core asks for, done on a host, in order.

A flush is also when entries are sent (`replicate`), so a batch on the disk is a batch on the way. One
timer stands at the core's deadline. To cut the log takes flushes of its own, and until they are done nothing
else reaches the core, since its log is ahead of the one that is here; to replace the log takes longer, and
the core knows of that. What waits for something to come to count is told after all the rest, since it
goes on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar, Final

from models.addressing import mint
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
from models.raft.messages import InstallSnapshot, RaftMessage
from models.raft.plan import RaftPlan
from models.store.log.entries import Entry, instance_of, tip_after
from models.store.options import MemberOptions
from sim.host import Context, Wait

__all__ = ["Doing"]

#: Messages that wait while the log is being cut; more are lost, as on the way.
_KEPT: Final = 1_000


class Doing(RaftCopy):
    """A copy with a core; arguments as for the copy.

    Attributes:
        core: The rules of the game.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"elected", "role=home", "role=copy"})
    #: While a vote is being saved, and when it has been told.
    POINTS: ClassVar[frozenset[str]] = frozenset({"V1", "V2"})

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
        self._alarm: Any = None
        self._alarm_us = 0
        self._saving: HardState | None = None
        self._saves = False

    @property
    def leads(self) -> bool:
        """Whether it decides."""
        return self.ready and self.core.accepts

    # -- what goes in ------------------------------------------------------------------------

    def _hear(self, msg: RaftMessage) -> None:
        if not self._takes_part:
            return
        if self._cutting:
            if len(self._early) < _KEPT:
                self._early.append(msg)
            return
        self._enter(self.core.step, msg)
        if self.plan.detector is not None:
            # One that learns may have become less patient: its deadline comes before what the alarm was set for.
            self._arm()

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
        self._saving = state
        if not self._saves:
            self._saves = True
            # A task of its own: if the disk is full or gone, that is the end of this process and of nothing else.
            self.ctx.set_timer(0, self._save_latest)

    def _save_latest(self) -> Generator[Wait, Any, None]:
        while (state := self._saving) is not None:
            saved = self._save(state)
            if state.vote:
                self.ctx.point("V1")
            yield saved
            if state == self._saving:
                self._saving = None
            if self._takes_part:
                self._enter(self.core.saved, state)
            if state.vote:
                self.ctx.point("V2")
        self._saves = False

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

    # -- flushing ----------------------------------------------------------------------------

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

    # -- cutting and replacing ---------------------------------------------------------------

    def _cut_and_go_on(self, keep: int) -> Generator[Wait, Any, None]:
        yield from self._cut(keep)
        self._cutting, self.ready = False, self._takes_part
        rest, self._rest = self._rest, []
        self._carry_out(rest)
        if not self._cutting:
            self._enter(self.core.durable, min(self.journal.durable, self.core.log.last))
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
