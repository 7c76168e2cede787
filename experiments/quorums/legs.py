"""How long the four legs of an operation take: W and A of a write, R and S of a read.

The same distributions serve the world (`sim.latency`) and the Monte Carlo here, which draws them with
numpy and knows their tails. Times are milliseconds here and microseconds in a distribution.

Sources: the fits are those of Table 3 of Bailis et al., VLDB 2012, and `YMMR_CODE` is what the authors'
simulator has in place of one of them (github.com/pbailis/pbs-vldb-historical-paper-material,
nrw_solver/src/Simulator.java): its write leg has the tail exponent 3.5, the paper prints 3.35.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sim.latency import Constant, Exponential, Mixture, Pareto, Uniform

__all__ = ["DISK", "SSD", "WAN", "YMMR", "YMMR_CODE", "Floats", "Leg", "Legs", "exponential", "mixed", "sample", "tail"]

Floats: TypeAlias = NDArray[np.float64]
#: A distribution that both ways know.
Leg: TypeAlias = Constant | Exponential | Mixture | Pareto | Uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """One-way delays of the four messages.

    Attributes:
        w: From the coordinator of a write to a replica.
        a: Its acknowledgement.
        r: From the coordinator of a read to a replica.
        s: Its answer.
        remote_us: What each leg takes besides to and from all replicas but one, drawn for each operation.
    """

    w: Leg
    a: Leg
    r: Leg
    s: Leg
    remote_us: int = 0


def mixed(share: float, scale_ms: float, alpha: float, rate_per_ms: float) -> Mixture:
    """A Pareto body with an exponential rest."""
    return Mixture(((share, Pareto(1_000 * scale_ms, alpha)), (1 - share, Exponential(1_000 / rate_per_ms))))


def exponential(mean_ms: float) -> Exponential:
    """An exponential leg."""
    return Exponential(1_000 * mean_ms)


_FAST: Final = mixed(0.9122, 0.235, 10, 1.66)
_SLOW: Final = mixed(0.38, 1.05, 1.51, 0.183)
_RIAK: Final = mixed(0.982, 1.5, 3.8, 0.0217)
SSD: Final = Legs(w=_FAST, a=_FAST, r=_FAST, s=_FAST)
DISK: Final = Legs(w=_SLOW, a=_FAST, r=_FAST, s=_FAST)
YMMR: Final = Legs(w=mixed(0.939, 3, 3.35, 0.0028), a=_RIAK, r=_RIAK, s=_RIAK)
YMMR_CODE: Final = Legs(w=mixed(0.939, 3, 3.5, 0.0028), a=_RIAK, r=_RIAK, s=_RIAK)
WAN: Final = Legs(w=_SLOW, a=_FAST, r=_FAST, s=_FAST, remote_us=75_000)


def sample(leg: Leg, rng: Generator, size: tuple[int, ...]) -> Floats:
    """Independent delays, milliseconds."""
    match leg:
        case Constant():
            return np.full(size, leg.delay_us / 1_000)
        case Uniform():
            return rng.integers(leg.low_us, leg.high_us + 1, size) / 1_000
        case Exponential():
            return rng.exponential(leg.mean / 1_000, size)
        case Pareto():
            return np.asarray(leg.scale_us / 1_000 / (1 - rng.random(size)) ** (1 / leg.alpha))
        case Mixture():
            chosen = rng.choice(len(leg.parts), size, p=_weights(leg))
            drawn = np.empty(size)
            for number, (_, part) in enumerate(leg.parts):
                here = chosen == number
                drawn[here] = sample(part, rng, (int(here.sum()),))  # type: ignore[arg-type]
            return drawn


def tail(leg: Leg, x: Floats) -> Floats:
    """P(delay > x), milliseconds."""
    match leg:
        case Constant():
            return np.asarray(x < leg.delay_us / 1_000, dtype=float)
        case Uniform():
            values = leg.high_us - leg.low_us + 1
            return np.asarray(np.clip((leg.high_us - np.floor(x * 1_000)) / values, 0, 1))
        case Exponential():
            return np.exp(-np.maximum(x, 0) * 1_000 / leg.mean)
        case Pareto():
            return np.asarray((leg.scale_us / 1_000 / np.maximum(x, leg.scale_us / 1_000)) ** leg.alpha)
        case Mixture():
            whole = np.zeros_like(x)
            for weight, (_, part) in zip(_weights(leg), leg.parts, strict=True):
                whole += weight * tail(part, x)  # type: ignore[arg-type]
            return whole


def _weights(leg: Mixture) -> list[float]:
    total = sum(weight for weight, _ in leg.parts)
    return [weight / total for weight, _ in leg.parts]
