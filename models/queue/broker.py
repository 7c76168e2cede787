"""A broker: a shard of the store whose aggregates are lanes, and which hands their letters out.

The queue is a store and not a log of its own. What a queue must not lose is what a store must not lose: that a
message came, that it is done with, how often it failed; which ids were seen. So all of that is events of a domain
(`models.queue.lanes`) in the log of a shard, under any persistence scheme, with its snapshots, its truncation, its
window of ids and its change of lead; and a broker is a `Shard` that besides leases letters to consumers. What is
let go of in a crash is what the scheme lets go of, and nothing is kept here that a log would not give back. The
price is an entry for every settlement, where a log with a cursor writes a number.

A message counts once its entry is committed; only then is it acknowledged, and only then handed out. A settlement
counts likewise: until then the letter is held, and nothing behind it in its key goes. Leases are memory of the
leader's. A new leader knows of none, so what was held comes again, and what is settled by an old receipt is refused.

Crash points: Q1 received and nothing done, Q2 stored and the answer to come, Q3 held and not handed out, Q4 settled
in the log and still held, Q5 come back by time and not counted, Q6 tried again and not committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import Any, ClassVar, Final

from models.domain import Command, Denied
from models.queue.lanes import Enqueue, Enqueued, Fail, Lane, Lanes, Letter, Parked, Retry, Settle, Settled
from models.queue.leases import Lease, Leases, Shelf, free_letters
from models.queue.options import Mode, Overflow, QueueOptions
from models.queue.window import OWN_IDS, LaneStreams
from models.queue.words import (
    DOUBT,
    REFUSED,
    Browse,
    Browsed,
    Done,
    Elsewhere,
    Given,
    Handed,
    Put,
    RetryParked,
    RetryTold,
    Sent,
    SettleAll,
    SettleTold,
    Stored,
    Take,
)
from models.store.holding import ROLLED_BACK
from models.store.log.entries import instance_of
from models.store.log.journal import Answered
from models.store.log.streams import Streams
from models.store.options import MemberOptions
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Broker"]

_LIFE: Final = "life"


class Broker(Shard):
    """One member of one shard of a queue.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: How its lanes park.
        queue: How it behaves.

    Attributes:
        refused: Messages for which there was no room.
        late: Settlements whose receipt was no longer held.
        timed_out: Leases that came back by time.
        repeated: Messages that came again, and were known.
        parkings: Letters that were given up.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"Q1", "Q2", "Q3", "Q4", "Q5", "Q6"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"queue-full", "timed-out", "parked", "settled-late"})
    STREAMS: ClassVar[type[Streams]] = LaneStreams

    domain: Lanes

    def __init__(self, ctx: Context, options: MemberOptions, domain: Lanes, queue: QueueOptions) -> None:
        super().__init__(ctx, options, domain)
        self.queue = queue
        self.refused = self.late = self.timed_out = self.repeated = self.parkings = 0
        self.hot = queue.counters()
        self._leases = Leases(0, 0)
        self._life = 0
        self._depth = 0
        self._hungry: deque[Wait] = deque()
        self._crowd: deque[Wait] = deque()
        self._known = queue.mode is Mode.DEDUPLICATED
        self._once = queue.mode is Mode.AT_MOST_ONCE

    def start(self) -> Generator[Wait, Any, None]:
        """Count this life, then be a member of the shard."""
        lives = [record for record in self.ctx.disk.read(_LIFE) if record is not TORN]
        self._life = max([0, *lives]) + 1
        yield self.ctx.disk.replace(_LIFE, self._life)
        yield from super().start()

    # -- a reign -----------------------------------------------------------------------------

    def _lead(self) -> None:
        super()._lead()
        self._leases.stop()
        self._leases = leases = Leases(self.epoch, self._life)
        self._depth = 0
        for (tenant, key), stream in self.streams.by_key.items():
            if tenant == 0 and isinstance(stream.state, Lane):
                leases.shelves[key] = Shelf(stream.state.last)
                self._depth += len(stream.state.waiting) + len(stream.state.parked)
        # What may yet be taken back is not there for anybody; of a head that is gone or was handed over nothing may be.
        for entry in self.journal.after(max(self.committed, self.journal.base.position)):
            if entry.event.__class__ is Enqueued:
                assert isinstance(entry.told, int)
                shelf = leases.shelves[instance_of(entry.address)]
                shelf.upto = min(shelf.upto, entry.told - 1)
        for key in list(leases.shelves):
            self._offer(key)

    def _gave_up(self, length: int) -> None:
        super()._gave_up(length)
        for wait in (*self._crowd, *self._hungry):
            self.ctx.set_timer(0, wait.resolve)
        self._crowd.clear()
        self._hungry.clear()

    def _committed_to(self, position: int) -> None:
        before = self.committed
        super()._committed_to(position)
        if position > before and self.leads:
            at, shelf_of = self.journal.at, self._leases.shelf
            for place in range(before + 1, self.committed + 1):
                entry = at(place)
                if entry.event.__class__ is Enqueued:
                    key = instance_of(entry.address)
                    shelf_of(key).upto = entry.told  # type: ignore[assignment]
                    self._offer(key)

    def _lane(self, key: int) -> Lane:
        state = self.streams.of((0, key)).state
        assert isinstance(state, Lane), "all lanes are in memory: a queue has no bounded cache"
        return state

    def _change(self, key: int, command: Command, event_id: int = 0) -> int:
        """Append what a command leads to; returns its position, 0 if it leads to nothing."""
        stream = self.streams.of((0, key))
        event = self.domain.decide(stream.state, command)  # type: ignore[arg-type]
        kind = event.__class__
        if kind is Denied:
            return 0
        if kind is Parked:
            self.parkings += 1
            self.ctx.note("parked", key)
        elif kind is Enqueued:
            self._depth += 1
        elif kind is Settled:
            self._depth -= len(event.numbers)  # type: ignore[attr-defined]
        after = self.domain.evolve(stream.state, event)  # type: ignore[arg-type]
        own = OWN_IDS | self.epoch << 64 | self.journal.length + 1
        return self._write(0, key, event_id or own, stream, event, after)

    def _not_here(self) -> Elsewhere:
        return Elsewhere(leader=self.leads_elsewhere if self.ready else None)

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

    def _admit(self) -> None:
        """Have the first of those who wait for room look again, if there is any."""
        if self._crowd and not self._full(1):
            self.ctx.set_timer(0, self._crowd.popleft().resolve)

    # -- consumers ---------------------------------------------------------------------------

    @handles(Take)
    def on_take(self, msg: Take, sender: Location) -> Any:
        """Hand letters out, as soon as there are any."""
        return self._take_letters(msg) if self.leads else self._not_here()

    def _take_letters(self, msg: Take) -> Generator[Wait, Any, Given | Elsewhere | None]:
        ctx = self.ctx
        handed = self._handed(msg.limit)
        if not handed and msg.wait_us:
            news = ctx.wait()
            while self._hungry and self._hungry[0].done:
                self._hungry.popleft()
            self._hungry.append(news)
            timer = ctx.set_timer(msg.wait_us, news.resolve)
            yield news
            timer.cancel()
            if not self.leads:
                return self._not_here()
            handed = self._handed(msg.limit)
        if handed and self._once:
            ctx.point("Q3")
            last = max([self._let_go(one) for one in handed])
            if (yield from self._until_committed(last)):
                return None
        return Given(handed=tuple(handed))

    def _handed(self, limit: int) -> list[Handed]:
        """Letters of as many lanes as it takes, each under a lease of its own."""
        leases, found = self._leases, []
        line, ordered = leases.line, self.queue.ordered
        for _ in range(len(line)):
            if limit <= 0:
                break
            key, _ = line.popitem(last=False)
            shelf = leases.shelves[key]
            letters = self._free(self._lane(key), shelf, limit)
            if not letters:
                continue
            receipt, lease = leases.hold(key, shelf, letters)
            lease.timer = self.ctx.set_timer(self.queue.visibility_us, self._timed_out, leases, receipt)
            found.append(Handed(key, receipt, letters))
            limit -= len(letters)
            if not ordered:
                line[key] = None
        return found

    def _free(self, lane: Lane, shelf: Shelf, limit: int) -> tuple[Letter, ...]:
        return free_letters(lane, shelf, limit, ordered=self.queue.ordered)

    def _let_go(self, handed: Handed) -> int:
        """At most once: what is handed out is gone. The lease stays, so that its key goes on in order."""
        numbers = tuple([letter.number for letter in handed.letters])
        self._leases.held[handed.receipt].numbers = ()
        self._leases.shelves[handed.key].out.difference_update(numbers)
        return self._change(handed.key, Settle(numbers=numbers))

    def _offer(self, key: int) -> None:
        """A lane may have something for a consumer now; one of those who wait for that is told."""
        leases = self._leases
        if key in leases.line:
            return
        lane = self._lane(key)
        if lane.waiting and self._free(lane, leases.shelves[key], 1):
            leases.line[key] = None
            while self._hungry:
                news = self._hungry.popleft()
                if not news.done:
                    self.ctx.set_timer(0, news.resolve)
                    break

    @handles(SettleAll)
    def on_settle(self, msg: SettleAll, sender: Location) -> Any:
        """Be done with letters; whoever held them too long is told that others may have them by now."""
        return self._settle(msg.done) if self.leads else self._not_here()

    def _settle(self, done: Iterable[Done]) -> Generator[Wait, Any, SettleTold | None]:
        leases, refused, ended, last = self._leases, [], [], 0
        for one in done:
            lease = self._lease_of(one)
            if lease is None:
                self.late += 1
                self.ctx.note("settled-late", one.key)
                refused.append(one.receipt)
                continue
            if lease.timer is not None:
                lease.timer.cancel()  # what is being written down does not come back
            if not lease.upto:
                lease.upto = self._written(one)
            last = max(last, lease.upto)  # a copy of this waits for what the first has written
            ended.append(one.receipt)
        self.ctx.point("Q4")
        learnt = yield from self._until_committed(last)
        for receipt in ended:
            self._end(leases, receipt)
        return None if learnt else SettleTold(refused=tuple(refused))

    def _lease_of(self, done: Done) -> Lease | None:
        """What a receipt stands for, None if that is over."""
        return self._leases.held.get(done.receipt)

    def _written(self, done: Done) -> int:
        """Append what a consumer did; returns up to where that must be committed."""
        if self._once:
            return 0
        settled = self._change(done.key, Settle(numbers=done.settled)) if done.settled else 0
        return max(settled, self._failed(done.key, done.failed) if done.failed else 0)

    def _failed(self, key: int, number: int) -> int:
        """Append that an attempt failed."""
        return self._change(key, Fail(number=number))

    def _end(self, leases: Leases, receipt: int) -> None:
        """A lease is over: its lane goes on, if this is still the reign that gave it."""
        lease = leases.end(receipt)
        if lease is None or leases is not self._leases or not self.leads:
            return
        self._offer(lease.key)
        self._admit()

    def _timed_out(self, leases: Leases, receipt: int) -> None:
        """Nobody settled a lease in time: its first letter counts as failed, and all come back."""
        lease = leases.held.get(receipt)
        if lease is None or leases is not self._leases or not self.leads:
            return
        self.timed_out += 1
        self.ctx.note("timed-out", lease.key)
        self.ctx.point("Q5")
        if lease.numbers:
            self._failed(lease.key, lease.numbers[0])
        self._end(leases, receipt)

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
