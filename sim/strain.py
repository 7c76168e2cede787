"""The life of a host that a fault may pause or slow down.

A *paused* host keeps everything and does nothing: messages that reach it, timers that fall
due and disk operations that end are put aside in their order and take place when it goes on,
late. Work on a core stands still and needs what was left of it. Its clocks go on, as they do
for a stopped process. A *slow* host needs `slow_factor` times the core time for everything;
work under way when that changes is done at the new pace from then on.

Only hosts that the schedule can pause or slow lead such a life: it looks twice at every
message and timer, and keeps a record of each piece of work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any, ClassVar

from sim.context import Meta
from sim.host import Placement, Wait
from sim.kernel import CALL, Timer
from sim.life import Incarnation
from sim.message import Message

if TYPE_CHECKING:
    from sim.machine import Machine

__all__ = ["PausableTimer", "StrainedLife"]


class _Job:
    """Work on a core.

    Attributes:
        left_us: Core time that it still needed at `since_us`, at the normal pace.
        planned_us: What that comes to at the pace of then, counted as busy in advance.
        stamp: Which of its endings on the heap is the valid one.
    """

    __slots__ = ("left_us", "message", "meta", "planned_us", "row", "since_us", "stamp")

    def __init__(self, us: int, message: Message, meta: Meta, row: int) -> None:
        self.left_us: float = us
        self.message = message
        self.meta = meta
        self.row = row
        self.since_us = 0
        self.planned_us = 0
        self.stamp = 0


class PausableTimer(Timer):
    """A timer that can be withdrawn until its call is really made, be that late."""

    __slots__ = ("alarm",)

    alarm: Timer

    def __init__(self, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        super().__init__(0, fn, args)

    def cancel(self) -> None:
        """Withdraw the call; harmless if it was made or withdrawn before."""
        super().cancel()
        self.alarm.cancel()

    def ring(self) -> None:
        """Make the call, unless it was withdrawn."""
        fn, args = self._fn, self._args
        self._fn, self._args = None, ()
        if fn is not None:
            fn(*args)


class StrainedLife(Incarnation):
    """A life that can be paused and slowed down."""

    simple: ClassVar[bool] = False

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._factor = machine.effect.slow_factor
        self._paused = machine.effect.paused
        self._frozen: deque[tuple[Callable[..., object], tuple[Any, ...], Callable[..., object]]] = deque()
        self._frozen_messages = 0
        self._jobs: dict[_Job, None] = {}

    # -- what the faults change ------------------------------------------------------------

    def strain(self) -> None:
        """Go on at the pace that the machine's effect now says."""
        effect = self.machine.effect
        if self._paused and not effect.paused:
            # Not at once: the faults of this instant are still being worked out, and no code of
            # a host may run before the world is whole. Nothing else comes in between.
            self._env.call_at(self._now_us(), self._wake, urgent=True)
        else:
            self._set_pace(effect.slow_factor, effect.paused)

    def _wake(self) -> None:
        effect = self.machine.effect
        if not (self._paused and self.alive) or effect.paused:
            return
        self._set_pace(effect.slow_factor, paused=False)
        while self._frozen and self._goes_on():
            fn, args, _ = self._frozen.popleft()
            fn(*args)

    def _goes_on(self) -> bool:
        # What is done late may itself end this life, or meet a crash point that pauses the host.
        return self.alive and not self._paused

    def _set_pace(self, factor: float, paused: bool) -> None:
        if (factor, paused) == (self._factor, self._paused):
            return
        if not self._paused:
            for job in self._jobs:
                self._halt(job)
                if paused:
                    self.machine.meet("put aside")
        self._factor, self._paused = factor, paused
        if not paused:
            for job in self._jobs:
                self._launch(job)

    def _halt(self, job: _Job) -> None:
        spent_us = self._now_us() - job.since_us
        job.left_us = max(0.0, job.left_us - spent_us / self._factor)
        job.stamp += 1
        self.machine.busy_us -= job.planned_us - spent_us

    def _launch(self, job: _Job) -> None:
        job.since_us = self._now_us()
        job.planned_us = round(job.left_us * self._factor)
        if self._factor != 1:
            self.machine.meet("slowed")
        self.machine.busy_us += job.planned_us
        entry = (job.since_us + job.planned_us, CALL, next(self._eid), self.serving, job, job.stamp)
        heappush(self._queue, entry)

    # -- what a pause puts aside -------------------------------------------------------------

    def start(self, placements: Sequence[Placement]) -> None:
        """As `Incarnation.start`; a paused host starts when it goes on."""
        if self._paused:
            self._freeze(super().start, tuple(placements))
        else:
            super().start(placements)

    def add(self, placement: Placement) -> None:
        """As `Incarnation.add`."""
        if self._paused:
            self._freeze(self.add, placement)
        else:
            super().add(placement)

    def receive(self, src: int, message: Message, meta: Meta, row: int) -> None:
        """As `Incarnation.receive`; what reaches a paused host waits before its inboxes."""
        if self._paused:
            self.machine.received += 1
            self.machine.delayed += 1
            self._frozen_messages += 1
            self._freeze(self._receive_late, src, message, meta, row)
        else:
            super().receive(src, message, meta, row)

    def _receive_late(self, src: int, message: Message, meta: Meta, row: int) -> None:
        self._frozen_messages -= 1
        self.machine.received -= 1  # it is counted as it enters, now
        super().receive(src, message, meta, row)

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """As `Incarnation.run`."""
        if self._paused:
            self._freeze(self.run, fn, args)
        else:
            super().run(fn, args)

    def be_patient(self, timeout_us: int, call: int) -> None:
        """As `Incarnation.be_patient`; each call by itself, since a pause puts aside whatever falls due."""
        entry = (self._now_us() + timeout_us, CALL, next(self._eid), self.expiring, call, timeout_us)
        heappush(self._queue, entry)

    def _expire(self, entry: Any) -> None:
        self.give_up(entry[4])

    def give_up(self, call: int) -> None:
        """As `Incarnation.give_up`; a reply that arrived earlier still counts."""
        if self._paused:
            self._freeze(self.give_up, call)
        else:
            super().give_up(call)

    def settle(self, wait: Wait, value: Any = None) -> None:
        """As `Incarnation.settle`, in its turn among the replies that arrived."""
        if self._paused:
            self._freeze(self.settle, wait, value)
        else:
            super().settle(wait, value)

    def pausable(self, call_later: Callable[..., Timer]) -> Callable[..., Timer]:
        """As `Incarnation.pausable`."""
        return partial(self._set_timer, call_later)

    def _set_timer(self, call_later: Callable[..., Timer], us: int, fn: Callable[..., object], *args: Any) -> Timer:
        timer = PausableTimer(fn, args)
        timer.alarm = call_later(us, self._ring, timer)
        timer.due_us = timer.alarm.due_us
        return timer

    def _ring(self, timer: PausableTimer) -> None:
        # Only what is not withdrawn by then: what reached the host before may do that.
        if self._paused:
            self._freeze(self._ring, timer)
        else:
            timer.ring()

    def when_awake(self, fn: Callable[..., object], *args: Any) -> None:
        """Call `fn(*args)` now, or when a pause ends, or at once when the life ends before."""
        if self._paused:
            self._freeze(fn, *args)
        else:
            fn(*args)

    def fall(self) -> int:
        """As `Incarnation.fall`; what came from elsewhere is told that nobody is there any more."""
        for due, args, called in self._frozen:
            if getattr(called, "__self__", None) is not self:
                self._env.call_at(self._now_us(), due, *args)
        return super().fall()

    def _resume(self, task: Any, value: Any) -> None:
        if self._paused:
            self._freeze(self._resume, task, value)
        else:
            super()._resume(task, value)

    def _freeze(self, fn: Callable[..., object], *args: Any) -> None:
        if self.alive:
            self.machine.meet("put aside")
            due = self._trace.under(self._trace.cause, fn) if self._trace.full else fn
            self._frozen.append((due, args, fn))

    def frozen(self) -> tuple[tuple[Callable[..., object], tuple[Any, ...]], ...]:
        """What a pause has put aside, in order: what will be called, and with what."""
        return tuple((called, args) for _, args, called in self._frozen)

    # -- work --------------------------------------------------------------------------------

    def _occupy(self, us: int, message: Message, meta: Meta, row: int) -> None:
        self._busy += 1
        job = _Job(us, message, meta, row)
        self._jobs[job] = None
        self._launch(job)

    def _served(self, entry: Any) -> None:
        job = entry[4]
        if not self.alive or job.stamp != entry[5]:
            return
        del self._jobs[job]
        self._busy -= 1
        if self._queued:
            self._take_next()
        self._handle(job.message, job.meta, job.row)

    def waiting(self) -> int:
        """Messages put aside, in the inboxes or on a core."""
        return super().waiting() + self._frozen_messages

    def unspent_us(self, entry: Any) -> int:
        """As `Incarnation.unspent_us`; a job that was halted has ends that are no longer valid."""
        return super().unspent_us(entry) if entry[4].stamp == entry[5] else 0

    def _now_us(self) -> int:
        return self._env._now  # type: ignore[return-value]
