"""WARS, the model of a Dynamo-style operation, by Monte Carlo.

A write is committed at w_t, the W-th smallest of W[i] + A[i]. A read that begins t later is answered by
the R replicas of the smallest R[i] + S[i]; it is consistent if one of them had the write by the time
that the request reached it: w_t + t + R[i] >= W[i].

`trials` does just that. What is rare is measured better by `stale` and `tail_of_sum`, which draw the same
legs but one, and take the chance of that one from its distribution. For `stale`: if all R who answer
are behind, none of them was among the first W, so w_t is the W-th smallest of the *others*, and given
that, the write legs of those who answer are still free. For a sum of two legs: whichever is the larger
is left free (Asmussen and Kroese, Advances in Applied Probability 38, 2006).

Source: Bailis et al., VLDB 2012, section 4. The paper prints the inequality the other way; the authors' code
has it as here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.random import Generator

from experiments.quorums.legs import Floats, Legs, sample, tail

__all__ = ["Quorum", "Trials", "latency", "stale", "trials"]


@dataclass(frozen=True, slots=True)
class Quorum:
    """N, R and W."""

    n: int
    r: int
    w: int

    def __post_init__(self) -> None:
        if not (1 <= self.r <= self.n and 1 <= self.w <= self.n):
            raise ValueError(f"{self} cannot be met; R and W are from 1 to N")


@dataclass(frozen=True, slots=True)
class Trials:
    """Operations, one a place; milliseconds.

    Attributes:
        read: Latencies of reads.
        write: Latencies of writes.
        visible: By which pause after its write a read is consistent; 0 if at once.
    """

    read: Floats
    write: Floats
    visible: Floats


def trials(rng: Generator, legs: Legs, quorum: Quorum, count: int) -> Trials:
    """`count` independent writes, each with a read of its own."""
    size = (count, quorum.n)
    w, a, r, s = (sample(leg, rng, size) for leg in (legs.w, legs.a, legs.r, legs.s))
    if legs.remote_us:
        to_writer, to_reader = _remote(rng, legs, size), _remote(rng, legs, size)
        w, a, r, s = w + to_writer, a + to_writer, r + to_reader, s + to_reader
    write = np.sort(w + a, axis=1)[:, quorum.w - 1]
    order = np.argsort(r + s, axis=1)[:, : quorum.r]
    read = np.take_along_axis(r + s, order, axis=1)[:, -1]
    behind = np.take_along_axis(w - r, order, axis=1).min(axis=1) - write
    return Trials(read, write, np.maximum(behind, 0.0))


def stale(rng: Generator, legs: Legs, quorum: Quorum, count: int, pauses: Sequence[float]) -> Floats:
    """The chance that a read is stale that begins so many milliseconds after its write was acknowledged."""
    n, size = quorum.n, (count, quorum.n)
    if quorum.r + quorum.w > n:
        return np.zeros(len(pauses))
    w, a, r, s = (sample(leg, rng, size) for leg in (legs.w, legs.a, legs.r, legs.s))
    to_writer = np.zeros(size)
    if legs.remote_us:
        to_writer, to_reader = _remote(rng, legs, size), _remote(rng, legs, size)
        w, a, r, s = w + to_writer, a + to_writer, r + to_reader, s + to_reader
    order = np.argsort(r + s, axis=1)
    answering, others = order[:, : quorum.r], order[:, quorum.r :]
    committed = np.sort(np.take_along_axis(w + a, others, axis=1), axis=1)[:, quorum.w - 1 : quorum.w]
    free = committed + np.take_along_axis(r, answering, axis=1) - np.take_along_axis(to_writer, answering, axis=1)
    return np.array([np.prod(tail(legs.w, free + pause), axis=1).mean() for pause in pauses])


def latency(
    rng: Generator, legs: Legs, quorum: Quorum, count: int, levels: Sequence[float], *, write: bool
) -> list[float]:
    """Quantiles of reads or of writes, milliseconds, all from the same draws."""
    first, second, need = (legs.w, legs.a, quorum.w) if write else (legs.r, legs.s, quorum.r)
    x, y = sample(first, rng, (count,)), sample(second, rng, (count,))
    shift = 2 * legs.remote_us / 1_000

    def above(at: float) -> float:
        """P(a round trip to a replica takes longer)."""
        if at <= 0:
            return 1.0
        free = tail(first, np.maximum(at - y, y)) + tail(second, np.maximum(at - x, x))
        return min(1.0, float(free.mean()))

    def late(at: float) -> float:
        """P(fewer than `need` replicas have answered)."""
        near, far = above(at), above(at - shift) if shift else above(at)
        chances = [1.0]
        for chance in [1 - near, *[1 - far] * (quorum.n - 1)]:
            chances = [
                (chances[k] if k < len(chances) else 0.0) * (1 - chance) + (chances[k - 1] if k else 0.0) * chance
                for k in range(len(chances) + 1)
            ]
        return sum(chances[:need])

    found: list[float] = []
    for level in levels:
        # The next quantile is near the last.
        low, step = (0.7 * found[-1], 0.5) if found else (1e-3, 1.0)
        found.append(_crossing(lambda at, level=level: float(np.log(max(late(at), 1e-300) / (1 - level))), low, step))  # type: ignore[misc]
    return found


def closed_form(quorum: Quorum) -> float:
    """P(a read misses the last write) where neither set grows: C(N - W, R) / C(N, R)."""
    return comb(quorum.n - quorum.w, quorum.r) / comb(quorum.n, quorum.r)


def _crossing(falling: Callable[[float], float], low: float, step: float) -> float:
    """Where a falling function crosses 0 above `low`, to six digits: regula falsi on logarithms, the Illinois way."""
    left, right = np.log(low), np.log(low) + step
    at_left, at_right = falling(low), falling(float(np.exp(right)))
    while at_right > 0:
        left, at_left, right = right, at_right, right + step
        at_right = falling(float(np.exp(right)))
    for _ in range(60):
        if at_left == at_right:
            break
        middle = (left * at_right - right * at_left) / (at_right - at_left)
        at = falling(float(np.exp(middle)))
        if abs(at) < 1e-6 or right - left < 1e-8:
            return float(np.exp(middle))
        if at > 0:
            left, at_left, at_right = middle, at, at_right / 2
        else:
            right, at_right, at_left = middle, at, at_left / 2
    return float(np.exp((left + right) / 2))


def _remote(rng: Generator, legs: Legs, size: tuple[int, int]) -> Floats:
    """What legs to each replica take besides: all but one are far."""
    far = np.full(size, legs.remote_us / 1_000)
    far[np.arange(size[0]), rng.integers(0, size[1], size[0])] = 0.0
    return far
