"""A broker: a shard of the store whose aggregates are lanes, and which hands their letters out.

The queue is a store and not a log of its own. What a queue must not lose is what a store must not lose: that a
message came, that it is done with, how often it failed; which ids were seen. So all of that is events of a domain
(`models.queue.lanes`) in the log of a shard, under any persistence scheme, with its snapshots, its truncation, its
window of ids and its change of lead; and a broker is a `Shard` that besides leases letters to consumers. What is
let go of in a crash is what the scheme lets go of, and nothing is kept here that a log would not give back. The
price is an entry for every settlement, where a log with a cursor writes a number.

A message counts once its entry is committed; only then is it acknowledged. How it is handed out, and what becomes of
it then, is `models.queue.handing`; here are producers, and the operators.

Crash points: Q1 received and nothing done, Q2 stored and the answer to come, Q6 tried again and not committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from models.queue.handing import Handing
from models.queue.lanes import Enqueue, Lanes, Retry
from models.queue.options import Mode, Overflow, QueueOptions
from models.queue.window import LaneStreams
from models.queue.words import (
    DOUBT,
    REFUSED,
    Browse,
    Browsed,
    Put,
    RetryParked,
    RetryTold,
    Sent,
    Stored,
)
from models.store.holding import ROLLED_BACK
from models.store.log.journal import Answered
from models.store.log.streams import Streams
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Broker"]


class Broker(Handing):
    """One member of one shard of a queue.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: How its lanes park.
        queue: How it behaves.

    Attributes:
        refused: Messages for which there was no room.
        repeated: Messages that came again, and were known.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"Q1", "Q2", "Q6"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"queue-full"})
    STREAMS: ClassVar[type[Streams]] = LaneStreams

    def __init__(self, ctx: Context, options: MemberOptions, domain: Lanes, queue: QueueOptions) -> None:
        super().__init__(ctx, options, domain, queue)
        self.refused = self.repeated = 0
        self.hot = queue.counters()
        self._crowd: deque[Wait] = deque()
        self._known = queue.mode is not Mode.AT_LEAST_ONCE

    def _gave_up(self, length: int) -> None:
        super()._gave_up(length)
        for wait in self._crowd:
            self.ctx.set_timer(0, wait.resolve)
        self._crowd.clear()

    # -- producers ---------------------------------------------------------------------------

    @handles(Put)
    def on_put(self, msg: Put, sender: Location) -> Any:
        """Store messages, and say so once they are as safe as the scheme promises."""
        return self._store(msg.batch) if self.leads else self._not_here()

    def _store(self, batch: Sequence[Sent]) -> Generator[Wait, Any, Stored]:
        self.ctx.point("Q1")
        if self.queue.overflow is Overflow.WAIT and (self._crowd or self._full(len(batch))):
            yield from self._room(len(batch))
        found = [self._stored(sent) for sent in batch]
        self._admit()
        learnt = yield from self._until_committed(max([position for position, _ in found]))
        self.ctx.point("Q2")
        if learnt:
            unsure = REFUSED if learnt == ROLLED_BACK else DOUBT
            return Stored(numbers=tuple([n if position <= self.committed else unsure for position, n in found]))
        return Stored(numbers=tuple([number for _, number in found]))

    def _stored(self, sent: Sent) -> tuple[int, int]:
        """Up to where the log must be committed before a message counts, and its number; `REFUSED` without room."""
        if self._known:
            found = self.streams.done.get(self.streams.key_of(0, sent.message))
            if found is not None:
                self.repeated += 1
                return self._seen(found)
        if not self.leads or self._full(1):
            self.refused += 1
            self.ctx.note("queue-full", sent.key)
            return 0, REFUSED
        self.hot.saw(sent.key)
        enqueue = Enqueue(message=sent.message, body=sent.body)
        position = self._change(sent.key, enqueue, sent.message if self._known else 0)
        return position, self._lane(sent.key).last

    def _seen(self, found: int | Answered) -> tuple[int, int]:
        """As `_stored`, of a message that came before: it counts no sooner than it did then."""
        told = self.journal.at(found).told if isinstance(found, int) else found.told
        assert isinstance(told, int)
        return (found, told) if isinstance(found, int) else (0, told)

    def _full(self, more: int) -> bool:
        return 0 < self.queue.depth < self._depth + more

    def _room(self, more: int) -> Generator[Wait, Any, None]:
        """Wait, behind those who wait already, until there is room; not at all if too many do."""
        if len(self._crowd) >= self.queue.waiting:
            return
        wait = self.ctx.wait()
        self._crowd.append(wait)
        yield wait
        while self.leads and self._full(more):
            wait = self.ctx.wait()
            self._crowd.appendleft(wait)
            yield wait

    def _made_room(self) -> None:
        self._admit()

    def _admit(self) -> None:
        """Have the first of those who wait for room look again, if there is any."""
        if self._crowd and not self._full(1):
            self.ctx.set_timer(0, self._crowd.popleft().resolve)

    # -- operators ---------------------------------------------------------------------------

    @handles(RetryParked)
    def on_retry(self, msg: RetryParked, sender: Location) -> Any:
        """Have what is parked tried again."""
        return self._retry() if self.leads else self._not_here()

    def _retry(self) -> Generator[Wait, Any, RetryTold | None]:
        lanes = {key: self._lane(key) for tenant, key in self.streams if tenant == 0}
        parked = {key: len(lane.parked) for key, lane in lanes.items() if lane.parked}
        last = max([self._change(key, Retry()) for key in parked], default=0)
        self.ctx.point("Q6")
        if (yield from self._until_committed(last)) or not self.leads:
            return None
        for key in parked:
            self._offer(key)
        return RetryTold(letters=sum(parked.values()))

    @handles(Browse)
    def on_browse(self, msg: Browse, sender: Location) -> Any:
        """Tell what is there, once all that it comes from is committed."""
        return self._browse() if self.leads else self._not_here()

    def _browse(self) -> Generator[Wait, Any, Browsed | None]:
        lanes = [self._lane(key) for tenant, key in self.streams if tenant == 0]
        waiting = tuple([letter.message for lane in lanes for letter in lane.waiting])
        parked = tuple([letter.message for lane in lanes for letter in lane.parked])
        hot = tuple([(one.key, one.times) for one in self.hot.hottest(self.queue.counted)])
        if (yield from self._certain(self.journal.length)):
            return None
        return Browsed(waiting=waiting, parked=parked, hot=hot)
