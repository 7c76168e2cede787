"""Accrual detectors: phi as published, as Akka and Pekko run it, exponential, and as Cassandra runs it.

phi(t) = -log10(P(an interval longer than t)), from recent intervals. It is no probability of
a mistake: intervals are not normal, and where one heartbeat in a hundred is lost a nominal 1e-8
is really 1e-2. All state their threshold in phi; `suspicion` is phi over the threshold.

Sources: Hayashibara, Defago, Yared and Katayama, SRDS 2004; akka.remote.PhiAccrualFailureDetector;
org.apache.cassandra.gms.FailureDetector. Cassandra's pause guard is interpretation, in `interpreting`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import asinh, ceil, erfc, exp, inf, log, log1p, log10, pi, sinh, sqrt
from statistics import NormalDist
from typing import Final

from models.detection.average import SilenceDetector
from models.detection.recent import Recent, Window
from models.detection.refusals import at_least, refuse, within

__all__ = [
    "Akka",
    "AkkaDetector",
    "Cassandra",
    "CassandraDetector",
    "Exponential",
    "Phi",
    "PhiDetector",
    "logistic_phi",
    "logistic_point",
    "normal_phi",
    "normal_point",
]

_NORMAL: Final = NormalDist()
#: Of the logistic approximation of the normal distribution: exp(-y (a + b y^2)).
_A: Final = 1.5976
_B: Final = 0.070566
_LN_10: Final = log(10.0)
#: Highest phi that a threshold may ask for; 10 ** -phi must be a number.
_MOST_PHI: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phi:
    """phi accrual as published: normal intervals, mean and variance of the window.

    Attributes:
        eta_us: Interval to expect before any was seen, microseconds.
        threshold: phi that is suspect.
        deviation_us_min: Least that the standard deviation is taken for; a clock of whole microseconds knows no
            less than 1.
        recent: Which intervals count; the paper's 1,000.
    """

    eta_us: int
    threshold: float = 8.0
    deviation_us_min: int = 1
    recent: Recent = field(default=Recent(1_000))

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                within("threshold", self.threshold, 0, _MOST_PHI),
                at_least("deviation_us_min", self.deviation_us_min, 1),
            )
        )

    def make(self) -> PhiDetector:
        """A detector of this kind."""
        return PhiDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Akka:
    """phi accrual as Akka and Pekko run it, with the defaults of the cluster's detector.

    Attributes:
        threshold: phi that is suspect.
        pause_us: Acceptable heartbeat pause, added to the mean, microseconds.
        deviation_us_min: Least that the standard deviation is taken for.
        first_us: Estimate m of the interval before any was seen: two samples, m - m/4 and m + m/4, stand in.
        window: How many samples count.
    """

    threshold: float = 8.0
    pause_us: int = 3_000_000
    deviation_us_min: int = 100_000
    first_us: int = 1_000_000
    window: int = 1_000

    def __post_init__(self) -> None:
        refuse(
            (
                within("threshold", self.threshold, 0, _MOST_PHI),
                at_least("pause_us", self.pause_us, 0),
                at_least("deviation_us_min", self.deviation_us_min, 1),
                at_least("first_us", self.first_us, 4),
                within("window", self.window, 1, 1_000_000),
            )
        )

    def make(self) -> AkkaDetector:
        """A detector of this kind."""
        return AkkaDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Exponential accrual: phi = silence / (mean ln 10).

    Attributes:
        eta_us: Interval to expect before any was seen, microseconds.
        threshold: phi that is suspect.
        recent: Which intervals count.
    """

    eta_us: int
    threshold: float = 8.0
    recent: Recent = field(default=Recent(1_000))

    def __post_init__(self) -> None:
        refuse((at_least("eta_us", self.eta_us, 1), within("threshold", self.threshold, 0, _MOST_PHI)))

    def make(self) -> CassandraDetector:
        """A detector of this kind."""
        return CassandraDetector(self.threshold, Window(self.recent), self.eta_us, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassandra:
    """As Cassandra runs it: exponential, and long intervals are not learnt.

    Attributes:
        threshold: phi that is suspect, after division by ln 10; so 8 is 18.4207 means of silence.
        initial_us: Learnt in the place of an interval at the first heartbeat.
        interval_us_max: Longer intervals are not learnt.
        window: How many intervals count.
    """

    threshold: float = 8.0
    initial_us: int = 2_000_000
    interval_us_max: int = 2_000_000
    window: int = 1_000

    def __post_init__(self) -> None:
        refuse(
            (
                within("threshold", self.threshold, 0, _MOST_PHI),
                at_least("initial_us", self.initial_us, 1),
                at_least("interval_us_max", self.interval_us_max, 1),
                within("window", self.window, 0, 1_000_000),
            )
        )

    def make(self) -> CassandraDetector:
        """A detector of this kind."""
        window = Window(Recent(self.window))
        return CassandraDetector(self.threshold, window, self.initial_us, self.interval_us_max, self.initial_us)


def normal_phi(y: float) -> float:
    """-log10 of the chance that a normal number is more than `y` standard deviations above its mean."""
    if y > 37.0:
        # The chance is too small for a float: leading terms of its expansion (Mills).
        return (y * y / 2 + log(y * sqrt(2 * pi)) - log1p(-1 / (y * y))) / _LN_10
    return -log10(erfc(y / sqrt(2.0)) / 2)


def normal_point(phi: float) -> float:
    """Where `normal_phi` is `phi`, in (0, 300]."""
    return -_NORMAL.inv_cdf(10.0**-phi)


def logistic_phi(y: float) -> float:
    """The same by Akka's approximation, e / (1 + e) with e = exp(-y (1.5976 + 0.070566 y^2))."""
    exponent = -y * (_A + _B * y * y)
    return (log1p(exp(exponent)) - exponent) / _LN_10 if exponent < 700.0 else 0.0


def logistic_point(phi: float) -> float:
    """Where `logistic_phi` is `phi`, in (0, 300]: the real root of a cubic."""
    odds = phi * _LN_10 + log1p(-(10.0**-phi))
    p, q = _A / _B, odds / _B
    return 2 * sqrt(p / 3) * sinh(asinh(1.5 * q / p * sqrt(3 / p)) / 3)


class PhiDetector(SilenceDetector):
    """See `Phi`."""

    __slots__ = ("_plan", "_window", "_y")

    def __init__(self, plan: Phi) -> None:
        super().__init__()
        self._plan = plan
        self._window = Window(plan.recent)
        self._y = normal_point(plan.threshold)

    def suspicion(self, now_us: int) -> float:
        """Suspicion is phi over the threshold; 0 before anything arrived."""
        if self._last_us is None:
            return 0.0
        mean, deviation = self._shape()
        return normal_phi((now_us - self._last_us - mean) / deviation) / self._plan.threshold

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        self._window.add(interval_us, arrival_us)

    def _shape(self) -> tuple[float, float]:
        plan, window = self._plan, self._window
        mean, deviation = (window.mean(), window.deviation()) if len(window) else (float(plan.eta_us), 0.0)
        return mean, max(deviation, float(plan.deviation_us_min))

    def _timeout_us(self, level: float) -> float:
        mean, deviation = self._shape()
        y = self._y if level == 1.0 else normal_point(level * self._plan.threshold)
        return mean + y * deviation


class AkkaDetector(SilenceDetector):
    """See `Akka`. A heartbeat that ends a suspicion is not learnt."""

    __slots__ = ("_plan", "_window", "_y")

    def __init__(self, plan: Akka) -> None:
        super().__init__()
        self._plan = plan
        self._window = Window(Recent(plan.window))
        quarter = plan.first_us // 4
        self._window.add(plan.first_us - quarter, 0)
        self._window.add(plan.first_us + quarter, 0)
        self._y = logistic_point(plan.threshold)

    def suspicion(self, now_us: int) -> float:
        """Suspicion is phi over the threshold; 0 before anything arrived."""
        if self._last_us is None:
            return 0.0
        mean, deviation = self._shape()
        return logistic_phi((now_us - self._last_us - mean) / deviation) / self._plan.threshold

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        assert self._last_us is not None
        if arrival_us < self._last_us + ceil(self._timeout_us(1.0)):
            self._window.add(interval_us, arrival_us)

    def _shape(self) -> tuple[float, float]:
        mean = self._window.mean() + self._plan.pause_us
        return mean, max(self._window.deviation(), float(self._plan.deviation_us_min))

    def _timeout_us(self, level: float) -> float:
        mean, deviation = self._shape()
        y = self._y if level == 1.0 else logistic_point(level * self._plan.threshold)
        return mean + y * deviation


class CassandraDetector(SilenceDetector):
    """See `Cassandra` and `Exponential`.

    Args:
        threshold: phi that is suspect.
        window: Which intervals count.
        first_us: Mean before any interval was seen.
        interval_us_max: Longer ones are not learnt; None to learn all.
        initial_us: Learnt at the first heartbeat; None to learn nothing then.
    """

    __slots__ = ("_first_us", "_initial_us", "_longest_us", "_means", "_window")

    def __init__(
        self, threshold: float, window: Window, first_us: int, interval_us_max: int | None, initial_us: int | None
    ) -> None:
        super().__init__()
        self._means = threshold * _LN_10
        self._window = window
        self._first_us = float(first_us)
        self._longest_us = inf if interval_us_max is None else interval_us_max
        self._initial_us = initial_us

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """As others do; at the first heartbeat the initial value is learnt."""
        if sequence is not None and self._beat_us is None and self._initial_us is not None:
            self._window.add(self._initial_us, arrival_us)
        super().observe(sequence, arrival_us)

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        if interval_us <= self._longest_us:
            self._window.add(interval_us, arrival_us)

    def _timeout_us(self, level: float) -> float:
        mean = self._window.mean() if len(self._window) else self._first_us
        return mean * (level * self._means)
