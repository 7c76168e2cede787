"""A view's member that says how likely what it shows is the latest, and users who are told.

The member knows of each row its version, which counts the writes to it, and up to when nothing newer is known. So it
learns how often each is written to, and an answer says with what chance none was in the silence since. The bound is
what its owner vouched for; the silence that the chance counts ends with the last save of what the row's shard wrote,
which may be later: right after a heal rows are new before anybody vouches for it. A write counts from when its client
was told of it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.confidence.providing import Rule
from models.confidence.visible.rates import Rates
from models.confidence.visible.values import Freshness
from models.reading.users import Asked, Session, User
from models.reading.viewing import ViewShard
from models.reading.views import Saved, View, head_of, view_of
from models.reading.words import Query, Rows
from models.visible_end import ReadSaid, VisibleEnd
from sim.host import Context, Wait

__all__ = ["FreshViewShard", "SeeingUser"]

#: What is believed of a key before anything was counted, writes a second.
_PRIOR_PER_S: Final = 0.1
#: A read that may be stale is asked for again after so long.
_WAIT_US: Final = 100_000
#: From reading a log to the save of what was read, about.
_SAVING_US: Final = 20_000
#: Of a view's latest events, among which a save of a shard is looked for.
_SAVES: Final = 32


class FreshViewShard(ViewShard):
    """One member of the group that keeps a segment.

    Args:
        ctx: Its host.
        arguments: As for a `ViewShard`.
        keys: How many keys a segment has, about.
    """

    def __init__(self, ctx: Context, *arguments: Any, keys: int) -> None:
        super().__init__(ctx, *arguments)
        self._keys = keys
        self._rates: Rates | None = None
        self._first: dict[int, int] = {}
        self._since_us = 0

    def _worth(self, msg: Query, state: View) -> tuple[Freshness, ...]:
        if not msg.keys or not state.heard_us:
            return ()
        if self._rates is None:
            # Writes before the first look are not counted, since nobody here saw how long they took.
            self._rates = Rates(self._keys, prior_per_s=_PRIOR_PER_S)
            self._first = {row.key: row.version for row in state.rows}
            self._since_us = state.heard_us
        rates, now_us = self._rates, self.ctx.now_us()
        rates.watched(state.heard_us - self._since_us)
        rows = {row.key: row for row in state.rows if row.key in msg.keys}
        said = []
        for key in msg.keys:
            row = rows.get(key)
            rates.asked(key)
            rates.counted(key, (0 if row is None else row.version) - self._first.get(key, 0))
            rate, read_us = rates.rate(key), state.heard_us if row is None else self._read_us(row.shard, state)
            said.append(
                Freshness(
                    key=key,
                    at_us=now_us,
                    fresh=rate.none(max(0, now_us - read_us)),
                    bound_us=max(0, now_us - state.heard_us),
                    writes_per_s=rate.mean,
                    writes=rates.of(key),
                )
            )
        return tuple(said)

    def _read_us(self, shard: int, state: View) -> int:
        """When a shard's log was last read, about: a save shows that, before its owner says that nothing is newer."""
        head, _ = self.view(head_of(self.options.shard))
        stream = self.streams.get((0, view_of(head.shown, self.options.shard)))
        for position in reversed(() if stream is None else stream.positions[-_SAVES:]):
            if position <= self.journal.base.position:
                break
            entry = self.journal.at(position)
            if isinstance(entry.event, Saved) and entry.event.shard == shard:
                return max(state.heard_us, entry.accepted_us - _SAVING_US)
        return state.heard_us


class SeeingUser(User):
    """Users of both sides, who keep what they were told, and may wait for what is fresher.

    Args:
        ctx: Their host.
        arguments: As for a `User`.
        waits: When a read that may be stale is asked for again after a while, up to their patience; None for never.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"waited"})

    def __init__(self, ctx: Context, *arguments: Any, waits: Rule | None = None) -> None:
        super().__init__(ctx, *arguments)
        self._waits = waits
        self._reads: list[ReadSaid] = []

    def _settled_for(self, answer: Any, query: Query) -> Generator[Wait, Any, Any]:
        rule, ctx = self._waits, self.ctx
        left_us = self._options.patience_us
        while rule is not None and left_us >= _WAIT_US and isinstance(answer, Rows) and len(answer.worth) == 1:
            (worth,) = answer.worth
            if not rule.waits(worth.stale, worth.bound_us or 0, _WAIT_US):
                break
            ctx.note("waited", worth.key)
            left_us -= _WAIT_US
            yield ctx.sleep(_WAIT_US)
            again = yield ctx.call(self._options.gateways[0], query, self._workload.attempt_timeout_us)
            answer = again if isinstance(again, Rows) and not again.missing else answer
        return answer

    def _read(self, session: Session, asked: Asked, key: int, answer: Rows) -> None:
        super()._read(session, asked, key, answer)
        version = answer.rows[0].version if answer.rows else 0
        self._reads += [ReadSaid(op=asked.op, version=version, freshness=one) for one in answer.worth if one.key == key]

    @property
    def told(self) -> VisibleEnd:
        """What they were told of reads, in the order of the answers."""
        return VisibleEnd(reads=tuple(self._reads))
