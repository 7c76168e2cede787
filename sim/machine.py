"""The machine behind `sim.host.Context`: cores, inboxes, tasks, crash and restart.

A message that reaches a running host waits in the inbox of its layer for a core, holds the
core for its service time, and is then handled. Waiting for replies or the disk holds no
core. One *incarnation* is one life of the host's processes: services, tasks, timers, calls
and inboxes belong to it and die with it; the device outlives it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any

from sim.chance import Chance, Draws
from sim.history import History, Operation
from sim.host import HostOptions, Placement, Wait, handlers
from sim.kernel import CALL, Environment, Timer
from sim.message import Layer, Message, layer_of
from sim.network import Network
from sim.storage import Device, Disk
from sim.topology import HostSpec, Location, Topology, at_service, host_of, service_id
from sim.trace import Trace

if TYPE_CHECKING:
    from sim.faults import CrashKind

__all__ = ["Machine"]

#: (service id at the receiver, sender, call id): positive asks for a reply, negative is one.
_Meta = tuple[int, Location, int]
#: (message, meta, trace row)
_Delivery = tuple[Message, _Meta, int]
_SERVICE_BITS = (1 << 64) - 1


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
        self._env = machine.env
        self._cores = machine.spec.cores
        self._busy = 0
        self._inboxes: tuple[deque[_Delivery], ...] = tuple(deque() for _ in Layer)
        self._costs: dict[type[Message], tuple[int, Layer]] = {}
        self._tasks: dict[_Task, None] = {}
        self.calls: dict[int, Wait] = {}
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
        # Closed here and not by the garbage collector, whose moment is not deterministic. A
        # `finally` clause of a dead process has nothing to hold on to: see HostContext.
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            task.gen.close()
        return lost

    # -- messages ------------------------------------------------------------------------

    def receive(self, src: int, message: Message, meta: _Meta, row: int) -> None:
        """Take a message off the network: to a core if one is free, else to its inbox."""
        machine = self.machine
        machine.received += 1
        cost = self._costs.get(message.__class__)
        if cost is None:
            cost = self._cost_of(message.__class__)
        if cost[0] == 0:
            self._handle((message, meta, row))
        elif self._busy < self._cores:
            self._occupy((message, meta, row), cost[0] * message.work())
        else:
            inbox = self._inboxes[cost[1]]
            if len(inbox) >= machine.options.inbox_limit:
                machine.overflowed += 1
            else:
                inbox.append((message, meta, row))

    def _cost_of(self, message_type: type[Message]) -> tuple[int, Layer]:
        options = self.machine.options
        us = self.machine.service_us.get(message_type.__name__, options.default_service_us)
        if self._cores == 0:
            us = 0  # client hosts have no queue of their own
        cost = self._costs[message_type] = (us, layer_of(message_type.type_id))
        return cost

    def _occupy(self, delivery: _Delivery, us: int) -> None:
        self._busy += 1
        self.machine.busy_us += us
        env = self._env
        entry = (env._now + us, CALL, next(env._eid), self._serving, delivery)
        heappush(env._queue, entry)  # type: ignore[misc]

    def _served(self, entry: tuple[int, int, int, object, _Delivery]) -> None:
        if not self.alive:
            return
        delivery = entry[4]
        self._busy -= 1
        for inbox in self._inboxes:  # highest layer first
            if inbox:
                waiting = inbox.popleft()
                message = waiting[0]
                self._occupy(waiting, self._costs[message.__class__][0] * message.work())
                break
        self._handle(delivery)

    def _handle(self, delivery: _Delivery) -> None:
        trace = self.machine.trace
        if not trace.full:
            self._dispatch(delivery)
            return
        trace.cause = delivery[2]
        self._dispatch(delivery)
        trace.cause = -1  # what follows from timers and the disk has a cause of its own

    def _dispatch(self, delivery: _Delivery) -> None:
        message, (service, sender, call), _ = delivery
        machine = self.machine
        if call < 0:
            machine.handled += 1
            wait = self.calls.pop(-call, None)
            if wait is not None:
                wait.resolve(message)
            return
        ctx = self.contexts.get(service)
        handler = None if ctx is None else ctx.handlers.get(message.__class__)
        if ctx is None or handler is None:
            machine.unknown += 1
            return
        machine.handled += 1
        answer = handler(message, sender)
        if answer is None:
            return
        if answer.__class__ is not _GENERATOR:
            if call:
                ctx.reply(sender, call, answer)
            return
        self._run_task(_Task(answer, ctx, sender, call))

    def waiting(self) -> int:
        """Messages in the inboxes or on a core."""
        return self._busy + sum(len(inbox) for inbox in self._inboxes)

    # -- tasks ---------------------------------------------------------------------------

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call `fn`; if that makes a generator, drive it."""
        if not self.alive:
            return
        made = fn(*args)
        if made.__class__ is _GENERATOR:
            self._run_task(_Task(made, None, None, 0))

    def _run_task(self, task: _Task) -> None:
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
            self._tasks.pop(task, None)
            if task.call and stop.value is not None and task.ctx is not None:
                task.ctx.reply(task.sender, task.call, stop.value)
            return
        trace = self.machine.trace
        if trace.full:
            wait.when_done(_Resumption(self, task, trace.cause))
        elif wait._callbacks is None:
            wait._callbacks = [task.resumer(self)]
        else:
            wait._callbacks.append(task.resumer(self))


class _Task:
    """A generator under way, and whom to tell its result."""

    __slots__ = ("_resumer", "call", "ctx", "gen", "sender")

    def __init__(self, gen: Generator[Wait, Any, Any], ctx: Any, sender: Any, call: int) -> None:
        self.gen = gen
        self.ctx = ctx
        self.sender = sender
        self.call = call
        self._resumer: Callable[[Any], None] | None = None

    def resumer(self, life: Incarnation) -> Callable[[Any], None]:
        """The callback that resumes this task, made once."""
        if self._resumer is None:
            resume = life._resume
            self._resumer = lambda value: resume(self, value)
        return self._resumer


class _Resumption:
    """Resumes a task under the trace row that it was suspended with."""

    __slots__ = ("_cause", "_life", "_task")

    def __init__(self, life: Incarnation, task: _Task, cause: int) -> None:
        self._life, self._task, self._cause = life, task, cause

    def __call__(self, value: Any) -> None:
        trace = self._life.machine.trace
        before = trace.cause
        if before == -1:
            trace.cause = self._cause
        self._life._resume(self._task, value)
        trace.cause = before


_GENERATOR = type(_ for _ in ())


class HostContext:
    """`sim.host.Context`, bound to one service in one life of its host.

    After the life has ended every method does nothing: what still runs then is a `finally`
    clause or a callback of a dead process, which in a real crash would not run at all.
    """

    __slots__ = (
        "_env",
        "_life",
        "_machine",
        "_name",
        "_network",
        "_resolve",
        "_src",
        "disk",
        "handlers",
        "location",
        "service",
    )

    def __init__(self, life: Incarnation, location: Location) -> None:
        self._life = life
        self._machine = life.machine
        self._env = life.machine.env
        self._network = life.machine.network
        self._src = life.machine.spec.index
        self._resolve: dict[Location, tuple[int, int]] = {}
        self.location = location
        self.handlers: dict[type[Message], Callable[..., Any]] = {}
        self.service: Any = None

    def attach(self, placement: Placement) -> None:
        """Make the service that sees this context."""
        self._name = placement.name
        self.disk = Disk(self._machine.device, f"{placement.name}/", self.wait)
        self.service = placement.make(self)
        self.handlers = handlers(self.service)

    def now_us(self) -> int:
        return self._env._now  # type: ignore[return-value]

    def mono_us(self) -> int:
        return self._env._now  # type: ignore[return-value]

    def send(self, to: Location, msg: Message) -> None:
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            self._network.send(self._src, dst, msg, (service, self.location, 0))

    def call(self, to: Location, msg: Message, timeout_us: int) -> Wait:
        wait = Wait()
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            machine = self._machine
            machine.calls_made += 1
            call = machine.calls_made
            self._life.calls[call] = wait
            timer = self._env.call_later(timeout_us, self._give_up, call, wait)
            wait._callbacks = [lambda _: timer.cancel()]
            self._network.send(self._src, dst, msg, (service, self.location, call))
        return wait

    def reply(self, to: Location, call: int, msg: Message) -> None:
        """Answer a call; not part of what models see, they return the answer."""
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            self._network.send(self._src, dst, msg, (service, self.location, -call))

    def _give_up(self, call: int, wait: Wait) -> None:
        if self._life.alive:
            self._life.calls.pop(call, None)
            wait.resolve(None)

    def _look_up(self, to: Location) -> tuple[int, int]:
        found = (self._machine.topology.index_of(host_of(to)), int(to) & _SERVICE_BITS)
        self._resolve[to] = found
        return found

    def sleep(self, us: int) -> Wait:
        wait = Wait()
        self._env.call_later(us, wait.resolve)
        return wait

    def wait(self) -> Wait:
        return Wait()

    def first(self, waits: Sequence[Wait], need: int = 1) -> Wait:
        if not 1 <= need <= len(waits):
            raise ValueError(f"{need=} of {len(waits)} waits cannot be; give 1..{len(waits)}")
        joined = Wait()
        done: list[tuple[int, Any]] = []
        good = 0

        def arrived(index: int, value: Any) -> None:
            nonlocal good
            if joined.done:
                return
            done.append((index, value))
            good += value is not None
            if good >= need or len(done) == len(waits):
                joined.resolve(tuple(done))

        for index, wait in enumerate(waits):
            wait.when_done(partial(arrived, index))
        return joined

    def set_timer(self, us: int, fn: Callable[..., Any], *args: Any) -> Timer:
        timer = self._env.call_later(us, self._life.run, fn, args)
        if not self._life.alive:
            timer.cancel()
        return timer

    def rng(self, name: str) -> Draws:
        path = self._machine.spec.path
        return self._machine.chance.draws(f"service/{path}/{self._name}/{name}")

    def point(self, point_id: str) -> None:
        if self._machine.trace.full:
            self._machine.trace.event("point", self._src, point_id)

    def note(self, name: str, value: int | str) -> None:
        if self._life.alive:
            self._machine.on_note(name, self.location, value)

    def record(self, operation: Operation) -> None:
        if self._life.alive:
            client = f"{self._machine.spec.path}/{self._name}"
            self._machine.history.append(self.now_us(), client, operation)
