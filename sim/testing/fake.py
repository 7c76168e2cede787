"""A context without a world: run one service in a unit test.

`FakeContext` records what the service sends, notes and records, gives it a disk whose
flushes take a stated time, and moves its clock only when the test says so.

    ctx = FakeContext()
    store = Store(ctx)
    ctx.start(store)
    reply = ctx.deliver(store, Submit(...))     # a Wait; `.value` once it is done
    ctx.advance(5_000)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import GeneratorType
from typing import Any

from sim.chance import Chance, Draws
from sim.channel import Channel
from sim.history import Operation
from sim.host import Wait, first_of, handlers
from sim.kernel import Environment, Timer
from sim.message import Message, check_message_type
from sim.storage import Device, Disk
from sim.topology import Location, at_service, pack_location

__all__ = ["FakeContext"]


class FakeContext:
    """A `sim.host.Context` for one service under test.

    Args:
        location: Where the service believes to be.
        flush_us: Duration of a flush.
        seed: Root of `rng`, the same in every life.
        beside: A context whose clock it shares, so that the test moves both at once.

    Attributes:
        sent: (receiver, message) of every send and call, in order.
        notes: (name, value) in order.
        operations: What was recorded.
        points: Crash points passed.
        provisioned: (host, template, config, wait) of every request.
        channels: Channels through which something can still pass.
    """

    def __init__(
        self,
        location: Location | None = None,
        *,
        flush_us: int = 1_000,
        seed: int = 0,
        beside: FakeContext | None = None,
    ) -> None:
        self.location = location or at_service(pack_location(1, 1, 1), "service")
        self.sent: list[tuple[Location, Message]] = []
        self.notes: list[tuple[str, int | str]] = []
        self.operations: list[Operation] = []
        self.points: list[str] = []
        self.provisioned: list[tuple[Location, str, Any, Wait]] = []
        self.channels: list[Channel] = []
        self.calls: list[tuple[Location, Message, Wait]] = []
        self._alive = True
        self._env: Environment = Environment() if beside is None else beside._env
        self._chance = Chance(seed)
        self._device = Device(lambda: flush_us, self._env.call_later)
        self.disk = Disk(self._device, "service/", Wait)

    # -- for the test ------------------------------------------------------------------

    def start(self, service: Any) -> None:
        """Start the service; a generator `start` runs as far as it can."""
        self.run(service.start)

    def deliver(self, service: Any, msg: Message, sender: Location | None = None) -> Wait:
        """Hand the service a message; the Wait yields its reply (None if it gives none)."""
        done = Wait()
        answer = handlers(service)[type(msg)](msg, sender or self.location)
        if isinstance(answer, GeneratorType):
            self._drive(answer, None, done)
        else:
            done.resolve(answer)
        return done

    def answer(self, msg: Message | None, call: int = 0) -> None:
        """Answer the `call`-th open call (None: it timed out)."""
        self.calls.pop(call)[2].resolve(msg)

    def advance(self, us: int) -> None:
        """Let `us` microseconds pass."""
        self._env.run(until=int(self._env.now) + us)

    def power_loss(self, *, torn: bool = False) -> FakeContext:
        """The context that a new life finds after the power was lost."""
        self._device.power_loss(torn=torn)
        return self._reborn()

    def process_crash(self) -> FakeContext:
        """The context that a new life finds after the process died."""
        self._device.process_crash()
        return self._reborn()

    def disk_loss(self) -> FakeContext:
        """The context that a new life finds on an empty disk."""
        self._device.lose()
        self._device.replace()
        return self._reborn()

    def _reborn(self) -> FakeContext:
        self._alive = False
        for channel in list(self.channels):
            channel.abandon()
        born = FakeContext(self.location, beside=self)
        born._device = self._device
        born._chance = self._chance  # drawn on from: what a new life draws, no earlier one has drawn
        born.disk = Disk(self._device, "service/", Wait)
        return born

    # -- what the service sees -----------------------------------------------------------

    def now_us(self) -> int:
        """The clock of the test."""
        return int(self._env.now)

    def mono_us(self) -> int:
        """The clock of the test."""
        return int(self._env.now)

    def send(self, to: Location, msg: Message) -> None:
        """Record it in `sent`, after checking that the message is a value."""
        check_message_type(type(msg))
        self.sent.append((to, msg))

    def call(self, to: Location, msg: Message, timeout_us: int) -> Wait:
        """Record it in `sent` and `calls`; the test answers, or the time-out does."""
        self.send(to, msg)
        wait = Wait()
        self.calls.append((to, msg, wait))
        self._env.call_later(timeout_us, wait.resolve)
        return wait

    def sleep(self, us: int) -> Wait:
        """Yields None after `us` of the test's clock."""
        wait = Wait()
        self._env.call_later(us, wait.resolve)
        return wait

    def wait(self) -> Wait:
        """A wait that the service resolves itself."""
        return Wait()

    def first(self, waits: Sequence[Wait], need: int = 1) -> Wait:
        """As `Context.first`."""
        return first_of(Wait(), waits, need)

    def set_timer(self, us: int, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call it after `us` of the test's clock."""
        return self._env.call_later(us, self.run, fn, *args)

    def channel(self, capacity: int) -> Channel:
        """As `Context.channel`; who waits on it is told once the test lets time pass."""
        made = Channel(capacity, partial(self._env.call_later, 0), ended=self.channels.remove)
        self.channels.append(made)
        return made

    def rng(self, name: str) -> Draws:
        """Randomness of that name, from the seed given."""
        return self._chance.draws(name)

    def point(self, point_id: str) -> None:
        """Record it in `points`."""
        self.points.append(point_id)

    def note(self, name: str, value: int | str) -> None:
        """Record it in `notes`."""
        self.notes.append((name, value))

    def provision(self, location: Location, service: str, config: Any = None) -> Wait:
        """Record it in `provisioned`; the test resolves the wait."""
        wait = Wait()
        self.provisioned.append((location, service, config, wait))
        return wait

    def record(self, operation: Operation) -> None:
        """Record it in `operations`."""
        self.operations.append(operation)

    # -- tasks ---------------------------------------------------------------------------

    def run(self, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn`; if that makes a generator, drive it."""
        if not self._alive:
            return
        made = fn(*args)
        if isinstance(made, GeneratorType):
            self._drive(made, None, Wait())

    def _drive(self, task: Any, value: Any, done: Wait) -> None:
        if not self._alive:
            return  # the process died: so did its tasks
        try:
            wait = task.send(value)
        except StopIteration as stop:
            done.resolve(stop.value)
            return
        wait.when_done(lambda got: self._drive(task, got, done))
