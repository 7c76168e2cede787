"""Closed forms about detectors, each with where it is from. Times are in seconds.

Nothing here comes from `models`: a detector that states its own threshold wrongly would otherwise
agree with itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

__all__ = [
    "Chen",
    "akka_crossing_ms",
    "cassandra_means",
    "chen_eta",
    "chen_eta_of_moments",
    "exponential",
    "forward_good",
    "least_suspicion",
    "logistic_y",
    "mean_interval",
    "nfd_s",
    "normal_y",
    "remaining_suspicion",
    "swim_first_detection",
    "timeout_recurrence",
]

Beyond = Callable[[float], float]
_NODES, _WEIGHTS = (tuple(values.tolist()) for values in np.polynomial.legendre.leggauss(12))
_PARTS: Final = 40


class Chen(NamedTuple):
    """E[T_MR], E[T_M] and P_A."""

    recurrence: float
    mistake: float
    accuracy: float


def exponential(mean: float) -> Beyond:
    """P(D > t) of exponential delays."""
    return lambda t: math.exp(-t / mean) if t > 0 else 1.0


def nfd_s(eta: float, delta: float, loss: float, beyond: Beyond) -> Chen:
    """Quality of NFD-S. Chen, Toueg and Aguilera 2002; u has kinks, so it is integrated piece by piece."""
    k = math.ceil(delta / eta - 1e-12)

    def u(x: float) -> float:
        return math.prod(loss + (1 - loss) * beyond(delta + x - j * eta) for j in range(k + 1))

    kinks = sorted({0.0, eta, *(x for j in range(k + 2) if 0 < (x := j * eta - delta) < eta)})
    total = math.fsum(_integral(u, low, high) for low, high in pairwise(kinks))
    p_s = (1 - loss) * (1 - beyond(delta + eta)) * u(0.0)
    return Chen(eta / p_s, total / p_s, 1 - total / eta)


def _integral(f: Callable[[float], float], low: float, high: float) -> float:
    """Gauss and Legendre, in parts that are the shorter the nearer the begin, where f falls."""
    edges = [low + (high - low) * (part / _PARTS) ** 3 for part in range(_PARTS + 1)]
    return math.fsum(
        (b - a) / 2 * weight * f((a + b) / 2 + (b - a) / 2 * node)
        for a, b in pairwise(edges)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True)
    )


def timeout_recurrence(eta: float, timeout: float, loss: float, mean: float, cut: float = math.inf) -> float:
    """E[T_MR] of a plain time-out whose heartbeats later than `cut` are thrown away; exponential delays.

    Delays are so short against eta that nothing is overtaken. Of heartbeats sent, a share g is
    taken; the next that is taken comes k later with chance g (1-g)^(k-1), and there is a mistake
    if k eta + D' - D exceeds the time-out.
    """
    share = -math.expm1(-cut / mean)
    good = (1 - loss) * share
    chance = math.fsum(
        good * (1 - good) ** (k - 1) * _later_by(timeout - k * eta, mean, cut)
        for k in range(1, math.ceil(timeout) + 60)
    )
    return eta / (good * chance)


def _later_by(z: float, mean: float, cut: float) -> float:
    """P(D' - D > z) of two exponential delays, both known to be at most `cut`."""
    if z < 0:
        return 1 - _later_by(-z, mean, cut)
    if z >= cut:
        return 0.0
    share, e = -math.expm1(-cut / mean), math.exp
    whole = e(-z / mean) * -math.expm1(-2 * (cut - z) / mean) / 2
    return (whole + e(-cut / mean) * math.expm1(-(cut - z) / mean)) / share**2


def chen_eta(wanted: tuple[float, float, float], loss: float, beyond: Beyond) -> float:
    """Largest eta of the configurator that knows the distribution, by looking at a fine grid from above.

    Args:
        wanted: T_D at most, T_MR at least, T_M at most.
        loss: Of heartbeats.
        beyond: P(D > t).
    """
    detect, recur, mistake = wanted
    q0 = (1 - loss) * (1 - beyond(detect))

    def promised(eta: float) -> float:
        terms = range(1, math.ceil(detect / eta))
        return eta / (q0 * math.prod(loss + (1 - loss) * beyond(detect - j * eta) for j in terms))

    return _highest(promised, recur, min(q0 * mistake, detect))


def chen_eta_of_moments(wanted: tuple[float, float, float], loss: float, mean: float, variance: float) -> float:
    """The same of the configurator that knows mean and variance."""
    detect, recur, mistake = wanted
    span = detect - mean

    def promised(eta: float) -> float:
        terms = [(span - j * eta) ** 2 for j in range(1, math.ceil(span / eta))]
        return eta * math.prod((variance + square) / (variance + loss * square) for square in terms)

    gamma = (1 - loss) * span**2 / (variance + span**2)
    return _highest(promised, recur, min(gamma * mistake, span))


def _highest(promised: Callable[[float], float], recur: float, most: float) -> float:
    """By a grid of a thousandth, another of a thousandth of that between its last two points, and bisection there."""
    bad, good = most, most
    for parts in (1_000, 1_000):
        step = (most / parts) if good == most else (bad - good) / parts
        top = bad
        at = next(n for n in range(parts + 1) if promised(top - n * step) >= recur)
        bad, good = top - max(at - 1, 0) * step, top - at * step
    for _ in range(60):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if promised(middle) >= recur else (good, middle)
    return good


def mean_interval(eta: float, loss: float) -> float:
    """Mean interval between heartbeats that arrive, whatever their delay: eta / (1 - loss)."""
    return eta / (1 - loss)


def forward_good(eta: float, delta: float, loss: float, mean: float) -> tuple[float, float]:
    """E[T_G] and E[T_FG] of NFD-S where a mistake is made only by a loss: eta > delta, and delays far below delta.

    After a heartbeat that came D late the next loss is N on, geometric: T_G = N eta + delta - D.
    E[T_FG] = (1 + V/E^2) E/2 with the mean and variance of that.
    """
    good = eta / loss + delta - mean
    variance = eta**2 * (1 - loss) / loss**2 + mean**2
    return good, (1 + variance / good**2) * good / 2


def normal_y(phi: float) -> float:
    """Standard deviations above the mean at which an exact normal tail is 10^-phi: bisection of erfc."""
    return _bisected(lambda y: -math.log10(math.erfc(y / math.sqrt(2)) / 2), phi)


def logistic_y(phi: float) -> float:
    """The same of e / (1 + e), e = exp(-y (1.5976 + 0.070566 y^2)): bisection."""

    def tail(y: float) -> float:
        e = math.exp(-y * (1.5976 + 0.070566 * y * y))
        return -math.log10(e / (1 + e))

    return _bisected(tail, phi)


def _bisected(rising: Callable[[float], float], value: float) -> float:
    low, high = -5.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return low


def akka_crossing_ms(phi: float, mean_ms: float, deviation_ms: float, pause_ms: float) -> float:
    """Silence at which Akka's detector suspects, milliseconds."""
    return mean_ms + pause_ms + logistic_y(phi) * deviation_ms


def cassandra_means(threshold: float) -> float:
    """Silence at which Cassandra convicts, in mean intervals: threshold times ln 10."""
    return threshold * math.log(10)


def swim_first_detection(size: int) -> float:
    """Expected period of the first probe of a crashed member, 1 / (1 - (1 - 1/(n-1))^(n-1)). SWIM, DSN 2002."""
    return 1 / (1 - (1 - 1 / (size - 1)) ** (size - 1))


def remaining_suspicion(confirmations: int, needed: int, elapsed: float, least: float, most: float) -> float:
    """What is left of a suspect's time. Lifeguard, 2017."""
    spent = math.log(confirmations + 1) / math.log(needed + 1)
    return max(least, most - (most - least) * spent) - elapsed


def least_suspicion(mult: int, size: int, interval: float) -> float:
    """Least suspicion time-out: mult max(1, log10 n) intervals. As memberlist has it."""
    return mult * max(1.0, math.log10(size)) * interval
