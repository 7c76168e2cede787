"""The writing side of a shard: what a write waits for, and the one place where events are appended.

A write waits for the aggregate's state, which may have to be loaded, and, where the store has a
global sequence, for a number. Whatever it decides then, it decides and appends without waiting
again, so that nothing comes in between. The crash points C4 and C6 stand where they are passed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from models.addressing import mint
from models.domain import Domain, Event, State
from models.store.holding import IN_DOUBT, ROLLED_BACK, Holding
from models.store.log.entries import Entry, tip_after
from models.store.log.streams import Stream, StreamKey
from models.store.options import MemberOptions
from models.store.requests import InDoubt, RolledBack, Unavailable
from models.store.sequence.numbering import NumberQuery, Numbers
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Writer"]


class Writer(Holding):
    """One member of one shard, as those see it who decide what is written; however its log is replicated."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"C4", "C6"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], **more: Any) -> None:
        super().__init__(ctx, options, domain, **more)  # what replicates the log may have to be told more
        self._loading: dict[StreamKey, Wait] = {}
        self._sequenced = options.sequencer is not None

    def _prepared(self, key: StreamKey, request_id: int) -> Generator[Wait, Any, tuple[int, Stream] | Unavailable]:
        """A number of the global sequence (0 where there is none) and the stream with its state; or why not."""
        number = 0
        if self._sequenced:
            begun = yield from self.numbering.begin()
            if begun is None:
                return Unavailable(command_id=request_id, reason="no number of the global sequence")
            number = begun
        stream = yield from self._loaded(key)
        if stream is None:
            self._give_up(number)
            return Unavailable(command_id=request_id, reason="not the leader")
        return number, stream

    def _give_up(self, number: int) -> None:
        if number:
            self.numbering.give_up(number)

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
        """Append an event to a stream and see to it that it will be held; returns its position."""
        version = stream.version + 1
        position = self.journal.length + 1
        now, options = self.ctx.now_us(), self.options
        entry = Entry(
            now,
            options.number,
            position,
            self.epoch,
            tenant,
            mint(options.event_type, aggregate, version),
            event_id,
            now,
            event,
            None if after is None else self.domain.told(after),
            tip_after(stream.tip, version, event_id, event),
            (),
            number,
        )
        self.journal.append(entry)
        if number:
            self.numbering.used(number)
        if self.aside.entries:
            self.aside.met(entry)
        self.keeper.appended(self.streams.apply(entry, after), entry)
        self.ctx.point("C6")
        self._hold()
        return position

    def _in_doubt(self, learnt: int, request_id: int) -> InDoubt | RolledBack | None:
        if learnt == ROLLED_BACK:
            return RolledBack(command_id=request_id)
        return InDoubt(command_id=request_id) if learnt == IN_DOUBT else None

    @handles(NumberQuery)
    def on_number_query(self, msg: NumberQuery, sender: Location) -> Numbers | None:
        """Tell the sequencer what became of numbers, and whether this one leads: only the latest leader knows."""
        return self.numbering.about(msg.numbers) if self.ready else None

    # -- loading -----------------------------------------------------------------------------

    def _loaded(self, key: StreamKey) -> Generator[Wait, Any, Stream | None]:
        """A stream with its state in memory; None if this member does not lead any more by then."""
        while self.leads:
            stream = self.streams.of(key)  # afresh: while one loads, all may be derived again, or put out of memory
            if stream.state is not None:
                return stream
            yield from self._load(key, stream)
        return None

    def _load(self, key: StreamKey, stream: Stream) -> Generator[Wait, Any, None]:
        """Bring a state into memory; who asks meanwhile waits for the same."""
        under_way = self._loading.get(key)
        if under_way is not None:
            yield under_way
            return
        done = self._loading[key] = self.ctx.wait()
        snapshot = self.snapshots.latest.get(key)
        self.ctx.point("C4")
        cost_us = self.options.replay_us * (stream.version - (snapshot.version if snapshot else 0))
        if cost_us:
            yield self.ctx.sleep(cost_us)
        if self.streams.get(key) is stream:
            self.streams.load(key, snapshot)
            self.keeper.loaded(key, stream, cost_us)
        del self._loading[key]
        done.resolve()
