"""Channels between the stages of one service: bounded, and closed from either end with a cause.

A stage reads one channel and writes the next. It must never be left waiting for a neighbour
that is gone, and must learn why it went: so whoever ends, well or by failure, closes both its
channels, and the neighbours do the same in turn. A cause thus crosses one channel a hop, up and
down the pipe, and reaches a stage n away in n hops. When the host dies, its channels die too.

    def check(source: Channel, sink: Channel) -> Flow:
        while (item := (yield source.receive())) is not END:
            if not fits(item):
                raise StageFailed("too large")
            if not (yield sink.send(item)):
                return                           # the reader closed; `sink.cause` says why

    pipe = join(ctx, {"parse": parse, "check": check, "store": store}, capacity=16)

Accounts, at any instant: accepted = received + discarded + buffered, and attempts = accepted +
refused + blocked; nobody is blocked any more once the reader closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.host import Wait

if TYPE_CHECKING:
    from sim.host import Context

__all__ = ["END", "Cause", "Channel", "End", "Flow", "Pipe", "Stage", "StageFailed", "cause_to_pass_on", "join"]


class End:
    """The type of `END`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "END"

    def __copy__(self) -> End:
        return self

    def __deepcopy__(self, memo: object) -> End:
        return self


#: What a receive yields when nothing will come any more.
END: Final = End()


class Cause(NamedTuple):
    """Why a channel was closed.

    Attributes:
        origin: Who ended first: a stage's name, `writer`, `reader`, or `host` for a crash.
        failure: What went wrong, a value; None if nothing did.
        hops: Channels that the news has crossed.
    """

    origin: str
    failure: Any = None
    hops: int = 0


class Channel:
    """A bounded queue between a writing and a reading side of one service.

    Answers that somebody waits for are given by a call of its own at the same instant, never
    within `send` or `receive`: so a task stays atomic between two yields, and a long pipe
    needs no deep stack.

    Args:
        capacity: How many values it holds; with 0 a send waits for its receive.
        soon: Makes a call at this instant, after what runs now.
        make_wait: Makes the Waits that it returns.
        ended: Told once that nothing can pass any more.

    Attributes:
        cause: Why it was closed: the first failure, else the first close; None while open.
        attempts: Sends made.
        accepted: Sends answered True.
        refused: Sends answered False.
        received: Values handed to a receive.
        discarded: Values accepted that the reader's close, or a crash, threw away.

    Raises:
        ValueError: the capacity is negative.
    """

    __slots__ = (
        "_blocked",
        "_buffer",
        "_ended",
        "_make_wait",
        "_reader_closed",
        "_soon",
        "_starved",
        "_unread",
        "_writer_closed",
        "accepted",
        "attempts",
        "capacity",
        "cause",
        "discarded",
        "received",
        "refused",
    )

    def __init__(
        self,
        capacity: int,
        soon: Callable[..., object],
        *,
        make_wait: Callable[[], Wait] = Wait,
        ended: Callable[[Channel], object] | None = None,
    ) -> None:
        if capacity.__class__ is not int or capacity < 0:
            raise ValueError(f"{capacity=} is no number of values; give a whole number of at least 0")
        self.capacity = capacity
        self.cause: Cause | None = None
        self.attempts = 0
        self.accepted = 0
        self.refused = 0
        self.received = 0
        self.discarded = 0
        self._soon = soon
        self._make_wait = make_wait
        self._ended = ended
        self._buffer: deque[Any] = deque()
        self._blocked: deque[tuple[Wait, Any]] = deque()
        self._starved: deque[Wait] = deque()
        self._unread: Wait | None = None
        self._writer_closed = False
        self._reader_closed = False

    @property
    def buffered(self) -> int:
        """Values accepted and still to be received."""
        return len(self._buffer)

    @property
    def blocked(self) -> int:
        """Sends that wait for room."""
        return len(self._blocked)

    @property
    def starved(self) -> int:
        """Receives that wait for a value."""
        return len(self._starved)

    @property
    def over(self) -> bool:
        """Whether nothing can pass any more: the reader closed, or the writer and all is drained."""
        return self._reader_closed or (self._writer_closed and not self._buffer and not self._blocked)

    # -- passing values ------------------------------------------------------------------

    def send(self, value: Any) -> Wait:
        """A Wait that yields True once there was room; False once either side has closed.

        A send that waits when the writer closes came before the close and still gets through;
        one that waits when the reader closes answers False.
        """
        self.attempts += 1
        wait = self._make_wait()
        if self._writer_closed or self._reader_closed:
            self.refused += 1
            wait.resolve(False)
        elif self._starved:
            self.accepted += 1
            self.received += 1
            self._soon(self._starved.popleft().resolve, value)
            wait.resolve(True)
        elif len(self._buffer) < self.capacity:
            self.accepted += 1
            self._buffer.append(value)
            wait.resolve(True)
        else:
            self._blocked.append((wait, value))
        return wait

    def receive(self) -> Wait:
        """A Wait that yields the next value, or `END` when none will come any more."""
        wait = self._make_wait()
        if not self._buffer and self._blocked:  # capacity 0
            self._admit()
        if self._buffer:
            self.received += 1
            wait.resolve(self._buffer.popleft())
            if self._blocked and len(self._buffer) < self.capacity:
                self._admit()
            self._check_over()
        elif self._writer_closed or self._reader_closed:
            wait.resolve(END)
        else:
            self._starved.append(wait)
        return wait

    def withdraw(self, wait: Wait) -> bool:
        """Take back a send or receive that still waits; returns whether it did.

        Needed after `ctx.first`: a receive that nobody waits for any more would eat a value. A
        send taken back is refused and yields False; a receive yields `END`.
        """
        if wait in self._starved:
            self._starved.remove(wait)
            self._soon(wait.resolve, END)
            return True
        for entry in self._blocked:
            if entry[0] is wait:
                self._blocked.remove(entry)
                self._refuse(wait)
                self._check_over()
                return True
        return False

    def unread(self) -> Wait:
        """A Wait that yields the cause once the reader has closed; for a writer that has nothing to send just then."""
        if self._unread is None:
            self._unread = self._make_wait()
            if self._reader_closed:
                self._unread.resolve(self.cause)
        return self._unread

    # -- closing -------------------------------------------------------------------------

    def close_write(self, cause: Cause | None = None) -> None:
        """The writer's close: nothing new is accepted, and what was sent before drains."""
        self._note(cause or Cause("writer"))
        if not self._writer_closed:
            was_over = self.over
            self._writer_closed = True
            while self._starved:
                self._soon(self._starved.popleft().resolve, END)
            if not was_over:
                self._check_over()

    def close_read(self, cause: Cause | None = None) -> tuple[Any, ...]:
        """The reader's close: what is buffered is discarded and counted, who waits is told.

        Returns:
            What was discarded, in order: its senders were told that it passed, so whoever awaits what becomes of it
            must hear from the reader that nothing will.
        """
        self._note(cause or Cause("reader"))
        left = tuple(self._buffer)
        if not self._reader_closed:
            was_over = self.over
            self._reader_closed = True
            self.discarded += len(left)
            self._buffer.clear()
            while self._blocked:
                self._refuse(self._blocked.popleft()[0])
            while self._starved:
                self._soon(self._starved.popleft().resolve, END)
            if self._unread is not None:
                self._soon(self._unread.resolve, self.cause)
            if not was_over:
                self._check_over()
        return left

    def abandon(self) -> None:
        """The process died: both sides are closed for good, the buffer is lost, and nobody is told."""
        self._soon = _say_nothing
        cause = Cause("host", "crash")
        self.close_write(cause)
        self.close_read(cause)

    def check_conservation(self) -> None:
        """Assert that every value and every send is accounted for."""
        counts = {name: getattr(self, name) for name in _ACCOUNTS}
        assert self.accepted == self.received + self.discarded + self.buffered, counts
        assert self.attempts == self.accepted + self.refused + self.blocked, counts
        assert not (self._reader_closed and (self.blocked or self.buffered or self.starved)), counts
        assert self.buffered <= self.capacity, counts

    def _admit(self) -> None:
        wait, value = self._blocked.popleft()
        self.accepted += 1
        self._buffer.append(value)
        self._soon(wait.resolve, True)

    def _refuse(self, wait: Wait) -> None:
        self.refused += 1
        self._soon(wait.resolve, False)

    def _note(self, cause: Cause) -> None:
        if self.cause is None or (self.cause.failure is None and cause.failure is not None):
            self.cause = cause._replace(hops=cause.hops + 1)

    def _check_over(self) -> None:
        if self._ended is not None and self.over:
            ended, self._ended = self._ended, None
            ended(self)


def _say_nothing(*told: object) -> None:
    """What a dead process says to its own tasks."""


_ACCOUNTS: Final = ("attempts", "accepted", "refused", "blocked", "received", "discarded", "buffered", "starved")

#: What a stage is while it runs: a generator that yields Waits.
Flow = Generator[Wait, Any, None]
#: Reads its first channel until `END`, writes its second; returns when it has nothing left to do.
Stage = Callable[[Channel, Channel], Flow]


class StageFailed(Exception):
    """Raised by a stage that cannot go on; its neighbours learn `failure`, a value."""

    def __init__(self, failure: Any) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Pipe:
    """Stages joined by channels.

    Attributes:
        channels: One before each stage, and one after the last.
        done: Yields the cause that the pipe ended by once every stage has ended: the first
            failure, else the first end.
    """

    channels: tuple[Channel, ...]
    done: Wait

    @property
    def inlet(self) -> Channel:
        """What the first stage reads."""
        return self.channels[0]

    @property
    def outlet(self) -> Channel:
        """What the last stage writes."""
        return self.channels[-1]


def join(ctx: Context, stages: Mapping[str, Stage], *, capacity: int) -> Pipe:
    """Run stages as tasks of this service, each reading what the one before it writes.

    Args:
        ctx: The service's context; the stages die with its process.
        stages: By name, in order.
        capacity: Of every channel.

    Raises:
        ValueError: there is no stage, or the capacity is negative.
    """
    if not stages:
        raise ValueError("a pipe needs a stage; give at least one")
    channels = tuple(ctx.channel(capacity) for _ in range(len(stages) + 1))
    pipe = Pipe(channels, ctx.wait())
    ends: list[Cause] = []

    def run(name: str, stage: Stage, source: Channel, sink: Channel) -> Flow:
        failure = None
        try:
            yield from stage(source, sink)
        except StageFailed as failed:
            failure = failed.failure
        cause = cause_to_pass_on(Cause(name, failure), source.cause, sink.cause)
        source.close_read(cause)
        sink.close_write(cause)
        ends.append(cause)
        if len(ends) == len(stages):
            pipe.done.resolve(next((end for end in ends if end.failure is not None), ends[0]))

    for (name, stage), source, sink in zip(stages.items(), channels, channels[1:], strict=False):
        # One that waits for something to read would not learn that nobody reads what it writes.
        sink.unread().when_done(source.close_read)
        ctx.set_timer(0, run, name, stage, source, sink)
    return pipe


def cause_to_pass_on(own: Cause, upstream: Cause | None, downstream: Cause | None) -> Cause:
    """A failure before a mere end, and of either what is nearest to here."""
    known = [cause for cause in (upstream, downstream) if cause is not None]
    if own.failure is not None:
        return own
    return next((cause for cause in known if cause.failure is not None), known[0] if known else own)
