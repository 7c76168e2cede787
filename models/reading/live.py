"""A live view: nothing is stored, the log is folded when somebody asks.

What was folded stays in the heap from query to query, so that each reads only what is new; a crash loses it,
and the first query after it reads everything. It never lags behind what it can reach; what it cannot reach it
tells by its places and by since when it has heard nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from models.keyspace.keys import HASH_END
from models.reading.feeds import Batch, LogFeed, Stretch, headless
from models.reading.projections import Balances, Row, Unprojectable, projected
from models.reading.viewing import chosen
from models.reading.views import Place
from models.reading.words import Query, Rows, covered
from models.store.group.lineage import common_prefix
from models.store.log.entries import instance_of
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["LiveView"]

_EVERYTHING: Final = Stretch(0, HASH_END)
#: Between two looks for what a token names.
_AGAIN_US: Final = 10_000


class LiveView(Service):
    """Folds the logs of all shards at each query; where the head of one is gone that it needs, it has no answer.

    Args:
        ctx: Its host.
        feeds: By shard, its log.
        projection: What is made of events.
        batch: Entries read at once.
        project_us: What one event takes.

    Attributes:
        rows: What was folded so far.
    """

    def __init__(
        self, ctx: Context, feeds: Sequence[LogFeed], projection: Balances, *, batch: int, project_us: int
    ) -> None:
        super().__init__(ctx)
        self.rows: dict[int, Row] = {}
        self._feeds = tuple(feeds)
        self._projection = projection
        self._batch = batch
        self._project_us = project_us
        self._places = [Place(0, ())] * len(self._feeds)
        self._stopped = ""
        self._headless: dict[int, str] = {}
        self._heard_us = 0

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Generator[Wait, Any, Rows] | Message:
        """Read what is new, fold it, and answer; with a token, again until it is there or patience ends."""
        return self.answer(msg)

    def answer(self, msg: Query) -> Generator[Wait, Any, Rows]:
        """The answer to a query."""
        ctx = self.ctx
        until_us = ctx.mono_us() + msg.patience_us
        while True:
            asked_us = ctx.now_us()
            if (yield from self.catch_up()):
                self._heard_us = max(self._heard_us, asked_us)
            versions = {key: self.rows[key].version for key, _ in msg.token if key in self.rows}
            fresh, left_us = covered(msg.token, versions), until_us - ctx.mono_us()
            if fresh or left_us <= 0 or self._headless:
                break
            yield ctx.sleep(min(_AGAIN_US, left_us))
        return Rows(
            rows=tuple(chosen(self.rows.values(), msg, self._projection)),
            places=tuple((shard, place.position) for shard, place in enumerate(self._places)),
            heard_us=self._heard_us,
            fresh=fresh and not self._headless,
            stopped=self._stopped or next(iter(self._headless.values()), ""),
        )

    def catch_up(self) -> Generator[Wait, Any, bool]:
        """Read every feed to its end; whether all of them were."""
        whole = True
        for number, feed in enumerate(self._feeds):
            for _ in range(len(self._feeds) + 3):
                batch = yield from feed.read(self._places[number].position, self._batch, _EVERYTHING, 0)
                if batch is not None and self._project_us and batch.entries:
                    yield self.ctx.sleep(self._project_us * len(batch.entries))
                while batch is not None and not self._fold(batch):
                    batch = yield from feed.read(self._places[number].position, self._batch, _EVERYTHING, 0)
                if batch is None or batch.whole:
                    break
            whole = whole and batch is not None and batch.whole and not self._stopped and not self._headless
        return whole

    def _fold(self, batch: Batch) -> bool:
        """Take a batch; False if it does not fit any more, and is to be asked for again."""
        known = self._places[batch.feed]
        if batch.base > known.position:
            # Another member may have the head still; until one is asked there is no answer without what is gone.
            self._headless[batch.feed] = headless(batch, known.position)
            return True
        self._headless.pop(batch.feed, None)
        if known.reigns and batch.reigns != known.reigns:
            if batch.reigns[-1].epoch < known.reigns[-1].epoch:
                return True  # an earlier leader is not listened to
            if common_prefix(known.reigns, known.position, batch.reigns) < known.position:
                self.rows = {key: row for key, row in self.rows.items() if row.shard != batch.feed}
                self._places[batch.feed] = Place(0, ())
                self._stopped = ""
                return False
        if batch.after != known.position or self._stopped:
            # Another query has read some of it meanwhile; what lies beyond that this one still owes its answer.
            return bool(self._stopped) or batch.upto <= known.position
        for shard, entry in batch.entries:
            key = instance_of(entry.address)
            try:
                self.rows[key] = projected(self._projection, self.rows.get(key), entry, shard)
            except Unprojectable as failed:
                self._stopped = f"shard {shard}, position {entry.position}: {failed}"
                self._places[batch.feed] = Place(entry.position - 1, batch.reigns)
                return True
        self._places[batch.feed] = Place(batch.upto, batch.reigns)
        return True
