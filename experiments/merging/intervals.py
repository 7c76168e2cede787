"""Intervals over runs that prices and latencies need beside the usual ones: of a ratio of means, and of a median."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, fsum, inf, isfinite, sqrt

from experiments.statistics import Interval, t_interval

__all__ = ["median_interval", "ratio_interval"]


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The ratio of two means over runs that share a seed, at least 0 (Fieller, JRSS B 1954).

    The interval is of all ratios r at which the mean of `numerator - r * denominator` may be 0; where the denominator
    may be 0 it has no upper end, which is then infinite. The estimate is infinite where the denominator's mean is 0.

    Args:
        numerators: One number a run.
        denominators: The other's, by the same seeds.
        confidence: Of the interval, undefined below two runs.

    Raises:
        ValueError: The two differ in length, or a value is not finite.
    """
    if not all(map(isfinite, (*numerators, *denominators))):
        raise ValueError("a value is not finite, and no ratio of means is known; leave unfinished runs out and say so")
    if len(numerators) != len(denominators):
        raise ValueError(
            f"{len(numerators)} and {len(denominators)} runs cannot be paired; give both by the same seeds"
        )
    above = t_interval(numerators, confidence=confidence).estimate
    below = t_interval(denominators, confidence=confidence).estimate
    n, estimate = len(numerators), above / below if below else inf
    if n < 2:
        return Interval(estimate=estimate, low=None, high=None, n=n)
    from scipy.stats import t

    width = float(t.ppf((1 + confidence) / 2, n - 1)) ** 2 / n / (n - 1)
    pairs = [(one - above, two - below) for one, two in zip(numerators, denominators, strict=True)]
    # The mean of numerator - r * denominator is within its error of 0 where a r^2 - 2 b r + c <= 0.
    a = below**2 - width * fsum(two * two for _, two in pairs)
    b = above * below - width * fsum(one * two for one, two in pairs)
    c = above**2 - width * fsum(one * one for one, _ in pairs)
    root = sqrt(max(0.0, b * b - a * c))
    if a > 0:
        return Interval(estimate=estimate, low=max(0.0, (b - root) / a), high=max(0.0, (b + root) / a), n=n)
    return Interval(estimate=estimate, low=c / (b + root) if c > 0 and b + root > 0 else 0.0, high=inf, n=n)


def median_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The median over runs (of an even number the lower middle) between two of them, exact whatever their law.

    Infinity is a value. Below six runs no two of them enclose the median with 95 %, and the interval is undefined.

    Raises:
        ValueError: No value.
    """
    if not values:
        raise ValueError("no values; a median needs at least one run")
    n, ordered, error = len(values), sorted(values), (1 - confidence) * 2 ** len(values)
    skip, tail = 0, 1  # values left out at each end, and 2^n times the chance that the median lies among them
    while 2 * (tail + comb(n, skip + 1)) <= error:
        skip += 1
        tail += comb(n, skip)
    estimate = ordered[(n - 1) // 2]
    if 2 * tail > error:
        return Interval(estimate=estimate, low=None, high=None, n=n)
    return Interval(estimate=estimate, low=ordered[skip], high=ordered[n - 1 - skip], n=n)
