"""What a consumer does beside reading on: it takes back, tries again, and tells those outside.

Rows that went astray with a lineage are made again from the log; events that were put aside are tried in their
order; what the view owes to be announced is told until it was heard. The crash points P7 and P9 stand where they
are passed.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, ClassVar, Final

from models.reading.delivering import Deliveries
from models.reading.feeds import Batch, GlobalFeed, LogFeed
from models.reading.options import ProjectorOptions
from models.reading.owning import Owning
from models.reading.projections import Balances, Unprojectable, projected
from models.reading.views import Owed, Parked, Place
from models.reading.words import Announce, Announced
from models.store.group.lineage import common_prefix
from models.store.log.entries import Entry, instance_of, version_of
from sim.host import Context, Service, Wait

__all__ = ["AHEAD", "BEHIND", "Mending"]

#: Why an event waits that could be projected.
BEHIND: Final = "behind a parked event"
AHEAD: Final = "ahead of its predecessor"


class Mending(Service):
    """The side of a consumer that is not reading on; arguments as for a `Projector`."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"P7", "P9"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"unparked", "retracted", "headless", "parked"})

    def __init__(
        self,
        ctx: Context,
        options: ProjectorOptions,
        projection: Balances,
        feeds: Sequence[LogFeed | GlobalFeed],
        mended: Balances | None,
        mended_us: int,
    ) -> None:
        super().__init__(ctx)
        self._options = options
        self._projection = projection
        self._feeds = tuple(feeds)
        self._mended = mended
        self._mended_us = mended_us
        self._global = any(isinstance(feed, GlobalFeed) for feed in feeds)
        self._deliveries = Deliveries(ctx, options)

    def _now(self) -> Balances:
        """The projection that is deployed."""
        return self._mended if self._mended is not None and self.ctx.mono_us() >= self._mended_us else self._projection

    # -- effects -----------------------------------------------------------------------------

    def _owed(self, one: Owning, entries: Sequence[tuple[int, Entry]], parked: Sequence[Parked]) -> tuple[Owed, ...]:
        """What is to be announced of entries that went in; nothing while an earlier version is shown, and this replays.

        A version that was shown before goes on announcing: the later one did not announce what it read until it was
        shown, and this one may lag behind it.
        """
        options, projection = self._options, self._projection
        if options.bell is None:
            return ()
        aside = {(event.shard, event.position) for event in parked}
        heard = [
            Owed(entry.event_id, instance_of(entry.address))
            for shard, entry in entries
            if projection.announces(entry) and (shard, entry.position) not in aside
        ]
        if heard and one.shown < options.version:
            self.ctx.point("P9")
            return ()
        return tuple(heard)

    def _announce(self, one: Owning) -> Generator[Wait, Any, bool]:
        """Tell the bell what the view owes; whether the view surely knows of what was heard."""
        options, owed = self._options, one.view.owed
        assert options.bell is not None
        calls = [
            self.ctx.call(options.bell, Announce(event_id=event_id, key=key, version=options.version), options.ask_us)
            for event_id, key in owed
        ]
        answers = yield self.ctx.first(calls, need=len(calls))
        paid = frozenset(answer.event_id for _, answer in answers if isinstance(answer, Announced))
        return not paid or (yield from one.write(one.saving(paid=paid)))

    # -- what is put aside, and what is taken back -------------------------------------------

    def _retry(self, one: Owning, segment: int) -> Generator[Wait, Any, bool]:
        """Try what is parked once more, key by key, each in its order; whether all writes surely took place."""
        projection = self._now()
        known = {row.key: row for row in one.view.rows}
        by_key: dict[int, list[Parked]] = {}
        for event in one.view.parked:
            by_key.setdefault(event.key, []).append(event)
        for key, events in by_key.items():
            entries = yield from self._again(one, segment, key, events)
            row, settled, ops = known.get(key), [], []
            for shard, entry in entries:
                if self._global and version_of(entry.address) > (row.version if row else 0) + 1:
                    break
                try:
                    row = projected(projection, row, entry, shard)
                except Unprojectable:
                    break
                settled.append((shard, entry.position))
                ops += self._deliveries.begin(((shard, entry),), ())
            if not settled or row is None:
                continue
            self.ctx.point("P7")
            fine = yield from one.write(one.saving(rows=(row,), settled=frozenset(settled)))
            self._deliveries.end(ops, fine, one.fenced)
            if not fine:
                return False
            self.ctx.note("unparked", key)
        return True

    def _again(
        self, one: Owning, segment: int, key: int, events: Sequence[Parked]
    ) -> Generator[Wait, Any, list[tuple[int, Entry]]]:
        """The parked events of a key, from the log; as many from the first on as somebody hands out."""
        wanted = {(event.shard, event.position) for event in events}
        first = dict(sorted(wanted, reverse=True))
        places = {index: one.view.place(index) for index in range(len(self._feeds))}
        found = yield from self._of_keys(segment, frozenset((key,)), places, first)
        parked = [one for one in found or () if (one[0], one[1].position) in wanted]
        return sorted(parked, key=lambda one: one[1].position)

    def _take_back(self, one: Owning, segment: int, batch: Batch, keep: int) -> Generator[Wait, Any, bool]:
        """A lineage without some of what went in: make the rows again that it went into, from what is left."""
        view = one.view
        touched = frozenset(row.key for row in view.rows if row.shard == batch.feed and row.position > keep)
        gone = frozenset(
            (event.shard, event.position)
            for event in view.parked
            if event.shard == batch.feed and event.position > keep
        )
        projection = self._now()
        rows = {key: projection.first(key, batch.feed) for key in sorted(touched)}
        left: set[int] = set()
        aside: dict[int, list[Parked]] = {}
        if touched:
            entries = yield from self._of_keys(segment, touched, {batch.feed: Place(keep, batch.reigns)})
            if entries is None:
                return True  # nobody answers now; the places are as they were, so this comes again
            waiting = {(event.shard, event.position) for event in view.parked}
            for shard, entry in entries:
                if (shard, entry.position) not in waiting:
                    key = instance_of(entry.address)
                    left.add(entry.event_id)
                    # The word that an event was put aside is lost where a place is kept before what it covers.
                    why = BEHIND
                    if key not in aside:
                        try:
                            rows[key] = projected(projection, rows[key], entry, shard)
                            continue
                        except Unprojectable as failed:
                            why = str(failed)
                            self.ctx.note("parked", key)
                    version = version_of(entry.address)
                    aside.setdefault(key, []).append(Parked(shard, entry.position, key, version, entry.event_id, why))
        # What nobody has heard yet of an event that is gone, nobody is to hear.
        silenced = frozenset(event_id for event_id, key in view.owed if key in touched and event_id not in left)
        self.ctx.note("retracted", view.place(batch.feed).position - keep)
        where = {"shard": batch.feed, "position": keep, "reigns": batch.reigns}
        parked = tuple(event for events in aside.values() for event in events)
        # What it stood still at may be gone; what is not lies ahead, and is met again.
        said = one.saving(rows=tuple(rows.values()), parked=parked, settled=gone, paid=silenced, stopped="", **where)
        return (yield from one.write(said))

    def _of_keys(
        self, segment: int, keys: frozenset[int], places: Mapping[int, Place], first: Mapping[int, int] | None = None
    ) -> Generator[Wait, Any, list[tuple[int, Entry]] | None]:
        """All events of aggregates up to places in feeds, under the lineages of these.

        None if a member is silent, or has another lineage up to there, or its log begins behind what is needed: by
        shard from `first` on, or all of it.
        """
        options = self._options
        found: list[tuple[int, Entry]] = []
        for index, (until, reigns) in places.items():
            feed, at = self._feeds[index], 0
            while at < until:
                batch = yield from feed.read(at, min(options.batch, until - at), options.stretches[segment], 0, keys)
                if batch is None or batch.after != at or batch.upto <= at:
                    return None
                if isinstance(feed, LogFeed) and batch.reigns and reigns:
                    upto = min(batch.upto, until)
                    if common_prefix(batch.reigns, upto, reigns) < upto:
                        feed.ask_another()  # of a leader that was deposed before that lineage began
                        return None
                if batch.base > at and (first is None or first.get(index, batch.upto) <= batch.base):
                    # Made again without what is gone, the rows would be wrong and look right.
                    self.ctx.note("headless", index)
                    return None
                found += batch.entries
                at = batch.upto
        return found
