"""One life of a host's processes: cores, inboxes, tasks, and what it takes to be driven.

A message that reaches a running host waits in the inbox of its layer for a core, holds the
core for its service time, and is then handled. Waiting for replies or the disk holds no core.
A layer under a cap waits for its share of the cores as well, and lower ones go ahead meanwhile.
Services, tasks, timers, calls and inboxes belong to a life and die with it.

A life can end in the middle of its own code, at a crash point or because the disk refused. It
*falls* at once: from then on nothing of it has any effect. Its generators are closed a moment
later, at the same instant, since one that runs cannot be closed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sim.bucket import Bucket
from sim.context import HostContext, Meta, SkewedContext
from sim.host import Placement, Wait
from sim.kernel import CALL, Timer
from sim.message import Layer, Message, layer_of
from sim.storage import DiskError
from sim.topology import at_service, service_id

if TYPE_CHECKING:
    from sim.machine import Machine

__all__ = ["Incarnation", "unspent_us"]

#: (message, meta, trace row)
Delivery = tuple[Message, Meta, int]
#: (microseconds of core time, below 0 where a layer is capped; inbox; whether the message says how many units it is)
_Cost = tuple[int, Layer, bool]

#: A handler, or what a timer calls, that waits.
_Generator = Generator[Wait, Any, Any]
#: (context to reply by, sender, call): whom a task's result goes to; call 0 for nobody.
_Teller = tuple[Any, Any, int]
#: The end of a call's patience on the heap: time, priority, id, function, call, patience.
_Expiry = tuple[Any, int, int, Any, int, int]


class Incarnation:
    """One life of a host's processes."""

    #: Whether its timers ring when they fall due, whatever happens.
    simple: ClassVar[bool] = True

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.alive = True
        self.contexts: dict[int, HostContext] = {}
        self.calls: dict[int, Wait] = {}
        self._env = machine.env
        self._queue: list[Any] = machine.env._queue
        self._eid: Iterator[int] = machine.env._eid
        self._trace = machine.trace
        self._traced = machine.trace.full
        self._cores = machine.spec.cores
        self._busy = 0
        self._queued = 0
        # By layer, made when something first waits: an empty deque takes 700 bytes, times four, times hosts.
        self._inboxes: list[deque[Delivery] | None] = [None] * len(Layer)
        self._costs: dict[type[Message], _Cost] = {}
        self._buckets = {layer: Bucket(us) for layer, us in machine.caps.items()} if self._cores else {}
        self._wake_us: int | None = None
        #: Generators under way, in order of their begin, each with whom to tell its result.
        self._tasks: dict[_Generator, _Teller] = {}
        #: By patience, what waits to be given up, in order; the first of each line is on the heap.
        self._lines: dict[int, deque[_Expiry]] = {}
        # Bound once.
        self.serving = self._served
        self.expiring = self._expire
        self.ringing = self._due
        self.waking = self._awake
        self._resuming = self._resume

    def start(self, placements: Sequence[Placement]) -> None:
        """Make the services, then start them in order of placement."""
        made = [self._make(placement) for placement in placements]
        for ctx in made:
            self._start(ctx)

    def add(self, placement: Placement) -> None:
        """Make and start one more service."""
        self._start(self._make(placement))

    def _make(self, placement: Placement) -> HostContext:
        bound = HostContext if self.machine.clock is None else SkewedContext
        ctx = bound(self, at_service(self.machine.spec.location, placement.name))
        if self.alive:
            try:
                ctx.attach(placement)
            except DiskError:
                self.machine.perish(self)
            self.contexts[service_id(placement.name)] = ctx
        return ctx

    def _start(self, ctx: HostContext) -> None:
        start = getattr(ctx.service, "start", None)
        if start is not None:
            self.run(start, ())

    def fall(self) -> int:
        """Have no effect from now on; returns how many messages were waiting."""
        self.alive = False
        if self._busy:
            self.machine.busy_us -= unspent_us(self._queue, {self.serving: self})[self]
        for ctx in self.contexts.values():
            ctx.disk.close()
            ctx.end_channels()
        return self.waiting()

    def close(self) -> None:
        """Close the tasks of a fallen life."""
        # Closed here and not by the garbage collector, whose moment is not deterministic. A
        # `finally` clause of a dead process has nothing to hold on to: see HostContext.
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            task.close()

    # -- messages ------------------------------------------------------------------------

    def receive(self, src: int, message: Message, meta: Meta, row: int) -> None:
        """Take a message off the network: to a core if one is free, else to its inbox."""
        machine = self.machine
        machine.received += 1
        cost = self._costs.get(message.__class__) or self._cost_of(message.__class__)
        us = cost[0]
        if us <= 0:
            if us == 0:
                self._handle(message, meta, row)
            elif self._entered(cost[1], message, meta, row):
                self._serve_waiting()
        elif self._busy < self._cores:
            self._occupy(us * message.work() if cost[2] else us, message, meta, row)
        else:
            self._entered(cost[1], message, meta, row)

    def _entered(self, layer: Layer, message: Message, meta: Meta, row: int) -> bool:
        """Whether there was room in an inbox, where the message now waits."""
        inbox = self._inboxes[layer]
        if inbox is None:
            inbox = self._inboxes[layer] = deque()
        if len(inbox) >= self.machine.options.inbox_limit:
            self.machine.overflowed += 1
            return False
        inbox.append((message, meta, row))
        self._queued += 1
        return True

    def _cost_of(self, message_type: type[Message]) -> _Cost:
        options = self.machine.options
        us = self.machine.service_us.get(message_type.__name__, options.default_service_us)
        if self._cores == 0:
            us = 0  # client hosts have no queue of their own
        varies = message_type.work is not Message.work
        layer = layer_of(message_type.type_id) if options.priority else Layer.SERVICE
        cost = self._costs[message_type] = (-us if layer in self._buckets else us, layer, varies)
        return cost

    def _occupy(self, us: int, message: Message, meta: Meta, row: int) -> None:
        self._busy += 1
        self.machine.busy_us += us
        entry = (self._env._now + us, CALL, next(self._eid), self.serving, message, meta, row)
        heappush(self._queue, entry)

    def _served(self, entry: tuple[int, int, int, object, Message, Meta, int]) -> None:
        if not self.alive:
            return
        self._busy -= 1
        if self._queued:
            self._take_next()
        _, _, _, _, message, meta, row = entry
        self._handle(message, meta, row)

    def _take_next(self) -> None:
        if self._buckets:
            self._serve_waiting()
            return
        self._queued -= 1
        for inbox in self._inboxes:  # highest layer first
            if inbox:
                message, meta, row = inbox.popleft()
                us, _, varies = self._costs[message.__class__]
                self._occupy(us * message.work() if varies else us, message, meta, row)
                return

    def _serve_waiting(self) -> None:
        """Give the free cores to whoever waits and may have one; see to being woken for the others."""
        now_us: int = self._env._now  # type: ignore[assignment]
        for layer, inbox in enumerate(self._inboxes):  # highest layer first
            bucket = self._buckets.get(Layer(layer))
            while inbox and self._busy < self._cores:
                message, meta, row = inbox[0]
                us, _, varies = self._costs[message.__class__]
                us = abs(us) * message.work() if varies else abs(us)
                if bucket is not None:
                    ready_us = bucket.ready_us(us, now_us)
                    if ready_us > now_us:
                        self._wake_at(ready_us, now_us)
                        break
                    bucket.take(us, now_us)
                inbox.popleft()
                self._queued -= 1
                self._occupy(us, message, meta, row)

    def _wake_at(self, t_us: int, now_us: int) -> None:
        if self._wake_us is None or t_us < self._wake_us:
            self._wake_us = t_us
            self.pausable(self._env.call_later)(t_us - now_us, self._refilled, t_us)

    def _refilled(self, t_us: int) -> None:
        if t_us == self._wake_us:
            self._wake_us = None
        if self.alive:
            self._serve_waiting()

    def _handle(self, message: Message, meta: Meta, row: int) -> None:
        service, sender, call = meta
        machine = self.machine
        if self._traced:
            self._trace.cause = row
        if call < 0:
            machine.handled += 1
            wait = self.calls.pop(-call, None)
            if wait is not None:
                wait.resolve(message)
        elif (ctx := self.contexts.get(service)) is None or (handler := ctx.handlers.get(message.__class__)) is None:
            machine.unknown += 1
        else:
            machine.handled += 1
            try:
                answer = handler(message, sender)
            except DiskError:
                machine.perish(self)
                answer = None
            if answer is None:
                pass
            elif answer.__class__ is _GENERATOR:
                self._tasks[answer] = (ctx, sender, call)
                self._resume(answer, None)
            elif call:
                ctx.reply(sender, call, answer)
        if self._traced:
            self._trace.cause = -1  # what follows from timers and the disk has a cause of its own

    def waiting(self) -> int:
        """Messages in the inboxes or on a core."""
        return self._busy + self._queued

    # -- tasks ---------------------------------------------------------------------------

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call `fn`; if that makes a generator, drive it."""
        if not self.alive:
            return
        try:
            made = fn(*args)
        except DiskError:
            self.machine.perish(self)
            return
        if made.__class__ is _GENERATOR:
            self._tasks[made] = _NOBODY
            self._resume(made, None)

    def _due(self, entry: tuple[Any, int, int, object, Timer]) -> None:
        """As `run`, of what a timer of a service is due to call (`HostContext.set_timer`)."""
        timer = entry[4]
        fn = timer._fn
        if fn is not None:
            timer._fn = None
            self.run(fn, timer._args)

    def _awake(self, entry: tuple[Any, int, int, object, Wait]) -> None:
        """A service has slept enough."""
        if self.alive:
            entry[4].resolve()

    def run_under(self, cause: int, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """As `run`, with a cause for the trace."""
        self._trace.under(cause, self.run)(fn, args)

    def settle(self, wait: Wait, value: Any = None) -> None:
        """Time, the disk or the provisioner resolves a wait; one of a dead process it leaves alone."""
        if self.alive:
            wait.resolve(value)

    def pausable(self, call_later: Callable[..., Timer]) -> Callable[..., Timer]:
        """`call_later` for the services of this life; its timers fall due late in a pause."""
        return call_later

    def unspent_us(self, entry: Any) -> int:
        """Core time still to come of the work whose end is this heap entry of ours."""
        return int(entry[0] - self._env._now)

    def be_patient(self, timeout_us: int, call: int) -> None:
        """See to it that a call made now is given up after `timeout_us`, unless it is answered before."""
        # Nearly all calls are answered, and those of one patience fall due in the order in which they were made. So
        # they stand in line, and only the first of a line is on the heap; each keeps the number that it would have
        # there, so that the order of whatever falls due at one instant is the same.
        line = self._lines.get(timeout_us)
        first = line is None
        if line is None:
            line = self._lines[timeout_us] = deque()
        entry = (self._env._now + timeout_us, CALL, next(self._eid), self.expiring, call, timeout_us)
        line.append(entry)
        if first:
            heappush(self._queue, entry)

    def _expire(self, entry: _Expiry) -> None:
        """A call's patience is over; its reply, if it still comes, finds nobody."""
        _, _, _, _, call, timeout_us = entry
        if not self.alive:
            return
        line, calls = self._lines[timeout_us], self.calls
        line.popleft()
        while line and line[0][4] not in calls:
            line.popleft()
        if line:
            heappush(self._queue, line[0])
        else:
            del self._lines[timeout_us]
        self.give_up(call)

    def give_up(self, call: int) -> None:
        """Tell whoever waits for the answer to a call that there is none."""
        wait = self.calls.pop(call, None)
        if wait is not None and self.alive:
            wait.resolve(None)

    def _resume(self, task: _Generator, value: Any) -> None:
        if not self.alive:
            return
        send = task.send
        try:
            while True:
                wait = send(value)
                if not wait.done:
                    break
                value = wait.value
        except StopIteration as stop:
            ctx, sender, call = self._tasks.pop(task)
            if call and stop.value is not None:
                ctx.reply(sender, call, stop.value)
            return
        except DiskError:
            del self._tasks[task]
            self.machine.perish(self)
            return
        if wait._callbacks is None and wait.__class__ is Wait:
            wait._callbacks = partial(self._resuming, task)  # as `when_done`, of which this is nearly every call
        else:
            wait.when_done(partial(self._resuming, task))


def unspent_us(heap: Iterable[Any], lives: Mapping[object, Incarnation]) -> Counter[Incarnation]:
    """Core time that was counted in advance and is still to come, by life.

    Args:
        heap: The kernel's entries.
        lives: Those that are asked about, by what ends their work (`serving`).
    """
    unspent: Counter[Incarnation] = Counter()
    for entry in heap:
        life = lives.get(entry[3])
        if life is not None:
            unspent[life] += life.unspent_us(entry)
    return unspent


_GENERATOR = type(_ for _ in ())
#: Who is told the result of a task that nobody called.
_NOBODY: Final[_Teller] = (None, None, 0)
