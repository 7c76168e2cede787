"""Producers: messages that arrive open loop, go out one by one or in batches, and are repeated as the mode says.

A message belongs to a key, drawn by a Zipf law, and one in so many is *poison*: no consumer can do anything with
it before it is cured. It is one operation of the history, `append` on its key, whose version is the number that the
queue gave it. At most once it is sent once, whatever becomes of that; else until it is answered or its
deadline has passed, under the same id.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from models.clients import Workload, zipf_weights
from models.queue.clients import Brokers
from models.queue.words import DOUBT, REFUSED, Put, Sent, Stored
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait

__all__ = ["POISON", "Producer", "ProducerOptions"]

#: What a poisoned message says.
POISON: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerOptions:
    """How the producers of one host work.

    Attributes:
        share: Part of the whole load's rate.
        first_id: Ids count up from here.
        batch: Messages of one shard that go out together at most.
        linger_us: How long the first of them waits for others.
        once: Whether each is sent only once.
        poison: Share of messages that are poison.
    """

    share: float
    first_id: int
    batch: int = 1
    linger_us: int = 0
    once: bool = False
    poison: float = 0.0


class _Waiting(NamedTuple):
    """A message that is not in the queue yet, and until when its producer tries."""

    sent: Sent
    deadline_us: int


class Producer(Service):
    """All producers of one client host.

    Args:
        ctx: Its host.
        workload: What all of them together do; its accounts are the keys.
        options: How these do it.
        brokers: Whom they ask.
    """

    def __init__(self, ctx: Context, workload: Workload, options: ProducerOptions, brokers: Brokers) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._options = options
        self._brokers = brokers
        self._draws = ctx.rng("arrivals")
        self._keys = tuple(zipf_weights(workload.accounts, workload.zipf_exponent))
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._due_us = float(workload.begins_us)
        self._next_id = options.first_id
        self._buffers: dict[int, list[_Waiting]] = {}

    def start(self) -> None:
        """Schedule the first arrival; a host that restarts later stays idle."""
        if self.ctx.mono_us() <= self._workload.begins_us:
            self._schedule()

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        key = self._draws.pick(self._keys)
        body = POISON if self._draws.random() < self._options.poison else 0
        message, self._next_id = self._next_id, self._next_id + 1
        self._schedule()
        if not self._workload.issues(message):
            return None
        self.ctx.record(Operation(message, Kind.INVOKE, "append", key, message))
        waiting = _Waiting(Sent(message, key, body), self.ctx.mono_us() + self._workload.deadline_us)
        return self._out(self._brokers.shard_of(key), waiting)

    def _out(self, shard: int, waiting: _Waiting) -> Generator[Wait, Any, None] | None:
        """Send it at once, or with those that come in time."""
        options = self._options
        if options.batch == 1:
            return self._deliver(shard, [waiting])
        buffer = self._buffers.setdefault(shard, [])
        buffer.append(waiting)
        if len(buffer) == options.batch:
            return self._deliver(shard, self._buffers.pop(shard))
        if len(buffer) == 1:
            self.ctx.set_timer(options.linger_us, self._lingered, shard, waiting.sent.message)
        return None

    def _lingered(self, shard: int, first: int) -> Generator[Wait, Any, None] | None:
        buffer = self._buffers.get(shard)
        if not buffer or buffer[0].sent.message != first:
            return None  # it was full, and went
        return self._deliver(shard, self._buffers.pop(shard))

    def _deliver(self, shard: int, batch: Sequence[_Waiting]) -> Generator[Wait, Any, None]:
        """Have a batch stored, attempt after attempt; what was stored of it is left out of the next."""
        ctx, workload = self.ctx, self._workload
        backoff_us, unsure = workload.backoff_us, frozenset[int]()
        while batch:
            left_us = batch[0].deadline_us - ctx.mono_us()
            request = Put(batch=tuple([one.sent for one in batch]))
            answer = yield from self._brokers.ask(ctx, shard, request, min(workload.attempt_timeout_us, left_us))
            if answer is None:
                unsure |= {one.sent.message for one in batch}
            elif isinstance(answer, Stored):
                numbers = answer.numbers
                unsure |= {one.sent.message for one, n in zip(batch, numbers, strict=True) if n == DOUBT}
                self._record_stored(batch, numbers)
                batch = [one for one, number in zip(batch, numbers, strict=True) if number in (REFUSED, DOUBT)]
            if batch and not self._options.once:
                yield ctx.sleep(min(backoff_us, max(batch[0].deadline_us - ctx.mono_us(), 0)))
                # Doubled, but never beyond the patience with an attempt: a lead that changes would be missed.
                backoff_us = min(2 * backoff_us, max(workload.attempt_timeout_us, workload.backoff_us))
            batch = self._without_late(batch, unsure)

    def _record_stored(self, batch: Sequence[_Waiting], numbers: Sequence[int]) -> None:
        for one, number in zip(batch, numbers, strict=True):
            if number > 0:
                self.ctx.record(Operation(one.sent.message, Kind.OK, "append", one.sent.key, one.sent.message, number))

    def _without_late(self, batch: Sequence[_Waiting], unsure: frozenset[int]) -> list[_Waiting]:
        """What is still tried; of the rest it is recorded what is known."""
        now_us = self.ctx.mono_us()
        left = []
        for one in batch:
            if not self._options.once and one.deadline_us > now_us:
                left.append(one)
                continue
            message, key, _ = one.sent
            if message in unsure:
                self.ctx.record(Operation(message, Kind.INFO, "append", key, None))
            else:
                self.ctx.record(Operation(message, Kind.FAIL, "append", key, "refused:full or not led"))
        return left
