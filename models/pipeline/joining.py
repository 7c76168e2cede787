"""Stages joined by channels that close both ways: one generation of a pipe, from its opening to its last worker's end.

Each stage has a channel before it and workers that read it; the last of the chain writes to nobody. A stage that
fails closes the channel before it for reading and the one after it for writing, both with the cause, and its
neighbours do the same in turn. Upstream, what already waits fails with that cause at once, and who is blocked sending
is told; downstream, what came through before still drains. So a generation ends by itself within so many hops, and
another may begin beside it.

`OneWay` is the same but that a stage which ends tells nobody before it, for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Final

from models.pipeline.plan import StagePlan
from models.pipeline.ticket import Ticket
from sim.channel import END, Cause, Channel, StageFailed, cause_to_pass_on
from sim.host import Context, Wait

__all__ = ["Generation", "Handle", "OneWay", "Worker"]

#: Does what a stage does with a request; returns whether it goes on to the next. May raise `StageFailed`.
Handle = Callable[[Ticket], Generator[Wait, Any, bool]]
IDLE: Final = "idle"
WORKS: Final = "at work"
SENDS: Final = "sending"
ENDED: Final = "ended"


class Worker:
    """One task of a stage, and what it is at.

    Attributes:
        stage: Its stage.
        doing: Idle (waiting for a request), at work, sending (waiting for room after it), or ended.
        since_us: From when on.
    """

    __slots__ = ("doing", "since_us", "stage")

    def __init__(self, stage: str, now_us: int) -> None:
        self.stage = stage
        self.doing = IDLE
        self.since_us = now_us


class Generation:
    """A chain of stages, opened.

    Args:
        ctx: Their host.
        stages: In order.
        handle: By name, what a stage does.
        failed: Told once, when the first stage has failed, of the cause.
        took: Told of each request that a stage takes from its channel, whether it is over or not.

    Attributes:
        channels: One before each stage, in order.
        workers: Of all stages.
        cause: Why it is closing; None while it is open.
        dropped: Requests that were over before a stage began with them.
        longest: The most that waited before any stage.
    """

    def __init__(
        self,
        ctx: Context,
        stages: Sequence[StagePlan],
        handle: Callable[[str], Handle],
        failed: Callable[[Cause], None],
        took: Callable[[str, Ticket], None] | None = None,
    ) -> None:
        self.channels = tuple(ctx.channel(stage.capacity) for stage in stages)
        self.workers: list[Worker] = []
        self.cause: Cause | None = None
        self.dropped = 0
        self.longest = 0
        self._ctx = ctx
        self._names = [stage.name for stage in stages]
        self._failed = failed
        self._took = took
        self._left = [stage.workers for stage in stages]
        for number, stage in enumerate(stages):
            if number:
                # The stage before it, which may have nothing to send just then, ends as well.
                self.channels[number].unread().when_done(partial(self._end, number - 1))
            for _ in range(stage.workers):
                worker = Worker(stage.name, ctx.mono_us())
                self.workers.append(worker)
                ctx.set_timer(0, self._live, number, worker, handle(stage.name))

    @property
    def inlet(self) -> Channel:
        """What the first stage reads."""
        return self.channels[0]

    def before(self, stage: str) -> Channel:
        """What a stage reads."""
        return self.channels[self._names.index(stage)]

    @property
    def over(self) -> bool:
        """Whether every worker has ended."""
        return all(worker.doing == ENDED for worker in self.workers)

    def close(self, stage: str, cause: Cause) -> None:
        """End a stage from outside, such as one whose other end is gone."""
        self._end(self._names.index(stage), cause)

    def close_back(self, before: Channel, cause: Cause) -> None:
        """The reader's end: what waits fails with the cause, and the stage before is told."""
        for ticket in before.close_read(cause):
            self._tell(ticket, cause)

    def queued(self, channel: Channel) -> None:
        """Something was sent into a channel."""
        self.longest = max(self.longest, channel.buffered + channel.blocked)

    # -- a worker ----------------------------------------------------------------------------

    def _live(self, number: int, worker: Worker, handle: Handle) -> Generator[Wait, Any, None]:
        name, source = self._names[number], self.channels[number]
        sink = self.channels[number + 1] if number + 1 < len(self.channels) else None
        failure: str | None = None
        while True:
            self._is(worker, IDLE)
            ticket = yield source.receive()
            if ticket is END:
                break
            if self._took is not None:
                self._took(name, ticket)
            if ticket.over:
                self.dropped += 1
                continue
            ticket.stage = name
            self._is(worker, WORKS)
            try:
                goes_on = yield from handle(ticket)
            except StageFailed as failed:
                failure = str(failed.failure)
                ticket.fail(name, failure)
                break
            if not goes_on or sink is None:
                continue
            self._is(worker, SENDS)
            sending = sink.send(ticket)
            self.queued(sink)
            if not (yield sending):
                self._tell(ticket, sink.cause or Cause(name))
                break
        self._is(worker, ENDED)
        self._left[number] -= 1
        if failure is not None or not self._left[number] or source.cause is not None:
            after = None if sink is None else sink.cause
            self._end(number, cause_to_pass_on(Cause(name, failure), source.cause, after))

    def _end(self, number: int, cause: Cause) -> None:
        """Close what a stage reads and what it writes, each with the cause."""
        if self.cause is None:
            self.cause = cause
            self._failed(cause)
        if number + 1 < len(self.channels):
            self.channels[number + 1].close_write(cause)
        self.close_back(self.channels[number], cause)

    def _tell(self, ticket: Ticket, cause: Cause) -> None:
        ticket.fail(cause.origin, "" if cause.failure is None else str(cause.failure))

    def held(self) -> list[tuple[str, int]]:
        """What its workers have been at, and for how long (microseconds); of an open pipe, those who are not idle."""
        now_us, closed = self._ctx.mono_us(), "" if self.cause is None else " of a closed pipe"
        return [
            (f"{worker.stage}{closed} {worker.doing}", now_us - worker.since_us)
            for worker in self.workers
            if worker.doing != ENDED and (closed or worker.doing != IDLE)
        ]

    def _is(self, worker: Worker, doing: str) -> None:
        worker.doing = doing
        worker.since_us = self._ctx.mono_us()


class OneWay(Generation):
    """A pipe whose closes travel downstream only."""

    def close_back(self, before: Channel, cause: Cause) -> None:
        """Nobody before it is told, and nobody fails what waits."""
