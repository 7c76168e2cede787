"""A consumer: it shares the segments of the key space with others, reads what is committed, and keeps views of it.

For each segment that it owns it asks its feeds for what lies beyond the view's places, projects that chunk by
chunk, and saves rows and places as its policy says. A global sequence may bring two events of one aggregate in
the wrong order, since numbers are given before it is decided: the later one waits for its predecessor. Where a
lineage gave events up, the rows that these went into are made again from what is left. What cannot be projected
is parked or stops the segment; nothing is passed over.

The crash points P1 to P9 stand where they are passed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Final

from models.keyspace.keys import MASK
from models.reading.asking import Asking
from models.reading.claims import Claims
from models.reading.feeds import Batch, GlobalFeed, LogFeed, headless
from models.reading.mending import AHEAD, BEHIND, Mending
from models.reading.options import Checkpoint, Poison, ProjectorOptions
from models.reading.owning import Owning
from models.reading.projections import Balances, Row, Unprojectable, projected
from models.reading.views import Owed, Parked, View, Views
from models.reading.words import Beat
from models.store.group.lineage import common_prefix
from models.store.log.entries import Entry
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Projector"]

_VERSION: Final = (1 << 32) - 1


class Projector(Mending):
    """One consumer of a group.

    Args:
        ctx: Its host.
        options: Who it is.
        projection: What it makes of events.
        feeds: Where they come from: the logs of all shards, or the global sequence.
        domain: The rules of views.
        mended: The projection from `mended_us` on, when code without the bug is deployed; None for the same.
        mended_us: When.

    Attributes:
        owned: The segments that it owns, as it believes.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"P1", "P2", "P3", "P4", "P5", "P6", "P8"})
    NOTES: ClassVar[frozenset[str]] = frozenset(
        {"claimed", "stolen", "fenced", "parked", "stopped", "switched", "headless"}
    )

    def __init__(
        self,
        ctx: Context,
        options: ProjectorOptions,
        projection: Balances,
        feeds: Sequence[LogFeed | GlobalFeed],
        domain: Views,
        mended: Balances | None = None,
        mended_us: int = 0,
    ) -> None:
        super().__init__(ctx, options, projection, feeds, mended, mended_us)
        self.owned: dict[int, Owning] = {}
        self._domain = domain
        self._claims = Claims(ctx, options)
        self._busy: set[int] = set()

    def start(self) -> Generator[Wait, Any, None]:
        """Look after every segment that should be one's own, for as long as this life lasts."""
        options, ctx = self._options, self.ctx
        if options.begins_us > ctx.mono_us():
            yield ctx.sleep(options.begins_us - ctx.mono_us())
        self._claims.watch()
        while True:
            self.beat()
            for segment in range(len(options.views)):
                if segment not in self._busy and self.mine(segment):
                    self._busy.add(segment)
                    ctx.set_timer(0, self._look_after, segment)
            yield ctx.sleep(options.beat_us)

    @handles(Beat)
    def on_beat(self, msg: Beat, sender: Location) -> None:
        """Another consumer lives."""
        self._claims.heard(msg)

    def beat(self) -> None:
        """Tell the others that one lives."""
        self._claims.beat(self.owned)

    # -- owning ------------------------------------------------------------------------------

    def mine(self, segment: int) -> bool:
        """Whether oneself should own a segment."""
        return self._claims.mine(segment)

    def claimed(self, segment: int, owner: int, token: int) -> None:
        """A segment is one's own by a token; `owner` had it when that was asked for, 0 for nobody."""
        self.ctx.note("claimed", segment)

    def _look_after(self, segment: int) -> Generator[Wait, Any, None]:
        options = self._options
        one = Owning(
            self.ctx, options.number, options.version, segment, options.views[segment], options.ask_us, self._domain
        )
        if (yield from self._claim(one, segment)):
            self.owned[segment] = one
            yield from self._own(one, segment)
            self.owned.pop(segment, None)
            if one.fenced:
                self.ctx.note("fenced", segment)
        self._busy.discard(segment)

    def _claim(self, one: Owning, segment: int) -> Generator[Wait, Any, bool]:
        """Become the owner of a segment that is nobody's, or whose owner is suspected."""
        if not (yield from one.load()):
            return False
        owner = one.view.owner
        if self._claims.owns(owner, segment):
            return False
        if not (yield from one.claim()):
            return False
        if owner not in (0, self._options.number):
            self.ctx.note("stolen", segment)
            self.ctx.point("P8")
        self.claimed(segment, owner, one.view.token)
        return True

    def _own(self, one: Owning, segment: int) -> Generator[Wait, Any, None]:
        """Round by round, until another should own it or a write did not surely take place."""
        options, ctx = self._options, self.ctx
        told_us = tried_us = ctx.mono_us()
        asking = Asking(ctx, self._feeds, options, options.stretches[segment])
        while True:
            if one.view.stopped and ctx.mono_us() - tried_us < options.retry_us:
                yield ctx.sleep(options.poll_us)
                news: bool | None = False
            else:
                tried_us = ctx.mono_us() if one.view.stopped else tried_us
                news = yield from self._read_all(one, segment, asking)
            if news is None:
                return
            heard_us = 0 if one.view.stopped else asking.heard_us()
            if heard_us and one.shown < options.version and not (yield from self._show(one, segment)):
                return
            if one.view.owed and not (yield from self._announce(one)):
                return
            if one.view.parked and (ctx.mono_us() - tried_us >= options.retry_us or _due(one.view)):
                tried_us = ctx.mono_us()
                if not (yield from self._retry(one, segment)):
                    return
            if ctx.mono_us() - told_us >= options.extend_us:
                told_us = ctx.mono_us()
                if not (yield from one.extend(heard_us)):
                    return
            if not self.mine(segment):
                yield from one.release()
                return
            if not news and not options.waits:
                yield ctx.sleep(options.poll_us)

    def _show(self, one: Owning, segment: int) -> Generator[Wait, Any, bool]:
        """This version has caught up with everything: have it shown in place of an earlier one."""
        self.ctx.point("P5")
        done = yield from one.switch(self._options.version)
        if done:
            self.ctx.note("switched", segment)
        return done

    # -- reading -----------------------------------------------------------------------------

    def _read_all(self, one: Owning, segment: int, asking: Asking) -> Generator[Wait, Any, bool | None]:
        """Take what the feeds have answered; whether there was news. None once a write did not surely take place."""
        news = False
        for batch in (yield from asking.answers(one.view)):
            if not self.fits(batch, one):
                asking.unsure(batch.feed)
                lacking = self._lacking(batch, one)
                if lacking and not one.view.stopped and not (yield from one.write(one.saving(stopped=lacking))):
                    return None
                continue
            known = one.view.place(batch.feed)
            if batch.reigns != known.reigns and known.reigns:
                keep = common_prefix(known.reigns, known.position, batch.reigns)
                if keep < known.position:
                    if not (yield from self._take_back(one, segment, batch, keep)):
                        return None
                    asking.unsure(batch.feed)
                    news = True
                    continue
            if batch.upto != known.position or batch.reigns != known.reigns:
                news = news or batch.upto != known.position
                if not (yield from self._take(one, segment, batch)):
                    return None
        return news

    def fits(self, batch: Batch, one: Owning) -> bool:
        """Whether a batch begins where the view ends, under no earlier reign, and with nothing lost in between."""
        known = one.view.place(batch.feed)
        if batch.after != known.position:
            return False
        if batch.base > known.position:
            self.ctx.note("headless", batch.feed)
            return False
        return not (known.reigns and batch.reigns and batch.reigns[-1].epoch < known.reigns[-1].epoch)

    def _lacking(self, batch: Batch, one: Owning) -> str:
        """Why the segment stands still, if the log begins behind the place that the view has; empty if it does not."""
        at = one.view.place(batch.feed).position
        return headless(batch, at) if batch.after == at and batch.base > at else ""

    def covers(self, batch: Batch, done: int) -> int:
        """Up to which place so many of a batch's entries cover it."""
        return batch.upto if done >= len(batch.entries) else batch.places[done - 1]

    def _take(self, one: Owning, segment: int, batch: Batch) -> Generator[Wait, Any, bool]:
        """Project a batch and save it, chunk by chunk; whether all writes surely took place."""
        options = self._options
        for begin in range(0, max(1, len(batch.entries)), options.chunk):
            entries = batch.entries[begin : begin + options.chunk]
            rows, parked, stopped = self._project(one, entries)
            if options.project_us and entries:
                yield self.ctx.sleep(options.project_us * len(entries))
            done = begin + len(entries)
            place = self.covers(batch, done)
            if stopped is not None:
                at = stopped[0]
                place = one.view.place(batch.feed).position if begin + at == 0 else batch.places[begin + at - 1]
                entries = entries[:at]
                self.ctx.note("stopped", segment)
            ops = self._deliveries.begin(entries, parked)
            why = "" if stopped is None else stopped[1]
            fine = yield from self._save(one, batch, rows, parked, place, why, self._owed(one, entries, parked))
            self._deliveries.end(ops, fine, one.fenced)
            if not fine or stopped is not None:
                return fine
        return True

    def _project(
        self, one: Owning, entries: Sequence[tuple[int, Entry]]
    ) -> tuple[dict[int, Row], list[Parked], tuple[int, str] | None]:
        """The rows that change, what is parked, and at which entry it stops and why."""
        view, projection = one.view, self._now()
        known = {row.key: row for row in view.rows}
        rows: dict[int, Row] = {}
        parked: list[Parked] = []
        waiting = {event.key for event in view.parked if event.reason != AHEAD}
        half = len(entries) // 2
        for at, (shard, entry) in enumerate(entries):
            if at == half and at:
                self.ctx.point("P1")
            address = entry.address
            key, version = address >> 32 & MASK, address & _VERSION
            row = rows.get(key) or known.get(key)
            ahead = self._global and version > (row.version if row else 0) + 1
            if ahead or key in waiting:
                parked.append(Parked(shard, entry.position, key, version, entry.event_id, AHEAD if ahead else BEHIND))
                continue
            try:
                rows[key] = projected(projection, row, entry, shard)
            except Unprojectable as failed:
                self.ctx.point("P6")
                verdict = self.failed(str(failed))
                if verdict is Poison.STOP:
                    return rows, parked, (at, f"shard {shard}, position {entry.position}: {failed}")
                if verdict is Poison.PARK:
                    self.ctx.note("parked", key)
                    parked.append(Parked(shard, entry.position, key, version, entry.event_id, str(failed)))
                    waiting.add(key)
        return rows, parked, None

    def failed(self, why: str) -> Poison | None:
        """What becomes of an event that cannot be projected."""
        return self._options.poison

    def _save(
        self,
        one: Owning,
        batch: Batch,
        rows: dict[int, Row],
        parked: Sequence[Parked],
        place: int,
        stopped: str,
        owed: tuple[Owed, ...],
    ) -> Generator[Wait, Any, bool]:
        """Rows and place, in the order that the policy says; whether both surely were saved."""
        said = {"rows": tuple(rows.values()), "parked": tuple(parked), "stopped": stopped, "owed": owed}
        where = {"shard": batch.feed, "position": place, "reigns": batch.reigns}
        policy = self._options.checkpoint
        if policy is Checkpoint.ATOMIC or not (rows or parked or stopped):
            return (yield from one.write(one.saving(**said, **where)))
        if policy is Checkpoint.AFTER:
            if not (yield from one.write(one.saving(**said))):
                return False
            self.ctx.point("P2")
            return (yield from one.write(one.saving(**where)))
        if not (yield from one.write(one.saving(**where))):
            return False
        self.ctx.point("P3")
        return (yield from one.write(one.saving(**said)))


def _due(view: View) -> bool:
    """Whether the predecessor of an event that waits for it has come."""
    waiting = {event.key: event.version for event in reversed(view.parked) if event.reason == AHEAD}
    return bool(waiting) and any(waiting.get(row.key) == row.version + 1 for row in view.rows)
