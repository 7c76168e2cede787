"""A sub-domain that is declared lost: at which position, by whom, and what becomes of it when it returns.

The others wait for a lost sub-domain no more, and all of them must give it up at the same position, with the same
history below. So an operator does it in two steps. First every other part is *fenced* from it, durably: it takes
nothing more from there and settles nothing until it is told on. Then whatever any of them has heard counts, and
nothing beyond; who is behind is given what it lacks by who has heard most, or takes over that one's records and goes
on as after a restart. So nobody's own writes rest on something that does not count, such as rights that were granted.

Whoever was lost may have gone on writing on its own side, and have taken for final what nobody else knows. When it
returns it is told: it takes over the others' records in place of its own, and what it wrote beyond the position is
superseded and owed, there as everywhere. It accepts nothing more: its tail is gone, so a new sub-domain must be laid
out in its place.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from models.addressing import REPLICATION, Scope, message_type_id
from models.merging.fold import Settled
from models.remembering import RememberingShard
from models.split import MERGED, write_of
from models.store.group.shipping import new_session
from models.store.group.wire import Ship
from models.store.log.entries import Entry, all_bytes
from models.store.requests import Answer, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["FenceOff", "FetchSettled", "GiveUp", "LosableShard", "SettledRun", "Standing", "WasLost", "declare_lost"]

_FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceOff(Message):
    """Take nothing more from a part, and settle nothing, until it is given up."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 5)
    lost: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Message):
    """How far a part that is fenced is.

    Attributes:
        cut_us: Up to here its records are on its disk.
        received: How many writes of the lost part are in its view, and on its disk.
        given_up: Whether it has given that part up already, and then at `received`.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 6)
    cut_us: int
    received: int
    given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp(Message):
    """Wait for a part no more: it counts up to a position; who is behind finds the records with `best`."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 7)
    lost: Location
    upto: int
    best: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettled(Message):
    """What was settled above a cut, if you please, and what was heard of a part beyond a position, if one is named."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 8)
    after_us: int
    lost: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRun(Message):
    """Records of a merge, in order, and entries that were heard, without a gap."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 9)
    records: tuple[Settled, ...]
    entries: tuple[Entry, ...] = ()

    def work(self) -> int:
        """As many units as there are records and entries."""
        return len(self.records) + len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A sum over what each says."""
        records = sum(64 + 16 * len(r.vector) + 48 * len(r.outputs) + 160 * len(r.held) for r in self.records)
        return 80 + records + all_bytes(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class WasLost(Message):
    """You were declared lost at a position."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 10)
    upto: int


class LosableShard(RememberingShard):
    """A shard of a sub-domain that can be declared lost, or give another one up.

    Attributes:
        was_lost: Whether it has been; it then serves no command.
    """

    POINTS: ClassVar[frozenset[str]] = RememberingShard.POINTS | {"G6"}

    def __init__(self, ctx: Context, *arguments: Any, **more: Any) -> None:
        super().__init__(ctx, *arguments, **more)
        self.was_lost = False
        self._fenced: int | None = None
        self._adopting = False
        #: Before then it does not ask to be given up again.
        self._asks_us = 0
        self._number_at = {peer: number for number, peer in self.options.peers}

    def _recover_merge(self) -> None:
        super()._recover_merge()
        fences = [record for record in self.ctx.disk.read(_FENCED) if record is not TORN]
        lost = self.merge.lost
        self._fenced = fences[-1] if fences and fences[-1] not in lost else None
        self.was_lost = self.options.number in lost

    def _settle(self) -> Generator[Wait, Any, None]:
        if self.bereft and not self.was_lost and not self._adopting:
            yield from self._give_self_up()
        if self._fenced is None and not self._adopting:
            yield from super()._settle()

    def _give_self_up(self) -> Generator[Wait, Any, None]:
        """As its own operator, once its disk forgot: nobody else knows, and all others wait for its word."""
        others = tuple(self._number_at)
        now_us = self.ctx.mono_us()
        if now_us < self._asks_us:
            return
        self._asks_us = now_us + self.options.ship.resend_us
        ask_us = self.options.ask_us
        if (yield from declare_lost(self.ctx, others, self.ctx.location, ask_us, 2 * ask_us)):
            yield from self._take_over_from(others[0])

    # -- giving another one up ----------------------------------------------------------------

    @handles(FenceOff)
    def on_fence_off(self, msg: FenceOff, sender: Location) -> Generator[Wait, Any, Standing | None]:
        """Take nothing more from it, durably; then say how far we are."""
        lost = self._number_at[msg.lost]
        if not self.ready or self.was_lost:
            return None
        if lost not in self.merge.lost:
            self._fenced = lost
            # What was heard before was asked to be flushed before, and so is durable when this is.
            yield self.ctx.disk.replace(_FENCED, lost)
            while self.saving:  # what is on its way to the disk counts
                yield self.ctx.sleep(self.options.ship.heartbeat_us // 10)
        return self._standing(lost)

    def _standing(self, lost: int) -> Standing:
        given_up = lost in self.merge.lost
        received = self.merge.lost_at(lost) if given_up else self.merge.received(lost)
        return Standing(cut_us=self.saved_us, received=received, given_up=given_up)

    @handles(GiveUp)
    def on_give_up(self, msg: GiveUp, sender: Location) -> Generator[Wait, Any, Standing | None]:
        """Catch up with who is furthest, then give it up at the position that all do."""
        lost = self._number_at[msg.lost]
        if not self.ready or self.was_lost or (lost != self._fenced and lost not in self.merge.lost):
            return None
        if lost not in self.merge.lost:
            if self.merge.received(lost) < msg.upto:
                yield from self._catch_up(lost, msg)
            if lost in self.merge.lost or not self._has(lost, msg.upto):
                return None  # who was asked has given it up by now, or lacks something; the operator asks again
            self.merge.declare_lost(lost, msg.upto)
            self._fenced = None
            yield from self._save(self.merge.standing())
        return self._standing(lost)

    def _has(self, lost: int, upto: int) -> bool:
        return self.ready and self.merge.received(lost) >= upto

    def _catch_up(self, lost: int, msg: GiveUp) -> Generator[Wait, Any, None]:
        """Fetch what we lack of a lost part: what another heard of it, or where that is not kept, what it came to."""
        ask = FetchSettled(after_us=self.saved_us, lost=lost, after=self.merge.received(lost))
        run = yield self.ctx.call(msg.best, ask, self.options.ask_us)
        if not isinstance(run, SettledRun) or not self.ready:
            return
        entries = [entry for entry in run.entries if entry.position <= msg.upto]
        if not entries:
            yield from self._adopt(run.records)
            return
        kept = self.hearing.keep(entries)
        for entry in entries:
            self.clock.observe(entry.stamp_us)
            self.merge.ingest(write_of(entry))
        yield kept

    @handles(FetchSettled)
    def on_fetch_settled(self, msg: FetchSettled, sender: Location) -> SettledRun | None:
        """What is on our disk above a cut."""
        if not self.ready:
            return None
        records = [one for one in self.ctx.disk.read(MERGED) if one is not TORN]
        return SettledRun(
            records=tuple(one for one in records if msg.after_us < one.cut_us <= self.saved_us),
            entries=self.hearing.after(msg.lost, msg.after) if msg.lost else (),
        )

    # -- streams -----------------------------------------------------------------------------

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> None:
        """Take it, unless it is from whoever we are fenced from; tell whoever is lost that it is."""
        if msg.source == self._fenced or self._adopting:
            return
        if self.ready and msg.source in self.merge.lost:
            self.ctx.point("G6")
            self.ctx.send(sender, WasLost(upto=self.merge.lost_at(msg.source)))
        super().on_ship(msg, sender)

    @handles(Submit)
    def on_submit(
        self, msg: Submit, sender: Location
    ) -> Unavailable | Generator[Wait, Any, Answer | Unavailable | None]:
        """Decide, unless we were declared lost."""
        if self.was_lost:
            return Unavailable(command_id=msg.command_id, reason="declared lost")
        return super().on_submit(msg, sender)

    # -- having been lost ---------------------------------------------------------------------

    @handles(WasLost)
    def on_was_lost(self, msg: WasLost, sender: Location) -> Generator[Wait, Any, None]:
        """Take over the history of who tells, in place of ours."""
        yield from self._take_over_from(sender)

    def _take_over_from(self, teller: Location) -> Generator[Wait, Any, None]:
        if self._knows_already():
            return
        run = yield self.ctx.call(teller, FetchSettled(after_us=0), self.options.ask_us)
        knows = isinstance(run, SettledRun) and any(self.options.number in dict(_lost_in(r)) for r in run.records)
        if not knows or self._knows_already():
            return
        yield from self._adopt(run.records, instead=True)

    def _knows_already(self) -> bool:
        return not self.ready or self.was_lost or self._adopting

    def _adopt(self, records: Sequence[Settled], *, instead: bool = False) -> Generator[Wait, Any, None]:
        """Put records behind ours, or in their place; then go on as after a restart."""
        self.ready, self._adopting = False, True
        yield from self.log.durable_at(self.log.length)
        self.session = new_session(self.ctx)
        if instead:
            self.ctx.disk.truncate(MERGED, 0)
        for record in records:
            self.ctx.disk.append(MERGED, record)
        yield self.ctx.disk.flush(MERGED)
        self.merge = self._empty_merge()
        self._recover_merge()
        self.ready, self._adopting = True, False


def _lost_in(record: Settled) -> list[tuple[int, int]]:
    return [(number, upto) for number, upto, _ in record.lost]


def declare_lost(
    ctx: Context, others: Sequence[Location], lost: Location, ask_us: int, act_us: int
) -> Generator[Wait, Any, bool]:
    """Have all others give one up, once; whether all of them have.

    Args:
        ctx: The operator's.
        others: The stores of the shard that are left.
        lost: The one.
        ask_us: Patience with an answer.
        act_us: Patience with what takes a member some time.
    """
    calls = [ctx.call(member, FenceOff(lost=lost), ask_us) for member in others]
    answers = dict((yield ctx.first(calls, need=len(calls))))
    found = {others[index]: answers[index] for index in sorted(answers) if answers[index] is not None}
    if len(found) < len(others):
        return False  # who is not fenced might settle more of the lost one than the rest will know
    best = max(found, key=lambda member: (found[member].given_up, found[member].received, -others.index(member)))
    upto = found[best].received
    calls = [ctx.call(member, GiveUp(lost=lost, upto=upto, best=best), act_us) for member in others]
    done = dict((yield ctx.first(calls, need=len(calls))))
    return all(isinstance(done.get(index), Standing) for index in range(len(others)))
