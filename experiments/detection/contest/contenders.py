"""Who is compared: every detector of heartbeats, each with the one parameter that trades detection time for mistakes.

Defaults play no part: the parameter is turned, all else is as published. Two pairs are one detector under two names,
and stand here once: exponential accrual is the mean with a factor of threshold x ln 10, and phi as published is the
mean and y(threshold) standard deviations. NFD-S knows when heartbeats are sent, which no other does. SWIM sends
probes, not heartbeats, and has scenarios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from experiments.detection.changing import ETA_US
from models.detection import (
    Akka,
    Bertier,
    Cassandra,
    Deviation,
    Ewma,
    Fixed,
    Mean,
    Newest,
    NfdE,
    NfdS,
    Phi,
    Plan,
    Recent,
    TwoWindows,
)
from models.detection.accrual import normal_phi

__all__ = ["CONTENDERS", "QUICK", "REFERENCE", "Contender"]

_S: Final = 1_000_000
#: Of phi 299; beyond, 10 ** -phi is no number.
_MOST_Y: Final = 37.0


class Contender(NamedTuple):
    """A detector with its parameter open.

    Attributes:
        name: An arm's.
        label: What a reader sees.
        make: The detector at a value of the parameter; more is more patient.
        low: Least value.
        high: Greatest value.
        parameter: What is turned.
    """

    name: str
    label: str
    make: Callable[[float], Plan]
    low: float
    high: float
    parameter: str


#: The idea in question: a multiple of the mean of the last hundred intervals.
REFERENCE: Final = "mean-100"


def _mean(recent: Recent) -> Callable[[float], Plan]:
    return lambda factor: Mean(eta_us=ETA_US, factor=factor, recent=recent)


def _deviation(count: int) -> Callable[[float], Plan]:
    return lambda k: Deviation(eta_us=ETA_US, deviations=k, recent=Recent(count))


def _nfd_e(window: int) -> Callable[[float], Plan]:
    return lambda alpha_s: NfdE(eta_us=ETA_US, alpha_us=round(alpha_s * _S), window=window)


def _by_mean(name: str, told: str, recent: Recent) -> Contender:
    return Contender(name, f"mean of the last {told}", _mean(recent), 0.5, 100.0, "factor")


#: In the order of tables.
CONTENDERS: Final[tuple[Contender, ...]] = (
    Contender("fixed", "fixed time-out", lambda s: Fixed(timeout_us=round(s * _S)), 0.5, 100.0, "time-out, s"),
    _by_mean("mean-5", "5", Recent(5)),
    _by_mean("mean-20", "20", Recent(20)),
    _by_mean("mean-100", "100", Recent(100)),
    _by_mean("mean-1000", "1,000", Recent(1_000)),
    _by_mean("mean-10s", "10 s", Recent(1_000, 10 * _S)),
    _by_mean("mean-300s", "300 s", Recent(1_000, 300 * _S)),
    Contender(
        "mean-new",
        "mean of the last 100 that are new",
        lambda factor: Newest(plan=_mean(Recent(100))(factor)),
        0.5,
        100.0,
        "factor",
    ),
    Contender("ewma", "weighted mean, weight .1", lambda f: Ewma(eta_us=ETA_US, factor=f), 0.5, 100.0, "factor"),
    Contender("deviation-20", "mean and deviations of 20", _deviation(20), 0.0, 1_000.0, "deviations"),
    Contender(
        "phi",
        "phi, last 1,000",
        lambda y: Phi(eta_us=ETA_US, threshold=normal_phi(y), recent=Recent(1_000)),
        0.0,
        _MOST_Y,
        "threshold, as deviations",
    ),
    Contender("akka", "Akka", lambda s: Akka(pause_us=round(s * _S)), 0.0, 100.0, "acceptable pause, s"),
    Contender("cassandra", "Cassandra", lambda threshold: Cassandra(threshold=threshold), 0.2, 100.0, "threshold"),
    Contender(
        "nfd-s", "NFD-S", lambda delta_s: NfdS(eta_us=ETA_US, delta_us=round(delta_s * _S)), 0.0, 100.0, "delta, s"
    ),
    Contender("nfd-e", "NFD-E, last 32", _nfd_e(32), -0.9, 100.0, "alpha, s"),
    Contender("nfd-e-1000", "NFD-E, last 1,000", _nfd_e(1_000), -0.9, 100.0, "alpha, s"),
    Contender(
        "2w-fd",
        "2W-FD, 1 and 1,000",
        lambda margin_s: TwoWindows(eta_us=ETA_US, margin_us=round(margin_s * _S)),
        0.0,
        100.0,
        "margin, s",
    ),
    Contender(
        "bertier", "Bertier", lambda phi: Bertier(eta_us=ETA_US, phi=phi), 0.0, 100_000.0, "weight of the variation"
    ),
)
#: Those of the quick size: what a claim compares, and what is drawn.
QUICK: Final = ("fixed", "mean-5", REFERENCE, "mean-new", "phi", "akka", "nfd-s", "nfd-e", "2w-fd")
