"""A sub-domain that is declared lost: at which position, by whom, and what becomes of it when it returns.

The others wait for a lost sub-domain no more, and all of them must give it up at the same position, with the same
history below. So an operator does it in two steps. First every other part is *fenced* from it, durably: it takes
nothing more from there and settles nothing until it is told on. Then whatever any of them has heard counts, and
nothing beyond; who is behind is given what it lacks by who has heard most, or takes over that one's records and goes
on as after a restart. So nobody's own writes rest on something that does not count, such as rights that were granted.
An operator who loses patience between the two leaves the others fenced, and must declare it lost once more.

Whoever was lost may have gone on writing on its own side, and have taken for final what nobody else knows. When it
returns it is told: it takes over the others' records in place of its own, and what it wrote beyond the position is
superseded and owed, there as everywhere. Once all others have that, and it is settled, they take it back: from then on
each waits for its word again, and says how far it is. When the returned one has all that they have, and its clock is
above all their cuts, it writes on in its old stream, behind what was given up. All others must answer, those that are
lost themselves among them: whoever were left out would go on giving up what it writes.

Whose disk forgot (`models.remembering`) is not taken back: it knows no more which addresses it gave away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Final

from models.losing_words import FenceOff, FetchSettled, GiveUp, SettledRun, Standing, TakeBack, TakenBack, WasLost
from models.merging.settled import BACK, Settled
from models.remembering import RememberingShard
from models.split import MERGED, write_of
from models.store.group.shipping import new_session
from models.store.group.wire import Ship
from models.store.requests import Answer, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = [
    "FenceOff",
    "FetchSettled",
    "GiveUp",
    "LosableShard",
    "SettledRun",
    "Standing",
    "TakeBack",
    "TakenBack",
    "WasLost",
    "declare_lost",
]

_FENCED: Final = "fenced"
#: In the place of whom we are fenced from.
_NOBODY: Final = 0


class LosableShard(RememberingShard):
    """A shard of a sub-domain that can be declared lost, or give another one up.

    Attributes:
        was_lost: Whether it has been; it then serves no command.
    """

    POINTS: ClassVar[frozenset[str]] = RememberingShard.POINTS | {"G6"}
    NOTES: ClassVar[frozenset[str]] = RememberingShard.NOTES | {"taken-back"}
    #: Whether one that was lost is taken back by the others.
    RETURNS: ClassVar[bool] = True

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
        self._fenced = fences[-1] if fences and fences[-1] not in (_NOBODY, *lost) else None
        self.was_lost = self.options.number in lost

    def _settle(self) -> Generator[Wait, Any, None]:
        if self.bereft and not self.was_lost and not self._adopting:
            yield from self._give_self_up()
        if self.was_lost and self.RETURNS and not self.bereft and not self._adopting:
            yield from self._ask_back()
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
        done, _ = yield from declare_lost(self.ctx, others, self.ctx.location, ask_us, 2 * ask_us)
        if done:
            yield from self._take_over_from(others[0])

    # -- giving another one up ----------------------------------------------------------------

    @handles(FenceOff)
    def on_fence_off(self, msg: FenceOff, sender: Location) -> Generator[Wait, Any, Standing | None]:
        """Take nothing more from it, durably; then say how far we are."""
        lost = self._number_at[msg.lost]
        if not self.ready or self.was_lost:
            return None
        done = 0 < msg.times <= self.merge.losses[lost]
        if lost not in self.merge.lost and not done:
            self._fenced = lost
            # What was heard before was asked to be flushed before, and so is durable when this is.
            yield self.ctx.disk.replace(_FENCED, lost)
            while self.saving:  # what is on its way to the disk counts
                yield self.ctx.sleep(self.options.ship.heartbeat_us // 10)
        return self._standing(lost)

    def _standing(self, lost: int) -> Standing:
        merge = self.merge
        given_up, times = self._fenced != lost, merge.losses[lost]
        received = merge.received(lost)
        if given_up:
            received = merge.lost_at(lost) if lost in merge.lost else merge.passed[lost][-1].start - 1
        return Standing(cut_us=self.saved_us, received=received, given_up=given_up, times=times + (not given_up))

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
        knows = isinstance(run, SettledRun) and _is_lost_in(run.records, self.options.number)
        if not knows or self._knows_already():
            return
        yield from self._adopt(run.records, instead=True)

    # -- being taken back -----------------------------------------------------------------------

    def _ask_back(self) -> Generator[Wait, Any, None]:
        """Have all others wait for us again, and write on when we have what they have; if not yet, the next time."""
        merge, own, upto = self.merge, self.options.number, self.log.length
        now_us, others = self.ctx.mono_us(), tuple(self._number_at)
        if now_us < self._asks_us or not merge.may_take_back(own, upto):
            return
        self._asks_us = now_us + self.options.ship.resend_us
        ask = TakeBack(lost=self.ctx.location, upto=upto, times=merge.losses[own])
        calls = [self.ctx.call(other, ask, self.options.ask_us) for other in others]
        answers = dict((yield self.ctx.first(calls, need=len(calls))))
        found = [answers.get(number) for number in range(len(others))]
        taken = [one for one in found if isinstance(one, TakenBack)]
        behind = any(merge.received(origin) < count for one in taken for origin, count in one.received)
        if len(taken) < len(others) or behind or self.merge is not merge or not merge.may_take_back(own, upto):
            return
        self.clock.observe(max(one.cut_us for one in taken))
        yield from self._save(merge.take_back(own, upto))
        if self.merge is merge:
            self.was_lost = False
            self.ctx.note("taken-back", upto)

    @handles(TakeBack)
    def on_take_back(self, msg: TakeBack, sender: Location) -> Generator[Wait, Any, TakenBack | None]:
        """Wait for it again, durably, if all that it wrote has its fate here."""
        lost, merge = self._number_at[msg.lost], self.merge
        if not self.ready or self._adopting or self._fenced is not None or merge.losses[lost] != msg.times:
            return None
        if lost in merge.lost:
            if not merge.may_take_back(lost, msg.upto):
                return None
            self.ctx.point("G6")
            # First, or a crash would have us fenced from it again.
            yield self.ctx.disk.replace(_FENCED, _NOBODY)
            if self.merge is not merge or not merge.may_take_back(lost, msg.upto):
                return None  # it asks again
            yield from self._save(merge.take_back(lost, msg.upto))
            if self.merge is not merge:
                return None
        received = tuple((number, merge.received(number)) for number in self._sources)
        return TakenBack(cut_us=merge.cut_us, received=received)

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


def _is_lost_in(records: Sequence[Settled], number: int) -> bool:
    """Whether a sub-domain is lost after these records."""
    told = [upto for record in records for origin, upto, _ in record.lost if origin == number]
    return bool(told) and told[-1] != BACK


def declare_lost(
    ctx: Context, others: Sequence[Location], lost: Location, ask_us: int, act_us: int, times: int = 0
) -> Generator[Wait, Any, tuple[bool, int]]:
    """Have all others give one up, once.

    Args:
        ctx: The operator's.
        others: The stores of the shard that are left.
        lost: The one.
        ask_us: Patience with an answer.
        act_us: Patience with what takes a member some time.
        times: What an earlier try came to know; 0 for the first.

    Returns:
        Whether all of them have; and for the how-manieth time, for the next try: else who has given it up, and taken it
        back since, would do it once more.
    """
    calls = [ctx.call(member, FenceOff(lost=lost, times=times), ask_us) for member in others]
    answers = dict((yield ctx.first(calls, need=len(calls))))
    found = {others[index]: answers[index] for index in sorted(answers) if answers[index] is not None}
    if len(found) < len(others):
        return False, times  # who is not fenced might settle more of the lost one than the rest will know
    times = max(standing.times for standing in found.values())
    if times and all(standing.given_up for standing in found.values()):
        return True, times
    best = max(found, key=lambda member: (found[member].given_up, found[member].received, -others.index(member)))
    upto = found[best].received
    calls = [ctx.call(member, GiveUp(lost=lost, upto=upto, best=best), act_us) for member in others]
    done = dict((yield ctx.first(calls, need=len(calls))))
    return all(isinstance(done.get(index), Standing) for index in range(len(others))), times
