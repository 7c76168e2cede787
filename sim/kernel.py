"""The event loop: SimPy's environment with direct calls on the same heap.

A process a message and a Store a host is how SimPy is usually taught, and it costs
seven microseconds a message. Deliveries and timers need neither: they are a function
to call at a time. `Environment` keeps everything SimPy documents and adds such calls,
so that both kinds of work share one heap, one clock and one tie-break.

Heap entries are SimPy's own `(time, priority, id, event)` for events, and
`(time, priority, id, fn, ...)` for calls, where `fn` gets the whole entry and takes from it
what it put there: one tuple a message. Ids are unique, so a comparison never reaches the
fourth place; the length tells the two apart.

SimPy's documentation is the contract, its `run` and `step` included: people subclass `step`,
or replace it on one environment to trace it. So SimPy's own `run` stays in charge of when to
stop and what to raise. Where `step` is ours, it drives a `_Stepper` in the environment's
stead, whose one step is the whole inlined loop; where it is not, it drives the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from simpy.core import BoundClass, EmptySchedule, Infinity, StopSimulation
from simpy.core import Environment as SimpyEnvironment
from simpy.events import NORMAL, URGENT, Event, EventPriority, Timeout

__all__ = ["CALL", "CALL_LATE", "CALL_URGENT", "Environment", "Timer"]

#: Priorities of direct calls, on SimPy's scale (0 urgent, 1 normal). A fault acts before
#: every call and time-out of its instant, so that "cut at 5 s" cuts a message that lands at
#: 5 s; but after SimPy's urgent events, one of which ends `run(until=5)`.
CALL_URGENT: Final = 0.5
CALL: Final = int(NORMAL)
CALL_LATE: Final = int(NORMAL) + 1
_FIRST: Final = -inf


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


class _Run:
    """Makes `environment.run` SimPy's own `run`, driving what suits that environment."""

    __doc__ = SimpyEnvironment.run.__doc__

    def __get__(self, env: Environment | None, owner: type[Environment]) -> Callable[..., Any]:
        if env is None:
            return SimpyEnvironment.run
        # Never by `vars(env)`: once made, the dictionary slows every later access to the environment.
        ours = getattr(env.step, "__func__", None) is Environment.step
        return MethodType(SimpyEnvironment.run, _Stepper(env) if ours else env)


class _Stepper:
    """What SimPy's `run` drives instead of an environment whose `step` nobody changed.

    It has the three things that `run` uses. `step` processes everything there is; only when
    an event failed and nobody handled it does it end early, and leaves the event to SimPy's
    own `step`, so that the traceback of a crash is SimPy's as well.
    """

    __slots__ = ("_env", "step")

    def __init__(self, env: Environment) -> None:
        self._env = env
        self.step: Callable[[], None] = self._loop

    @property
    def now(self) -> int | float:
        """The environment's clock."""
        return self._env._now

    def schedule(self, until: Event, priority: EventPriority, delay: int | float) -> None:
        """Schedule the event that ends the run; `run` asks for nothing else."""
        if delay != delay:
            raise ValueError("until (nan) must be greater than the current simulation time")
        until.env = self._env
        self._env.schedule(until, priority, delay)

    def _loop(self) -> None:
        """Process entries until none is left; the lab's hottest loop, so inlined."""
        env = self._env
        queue: list[Any] = env._queue
        pop = heappop
        while queue:
            entry = pop(queue)
            env._now = entry[0]
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
                # The callbacks that have not run are left for the next `run`, as SimPy does.
                event.callbacks = callbacks[callbacks.index(callback) + 1 :]
                env.schedule(event, EventPriority(-1))
                raise
            if not event._ok and not hasattr(event, "_defused"):
                event.callbacks = []
                heappush(queue, (env._now, _FIRST, next(env._eid), event))
                self.step = MethodType(SimpyEnvironment.step, env)
                return
        raise EmptySchedule


class Environment(SimpyEnvironment):
    """A drop-in `simpy.Environment` with direct calls and a loop without a call per step.

    SimPy's own methods take whatever numbers SimPy takes, except NaN and negative delays,
    which are refused (a NaN would silently break the heap's order). The lab's calls
    (`call_later`, `call_at`) insist on whole microseconds.

    Raises:
        ValueError: the initial time is NaN.
    """

    def __init__(self, initial_time: int | float = 0) -> None:
        if initial_time != initial_time:
            raise ValueError(f"{initial_time=} is no instant: give a number")
        super().__init__(initial_time)
        # SimPy binds `timeout`, `process` and so on early, but only those that stand in the
        # instance's own class, so a subclass would pay for the look-up at every time-out.
        for name, attribute in vars(SimpyEnvironment).items():
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
            raise ValueError(f"Negative delay {delay}" if delay < 0 else f"{delay=} is not a delay; give a number >= 0")
        heappush(self._queue, (self._now + delay, priority, next(self._eid), event))

    def timeout(self, delay: int | float = 0, value: Any = None) -> Timeout:
        """Return a SimPy `Timeout` that occurs after `delay` (>= 0) with `value`."""
        # Put together here and not by its constructor, which `type.__call__` reaches through
        # C: the same class with the same fields, a sixth sooner.
        timeout = Timeout.__new__(Timeout)
        timeout.env = self
        timeout.callbacks = []
        timeout._value = value
        timeout._delay = delay
        timeout._ok = True
        self.schedule(timeout, NORMAL, delay)
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
        while queue and len(queue[0]) == 5 and isinstance(queue[0][4], Timer) and not queue[0][4].active:
            heappop(queue)
        return queue[0][0] if queue else Infinity  # SimPy's own: its real-time environment looks for that object

    def step(self) -> None:
        """Process the next event or call; raises `EmptySchedule` if there is none."""
        queue: list[Any] = self._queue
        Environment.peek(self)  # sheds withdrawn timers, so that a step is always a step
        if not queue or len(queue[0]) == 4:
            super().step()
        else:
            entry = heappop(queue)
            self._now = entry[0]
            entry[3](entry)

    if TYPE_CHECKING:

        def run(self, until: int | float | Event | None = None) -> Any:
            """Run as `simpy.Environment.run` does: to the end, until a time or an event.

            A time is exclusive: nothing but what is urgent is processed at `until` itself.

            Raises:
                ValueError: `until` is a number that is not after now (or NaN).
                RuntimeError: the schedule ran out before the event `until` was triggered.
            """
    else:
        run = _Run()


# SimPy calls its initialisation events "urgent"; the lab's faults come right after those.
assert int(URGENT) < CALL_URGENT < CALL
