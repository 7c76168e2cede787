"""Intervals over runs: what a table may say about a mean, a difference, a proportion or a zero.

The run is the unit of replication, so every function takes one number a run. Where an interval is undefined (a single
run, a value at infinity) its ends are None and it prints as such; nothing here returns NaN. scipy takes over a second
to import and is imported when first needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

__all__ = [
    "Interval",
    "Tested",
    "at_most",
    "bootstrap_difference",
    "clopper_pearson",
    "format_interval",
    "format_quantile",
    "holm",
    "paired_difference",
    "paired_p_value",
    "paired_test",
    "quantile",
    "rank_test",
    "sign_test",
    "t_interval",
    "welch_test",
    "zero_count_bound",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate over `n` runs with the ends of its interval, which are None where undefined."""

    estimate: float
    low: float | None
    high: float | None
    n: int

    @property
    def defined(self) -> bool:
        """Whether the runs sufficed for an interval."""
        return self.low is not None and self.high is not None

    def excludes(self, value: float) -> bool | None:
        """Whether the interval lies to one side of `value`; None if it is undefined."""
        if self.low is None or self.high is None:
            return None
        return not self.low <= value <= self.high


class Tested(NamedTuple):
    """A difference with its interval, and the two-sided p-value of there being none; None where undefined."""

    interval: Interval
    p_value: float | None


def t_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Student's interval for the mean over runs; exact for normal values.

    One run, or a run at infinity, has an estimate and no interval. No spread at all gives an interval of width zero.

    Raises:
        ValueError: No value, a NaN, or a confidence outside (0, 1).
    """
    _require(values, confidence)
    n = len(values)
    mean = _mean(values)
    if n < 2 or not math.isfinite(mean):
        return Interval(estimate=mean, low=None, high=None, n=n)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, n - 1)) * math.sqrt(variance / n)
    return Interval(estimate=mean, low=mean - half, high=mean + half, n=n)


def paired_difference(first: Sequence[float], second: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Student's interval for the mean of `first - second` over runs that share a seed.

    Raises:
        ValueError: As `t_interval`, or the arms differ in length, or both are infinite under one seed.
    """
    return t_interval(_differences(first, second), confidence=confidence)


def bootstrap_difference(
    first: Sequence[float],
    second: Sequence[float],
    *,
    seed: int,
    name: str,
    confidence: float = 0.95,
    draws: int = 4000,
) -> Interval:
    """Percentile bootstrap of the mean of `first - second`, resampling runs; for differences far from normal.

    Args:
        first: One number a run.
        second: The other arm's, by the same seeds.
        seed: Root seed of the resampling, which has its own generator, derived from this and `name`.
        name: Which comparison this is, such as "availability/region-split".
        confidence: Coverage aimed at; percentile intervals fall short of it below about 20 runs.
        draws: Resamples.

    Raises:
        ValueError: As `paired_difference`.
    """
    differences = _differences(first, second)
    _require(differences, confidence)
    n = len(differences)
    mean = _mean(differences)
    if n < 2 or not math.isfinite(mean):
        return Interval(estimate=mean, low=None, high=None, n=n)
    key = int.from_bytes(blake2b(f"{seed}/bootstrap/{name}".encode(), digest_size=16).digest(), "big")
    chosen = np.random.Generator(np.random.PCG64(key)).integers(0, n, size=(draws, n))
    means = np.sort(np.asarray(differences, dtype=float)[chosen].mean(axis=1))
    tail = (1 - confidence) / 2
    low, high = (float(np.quantile(means, part)) for part in (tail, 1 - tail))
    return Interval(estimate=mean, low=low, high=high, n=n)


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p-value of the paired t-test; None below two runs or with an infinite difference.

    Equal differences throughout leave no doubt: 1 if they are zero, else 0.
    """
    interval = paired_difference(first, second)
    if not interval.defined:
        return None
    differences = _differences(first, second)
    if max(differences) == min(differences):
        return 1.0 if differences[0] == 0 else 0.0
    variance = math.fsum((value - interval.estimate) ** 2 for value in differences) / (interval.n - 1)
    from scipy.stats import t

    return float(2 * t.sf(abs(interval.estimate) / math.sqrt(variance / interval.n), interval.n - 1))


def paired_test(
    first: Sequence[float], second: Sequence[float], *, least_variance: float = 0.0, confidence: float = 0.95
) -> Tested:
    """Student's test of the mean of `first - second` over runs that share a seed.

    Args:
        first: One number a run.
        second: The other's, by the same seeds.
        least_variance: Of a single difference, whatever the sample says. Three runs that all went from 0 to 1 are no
            proof: a count is known to half a unit, so differences of counts spread by at least 1/6 (Sheppard).
        confidence: Of the interval.

    Raises:
        ValueError: As `paired_difference`.
    """
    differences = _differences(first, second)
    _require(differences, confidence)
    n, mean = len(differences), _mean(differences)
    if n < 2 or not math.isfinite(mean):
        return Tested(Interval(estimate=mean, low=None, high=None, n=n), None)
    return _tested(mean, max(_variance(differences), least_variance) / n, n - 1, n, confidence)


def welch_test(
    first: Sequence[float], second: Sequence[float], *, least_variance: float = 0.0, confidence: float = 0.95
) -> Tested:
    """Welch's test of the difference of the means of `first` and `second`, independent runs (Biometrika 1947).

    Args:
        first: One number a run.
        second: The other's; as many as there are.
        least_variance: Of a single number, whatever the samples say; 1/12 for a count.
        confidence: Of the interval, which has Satterthwaite's degrees of freedom.

    Raises:
        ValueError: No value on one side, a NaN, or a confidence outside (0, 1).
    """
    _require(first, confidence)
    _require(second, confidence)
    n = len(first) + len(second)
    means = _mean(first), _mean(second)
    if min(len(first), len(second)) < 2 or not all(map(math.isfinite, means)):
        estimate = 0.0 if means[0] == means[1] else means[0] - means[1]
        return Tested(Interval(estimate=estimate, low=None, high=None, n=n), None)
    parts = [max(_variance(values), least_variance) / len(values) for values in (first, second)]
    squares = math.fsum(part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True))
    freedom = math.fsum(parts) ** 2 / squares if squares else n - 2
    return _tested(means[0] - means[1], math.fsum(parts), freedom, n, confidence)


def sign_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Exact two-sided p-value that `first` is above `second` as often as below; ties aside, infinity is a value.

    Raises:
        ValueError: The two differ in length.
    """
    above = sum(a > b for a, b in zip(first, second, strict=True))
    below = sum(a < b for a, b in zip(first, second, strict=True))
    n = above + below
    extreme = sum(math.comb(n, k) for k in range(min(above, below) + 1))
    return float(min(1.0, 2 * extreme / (1 << n)))


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of the rank-sum test (Mann and Whitney 1947) of independent runs; infinity is a value.

    Raises:
        ValueError: No value on one side, or a NaN.
    """
    _require(first, 0.95)
    _require(second, 0.95)
    if len({*first, *second}) == 1:
        return 1.0
    order = {value: rank for rank, value in enumerate(sorted({*first, *second}))}
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu([order[value] for value in first], [order[value] for value in second]).pvalue)


def clopper_pearson(count: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Exact two-sided interval of a proportion (Clopper and Pearson, Biometrika 1934).

    Raises:
        ValueError: Not 0 <= count <= trials, no trial, or a confidence outside (0, 1).
    """
    if not 0 <= count <= trials or trials < 1:
        raise ValueError(f"{count=} of {trials=} is no proportion; count successes among at least one trial")
    _require([0.0], confidence)
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, trials - count + 1))
    high = 1.0 if count == trials else float(beta.ppf(1 - tail, count + 1, trials - count))
    return Interval(estimate=count / trials, low=low, high=high, n=trials)


def zero_count_bound(trials: int, *, confidence: float = 0.95) -> float:
    """Exact one-sided upper bound of a proportion that was never seen: 200 clean runs leave at most 1.5 %.

    Raises:
        ValueError: No trial, or a confidence outside (0, 1).
    """
    if trials < 1:
        raise ValueError(f"{trials=} bounds nothing; run at least one")
    _require([0.0], confidence)
    return -math.expm1(math.log1p(-confidence) / trials)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust the p-values of one family of comparisons (Holm, Scandinavian Journal of Statistics 1979), in given order.

    Raises:
        ValueError: A value outside [0, 1].
    """
    for name, p_value in p_values.items():
        if not 0 <= p_value <= 1:
            raise ValueError(f"{name}: {p_value=} is no probability")
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda key: (p_values[key], key))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def quantile(values: Sequence[float], level: float, *, unanswered: int = 0) -> float:
    """The smallest observed value that at least `level` of all operations do not exceed, unanswered ones at infinity.

    No interpolation: between the last answer and never there is no middle.

    Raises:
        ValueError: No operation at all, a NaN, a negative count or a level outside (0, 1].
    """
    total = len(values) + unanswered
    if not 0 < level <= 1 or unanswered < 0 or total < 1:
        raise ValueError(
            f"{level=} of {total} operations ({unanswered=}) is undefined; give a level in (0, 1] and some"
        )
    ordered = sorted(values)
    if any(value != value for value in ordered):
        raise ValueError("a value is NaN; an operation without an answer counts as unanswered")
    rank = math.ceil(level * total - 1e-9)  # 0.07 * 100 is 7.000000000000001, and the 7th value is meant
    return ordered[rank - 1] if rank <= len(ordered) else math.inf


def format_interval(interval: Interval, spec: str = ".3g", unit: str = "") -> str:
    """Print as "mean [low, high]", or say that a single run has no interval."""
    suffix = f" {unit}" if unit else ""
    estimate = "never" if interval.estimate == math.inf else f"{interval.estimate:{spec}}"
    if interval.low is None or interval.high is None:
        return f"{estimate}{suffix} [no interval, n = {interval.n}]"
    return f"{estimate} [{interval.low:{spec}}, {interval.high:{spec}}]{suffix}"


def format_quantile(value: float, deadline: float, spec: str = ".0f", unit: str = "ms") -> str:
    """Print a latency, or "> deadline" for one past it, where it means only that no answer came in time."""
    return f"> {deadline:{spec}} {unit}" if value > deadline else f"{value:{spec}} {unit}"


def at_most(count: int, trials: int) -> str:
    """Print a count of runs among trials; a zero with its exact 95 % upper bound, for absence is never shown."""
    if count:
        return f"{count} of {trials}"
    return f"0 of {trials} (at most {100 * zero_count_bound(trials):.2g} %)"


def _require(values: Sequence[float], confidence: float) -> None:
    if not values:
        raise ValueError("no values; an interval needs at least one run")
    if any(value != value for value in values):
        raise ValueError("a value is NaN; leave undefined runs out and say how many they were")
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence=} is not inside (0, 1); 0.95 is usual")


def _mean(values: Sequence[float]) -> float:
    signs = {math.copysign(1, value) for value in values if math.isinf(value)}
    if len(signs) == 2:
        raise ValueError("values at plus and minus infinity have no mean; compare quantiles instead")
    return signs.pop() * math.inf if signs else math.fsum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _tested(estimate: float, variance: float, freedom: float, n: int, confidence: float) -> Tested:
    """Test an estimate whose own variance is known; with none at all there is no doubt either way."""
    from scipy.stats import t

    if variance == 0:
        return Tested(Interval(estimate=estimate, low=estimate, high=estimate, n=n), 1.0 if estimate == 0 else 0.0)
    error = math.sqrt(variance)
    half = float(t.ppf((1 + confidence) / 2, freedom)) * error
    interval = Interval(estimate=estimate, low=estimate - half, high=estimate + half, n=n)
    return Tested(interval, float(2 * t.sf(abs(estimate) / error, freedom)))


def _differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} runs cannot be paired; give both arms by the same seeds")
    if any(math.isinf(a) and a == b for a, b in zip(first, second, strict=True)):
        raise ValueError("both arms are infinite under one seed, which has no difference; compare how often each is")
    return [a - b for a, b in zip(first, second, strict=True)]
