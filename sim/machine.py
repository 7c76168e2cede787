"""The machine behind `sim.host.Context`: cores, inboxes, tasks, crash and restart.

A message that reaches a running host waits in the inbox of its layer for a core, holds the
core for its service time, and is then handled. Waiting for replies or the disk holds no
core. One *incarnation* is one life of the host's processes: services, tasks, timers, calls
and inboxes belong to it and die with it; the device outlives it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any

from sim.chance import Chance
from sim.context import HostContext, Meta
from sim.history import History
from sim.host import HostOptions, Placement, Wait
from sim.kernel import CALL, Environment
from sim.message import Layer, Message, layer_of
from sim.network import Network
from sim.storage import Device
from sim.topology import HostSpec, Location, Topology, at_service, service_id
from sim.trace import Trace

if TYPE_CHECKING:
    from sim.faults import CrashKind

__all__ = ["Machine"]

#: (message, meta, trace row)
_Delivery = tuple[Message, Meta, int]
#: (microseconds of core time, layer, whether the message says how many units of work it is)
_Cost = tuple[int, Layer, bool]


class Machine:
    """One host of a world.

    Attributes:
        up: Whether its processes run.
        busy_us: Core time spent, summed over cores.
        received: Messages that reached it; = handled + overflowed + unknown + lost in crashes
            + waiting (in an inbox or on a core).
    """

    def __init__(
        self,
        spec: HostSpec,
        options: HostOptions,
        env: Environment,
        network: Network,
        topology: Topology,
        chance: Chance,
        history: History,
        trace: Trace,
        on_note: Callable[[str, Location, int | str], None],
    ) -> None:
        self.spec = spec
        self.env = env
        self.network = network
        self.topology = topology
        self.chance = chance
        self.history = history
        self.trace = trace
        self.on_note = on_note
        self.options = options
        self.placements: list[Placement] = []
        self.life: Incarnation | None = None
        self.busy_us = 0
        self.received = 0
        self.handled = 0
        self.overflowed = 0
        self.unknown = 0
        self.lost_in_crash = 0
        self.restarts = 0
        self.calls_made = 0
        draws = chance.draws(f"host/{spec.path}/flush")
        low, high = options.flush_us_min, options.flush_us_max
        self.device = Device(lambda: draws.between(low, high), env.call_later)
        self.service_us = dict(options.service_us)

    @property
    def up(self) -> bool:
        """Whether the host's processes run."""
        return self.life is not None

    def boot(self) -> None:
        """Start every placed service anew, on the disk as it is."""
        assert self.life is None, f"{self.spec.path} runs already"
        life = self.life = Incarnation(self)
        self.network.attach(self.spec.index, life.receive)
        life.start(self.placements)

    def crash(self, kind: CrashKind, torn: bool) -> None:
        """Lose what that kind of crash loses; a host that is down can still lose its cache."""
        self.trace.event("crash", self.spec.index, kind.value)
        if self.life is not None:
            life, self.life = self.life, None
            self.network.attach(self.spec.index, None)
            self.lost_in_crash += life.end()
            self.device.process_crash()
        if kind.value == "power-loss":
            self.device.power_loss(torn=torn)

    def restart(self) -> None:
        """Boot again after a crash; harmless if it runs."""
        if self.life is None:
            self.restarts += 1
            self.trace.event("restart", self.spec.index, self.restarts)
            self.boot()

    def waiting(self) -> int:
        """Messages in its inboxes or on a core."""
        return 0 if self.life is None else self.life.waiting()

    def counters(self) -> dict[str, int]:
        """Its accounts, for the digest and for reports."""
        return {
            "received": self.received,
            "handled": self.handled,
            "overflowed": self.overflowed,
            "unknown": self.unknown,
            "lost in crash": self.lost_in_crash,
            "waiting": self.waiting(),
            "busy_us": self.busy_us,
            "restarts": self.restarts,
            "flushes": self.device.flushes,
        }

    def check_conservation(self) -> None:
        """Assert that every message received is accounted for."""
        c = self.counters()
        out = c["handled"] + c["overflowed"] + c["unknown"] + c["lost in crash"] + c["waiting"]
        assert c["received"] == out, f"{self.spec.path}: {c}"


class Incarnation:
    """One life of a host's processes."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.alive = True
        self.contexts: dict[int, HostContext] = {}
        self.calls: dict[int, Wait] = {}
        self._env = machine.env
        self._queue: list[Any] = machine.env._queue
        self._eid: Iterator[int] = machine.env._eid
        self._trace = machine.trace
        self._cores = machine.spec.cores
        self._busy = 0
        self._queued = 0
        self._inboxes: tuple[deque[_Delivery], ...] = tuple(deque() for _ in Layer)
        self._costs: dict[type[Message], _Cost] = {}
        self._tasks: dict[_Task, None] = {}
        self._serving = self._served  # bound once

    def start(self, placements: Sequence[Placement]) -> None:
        """Make the services, then start them in order of placement."""
        for placement in placements:
            ctx = HostContext(self, at_service(self.machine.spec.location, placement.name))
            ctx.attach(placement)
            self.contexts[service_id(placement.name)] = ctx
        for ctx in self.contexts.values():
            start = getattr(ctx.service, "start", None)
            if start is not None:
                self.run(start, ())

    def end(self) -> int:
        """End this life; returns how many messages were waiting."""
        lost = self.waiting()
        self.alive = False
        for ctx in self.contexts.values():
            ctx.disk.close()
            ctx.end_channels()
        # Closed here and not by the garbage collector, whose moment is not deterministic. A
        # `finally` clause of a dead process has nothing to hold on to: see HostContext.
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            task.gen.close()
        return lost

    # -- messages ------------------------------------------------------------------------

    def receive(self, src: int, message: Message, meta: Meta, row: int) -> None:
        """Take a message off the network: to a core if one is free, else to its inbox."""
        machine = self.machine
        machine.received += 1
        cost = self._costs.get(message.__class__) or self._cost_of(message.__class__)
        us = cost[0]
        if us == 0:
            self._handle(message, meta, row)
        elif self._busy < self._cores:
            self._occupy(us * message.work() if cost[2] else us, message, meta, row)
        else:
            inbox = self._inboxes[cost[1]]
            if len(inbox) >= machine.options.inbox_limit:
                machine.overflowed += 1
            else:
                inbox.append((message, meta, row))
                self._queued += 1

    def _cost_of(self, message_type: type[Message]) -> _Cost:
        options = self.machine.options
        us = self.machine.service_us.get(message_type.__name__, options.default_service_us)
        if self._cores == 0:
            us = 0  # client hosts have no queue of their own
        varies = message_type.work is not Message.work
        cost = self._costs[message_type] = (us, layer_of(message_type.type_id), varies)
        return cost

    def _occupy(self, us: int, message: Message, meta: Meta, row: int) -> None:
        self._busy += 1
        self.machine.busy_us += us
        entry = (self._env._now + us, CALL, next(self._eid), self._serving, message, meta, row)
        heappush(self._queue, entry)

    def _served(self, entry: tuple[int, int, int, object, Message, Meta, int]) -> None:
        if not self.alive:
            return
        self._busy -= 1
        if self._queued:
            self._take_next()
        self._handle(entry[4], entry[5], entry[6])

    def _take_next(self) -> None:
        self._queued -= 1
        for inbox in self._inboxes:  # highest layer first
            if inbox:
                message, meta, row = inbox.popleft()
                us, _, varies = self._costs[message.__class__]
                self._occupy(us * message.work() if varies else us, message, meta, row)
                return

    def _handle(self, message: Message, meta: Meta, row: int) -> None:
        service, sender, call = meta
        machine = self.machine
        trace = self._trace
        if trace.full:
            trace.cause = row
        if call < 0:
            machine.handled += 1
            wait = self.calls.pop(-call, None)
            if wait is not None:
                wait.resolve(message)
        elif (ctx := self.contexts.get(service)) is None or (handler := ctx.handlers.get(message.__class__)) is None:
            machine.unknown += 1
        else:
            machine.handled += 1
            answer = handler(message, sender)
            if answer is None:
                pass
            elif answer.__class__ is _GENERATOR:
                self._begin(_Task(answer, ctx, sender, call))
            elif call:
                ctx.reply(sender, call, answer)
        if trace.full:
            trace.cause = -1  # what follows from timers and the disk has a cause of its own

    def waiting(self) -> int:
        """Messages in the inboxes or on a core."""
        return self._busy + self._queued

    # -- tasks ---------------------------------------------------------------------------

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call `fn`; if that makes a generator, drive it."""
        if not self.alive:
            return
        made = fn(*args)
        if made.__class__ is _GENERATOR:
            self._begin(_Task(made, None, None, 0))

    def expire(self, entry: tuple[int, int, int, object, int]) -> None:
        """A call's patience is over; its reply, if it still comes, finds nobody."""
        # A call that was answered is no longer in the table: that is cheaper than a timer each.
        wait = self.calls.pop(entry[4], None)
        if wait is not None and self.alive:
            wait.resolve(None)

    def _begin(self, task: _Task) -> None:
        self._tasks[task] = None
        self._resume(task, None)

    def _resume(self, task: _Task, value: Any) -> None:
        if not self.alive:
            return
        send = task.gen.send
        try:
            while True:
                wait = send(value)
                if not wait.done:
                    break
                value = wait.value
        except StopIteration as stop:
            del self._tasks[task]
            if task.call and stop.value is not None:
                task.ctx.reply(task.sender, task.call, stop.value)
            return
        # A new callback each time: one kept on the task would make a cycle of the two.
        resume = partial(self._resume, task)
        wait.when_done(partial(self._resume_traced, resume, self._trace.cause) if self._trace.full else resume)

    def _resume_traced(self, resume: Callable[[Any], None], cause: int, value: Any) -> None:
        """Resume a task under the row that woke it, else under the one it was suspended with."""
        trace = self._trace
        before = trace.cause
        if before == -1:
            trace.cause = cause
        resume(value)
        trace.cause = before


class _Task:
    """A generator under way, and whom to tell its result."""

    __slots__ = ("call", "ctx", "gen", "sender")

    def __init__(self, gen: Generator[Wait, Any, Any], ctx: Any, sender: Any, call: int) -> None:
        self.gen = gen
        self.ctx = ctx
        self.sender = sender
        self.call = call


_GENERATOR = type(_ for _ in ())
