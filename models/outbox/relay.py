"""The relay of an outbox: it reads messages out of committed events and delivers them, in order by key, at least once.

Lanes deliver side by side, one message after the other in each; a key is always in the same lane, so that what
hurries past is of another key. Up to where every message of every lane was delivered is the relay's *mark*: written
to its disk, told to the shard, which may then prune its log. A relay that dies begins again at its mark, and what it
delivers again the consumer knows by its id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.layout import shard_of
from models.outbox.feed import FeedOptions, Follower
from models.outbox.words import Deliver, DeliverUnder, Outgoing, Took
from models.store.log.entries import Entry, instance_of
from sim.host import Context, Wait
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Relay", "RelayOptions"]

_MARK: Final = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How messages are delivered.

    Attributes:
        consumers: (topic, where its consumer is).
        lanes: How many deliver side by side.
        patience_us: With a consumer.
        pause_us: Before a message is delivered again.
    """

    consumers: tuple[tuple[str, Location], ...]
    lanes: int = 4
    patience_us: int = 200_000
    pause_us: int = 50_000

    def __post_init__(self) -> None:
        for name in ("lanes", "patience_us", "pause_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} delivers nothing; give at least 1")


class Waiting(NamedTuple):
    """A message that was taken from a log and is not delivered yet."""

    shard: int
    position: int
    key: int
    message: Outgoing


class Relay(Follower):
    """Delivers what events carry.

    Args:
        ctx: Its host.
        feed: The shards.
        options: Where to.

    Attributes:
        waiting: By shard, positions of events with messages that are not delivered, and how many of them; in order.
    """

    #: The first of its feed's shards that is one of an outbox.
    FIRST: ClassVar[int] = 0
    POINTS: ClassVar[frozenset[str]] = frozenset({"O1", "O2", "O3"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"delivered-again"})

    def __init__(self, ctx: Context, feed: FeedOptions, options: RelayOptions) -> None:
        super().__init__(ctx, feed)
        self.delivers(options)

    def delivers(self, options: RelayOptions) -> None:
        """Have nothing to deliver yet."""
        self.how = options
        self.waiting: dict[int, dict[int, int]] = {}
        self._consumers: Mapping[str, Location] = dict(options.consumers)
        self._lanes: list[deque[Waiting]] = [deque() for _ in range(options.lanes)]
        self._busy = [False] * options.lanes
        self._marked: dict[int, int] = {}
        self._begun_again: dict[int, int] = {}
        self._marking: set[int] = set()
        self._beyond: dict[int, int] = {}

    def start(self) -> None:
        """Begin at the marks."""
        self.recall()
        self.follow()

    def recall(self) -> None:
        """Read the marks back."""
        for shard in range(self.FIRST, len(self.feed.shards)):
            marks = [record for record in self.ctx.disk.read(f"{_MARK}-{shard}") if record is not TORN]
            mark, reigns = marks[-1] if marks else (0, ())
            self._marked[shard] = self.at[shard] = mark
            self._begun_again[shard] = 0
            if reigns:
                self.knows(shard, reigns)
            self._beyond[shard] = self.at[shard]
            self.waiting[shard] = {}

    # -- what there is to deliver ------------------------------------------------------------

    def taken(self, shard: int, entry: Entry) -> None:
        """Put what an event carries into lanes."""
        outbox: tuple[Outgoing, ...] = getattr(entry.event, "outbox", ())
        if outbox:
            self.waiting[shard][entry.position] = len(outbox)
        key = instance_of(entry.address)
        for message in outbox:
            self._lanes[self.lane_of(key, message)].append(Waiting(shard, entry.position, key, message))

    def advanced(self) -> None:
        """Go on in lanes that stand still, and mark what carries nothing."""
        for lane, waiting in enumerate(self._lanes):
            if waiting and not self._busy[lane]:
                self._busy[lane] = True
                self.ctx.set_timer(0, self._deliver, lane)
        for shard in self.waiting:
            self._mark(shard)

    def begun_again(self, shard: int) -> None:
        """What was delivered of events that were taken back cannot be; all is delivered again."""
        self.waiting[shard].clear()
        for lane in self._lanes:
            kept = [one for one in lane if one.shard != shard]
            lane.clear()
            lane.extend(kept)
        self._beyond[shard] = self._marked[shard] = 0
        self._begun_again[shard] += 1

    def needless(self, shard: int) -> int:
        """Up to the mark on the disk."""
        return self._marked[shard]

    def may_lack(self, shard: int) -> bool:
        """The log is kept until it has delivered what it carries: what is gone was delivered by an earlier life."""
        return shard >= self.FIRST

    # -- what it decides ---------------------------------------------------------------------

    def goes_on(self) -> bool:
        """Whether it is to deliver; one that is alone always is."""
        return True

    def message_of(self, one: Waiting) -> Deliver | DeliverUnder:
        """What the consumer is told."""
        return Deliver(key=one.key, number=one.message.number, body=one.message.body)

    def marked(self, shard: int, mark: int) -> None:
        """A mark was written."""

    def refused(self, answer: Message | None) -> None:
        """A consumer did not say that it took a message; None for nothing at all."""

    def lane_of(self, key: int, message: Outgoing) -> int:
        """The lane of a message: that of its key."""
        return shard_of(key, self.how.lanes)

    def mark_of(self, shard: int) -> int:
        """Up to which position all messages were delivered."""
        first = next(iter(self.waiting[shard]), None)
        return self.at[shard] if first is None else first - 1

    # -- delivering --------------------------------------------------------------------------

    def _deliver(self, lane: int) -> Generator[Wait, Any, None]:
        ctx, options, waiting = self.ctx, self.how, self._lanes[lane]
        while waiting and self.goes_on():
            one = waiting[0]
            ctx.point("O1")
            asked = ctx.call(self._consumers[one.message.topic], self.message_of(one), options.patience_us)
            ctx.point("O2")
            answer = yield asked
            if not isinstance(answer, Took):
                self.refused(answer)
                yield ctx.sleep(options.pause_us)
                continue
            if answer.before:
                ctx.note("delivered-again", one.message.number)
            if waiting and waiting[0] is one:
                waiting.popleft()
                self._delivered(one)
        self._busy[lane] = False

    def _delivered(self, one: Waiting) -> None:
        left = self.waiting[one.shard]
        left[one.position] -= 1
        if not left[one.position]:
            del left[one.position]
        self._beyond[one.shard] = max(self._beyond[one.shard], one.position)
        self.ctx.point("O3")
        self._mark(one.shard)

    def delivered_up_to(self, shard: int) -> int:
        """The latest position of which a message was delivered."""
        return self._beyond[shard]

    def _mark(self, shard: int) -> None:
        if shard not in self._marking and self.mark_of(shard) > self._marked[shard]:
            self._marking.add(shard)
            self.ctx.set_timer(0, self._write_mark, shard)

    def _write_mark(self, shard: int) -> Generator[Wait, Any, None]:
        """Write the mark down, one write at a time; what came meanwhile goes with the next."""
        while (mark := self.mark_of(shard)) > self._marked[shard]:
            # With the lineage that it is of: events that are taken back while the relay is down are others after.
            begun_again = self._begun_again[shard]
            yield self.ctx.disk.replace(f"{_MARK}-{shard}", (mark, self.lineage(shard)))
            if begun_again == self._begun_again[shard]:
                self._marked[shard] = mark
                self.marked(shard, mark)
        self._marking.discard(shard)
