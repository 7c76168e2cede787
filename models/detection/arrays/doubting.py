"""Akka's detector over arrays: what it learns depends on its own verdict.

An interval that ends a suspicion is not learnt. So a stretch is worked out on the assumption
that all of it is learnt; up to the first arrival that came under suspicion that was right, and
from there it begins anew without that interval. Stretches grow while nothing is suspected, and
shrink where much is; on such a trace this is no faster than arrival by arrival.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.detection.accrual import Akka
from models.detection.arrays.averages import Floats, recent_shape, whole
from models.detection.arrays.trace import Ints
from models.detection.recent import Recent

__all__ = ["akka"]

_SHORTEST: Final = 64
_LONGEST: Final = 1 << 16


def akka(arrivals: Ints, plan: Akka, y: float, y_asked: float) -> Ints:
    """Crossings of the point `y_asked`, where the detector itself suspects at the point `y`."""
    found = np.empty(len(arrivals), np.int64)
    quarter = plan.first_us // 4
    # Arrivals as they would have been had each come a learnt interval after the one before.
    learnt = np.cumsum([0, plan.first_us - quarter, plan.first_us + quarter])
    at, stretch = 0, _SHORTEST
    while at < len(arrivals):
        end = min(at + stretch, len(arrivals))
        gaps = np.diff(arrivals[at:end])
        course = np.concatenate((learnt, learnt[-1] + np.cumsum(gaps)))
        mean, deviation = _shapes(course, len(learnt) - 1, plan)
        doubted = np.flatnonzero(gaps >= whole(mean[:-1] + y * deviation[:-1]))
        right = int(doubted[0]) + 1 if len(doubted) else end - at
        found[at : at + right] = arrivals[at : at + right] + whole(mean[:right] + y_asked * deviation[:right])
        # All before the doubted interval is learnt; the arrival that ended it begins the next stretch.
        learnt = course[: len(learnt) + right - 1][-plan.window - 1 :]
        stretch = min(2 * stretch, _LONGEST) if not len(doubted) else max(_SHORTEST, 2 * right)
        if not len(doubted) and end < len(arrivals):
            # The gap to the next stretch is judged as all are.
            gap = int(arrivals[end] - arrivals[end - 1])
            if gap < int(whole(mean[-1:] + y * deviation[-1:])[0]):
                learnt = np.append(learnt, learnt[-1] + gap)[-plan.window - 1 :]
        at += right
    return found


def _shapes(course: Ints, first: int, plan: Akka) -> tuple[Floats, Floats]:
    """Mean and standard deviation after each arrival of a stretch, as the detector takes them."""
    parts = [part[2:] for part in recent_shape(course, Recent(plan.window), 0.0)]
    mean = np.concatenate([part[0] for part in parts])[first:] + plan.pause_us
    deviation = np.maximum(np.concatenate([part[1] for part in parts])[first:], float(plan.deviation_us_min))
    return mean, deviation
