"""What an observer believes of delays: distributions whose tails and densities it can compute.

The world draws delays; a belief only weighs what it saw. So these have no way to draw, and nothing makes them those
of the network: an arm may hold the wrong family. `Stretched` is what a slow part of the path makes of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, inf, log, pi, sqrt
from typing import Protocol

from models.detection.refusals import at_least, refuse, within

__all__ = ["Delay", "Erlang", "Lognormal", "Pareto", "Prompt", "Stretched", "Untimed", "checked_delay"]


class Delay(Protocol):
    """A distribution of delays as somebody believes it to be; frozen, times in microseconds."""

    @property
    def mean_us(self) -> float:
        """The mean; infinite where there is none."""
        ...

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        ...

    def density(self, us: float) -> float:
        """Probability a microsecond, at `us`; compared only with that of another delay."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """No delay to speak of: what is sent has arrived; it never tells slow from normal."""

    @property
    def mean_us(self) -> float:
        """Nothing."""
        return 0.0

    def beyond(self, us: float) -> float:
        """1 below 0."""
        return 1.0 if us < 0 else 0.0

    def density(self, us: float) -> float:
        """The same everywhere, since no delay is informative here."""
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erlang:
    """A floor and a sum of equal exponential stages; with one stage the exponential distribution.

    Attributes:
        mean_us: Mean, the floor included.
        stages: How many.
        floor_us: Least delay.
    """

    mean_us: float
    stages: int = 1
    floor_us: float = 0.0

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("stages", self.stages, 1),
                at_least("floor_us", self.floor_us, 0),
                None
                if self.floor_us < self.mean_us < inf
                else f"mean_us={self.mean_us!r} is not above floor_us={self.floor_us!r}; the mean includes the floor",
            )
        )

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        if us <= self.floor_us:
            return 1.0
        x = (us - self.floor_us) * self.stages / (self.mean_us - self.floor_us)
        term = total = 1.0
        for stage in range(1, self.stages):
            term *= x / stage
            total += term
        return min(1.0, total * exp(-x))

    def density(self, us: float) -> float:
        """Probability a microsecond."""
        if us < self.floor_us:
            return 0.0
        rate = self.stages / (self.mean_us - self.floor_us)
        x = (us - self.floor_us) * rate
        found = rate * exp(-x)
        for stage in range(1, self.stages):
            found *= x / stage
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal:
    """Its logarithm is normal.

    Attributes:
        median_us: Half of the delays are above.
        sigma: Standard deviation of the logarithm.
    """

    median_us: float
    sigma: float

    def __post_init__(self) -> None:
        refuse((within("median_us", self.median_us, 0, 1e15), within("sigma", self.sigma, 0, 10)))

    @property
    def mean_us(self) -> float:
        """The mean."""
        return self.median_us * exp(self.sigma**2 / 2)

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        return 1.0 if us <= 0 else 0.5 * erfc(log(us / self.median_us) / (self.sigma * sqrt(2)))

    def density(self, us: float) -> float:
        """Probability a microsecond."""
        if us <= 0:
            return 0.0
        z = log(us / self.median_us) / self.sigma
        return exp(-z * z / 2) / (us * self.sigma * sqrt(2 * pi))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Heavy tails: P(delay > t) = (least / t)^alpha.

    Attributes:
        least_us: Least delay.
        alpha: The smaller, the heavier; at 1 or below there is no mean.
    """

    least_us: float
    alpha: float

    def __post_init__(self) -> None:
        refuse((within("least_us", self.least_us, 0, 1e15), within("alpha", self.alpha, 0, 1e6)))

    @property
    def mean_us(self) -> float:
        """The mean; infinite where alpha is at most 1."""
        return self.least_us * self.alpha / (self.alpha - 1) if self.alpha > 1 else inf

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        return 1.0 if us <= self.least_us else (self.least_us / us) ** self.alpha

    def density(self, us: float) -> float:
        """Probability a microsecond."""
        return 0.0 if us < self.least_us else self.alpha / us * (self.least_us / us) ** self.alpha


@dataclass(frozen=True, slots=True)
class Stretched:
    """Another delay, `factor` times as long."""

    of: Delay
    factor: float

    def __post_init__(self) -> None:
        refuse((within("factor", self.factor, 0, 1e9),))

    @property
    def mean_us(self) -> float:
        """The mean."""
        return self.of.mean_us * self.factor

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        return self.of.beyond(us / self.factor)

    def density(self, us: float) -> float:
        """Probability a microsecond."""
        return self.of.density(us / self.factor) / self.factor


@dataclass(frozen=True, slots=True)
class Untimed:
    """A delay that nobody measures, as two clocks are not known to agree: what is missing tells, what came does not.

    Its density is the one that is the same on every scale, so that it never tells slow from normal. A host that was in
    time until now may stand still the next moment, and a belief that took it for fast would take it for dead then.
    """

    of: Delay

    @property
    def mean_us(self) -> float:
        """The mean."""
        return self.of.mean_us

    def beyond(self, us: float) -> float:
        """P(delay > us)."""
        return self.of.beyond(us)

    def density(self, us: float) -> float:
        """Up to a factor, which is that of a stretched one too; 0 before it is sent."""
        return 1 / us if us > 0 else 0.0


def checked_delay(name: str, delay: Delay) -> str | None:
    """A mistake unless nothing arrives before it is sent."""
    if delay.beyond(-1.0) != 1:
        return f"{name}={delay!r} lets things arrive before they are sent; its tail must be 1 below 0"
    return None
