"""The clocks of one host, where a fault may touch them, and the timers that run on them.

Both clocks count whole microseconds from the beginning of the run. The *monotonic* clock runs
at the host's rate and never jumps; the *wall* clock is the monotonic one plus an offset, which
a fault may change at once. When a drift ends the rate is right again and what was gained or
lost meanwhile stays, on both: nobody here sets a clock, unless a `clock-jump` does.

A host whose clocks no fault of the schedule can touch has no such object: its context reads
the kernel's time directly, and its timers are the kernel's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sim.kernel import Environment, Timer

__all__ = ["MILLION", "HostClock"]

MILLION: Final = 1_000_000


class HostClock:
    """The two clocks of a host.

    Args:
        env: The kernel, whose time is the true one.
        met: Told by name what a fault did to those who used the clocks, as evidence.

    Attributes:
        rate: Microseconds that the clocks count in a true second, > 0.
        offset_us: What the wall clock shows beyond the monotonic one.
    """

    def __init__(self, env: Environment, met: Callable[[str], object] = lambda what: None) -> None:
        self._env = env
        self._met = met
        self.rate = MILLION
        self.offset_us = 0
        # The monotonic clock showed `_shown_us` at the true instant `_since_us`, and has run
        # at `rate` from then on.
        self._since_us = self._now_us()
        self._shown_us = self._since_us
        self._timers: dict[_ClockTimer, None] = {}

    def mono_us(self) -> int:
        """What the monotonic clock shows."""
        return self._shown_us + (self._now_us() - self._since_us) * self.rate // MILLION

    def wall_us(self) -> int:
        """What the wall clock shows; never below 0."""
        return max(0, self.mono_us() + self.offset_us)

    def read(self, *, wall: bool) -> int:
        """What a service sees that looks at one of the clocks."""
        mono_us = self.mono_us()
        if mono_us != self._env._now:
            self._met("used while it drifted")
        if not wall:
            return mono_us
        if self.offset_us:
            self._met("read off its time")
        return max(0, mono_us + self.offset_us)

    def set(self, *, rate: int, offset_us: int) -> None:
        """Let the clocks run at `rate` from now on, and the wall clock show that offset."""
        assert rate > 0, rate
        self.offset_us = offset_us
        if rate == self.rate:
            return
        self._shown_us, self._since_us = self.mono_us(), self._now_us()
        self.rate = rate
        for timer in self._timers:
            timer.alarm.cancel()
            timer.alarm = self._alarm(timer)

    def call_later(self, delay_us: int, fn: Callable[..., object], *args: Any) -> Timer:
        """Call `fn(*args)` once the monotonic clock has counted `delay_us` more.

        Raises:
            ValueError: the delay is negative or no whole number.
        """
        if delay_us.__class__ is not int or delay_us < 0:
            raise ValueError(f"{delay_us=} is not a whole number of microseconds >= 0; convert at the edge")
        if self.rate != MILLION:
            self._met("used while it drifted")
        timer = _ClockTimer(self, self.mono_us() + delay_us, fn, args)
        timer.alarm = self._alarm(timer)
        self._timers[timer] = None
        return timer

    def forget_timers(self) -> None:
        """Withdraw every timer: the process that set them is dead."""
        for timer in list(self._timers):
            timer.cancel()

    def _alarm(self, timer: _ClockTimer) -> Timer:
        """A timer of the kernel for the first instant at which the clock shows its time."""
        left = (timer.due_us - self._shown_us) * MILLION
        true_us = self._since_us + -(-left // self.rate)
        return self._env.call_later(max(0, true_us - self._now_us()), self._ring, timer)

    def _ring(self, timer: _ClockTimer) -> None:
        del self._timers[timer]
        timer.ring()

    def _now_us(self) -> int:
        return self._env._now  # type: ignore[return-value]


class _ClockTimer(Timer):
    """A timer that is due at a time of the host's monotonic clock (`due_us`)."""

    __slots__ = ("_clock", "alarm")

    alarm: Timer

    def __init__(self, clock: HostClock, due_us: int, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        super().__init__(due_us, fn, args)
        self._clock = clock

    def cancel(self) -> None:
        """Withdraw the call; harmless if it has run or was withdrawn before."""
        if self.active:
            super().cancel()
            self.alarm.cancel()
            self._clock._timers.pop(self, None)

    def ring(self) -> None:
        """Make the call."""
        fn, args = self._fn, self._args
        self._fn, self._args = None, ()
        assert fn is not None, "a withdrawn timer has no alarm"
        fn(*args)
