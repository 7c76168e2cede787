"""Delays made of others, and the delay made of what was measured."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from math import fsum

from sim.latency.delays import Inverted, Shape, check_positive, check_us

__all__ = ["Empirical", "Floored", "Mixture", "Shifted"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Empirical(Inverted):
    """One of `samples_us`, each as likely: what was measured, drawn again.

    Nothing is smoothed and nothing lies outside what was seen, so a tail rarer than one in
    the number of samples is not there.
    """

    samples_us: tuple[int, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.samples_us:
            raise ValueError(f"{self.samples_us=} holds no sample; give at least one")
        for us in self.samples_us:
            check_us("sample", us)
        ordered = tuple(sorted(self.samples_us))
        object.__setattr__(self, "samples_us", ordered)
        # Compared and named by digest: a table of ten thousand is asked for at every new link.
        text = ",".join(map(str, ordered)).encode()
        object.__setattr__(self, "digest", blake2b(text, digest_size=16).hexdigest())

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Empirical) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Empirical({len(self.samples_us)} samples, {self.digest})"

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return self.samples_us[int(u * len(self.samples_us))]

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return fsum(max(us - floor_us, 0.0) for us in self.samples_us) / len(self.samples_us)


@dataclass(frozen=True, slots=True)
class Mixture(Inverted):
    """One of several delays, chosen by weight for each message.

    Attributes:
        parts: (weight > 0, delay); weights are relative, so percentages do.
    """

    parts: tuple[tuple[float, Shape], ...]
    _cumulative: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("parts is empty; mix at least one delay")
        for weight, _ in self.parts:
            check_positive("weight", weight)
        object.__setattr__(self, "_cumulative", tuple(accumulate(weight for weight, _ in self.parts)))

    def at(self, u: float) -> float:
        """As `Shape.at`: where `u` falls says which part, and how far into it what of the part."""
        sums = self._cumulative
        reached = u * sums[-1]
        chosen = min(bisect_right(sums, reached), len(sums) - 1)
        weight, part = self.parts[chosen]
        within = (reached - (sums[chosen - 1] if chosen else 0.0)) / weight
        return part.at(min(max(within, 0.0), 1.0 - 2.0**-53))  # rounding must not leave [0, 1)

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return fsum(weight * part.excess_us(floor_us) for weight, part in self.parts) / self._cumulative[-1]


@dataclass(frozen=True, slots=True)
class Shifted(Inverted):
    """`base_us` plus a delay: propagation, and noise of any shape on top of it."""

    base_us: int
    noise: Shape

    def __post_init__(self) -> None:
        check_us("base_us", self.base_us)

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return self.base_us + self.noise.at(u)

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        return self.noise.excess_us(floor_us - self.base_us)


@dataclass(frozen=True, slots=True)
class Floored(Inverted):
    """A delay, or `floor_us` where it would be less."""

    floor_us: int
    delay: Shape

    def __post_init__(self) -> None:
        check_us("floor_us", self.floor_us)

    def at(self, u: float) -> float:
        """As `Shape.at`."""
        return max(self.floor_us, self.delay.at(u))

    def excess_us(self, floor_us: float) -> float:
        """As `Shape.excess_us`."""
        if floor_us >= self.floor_us:
            return self.delay.excess_us(floor_us)
        return self.floor_us - floor_us + self.delay.excess_us(self.floor_us)
