"""A member that keeps views: it answers queries from what is committed, and owners who load a segment.

A query goes to any member, since an answer says what it is worth; with a token it waits, within its
patience, until the segment has what the token names. Owners are answered by the leader alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Final

from models.confidence.visible.values import Freshness
from models.domain import Domain
from models.reading.feeding import within
from models.reading.projections import Balances, Row
from models.reading.views import View, head_of, view_of
from models.reading.words import ANY_ATTRIBUTE, LoadView, Query, Rows, Token, ViewIs, covered
from models.store.options import MemberOptions
from models.store.requests import Unavailable
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["ViewShard", "chosen"]

#: Between looks at a view that is waited for, where nothing else wakes the wait.
_LOOK_US: Final = 50_000
_NOTHING: Final = View()


class ViewShard(Shard):
    """One member of the group that keeps a segment.

    Args:
        ctx: Its host.
        options: Who it is; its shard is the segment.
        domain: `Views`, or a subclass.
        projection: What its rows are of.
    """

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], projection: Balances) -> None:
        super().__init__(ctx, options, domain)
        self._projection = projection

    # -- owners ------------------------------------------------------------------------------

    @handles(LoadView)
    def on_load_view(self, msg: LoadView, sender: Location) -> Any:
        """Hand out a view and its version that is shown, once both are committed; only the leader knows."""
        return self._load_view(msg) if self.leads else Unavailable(command_id=msg.view, reason="not the leader")

    def _load_view(self, msg: LoadView) -> Generator[Wait, Any, ViewIs | None]:
        state, last = self.view(msg.view)
        head, shown_last = self.view(head_of(self.options.shard))
        if (yield from self._certain(max(last, shown_last))):
            return None
        return ViewIs(state=state, shown=head.shown)

    def view(self, number: int) -> tuple[View, int]:
        """A view as this member has it, and the position of its last event."""
        stream = self.streams.get((0, number))
        if stream is None:
            return _NOTHING, 0
        if stream.state is None:
            self.streams.load((0, number), self.snapshots.latest.get((0, number)))
        assert isinstance(stream.state, View)
        return stream.state, stream.last

    # -- queries -----------------------------------------------------------------------------

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Any:
        """Answer from what is shown, as soon as it has what the token names or patience ends."""
        return self._query(msg) if self.ready else None

    def _query(self, msg: Query) -> Generator[Wait, Any, Rows | None]:
        ctx = self.ctx
        until_us = ctx.mono_us() + msg.patience_us
        while True:
            state, last = self._shown()
            fresh = self._covers(msg.token, state)
            left_us = until_us - ctx.mono_us()
            if fresh or left_us <= 0:
                break
            more = self._commitment(max(self.committed, last) + 1)
            yield within(ctx, more, min(_LOOK_US, left_us))
            if not self.ready:
                return None
        if (yield from self._until_committed(last)):
            return None
        return Rows(
            rows=tuple(chosen(state.rows, msg, self._projection)),
            places=tuple((shard, place.position) for shard, place in enumerate(state.places)),
            heard_us=state.heard_us,
            fresh=fresh,
            stopped=state.stopped,
            worth=self._worth(msg, state),
        )

    def _worth(self, msg: Query, state: View) -> tuple[Freshness, ...]:
        """How likely what is shown of each key is the latest; who does not know says nothing."""
        return ()

    def _shown(self) -> tuple[View, int]:
        segment = self.options.shard
        head, shown_last = self.view(head_of(segment))
        state, last = self.view(view_of(head.shown, segment))
        return state, max(last, shown_last)

    def _covers(self, token: Token, state: View) -> bool:
        return not token or covered(token, {row.key: row.version for row in state.rows})


def chosen(rows: Iterable[Row], query: Query, projection: Balances) -> list[Row]:
    """The rows that a query asks for, by key."""
    found = [row for row in rows if row.key in query.keys] if query.keys else list(rows)
    if query.attribute != ANY_ATTRIBUTE:
        found = [row for row in found if projection.attribute(row) == query.attribute]
    return sorted(found)
