"""Distributions of one-way delays, from which a link draws one for each message.

Here are the elementary ones; `composed` shifts, floors and mixes them and draws from samples.
Every distribution but `Constant` takes one uniform number u a delay and maps it by its
inverse, `at(u)`. So blocks of draws are the draws one by one, mixtures nest at no cost, and
nothing is shaped by numpy's transcendental ufuncs, whose last bits depend on the processor.
(`Jittered` draws with the generator's own exponential method: it is the fast path.)

A distribution is real-valued; what is drawn is rounded to whole microseconds and kept below
`LONGEST_US`. `mean_us` is the mean before rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import erfc, exp, inf, log, log1p, sqrt
from statistics import NormalDist
from typing import Final, Protocol

import numpy

from sim.units import format_us

__all__ = [
    "LONGEST_US",
    "Constant",
    "Delay",
    "Exponential",
    "Inverted",
    "Jittered",
    "Lognormal",
    "Pareto",
    "Shape",
    "Uniform",
    "check_positive",
    "check_us",
]

#: 31 years: the tail of a Pareto with alpha < 1 reaches numbers that mean "never".
LONGEST_US: Final = 10**15
_NORMAL: Final = NormalDist()
#: The smallest u that the normal's inverse is asked for; u = 0 would be minus infinity.
_SMALLEST_U: Final = 2.0**-54


class Delay(Protocol):
    """A distribution of one-way delays; equal ones must compare equal and hash alike."""

    @property
    def mean_us(self) -> float:
        """The mean, microseconds; infinite for a Pareto with alpha <= 1."""
        ...

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` delays in whole microseconds, each at least 0.

        Shaped by `math` or by the generator's own methods: numpy's log, exp and power give
        different last bits on different processors, and a digest must not.
        """
        ...


class Shape(Delay, Protocol):
    """A delay that can be a part of another: shifted, floored or mixed."""

    def at(self, u: float) -> float:
        """The delay that the uniform number `u` in [0, 1) makes, microseconds."""
        ...

    def excess_us(self, floor_us: float) -> float:
        """The mean of what a delay has beyond `floor_us`, 0 where it has less: E[(X - floor)+]."""
        ...


class Inverted:
    """Draws by inversion: one uniform number a delay."""

    __slots__ = ()

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        raise NotImplementedError

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        raise NotImplementedError

    @property
    def mean_us(self) -> float:
        """The mean, microseconds."""
        return self.excess_us(0.0)

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` independent delays, rounded to the nearest microsecond."""
        at = self.at
        drawn = [int(at(u) + 0.5) for u in rng.random(n).tolist()]
        return drawn if max(drawn, default=0) <= LONGEST_US else [min(us, LONGEST_US) for us in drawn]


@dataclass(frozen=True, slots=True)
class Constant:
    """Always `delay_us` microseconds; draws nothing."""

    delay_us: int

    def __post_init__(self) -> None:
        check_us("delay_us", self.delay_us)

    @property
    def mean_us(self) -> float:
        """The delay itself."""
        return float(self.delay_us)

    def at(self, u: float) -> float:
        """The delay, whatever `u`."""
        return self.delay_us

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return max(self.delay_us - floor_us, 0.0)

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` times the same."""
        return [self.delay_us] * n


@dataclass(frozen=True, slots=True)
class Jittered:
    """A floor of `base_us` plus an exponential jitter of mean `jitter_mean_us`, rounded.

    Draws one exponential a delay.
    """

    base_us: int
    jitter_mean_us: float

    def __post_init__(self) -> None:
        check_us("base_us", self.base_us)
        if not 0 <= self.jitter_mean_us < inf:
            raise ValueError(f"{self.jitter_mean_us=} is no mean; give a finite number of at least 0")

    @property
    def mean_us(self) -> float:
        """Floor plus mean jitter."""
        return self.base_us + self.jitter_mean_us

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return self.base_us - self.jitter_mean_us * log1p(-u)

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return _exponential_excess(self.jitter_mean_us, floor_us - self.base_us)

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` independent delays."""
        base = self.base_us
        # Truncating x + 1/2 rounds to the nearest, so the mean stays the mean.
        return [base + int(x + 0.5) for x in rng.exponential(self.jitter_mean_us, n).tolist()]


@dataclass(frozen=True, slots=True)
class Uniform(Inverted):
    """A whole number of microseconds from `low_us` to `high_us`, both included, all alike."""

    low_us: int
    high_us: int

    def __post_init__(self) -> None:
        check_us("low_us", self.low_us)
        check_us("high_us", self.high_us)
        if self.high_us < self.low_us:
            raise ValueError(f"{self.high_us=} is below {self.low_us=}; raise it")

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return self.low_us + int(u * (self.high_us - self.low_us + 1))

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        first = max(self.low_us, int(floor_us // 1) + 1)
        share = max(self.high_us - first + 1, 0) / (self.high_us - self.low_us + 1)
        if floor_us < self.low_us:
            return (self.low_us + self.high_us) / 2 - floor_us
        return share * ((first + self.high_us) / 2 - floor_us)


@dataclass(frozen=True, slots=True)
class Exponential(Inverted):
    """Exponential; its only parameter is its mean, microseconds."""

    mean: float

    def __post_init__(self) -> None:
        check_positive("mean", self.mean)

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return -self.mean * log1p(-u)

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return _exponential_excess(self.mean, floor_us)


@dataclass(frozen=True, slots=True)
class Lognormal(Inverted):
    """exp(N(log `median_us`, `sigma`)): half of all delays are below the median."""

    median_us: float
    sigma: float

    def __post_init__(self) -> None:
        check_positive("median_us", self.median_us)
        if not 0 < self.sigma <= 10:
            raise ValueError(f"{self.sigma=} is no spread of logarithms; give a number above 0, at most 10")

    def at(self, u: float) -> float:
        """As `Shape.at`; the normal's inverse is Wichura's algorithm AS 241 (1988)."""
        return self.median_us * exp(self.sigma * _NORMAL.inv_cdf(max(u, _SMALLEST_U)))

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`: the formula of Black and Scholes without interest."""
        mean = self.median_us * exp(self.sigma * self.sigma / 2)
        if floor_us <= 0:
            return mean - floor_us
        z = log(floor_us / self.median_us) / self.sigma
        return mean * _above(z - self.sigma) - floor_us * _above(z)


@dataclass(frozen=True, slots=True)
class Pareto(Inverted):
    """P(X > x) = (`scale_us` / x) ** `alpha` from the scale on; heavy-tailed, mean infinite up to alpha 1."""

    scale_us: float
    alpha: float

    def __post_init__(self) -> None:
        check_positive("scale_us", self.scale_us)
        if not 0.1 <= self.alpha < inf:
            raise ValueError(f"{self.alpha=} is no tail exponent; give a finite number of at least 0.1")

    def at(self, u: float) -> float:
        """As `Shape.at`: scale / (1 - u) ** (1 / alpha)."""
        return self.scale_us / math.pow(1.0 - u, 1.0 / self.alpha)

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        if self.alpha <= 1:
            return inf
        if floor_us <= self.scale_us:
            return self.alpha * self.scale_us / (self.alpha - 1) - floor_us
        return floor_us / (self.alpha - 1) * math.pow(self.scale_us / floor_us, self.alpha)


def check_us(name: str, value: int) -> None:
    """Refuse what is no whole number of microseconds of at least 0."""
    if value.__class__ is not int or value < 0:
        shown = format_us(value) if value.__class__ is int else repr(value)
        raise ValueError(f"{name}={shown} is no delay; give a whole number of microseconds >= 0")


def check_positive(name: str, value: float) -> None:
    """Refuse what is no number above 0, or beyond all times."""
    if not 0 < value <= LONGEST_US:
        raise ValueError(f"{name}={value!r} is out of range; give a number above 0, at most {LONGEST_US:.0e}")


def _exponential_excess(mean: float, floor: float) -> float:
    if floor <= 0:
        return mean - floor
    return mean * exp(-floor / mean) if mean else 0.0


def _above(z: float) -> float:
    """P(N(0, 1) > z)."""
    return erfc(z / sqrt(2)) / 2
