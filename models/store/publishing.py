"""Committed events, published to one subscriber: in order, at least once, from a durable mark on.

The leader sends what is committed, waits to hear that the subscriber has it, and writes down how
far it is. A crash between sending and marking sends again; the subscriber knows by position what it
has. Where a forced change of lead takes events back that were published, the subscriber hears the
new lineage, counts what it saw in vain, and goes on from the common prefix.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from models.addressing import PUBLISHING, Scope, message_type_id
from models.store.group.lineage import Reign, common_prefix
from models.store.log.entries import Entry
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

if TYPE_CHECKING:
    from models.store.holding import Holding

__all__ = ["Publish", "Published", "Publisher", "Subscriber"]

_MARK: Final = "published"
_BATCH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Message):
    """Committed entries of a shard, in order, from position `first` on."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PUBLISHING, 1, command=True)
    shard: int
    reigns: tuple[Reign, ...]
    first: int
    entries: tuple[Entry, ...]

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Message):
    """The subscriber has everything up to a position, durably."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PUBLISHING, 2)
    shard: int
    upto: int


class Publisher:
    """The publishing side of one member.

    Args:
        shard: The member.
        subscriber: Where to; None for nowhere.

    Attributes:
        marked: Up to where the subscriber is known to have everything.
    """

    def __init__(self, shard: Holding, subscriber: Location | None) -> None:
        self.marked = 0
        self._shard = shard
        self._subscriber = subscriber
        self._news: Wait | None = None

    def advanced(self) -> None:
        """More is committed."""
        news, self._news = self._news, None
        if news is not None:
            # With a value: None would not end a wait for the first of two.
            self._shard.ctx.set_timer(0, news.resolve, True)

    def live(self) -> Generator[Wait, Any, None]:
        """Publish for as long as the member leads, and wait while it does not."""
        shard, ctx = self._shard, self._shard.ctx
        assert self._subscriber is not None
        marks = [record for record in ctx.disk.read(_MARK) if record is not TORN]
        self.marked = marks[-1] if marks else 0
        while True:
            # A mark beyond the log: what it stood for was taken back.
            self.marked = min(self.marked, shard.journal.length)
            if not shard.leads or self.marked >= shard.committed:
                self._news = ctx.wait()
                yield ctx.first([self._news, ctx.sleep(shard.options.ship.heartbeat_us)])
                continue
            yield from self._publish(self._subscriber)

    def _publish(self, subscriber: Location) -> Generator[Wait, Any, None]:
        shard, ctx = self._shard, self._shard.ctx
        start = max(self.marked, shard.journal.base.position)
        entries = tuple(shard.journal.after(start, min(_BATCH, shard.committed - start)))
        ctx.point("C11")
        message = Publish(shard=shard.options.shard, reigns=shard.reigns, first=start + 1, entries=entries)
        answer = yield ctx.call(subscriber, message, shard.options.ask_us)
        if isinstance(answer, Published):
            ctx.point("C12")
            if shard.alone_with(answer.upto):
                ctx.point("R5")  # it saw what a change of lead takes back
            self.marked = answer.upto
            shard.let_go()
            yield ctx.disk.replace(_MARK, self.marked)
            if self.marked < start:
                # It lost what it had, and this log no longer has it: nothing that is sent would fit.
                ctx.note("subscriber-behind", self.marked)
                yield ctx.sleep(shard.options.ship.resend_us_max)


class _Received(NamedTuple):
    """A line of the subscriber's file: an entry, or a lineage that it heard of."""

    shard: int
    entry: Entry | None
    reigns: tuple[Reign, ...]


class Subscriber(Service):
    """Takes what is published, each position of each shard once.

    Attributes:
        received: By shard, the entries that count, in order.
        retracted: By shard, entries that it had seen and that were taken back.
        repeated: How many it was sent again.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.received: dict[int, list[Entry]] = {}
        self.retracted: dict[int, list[Entry]] = {}
        self.repeated = 0
        self._reigns: dict[int, tuple[Reign, ...]] = {}

    def start(self) -> None:
        """Read back what an earlier life received."""
        records = self.ctx.disk.read("received")
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            self.ctx.disk.truncate("received", sound)
        for record in records[:sound]:
            self._apply(record)

    @handles(Publish)
    def on_publish(self, msg: Publish, sender: Location) -> Generator[Wait, Any, Published | None]:
        """Take what is new and leaves no gap; an earlier leader is not listened to."""
        known = self._reigns.get(msg.shard, ())
        if known and msg.reigns[-1].epoch < known[-1].epoch:
            return None
        if msg.reigns != known:
            self._write(_Received(msg.shard, None, msg.reigns))
        have = len(self.received.get(msg.shard, ()))
        for entry in msg.entries:
            if entry.position == have + 1:
                self._write(_Received(msg.shard, entry, ()))
                have += 1
            elif entry.position <= have:
                self.repeated += 1
        yield self.ctx.disk.flush("received")
        return Published(shard=msg.shard, upto=have)

    def _write(self, record: _Received) -> None:
        self.ctx.disk.append("received", record)
        self._apply(record)

    def _apply(self, record: _Received) -> None:
        received = self.received.setdefault(record.shard, [])
        if record.entry is not None:
            received.append(record.entry)
            return
        known = self._reigns.get(record.shard)
        if known is not None:
            keep = common_prefix(known, len(received), record.reigns)
            self.retracted.setdefault(record.shard, []).extend(received[keep:])
            del received[keep:]
        self._reigns[record.shard] = record.reigns
