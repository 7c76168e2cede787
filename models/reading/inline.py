"""A shard that projects inline: rows change with the append, and one acknowledgement stands for both.

What is projected is derived from the log like the state of aggregates, so nothing is kept beside it and
nothing can lag: a crash between event and row does not exist. The price is the command's: it waits for
the projection, and one that raises refuses the command.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from models.addressing import mint
from models.domain import Domain, Event, State
from models.reading.feeding import FedShard, within
from models.reading.projections import Balances, Row, Unprojectable, projected
from models.reading.viewing import chosen
from models.reading.words import Query, Rows, covered
from models.store.group.lineage import Reign
from models.store.log.entries import OWN, Entry
from models.store.log.streams import Stream
from models.store.options import MemberOptions
from models.store.requests import Answer, Append, Delete, Gone, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["InlineShard"]


class InlineShard(FedShard):
    """One member of one shard whose projection is part of it.

    Args:
        ctx: Its host.
        options: Who it is; its log is kept whole, since rows are derived from it.
        domain: Whose events it keeps.
        projection: What it makes of them.
        project_us: What one event takes, as part of the command.

    Attributes:
        rows: By aggregate, as far as they were made.
        stopped: At which event the projection raises that other code has written; empty if at none.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"unprojectable"})

    def __init__(
        self, ctx: Context, options: MemberOptions, domain: Domain[Any], projection: Balances, project_us: int
    ) -> None:
        super().__init__(ctx, options, domain)
        if options.log.truncate:
            raise ValueError("truncate=True drops what inline rows are derived from; leave it out, or project async")
        self.stopped = ""
        self.rows: dict[int, Row] = {}
        self._projection = projection
        self._project_us = project_us
        self._upto = 0
        self._under: tuple[Reign, ...] = ()

    def all_rows(self) -> list[Row]:
        """Every row, of all that is in the log."""
        self._fold_log()
        return list(self.rows.values())

    # -- commands ----------------------------------------------------------------------------

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Answer | None]:
        if self._project_us:
            yield self.ctx.sleep(self._project_us)
        return (yield from super()._serve(msg))

    def _decide(self, msg: Submit, stream: Stream, number: int = 0) -> int | str | Gone | Unavailable:
        try:
            return super()._decide(msg, stream, number)
        except Unprojectable as failed:
            self.ctx.note("unprojectable", msg.aggregate)
            return Unavailable(command_id=msg.command_id, reason=f"projection: {failed}")

    def _append(self, msg: Append | Delete, event: Event, stream: Stream, number: int) -> int | Unavailable:
        try:
            return super()._append(msg, event, stream, number)
        except Unprojectable as failed:
            self._give_up(number)
            self.ctx.note("unprojectable", msg.aggregate)
            return Unavailable(command_id=msg.event_id, reason=f"projection: {failed}")

    def _write(
        self,
        tenant: int,
        aggregate: int,
        event_id: int,
        stream: Stream,
        event: Event,
        after: State | None,
        number: int = 0,
    ) -> int:
        """Append an event that can be projected, with its row; raises `Unprojectable`, and nothing is appended."""
        self._fold_log()
        if self.stopped:
            raise Unprojectable(self.stopped)  # its row would pass over what lies before it
        position = self.journal.length + 1
        address = mint(self.options.event_type, aggregate, stream.version + 1)
        ahead = Entry(0, 0, position, 0, tenant, address, event_id, 0, event, None, 0)
        row = projected(self._projection, self.rows.get(aggregate), ahead, self.options.shard)
        written = super()._write(tenant, aggregate, event_id, stream, event, after, number)
        assert written == position
        self.rows[aggregate] = row
        self._upto = position
        return written

    def _fold_log(self) -> None:
        """Make rows of what came into the log otherwise: all of it anew, once another lineage began."""
        if self.reigns != self._under:
            self.rows.clear()
            self._upto, self._under, self.stopped = self.journal.base.position, self.reigns, ""
        while self._upto < self.journal.length and not self.stopped:
            entry = self.journal.at(self._upto + 1)
            if entry.tenant != OWN:
                key = entry.address >> 32 & (1 << 64) - 1
                try:
                    self.rows[key] = projected(self._projection, self.rows.get(key), entry, self.options.shard)
                except Unprojectable as failed:  # written by other code than this
                    self.stopped = f"shard {self.options.shard}, position {entry.position}: {failed}"
                    return
            self._upto += 1

    # -- queries -----------------------------------------------------------------------------

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Any:
        """Answer from the rows, once all that they come from is committed; only the leader knows."""
        return self._query(msg) if self.leads else None

    def _query(self, msg: Query) -> Generator[Wait, Any, Rows | None]:
        ctx = self.ctx
        until_us = ctx.mono_us() + msg.patience_us
        while True:
            self._fold_log()
            versions = {key: row.version for key, row in self.rows.items()} if msg.token else {}
            fresh, left_us = covered(msg.token, versions), until_us - ctx.mono_us()
            if fresh or left_us <= 0:
                break
            yield within(ctx, self._commitment(self.journal.length + 1), left_us)
            if not self.leads:
                return None
        asked_us, upto = ctx.now_us(), self._upto
        rows = tuple(chosen(self.rows.values(), msg, self._projection))
        if (yield from self._certain(upto)):
            return None
        return Rows(
            rows=rows, places=((self.options.shard, upto),), heard_us=asked_us, fresh=fresh, stopped=self.stopped
        )
