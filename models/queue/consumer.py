"""Consumers: they take letters, make something of them, and settle. And the receiver, which keeps what they make.

A consumer has a loop for each shard. Of what it is handed it works on one key after the other, hands what came of it
to the receiver, and says what is done only once the receiver has it. Now and then it stands still for longer
than it may hold letters: they come back, somebody else gets them, and what the first says later is refused, by
the broker for its receipt and, where keys are in order, by the receiver too. A poisoned letter fails at every
consumer until it is cured, and what is behind it in its key is left. One that dies has settled nothing of what it held.

In the history: `hold` as a key's letters arrive (value: their numbers), `settle` as they are settled, `reject` for
an attempt at poison, and `deliver`, by the receiver, for each letter that has its effect (version: its number): it
begins as that is written and ends as it is durable. What a receiver that died had begun, and whether that came to be,
its next life says by `kept` (value: the operations whose effects it has). Of no two lives are operations the same,
also where a disk was lost: they count up from the host's clock, which goes on faster than anybody works.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.queue.clients import Brokers
from models.queue.lanes import Letter
from models.queue.options import COPIES
from models.queue.producer import POISON
from models.queue.words import Done, Effected, Effects, Given, Handed, SettleAll, SettleTold, Take
from models.store.group.shipping import new_session
from models.store.log.dedup import Window
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Consumer", "ConsumerOptions", "Receiver"]

_FILE: Final = "effects"
#: Session of what has its effect: one subscription to the whole queue.
EFFECTS: Final = "effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """How the consumers of one host work.

    Attributes:
        name: Of this consumer, unique.
        first_id: Of its operations.
        receiver: Who keeps what they make.
        batch: Letters that are taken together at most.
        wait_us: How long a request waits for the first.
        work_us: Mean time that a letter takes; exponential.
        stall: Chance that one stands still at a batch, in [0, 1].
        stall_us: For how long.
        cured_us: From when on poison is none; below 0 for never.
        ask_us: Patience with an answer.
        until_us: When they go home.
    """

    name: str
    first_id: int
    receiver: Location
    batch: int = 1
    wait_us: int = 200_000
    work_us: int = 1_000
    stall: float = 0.0
    stall_us: int = 0
    cured_us: int = -1
    ask_us: int = 500_000
    until_us: int


class Consumer(Service):
    """All consumers of one client host.

    Args:
        ctx: Its host.
        options: How they work.
        brokers: Whom they ask.

    Attributes:
        refused: Settlements that were refused.
        outdated: Effects that were.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"stalled"})

    def __init__(self, ctx: Context, options: ConsumerOptions, brokers: Brokers) -> None:
        super().__init__(ctx)
        self.refused = self.outdated = 0
        self._options = options
        self._brokers = brokers
        self._draws = ctx.rng("work")
        self._session = new_session(ctx)
        self._next_id = options.first_id + ctx.mono_us()

    def start(self) -> None:
        """A loop for each shard."""
        for shard in range(len(self._brokers.routes)):
            self.ctx.set_timer(0, self._consume, shard)

    def _consume(self, shard: int) -> Generator[Wait, Any, None]:
        ctx, options, asked = self.ctx, self._options, 0
        while ctx.mono_us() < options.until_us:
            asked += 1
            request = Take(session=self._session, request=asked, limit=options.batch, wait_us=options.wait_us)
            given = yield from self._brokers.ask(ctx, shard, request, options.wait_us + options.ask_us)
            if not isinstance(given, Given):
                yield ctx.sleep(options.ask_us // 10)
                continue
            yield from self._work_off(shard, given)

    def _work_off(self, shard: int, given: Given) -> Generator[Wait, Any, None]:
        """Everything that was handed over, key by key, and then its settlement."""
        _ctx, options = self.ctx, self._options
        if not given.handed:
            return
        for one in given.handed:
            numbers = _numbers(one.letters)
            op = self._record("hold", Kind.INVOKE, one.key, numbers)
            self._record("hold", Kind.OK, one.key, numbers, op)
        # The same draws whatever comes of them; who stands still has made something of it by then, or not yet.
        stalls, early = self._draws.random() < options.stall, self._draws.random() < 0.5
        if stalls and early:
            yield from self._stand_still()
        done = []
        for handed in given.handed:
            found = yield from self._work_on(handed)
            if found is not None:
                done.append(found)
        if stalls and not early:
            yield from self._stand_still()
        if done:
            yield from self._settle(shard, done)

    def _stand_still(self) -> Generator[Wait, Any, None]:
        self.ctx.note("stalled", self._options.name)
        yield self.ctx.sleep(self._options.stall_us)

    def _work_on(self, handed: Handed) -> Generator[Wait, Any, Done | None]:
        """Letters of one key up to the first that fails; None if it is not known whether what came of them is kept."""
        ctx, options = self.ctx, self._options
        sick = options.cured_us < 0 or ctx.mono_us() < options.cured_us
        good: list[Letter] = []
        failed = 0
        for letter in handed.letters:
            if letter.body == POISON and sick:
                failed = letter.number
                op = self._record("reject", Kind.INVOKE, handed.key, letter.message)
                self._record("reject", Kind.OK, handed.key, letter.message, op)
                break
            good.append(letter)
        yield ctx.sleep(sum([self._working_us() for _ in range(len(good) + (failed > 0))]))
        if good:
            effects = Effects(key=handed.key, receipt=handed.receipt, letters=tuple(good))
            answer = yield ctx.call(options.receiver, effects, options.ask_us)
            if not isinstance(answer, Effected):
                return None  # it will come again
            if not answer.kept:
                self.outdated += 1
                # Others have it; or whoever gave the receipt must learn that it has to give greater ones.
                return Done(handed.key, handed.receipt, (), newest=answer.newest)
        return Done(handed.key, handed.receipt, _numbers(tuple(good)), failed)

    def _working_us(self) -> int:
        return round(self._draws.exponential(float(self._options.work_us)))

    def _settle(self, shard: int, done: list[Done]) -> Generator[Wait, Any, None]:
        """Say what is done, once: who is not heard has it come again."""
        # Who only failed settles nothing, of which there is nothing to tell.
        told = [one for one in done if one.settled]
        ops = [self._record("settle", Kind.INVOKE, one.key, one.settled) for one in told]
        request = SettleAll(done=tuple(done))
        answer = yield from self._brokers.ask(self.ctx, shard, request, self._options.ask_us)
        for op, one in zip(ops, told, strict=True):
            kind = Kind.INFO
            if isinstance(answer, SettleTold):
                kind = Kind.FAIL if one.receipt in answer.refused else Kind.OK
                self.refused += kind is Kind.FAIL
            self._record("settle", kind, one.key, one.settled, op)

    def _record(self, f: str, kind: Kind, key: int, value: int | tuple[int, ...], op: int = 0) -> int:
        if not op:
            op, self._next_id = self._next_id, self._next_id + 1
        self.ctx.record(Operation(op, kind, f, key, value))
        return op


def _numbers(letters: tuple[Letter, ...]) -> tuple[int, ...]:
    return tuple([letter.number for letter in letters])


class _Kept(NamedTuple):
    """A line of the receiver's file."""

    key: int
    receipt: int
    message: int
    op: int


class Receiver(Service):
    """Keeps what consumers make of letters.

    A receipt is handed out once and its effects are sent once, so what comes again under one is a copy that the
    network made, and is kept once whatever the window. Fenced it is enough to know the newest receipt of each key,
    since older ones are refused; else the last `COPIES` are known.

    Args:
        ctx: Its host.
        window: Messages that it knows again; 0 for none.
        fenced: Whether it refuses whoever was handed letters of a key before somebody whom it has heard.
        first_id: Of its operations.

    Attributes:
        repeated: Effects that it knew.
        outdated: Batches that it refused.
    """

    def __init__(self, ctx: Context, window: int, fenced: bool, first_id: int) -> None:
        super().__init__(ctx)
        self.repeated = self.outdated = 0
        self._known: Window[int] | None = Window(window) if window else None
        self._fenced = fenced
        self._next_id = first_id + ctx.mono_us()
        self._newest: dict[int, int] = {}
        #: By key and receipt, how many effects are kept.
        self._under: OrderedDict[tuple[int, int], int] = OrderedDict()

    def start(self) -> Generator[Wait, Any, None]:
        """Read back what an earlier life kept, and say so."""
        records = self.ctx.disk.read(_FILE)
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            self.ctx.disk.truncate(_FILE, sound)
        for record in records[:sound]:
            self._take(record)
        if sound:
            # What a dead process wrote may not have reached the device yet.
            yield self.ctx.disk.flush(_FILE)
            op, ops = self._new_op(), tuple([record.op for record in records[:sound]])
            for kind in (Kind.INVOKE, Kind.OK):
                self.ctx.record(Operation(op, kind, "kept", EFFECTS, ops))

    @handles(Effects)
    def on_effects(self, msg: Effects, sender: Location) -> Generator[Wait, Any, Effected] | Effected:
        """Keep them, durably, before it is said."""
        newest = self._newest.get(msg.key, 0)
        if self._fenced and msg.receipt < newest:
            self.outdated += 1
            return Effected(kept=False, newest=newest)
        return self._keep(msg)

    def _keep(self, msg: Effects) -> Generator[Wait, Any, Effected]:
        ctx = self.ctx
        fresh: list[tuple[int, Letter]] = []
        # Of a copy whoever lost power in between has kept the first ones.
        had = self._under.get((msg.key, msg.receipt), 0)
        for place, letter in enumerate(msg.letters):
            if place < had or (self._known is not None and self._known.get(letter.message) is not None):
                self.repeated += 1
                continue
            op = self._new_op()
            record = _Kept(msg.key, msg.receipt, letter.message, op)
            ctx.disk.append(_FILE, record)
            self._take(record)
            fresh.append((op, letter))
            self._deliver(Kind.INVOKE, op, msg.key, letter)
        yield ctx.disk.flush(_FILE)
        for op, letter in fresh:
            self._deliver(Kind.OK, op, msg.key, letter)
        return Effected(kept=True)

    def _new_op(self) -> int:
        op, self._next_id = self._next_id, self._next_id + 1
        return op

    def _deliver(self, kind: Kind, op: int, key: int, letter: Letter) -> None:
        self.ctx.record(Operation(op, kind, "deliver", key, letter.message, letter.number, EFFECTS))

    def _take(self, record: _Kept) -> None:
        key, receipt, under = record.key, record.receipt, self._under
        newest = self._newest.get(key, 0)
        if receipt > newest:
            self._newest[key] = receipt
            if self._fenced:
                under.pop((key, newest), None)
        under[key, receipt] = under.get((key, receipt), 0) + 1
        if not self._fenced and len(under) > COPIES:
            under.popitem(last=False)
        if self._known is not None:
            self._known.put(record.message, receipt)
