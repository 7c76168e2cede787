"""What can change with time on a link, and the courses that it takes.

A *kind* is data: steps, the swing of a day, routes, stalls, bursts, plain loss. It makes
*courses*, each from draws of its own: extra delay and chance of loss as functions of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Final, Protocol

from sim.chance import Draws
from sim.effects import Burst
from sim.latency.timeline import Timeline

__all__ = ["Bursts", "Course", "Diurnal", "Kind", "Loss", "RouteChanges", "Stalls", "Step", "Steps"]

#: Longer than any run; the last level of a timeline that ends.
_FOR_EVER: Final = 10**18


class Course(Protocol):
    """One course that a rule takes: extra delay and chance of loss as functions of time."""

    def delay_us(self, now_us: int) -> int:
        """What a message sent now is delayed besides, whole microseconds."""
        ...

    def loss(self, now_us: int) -> float:
        """The chance that a message sent now is lost to it."""
        ...


class Kind(Protocol):
    """What may happen, as data."""

    def course(self, draws: Draws) -> Course:
        """A course drawn from a generator of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `at_us` on, until the next step, `delay_us` more and a chance `loss` of loss."""

    at_us: int
    delay_us: int = 0
    loss: float = 0.0

    def __post_init__(self) -> None:
        _check_us("at_us", self.at_us)
        _check_us("delay_us", self.delay_us)
        _check_chance("loss", self.loss)


@dataclass(frozen=True, slots=True)
class Steps:
    """Levels at given instants; before the first there is none. Draws nothing."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("steps is empty; give at least one")
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.at_us <= before.at_us:
                raise ValueError(
                    f"the step at {after.at_us} us is not after the one at {before.at_us} us; put them in order"
                )

    def course(self, draws: Draws) -> Course:
        """The same for everybody."""
        levels = iter(
            [(self.steps[0].at_us, Step(at_us=0))]
            + [(b.at_us - a.at_us, a) for a, b in zip(self.steps, self.steps[1:], strict=False)]
        )
        last = self.steps[-1]

        def following() -> tuple[int, Step]:
            for length_us, step in levels:
                if length_us:
                    return length_us, step
            return _FOR_EVER, last

        return _Levels(Timeline(following))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diurnal:
    """The swing of a day: delay and loss rise and fall as a cosine, most at `peak_us`. Draws nothing.

    Attributes:
        period_us: Length of a day, microseconds, >= 1.
        peak_us: An instant at which the day is worst.
        delay_us: Extra delay at the peak, microseconds; half a period later there is none.
        loss: Chance of loss at the peak.
    """

    period_us: int
    peak_us: int = 0
    delay_us: int = 0
    loss: float = 0.0

    def __post_init__(self) -> None:
        _check_us("period_us", self.period_us, least=1)
        _check_us("peak_us", self.peak_us)
        _check_us("delay_us", self.delay_us)
        _check_chance("loss", self.loss)

    def course(self, draws: Draws) -> Course:
        """The same for everybody."""
        return _Swing(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChanges:
    """Now and then packets take another way, which adds anything up to `delay_us_max`.

    Draws a time to the next change (exponential) and a level (uniform, whole microseconds)
    for each route, the first included.

    Attributes:
        every_us_mean: Mean time on a route, microseconds, >= 1.
        delay_us_max: Largest level, microseconds.
    """

    every_us_mean: int
    delay_us_max: int

    def __post_init__(self) -> None:
        _check_us("every_us_mean", self.every_us_mean, least=1)
        _check_us("delay_us_max", self.delay_us_max)

    def course(self, draws: Draws) -> Course:
        """One sequence of routes."""

        def following() -> tuple[int, Step]:
            length_us = _spell(draws, self.every_us_mean)
            return length_us, Step(at_us=0, delay_us=draws.between(0, self.delay_us_max))

        return _Levels(Timeline(following))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """Now and then nothing moves: a message sent during a stall goes on its way when it ends.

    So delays are correlated, as those of real hosts are: all messages of a stall arrive
    together, the first of them latest. Draws a time between stalls (exponential) and a length
    (uniform, whole microseconds) for each.

    Attributes:
        every_us_mean: Mean time from the end of a stall to the begin of the next, >= 1.
        length_us_min: Shortest stall, microseconds, >= 1.
        length_us_max: Longest.
    """

    every_us_mean: int
    length_us_min: int = 20_000
    length_us_max: int = 250_000

    def __post_init__(self) -> None:
        _check_us("every_us_mean", self.every_us_mean, least=1)
        _check_us("length_us_min", self.length_us_min, least=1)
        if self.length_us_max.__class__ is not int or self.length_us_max < self.length_us_min:
            raise ValueError(f"{self.length_us_max=} is below {self.length_us_min=}; raise it")

    def course(self, draws: Draws) -> Course:
        """One sequence of stalls, beginning between two."""
        stalled = True

        def following() -> tuple[int, bool]:
            nonlocal stalled
            stalled = not stalled
            if stalled:
                return draws.between(self.length_us_min, self.length_us_max), True
            return _spell(draws, self.every_us_mean), False

        return _Stalled(Timeline(following))


@dataclass(frozen=True, slots=True)
class Bursts:
    """Bursty loss that is always about (Gilbert-Elliott in continuous time, see `sim.effects.Burst`).

    Draws the state at instant 0 from its long-run shares, then a length for each spell.
    """

    burst: Burst

    def course(self, draws: Draws) -> Course:
        """One sequence of good and bad spells."""
        burst = self.burst
        good, bad = Step(at_us=0, loss=burst.loss_good), Step(at_us=0, loss=burst.loss_bad)
        is_bad = draws.random() >= burst.bad_share  # turned round before the first spell

        def following() -> tuple[int, Step]:
            nonlocal is_bad
            is_bad = not is_bad
            return (_spell(draws, burst.mean_bad_us), bad) if is_bad else (_spell(draws, burst.mean_good_us), good)

        return _Levels(Timeline(following))


@dataclass(frozen=True, slots=True)
class Loss:
    """Each message is lost with the same chance, independently of the others. Draws nothing."""

    chance: float

    def __post_init__(self) -> None:
        _check_chance("chance", self.chance)

    def course(self, draws: Draws) -> Course:
        """The same for everybody."""
        level = Step(at_us=0, loss=self.chance)
        return _Levels(Timeline(lambda: (_FOR_EVER, level)))


class _Levels:
    """Delay and loss that stay constant for a while."""

    __slots__ = ("_timeline",)

    def __init__(self, timeline: Timeline[Step]) -> None:
        self._timeline = timeline

    def delay_us(self, now_us: int) -> int:
        return self._timeline.at(now_us)[1].delay_us

    def loss(self, now_us: int) -> float:
        return self._timeline.at(now_us)[1].loss


class _Stalled:
    """Delayed until the stall is over."""

    __slots__ = ("_timeline",)

    def __init__(self, timeline: Timeline[bool]) -> None:
        self._timeline = timeline

    def delay_us(self, now_us: int) -> int:
        end_us, stalled = self._timeline.at(now_us)
        return end_us - now_us if stalled else 0

    def loss(self, now_us: int) -> float:
        return 0.0


class _Swing:
    """The cosine of a day."""

    __slots__ = ("_day",)

    def __init__(self, day: Diurnal) -> None:
        self._day = day

    def delay_us(self, now_us: int) -> int:
        return int(self._day.delay_us * self._share(now_us) + 0.5)

    def loss(self, now_us: int) -> float:
        return self._day.loss * self._share(now_us)

    def _share(self, now_us: int) -> float:
        # The remainder is exact, so the thousandth day is as precise as the first.
        within = (now_us - self._day.peak_us) % self._day.period_us
        return (1.0 + cos(2.0 * pi * within / self._day.period_us)) / 2.0


def _spell(draws: Draws, mean_us: int) -> int:
    """An exponential length, rounded, of at least 1 us."""
    return max(1, int(draws.exponential(mean_us) + 0.5))


def _check_us(name: str, value: int, least: int = 0) -> None:
    if value.__class__ is not int or value < least:
        raise ValueError(f"{name}={value!r} is no time; give whole microseconds >= {least}")


def _check_chance(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value!r} is no chance; give 0 to 1")
