"""The context that a model sees, bound to one service in one life of its host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from sim.chance import Draws
from sim.channel import Channel
from sim.history import Operation
from sim.host import Placement, Wait, first_of, handlers
from sim.kernel import CALL, Timer
from sim.message import Message
from sim.storage import Disk
from sim.topology import Location, host_of
from sim.trace import Trace

if TYPE_CHECKING:
    from sim.life import Incarnation

__all__ = ["HostContext", "Meta", "SkewedContext"]

#: (service id at the receiver, sender, call id): positive asks for a reply, negative is one.
Meta = tuple[int, Location, int]
_SERVICE_BITS: Final = (1 << 64) - 1


class HostContext:
    """`sim.host.Context`, bound to one service in one life of its host.

    After the life has ended every method does nothing: what still runs then is a `finally`
    clause or a callback of a dead process, which in a real crash would not run at all.
    """

    __slots__ = (
        "_be_patient",
        "_call_later",
        "_client",
        "_direct",
        "_eid",
        "_env",
        "_life",
        "_machine",
        "_name",
        "_queue",
        "_resolve",
        "_send",
        "_src",
        "_trace",
        "channels",
        "disk",
        "handlers",
        "location",
        "service",
        "wait",
    )

    def __init__(self, life: Incarnation, location: Location) -> None:
        self._life = life
        self._machine = life.machine
        self._env = life.machine.env
        self._call_later = life.pausable(life.machine.env.call_later)
        # Bound once, as every message takes them.
        self._send = life.machine.network.send
        self._be_patient = life.be_patient
        self._queue: list[Any] = life.machine.env._queue
        self._eid: Iterator[int] = life.machine.env._eid
        self._src = life.machine.spec.index
        self._trace = life.machine.trace
        #: As `Context.wait`.
        self.wait: Callable[[], Wait] = partial(_TracedWait, self._trace) if self._trace.full else Wait
        # Where nothing is recorded or put aside, a timer is an entry of its own on the kernel's heap.
        self._direct = not self._trace.full and life.simple
        # The same for all, and a large group would else look a million places up.
        self._resolve = life.machine.network.places
        self.location = location
        #: Those through which something can still pass, in order of making.
        self.channels: dict[Channel, None] = {}
        self.handlers: dict[type[Message], Callable[..., Any]] = {}
        self.service: Any = None

    def attach(self, placement: Placement) -> None:
        """Make the service that sees this context."""
        self._name = placement.name
        self._client = f"{self._machine.spec.path}/{placement.name}"
        self.disk = Disk(self._machine.device, f"{placement.name}/", self.wait)
        self.service = placement.make(self)
        self.handlers = handlers(self.service)

    def now_us(self) -> int:
        """The host's wall clock."""
        return self._env._now  # type: ignore[return-value]

    def mono_us(self) -> int:
        """The host's monotonic clock."""
        return self._env._now  # type: ignore[return-value]

    def send(self, to: Location, msg: Message) -> None:
        """As `Context.send`."""
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            self._send(self._src, dst, msg, (service, self.location, 0))

    def call(self, to: Location, msg: Message, timeout_us: int) -> Wait:
        """As `Context.call`; the time-out is whole microseconds."""
        if timeout_us.__class__ is not int or timeout_us < 0:
            raise ValueError(f"{timeout_us=} is not a whole number of microseconds >= 0")
        wait = self.wait()
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            machine = self._machine
            machine.calls_made += 1
            call = machine.calls_made
            self._life.calls[call] = wait
            self._be_patient(timeout_us, call)
            self._send(self._src, dst, msg, (service, self.location, call))
        return wait

    def reply(self, to: Location, call: int, msg: Message) -> None:
        """Answer a call; not part of what models see, they return the answer."""
        if self._life.alive:
            dst, service = self._resolve.get(to) or self._look_up(to)
            self._send(self._src, dst, msg, (service, self.location, -call))

    def _look_up(self, to: Location) -> tuple[int, int]:
        found = (self._machine.topology.index_of(host_of(to)), int(to) & _SERVICE_BITS)
        self._resolve[to] = found
        return found

    def sleep(self, us: int) -> Wait:
        """As `Context.sleep`."""
        wait = self.wait()
        if self._direct and us.__class__ is int and us >= 0:
            heappush(self._queue, (self._env._now + us, CALL, next(self._eid), self._life.waking, wait))
        else:
            self._call_later(us, self._life.settle, wait)
        return wait

    def first(self, waits: Sequence[Wait], need: int = 1) -> Wait:
        """As `Context.first`."""
        return first_of(self.wait(), waits, need)

    def set_timer(self, us: int, fn: Callable[..., Any], *args: Any) -> Timer:
        """As `Context.set_timer`."""
        life = self._life
        if self._direct and us.__class__ is int and us >= 0:
            timer = Timer(self._env._now + us, fn, args)  # type: ignore[arg-type]
            heappush(self._queue, (timer.due_us, CALL, next(self._eid), life.ringing, timer))
        elif self._trace.full:
            timer = self._call_later(us, life.run_under, self._trace.cause, fn, args)
        else:
            timer = self._call_later(us, life.run, fn, args)
        if not life.alive:
            timer.cancel()
        return timer

    def channel(self, capacity: int) -> Channel:
        """As `Context.channel`."""
        made = Channel(capacity, self._soon, make_wait=self.wait, ended=self.channels.pop)
        self.channels[made] = None
        if not self._life.alive:
            made.abandon()
        return made

    def _soon(self, fn: Callable[..., object], *args: Any) -> None:
        if self._trace.full:
            fn = self._trace.under(self._trace.cause, fn)
        self._env.call_later(0, fn, *args)

    def end_channels(self) -> None:
        """The process died, and its channels with it."""
        for channel in list(self.channels):
            channel.abandon()

    def provision(self, location: Location, service: str, config: Any = None) -> Wait:
        """As `Context.provision`."""
        wait = self.wait()
        if self._life.alive:
            tell = partial(self._life.settle, wait)
            self._machine.on_provision(self._src, location, service, config, tell)
        return wait

    def rng(self, name: str) -> Draws:
        """As `Context.rng`; the name is the host's and the service's besides."""
        path = self._machine.spec.path
        return self._machine.chance.draws(f"service/{path}/{self._name}/{name}")

    def point(self, point_id: str) -> None:
        """As `Context.point`."""
        on_point = self._machine.on_point
        if on_point is not None and self._life.alive:
            on_point(point_id, self._src)

    def note(self, name: str, value: int | str) -> None:
        """As `Context.note`."""
        if self._life.alive:
            self._machine.on_note(name, self.location, value)

    def record(self, operation: Operation) -> None:
        """As `Context.record`."""
        if self._life.alive:
            if self._trace.full:
                self._trace.event("record", self._src, operation)
            # By the world's clock: what happened when is not a matter of this host's opinion.
            self._machine.history.append(self._env._now, self._client, operation)  # type: ignore[arg-type]


class _TracedWait(Wait):
    """A wait in a world with a full trace: who goes on after it does so under a cause.

    That is the row that woke it, such as the arrival of a reply; or, where time or the disk
    woke it, the row under which it began to wait.
    """

    __slots__ = ("_trace",)

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def when_done(self, callback: Callable[[Any], object]) -> None:
        """As `Wait.when_done`."""
        super().when_done(self._trace.under(self._trace.cause, callback))


class SkewedContext(HostContext):
    """The context on a host whose clocks a fault may touch: every time is that of its clocks."""

    __slots__ = ("_clock",)

    def __init__(self, life: Incarnation, location: Location) -> None:
        super().__init__(life, location)
        clock = life.machine.clock
        assert clock is not None
        self._clock = clock
        self._call_later = life.pausable(clock.call_later)
        self._direct = False
        self._be_patient = self._be_patient_by_clock

    def now_us(self) -> int:
        """The host's wall clock."""
        return self._clock.read(wall=True)

    def mono_us(self) -> int:
        """The host's monotonic clock."""
        return self._clock.read(wall=False)

    def _be_patient_by_clock(self, timeout_us: int, call: int) -> None:
        self._clock.call_later(timeout_us, self._life.give_up, call)
