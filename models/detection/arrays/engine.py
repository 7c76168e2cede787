"""At which instant each detector would suspect after each arrival, for whole traces."""

from __future__ import annotations

from math import ceil, log
from typing import Final

from models.detection.accrual import Akka, Cassandra, Exponential, Phi, logistic_point, normal_point
from models.detection.arrays import averages, doubting, expected
from models.detection.arrays.trace import Ints, Trace
from models.detection.average import Deviation, Ewma, Mean
from models.detection.detector import Plan
from models.detection.fixed import Fixed
from models.detection.freshness import Bertier, NfdE, NfdS, NfdU, TwoWindows
from models.detection.numbered import Newest

__all__ = ["crossings", "shortest"]

_LN_10: Final = log(10.0)


def crossings(plan: Plan, trace: Trace, level: float = 1.0) -> Ints:
    """After each arrival, when suspicion reaches `level` if nothing more arrives.

    Raises:
        ValueError: The plan is none of the detectors here, or its window does not fit the numbers.
    """
    arrivals = trace.arrivals_us
    if isinstance(plan, Fixed):
        return arrivals + ceil(level * plan.timeout_us)
    if isinstance(plan, Mean):
        factor = level * plan.factor
        return averages.means(arrivals, plan.recent, float(plan.eta_us), factor)
    if isinstance(plan, Exponential):
        return averages.means(arrivals, plan.recent, float(plan.eta_us), level * (plan.threshold * _LN_10))
    if isinstance(plan, Deviation):
        return averages.deviations(arrivals, plan, level)
    if isinstance(plan, Phi):
        y = normal_point(level * plan.threshold)
        return averages.normal(arrivals, plan.recent, (plan.eta_us, plan.deviation_us_min), y)
    if isinstance(plan, Ewma):
        return averages.weighted(arrivals, plan, level)
    if isinstance(plan, Cassandra):
        return averages.capped(arrivals, plan, level * (plan.threshold * _LN_10))
    if isinstance(plan, Akka):
        return doubting.akka(arrivals, plan, logistic_point(plan.threshold), logistic_point(level * plan.threshold))
    if isinstance(plan, Newest):
        return expected.of_newest(trace, lambda newest: crossings(plan.plan, newest, level))
    if isinstance(plan, NfdS | NfdU | NfdE | Bertier | TwoWindows):
        return expected.of_newest(trace, lambda newest: expected.freshness(plan, newest, level))
    raise ValueError(f"{plan!r} is no detector that works on arrays; drive its `make()` arrival by arrival")


def shortest(plan: Plan) -> int:
    """How many arrivals a trace needs until the detector's window is full: those before are its warm-up."""
    if isinstance(plan, Newest):
        return shortest(plan.plan)
    if isinstance(plan, Mean | Deviation | Phi | Exponential):
        return plan.recent.count + 1
    if isinstance(plan, Cassandra | Akka):
        return plan.window + 1
    if isinstance(plan, NfdE | Bertier):
        return plan.window
    if isinstance(plan, TwoWindows):
        return plan.long
    if isinstance(plan, Ewma):
        return round(2 / plan.weight)
    return 1
