"""The event loop: SimPy's environment with direct calls on the same heap.

A process a message and a Store a host is how SimPy is usually taught, and it costs
seven microseconds a message. Deliveries and timers need neither: they are a function
to call at a time. `Environment` keeps everything SimPy documents and adds such calls,
so that both kinds of work share one heap, one clock and one tie-break.

Heap entries are SimPy's own `(time, priority, id, event)` for events, and
`(time, priority, id, fn, ...)` for calls, where `fn` gets the whole entry and takes from it
what it put there: one tuple a message. Ids are unique, so a comparison never reaches the
fourth place; the length tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any, Final

import simpy
from simpy.core import BoundClass, EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority, Timeout

__all__ = ["CALL", "CALL_LATE", "CALL_URGENT", "Environment", "Timer"]

#: Priorities of direct calls, on SimPy's scale (0 urgent, 1 normal). A fault acts before
#: anything else at its instant, so that "cut at 5 s" cuts a message that lands at 5 s.
CALL_URGENT: Final = -1
CALL: Final = int(NORMAL)
CALL_LATE: Final = int(NORMAL) + 1


class Timer:
    """A call that is due at a time and can be withdrawn until then."""

    __slots__ = ("_args", "_fn", "due_us")

    def __init__(self, due_us: int, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due_us = due_us
        self._fn: Callable[..., object] | None = fn
        self._args = args

    @property
    def active(self) -> bool:
        """Whether the call is still to come."""
        return self._fn is not None

    def cancel(self) -> None:
        """Withdraw the call; harmless if it has run or was withdrawn before."""
        # The heap keeps the husk until its time: removing it there would be O(n).
        self._fn = None
        self._args = ()


def _fire(entry: tuple[Any, ...]) -> None:
    timer = entry[4]
    fn = timer._fn
    if fn is not None:
        args = timer._args
        timer._fn = None
        fn(*args)


class Environment(simpy.Environment):
    """A drop-in `simpy.Environment` with direct calls and a loop without a call per step.

    SimPy's own methods take whatever numbers SimPy takes, except NaN and negative delays,
    which are refused (a NaN would silently break the heap's order). The lab's calls
    (`call_later`, `call_at`) insist on whole microseconds.
    """

    def __init__(self, initial_time: int | float = 0) -> None:
        super().__init__(initial_time)
        # SimPy binds `timeout`, `process` and so on early, but only those that stand in the
        # instance's own class, so a subclass would pay for the look-up at every time-out.
        for name, attribute in vars(simpy.Environment).items():
            if isinstance(attribute, BoundClass) and name != "timeout":
                setattr(self, name, getattr(self, name))

    def schedule(
        self,
        event: Event,
        priority: EventPriority = NORMAL,
        delay: int | float = 0,
    ) -> None:
        """Schedule `event`; refuses NaN and negative delays with a ValueError."""
        if not delay >= 0:
            raise ValueError(f"{delay=} is not a delay: give a number of at least 0")
        heappush(self._queue, (self._now + delay, priority, next(self._eid), event))

    def timeout(self, delay: int | float = 0, value: Any = None) -> Timeout:
        """Return a SimPy `Timeout` that occurs after `delay` (>= 0) with `value`."""
        # Timeout's own constructor calls back into `schedule`; put together here, a time-out
        # costs one call less. It is the same class with the same fields.
        if not delay >= 0:
            raise ValueError(f"Negative delay {delay}")
        timeout = Timeout.__new__(Timeout)
        timeout.env = self
        timeout.callbacks = []
        timeout._value = value
        timeout._delay = delay
        timeout._ok = True
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), timeout))
        return timeout

    def call_later(self, delay_us: int, fn: Callable[..., object], *args: Any) -> Timer:
        """Call `fn(*args)` after `delay_us` whole microseconds (>= 0).

        Raises:
            ValueError: the delay is negative or no whole number.
        """
        if delay_us.__class__ is not int or delay_us < 0:
            raise ValueError(f"{delay_us=} is not a whole number of microseconds >= 0; convert at the edge")
        timer = Timer(self._now + delay_us, fn, args)  # type: ignore[arg-type]
        heappush(self._queue, (timer.due_us, CALL, next(self._eid), _fire, timer))  # type: ignore[misc]
        return timer

    def call_at(self, t_us: int, fn: Callable[..., object], *args: Any, urgent: bool = False) -> Timer:
        """Call `fn(*args)` at the instant `t_us`; urgent calls precede all else at it.

        Raises:
            ValueError: the instant has passed or is no whole number.
        """
        if t_us.__class__ is not int or t_us < self._now:
            raise ValueError(f"{t_us=} is not a whole number of microseconds from now ({self._now}) on")
        timer = Timer(t_us, fn, args)
        priority = CALL_URGENT if urgent else CALL
        heappush(self._queue, (t_us, priority, next(self._eid), _fire, timer))  # type: ignore[misc]
        return timer

    def peek(self) -> int | float:
        """The time of the next event or call, `inf` if there is none."""
        queue: list[Any] = self._queue
        while queue and queue[0][3] is _fire and not queue[0][4].active:
            heappop(queue)
        return queue[0][0] if queue else inf

    def step(self) -> None:
        """Process the next event or call; raises `EmptySchedule` if there is none."""
        self.peek()  # sheds withdrawn timers, so that a step is always a step
        if not self._queue:
            raise EmptySchedule
        entry: Any = heappop(self._queue)
        self._now = entry[0]
        if len(entry) == 4:
            self._process(entry[3])
        else:
            entry[3](entry)

    def run(self, until: int | float | Event | None = None) -> Any:
        """Run as `simpy.Environment.run` does: to the end, until a time or an event.

        A time is exclusive: nothing due at `until` itself is processed.

        Raises:
            ValueError: `until` is a number that is not after now (or NaN).
            RuntimeError: the schedule ran out before the event `until` was triggered.
        """
        if until is not None:
            if not isinstance(until, Event):
                at = until if isinstance(until, int) else float(until)
                if not at > self._now:
                    raise ValueError(f"until ({at}) must be greater than the current simulation time")
                until = Event(self)
                until._ok = True
                until._value = None
                # Before even urgent calls: "until t" excludes the faults that begin at t.
                heappush(self._queue, (at, CALL_URGENT - 1, next(self._eid), until))  # type: ignore[misc]
            elif until.processed:
                return until.value
            until.callbacks.append(StopSimulation.callback)
        try:
            self._loop()
        except StopSimulation as stop:
            return stop.args[0]
        if until is not None:
            assert not until.triggered
            raise RuntimeError(f'No scheduled events left but "until" event was not triggered: {until}')
        return None

    def _loop(self) -> None:
        """Process entries until none is left; the lab's hottest loop, so inlined."""
        queue: list[Any] = self._queue
        pop = heappop
        while queue:
            entry = pop(queue)
            self._now = entry[0]
            if len(entry) != 4:
                entry[3](entry)
                continue
            event = entry[3]
            callbacks = event.callbacks
            event.callbacks = None
            try:
                for callback in callbacks:
                    callback(event)
            except StopSimulation:
                self._stopped(event, callbacks, callback)
                raise
            if not event._ok and not hasattr(event, "_defused"):
                self._fail(event)

    def _process(self, event: Event) -> None:
        callbacks: Any = event.callbacks
        event.callbacks = None  # type: ignore[assignment]
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:
            self._stopped(event, callbacks, callback)
            raise
        if not event._ok and not hasattr(event, "_defused"):
            self._fail(event)

    def _stopped(self, event: Event, callbacks: list[Any], callback: Any) -> None:
        """Leave the callbacks that have not run for the next `run`, as SimPy does."""
        event.callbacks = callbacks[callbacks.index(callback) + 1 :]
        heappush(self._queue, (self._now, CALL_URGENT, next(self._eid), event))  # type: ignore[misc]

    @staticmethod
    def _fail(event: Event) -> None:
        """Raise the failure that nobody handled (SimPy's rule: errors never pass silently)."""
        value: Any = event._value
        failure = type(value)(*value.args)
        failure.__cause__ = value
        raise failure


# SimPy calls its initialisation events "urgent"; the lab's faults come before even those.
assert CALL_URGENT < int(URGENT) < CALL
