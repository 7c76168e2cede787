"""The half of a broker that hands letters out: leases and receipts, who waits for a letter, what is settled.

A message is handed out once its entry is committed. A settlement counts likewise: until then the letter is held, and
nothing behind it in its key goes. Leases are memory of the leader's. A new leader knows of none, so what was held
comes again, and what is settled by an old receipt is refused.

A receipt has to exceed all that were given before, or whoever keeps effects in order refuses what comes under it. A
reign is of a higher epoch than those before it, and a life of a member begins at its clock, which goes on where its
disk is lost. What no log knows any more can still have been longer: all members may have lost their disks, and count
epochs from the first again. So a consumer that is refused tells by which receipt, and a leader that finds it beyond
its own gives greater ones from then on: those of an epoch of its own at once, those of a higher one once every member
has said that it knows of none, since whoever leads beyond a cut may have given them.

A request for letters is heard once. What the network makes of it besides, and what arrives behind a later one of the
same consumer, would be handed letters that nobody waits for.

Crash points: Q3 held and not handed out, Q4 settled in the log and still held, Q5 come back by time and not counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from typing import Any, ClassVar, Final

from models.domain import Command, Denied
from models.queue.lanes import Enqueued, Fail, Lane, Lanes, Letter, Parked, Settle, Settled
from models.queue.leases import Lease, Leases, Shelf, free_letters, issuer_of
from models.queue.options import Mode, QueueOptions
from models.queue.window import OWN_IDS
from models.queue.words import Done, Elsewhere, Given, Handed, SettleAll, SettleTold, Take
from models.store.log.entries import instance_of
from models.store.options import MemberOptions
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Handing"]

_LIFE: Final = "life"


class Handing(Shard):
    """One member of one shard of a queue, as consumers know it; arguments are those of a broker.

    Attributes:
        late: Settlements whose receipt was no longer held.
        timed_out: Leases that came back by time.
        copies: Requests for letters that were heard already, or were behind a later one.
        parkings: Letters that were given up.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"Q3", "Q4", "Q5"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"timed-out", "parked", "settled-late"})

    domain: Lanes

    def __init__(self, ctx: Context, options: MemberOptions, domain: Lanes, queue: QueueOptions) -> None:
        super().__init__(ctx, options, domain)
        self.queue = queue
        self.late = self.timed_out = self.copies = self.parkings = 0
        self._leases = Leases(0, 0)
        self._life = 0
        self._depth = 0
        self._hungry: deque[Wait] = deque()
        # One for each life of a consumer: it asks for one thing after the other.
        self._heard: dict[tuple[Location, int], int] = {}
        self._once = queue.mode is Mode.AT_MOST_ONCE

    def _join(self) -> Generator[Wait, Any, None]:
        """Count this life, then find out who leads; whoever asks meanwhile where this one is, is told."""
        lives = [record for record in self.ctx.disk.read(_LIFE) if record is not TORN]
        # Of no two lives the same, even if the disk is empty again: time goes on.
        yield from self._live_as(max(max([0, *lives]) + 1, self.ctx.mono_us()))
        yield from super()._join()

    def _live_as(self, life: int) -> Generator[Wait, Any, None]:
        self._life = life
        yield self.ctx.disk.replace(_LIFE, life)

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
        for wait in self._hungry:
            self.ctx.set_timer(0, wait.resolve)
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

    # -- who takes ---------------------------------------------------------------------------

    @handles(Take)
    def on_take(self, msg: Take, sender: Location) -> Any:
        """Hand letters out, as soon as there are any; a copy is not answered, as what it is a copy of is."""
        if not self.leads:
            return self._not_here()
        if self._is_heard(msg, sender):
            self.copies += 1
            return None
        return self._take_letters(msg)

    def _is_heard(self, msg: Take, sender: Location) -> bool:
        """Whether this request, or a later one of the same life of a consumer, was here before; now it was."""
        who = (sender, msg.session)
        latest = self._heard.get(who, 0)
        self._heard[who] = max(latest, msg.request)
        return msg.request <= latest

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
        leases, found, left = self._leases, [], False
        line, ordered = leases.line, self.queue.ordered
        for _ in range(len(line)):
            if limit <= 0:
                break
            key, _ = line.popitem(last=False)
            lane, shelf = self._lane(key), leases.shelves[key]
            letters = self._free(lane, shelf, limit)
            if not letters:
                continue
            receipt, lease = leases.hold(key, shelf, letters)
            lease.timer = self.ctx.set_timer(self.queue.visibility_us, self._timed_out, leases, receipt)
            found.append(Handed(key, receipt, letters))
            limit -= len(letters)
            # Only a lane that has something may stand in line: whatever it has next is offered to those who wait
            # because it does not stand there.
            if not ordered and self._free(lane, shelf, 1):
                line[key] = None
                left = True
        if left:
            self._tell_one()  # many letters may have come at once, of which one was told
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
            self._tell_one()

    def _tell_one(self) -> None:
        while self._hungry:
            news = self._hungry.popleft()
            if not news.done:
                self.ctx.set_timer(0, news.resolve)
                break

    # -- who is done -------------------------------------------------------------------------

    @handles(SettleAll)
    def on_settle(self, msg: SettleAll, sender: Location) -> Any:
        """Be done with letters; whoever held them too long is told that others may have them by now."""
        return self._settle(msg.done) if self.leads else self._not_here()

    def _settle(self, done: Iterable[Done]) -> Generator[Wait, Any, SettleTold | None]:
        leases, refused, ended, last = self._leases, [], [], 0
        outdone = [one for one in done if one.newest]
        for one in done:
            if one.newest:
                continue
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
        for one in outdone:
            yield from self._outdone(leases, one)
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
        self._made_room()

    def _made_room(self) -> None:
        """There may be fewer letters now."""

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

    # -- receipts that outlived what they were given by -----------------------------------------

    def _outdone(self, leases: Leases, done: Done) -> Generator[Wait, Any, None]:
        """A consumer's effects were refused for a newer receipt; its letters go out again if theirs will be greater."""
        if done.receipt not in leases.held:
            return  # it held them too long, and others have them
        if done.newest <= leases.last or (yield from self._exceed(leases, done.newest)):
            self._end(leases, done.receipt)

    def _exceed(self, leases: Leases, newest: int) -> Generator[Wait, Any, bool]:
        """Give greater receipts than one that this leader cannot have given; returns whether it may."""
        epoch, life = issuer_of(newest)
        if epoch > self.epoch and not (yield from self._is_forgotten(epoch)):
            return False
        yield from self._live_as(max(self._life, life) + 1)
        leases.exceed(max(epoch, self.epoch), self._life)
        return True

    def _is_forgotten(self, epoch: int) -> Generator[Wait, Any, bool]:
        """Whether no member knows of an epoch: then nobody leads under it, nor will."""
        heads = yield from self._heads(0)
        known = [max([head.promised, *(reign.epoch for reign in head.reigns)]) for head in heads]
        return len(heads) == len(self.options.peers) and max([self.promised, *known]) < epoch
