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
    learnt = _Learnt(plan, int(np.diff(arrivals).max(initial=0)))
    at, stretch = 0, _SHORTEST
    while at < len(arrivals):
        end = min(at + stretch, len(arrivals))
        gaps = np.diff(arrivals[at:end])
        mean, deviation = learnt.shapes(gaps)
        doubted = np.flatnonzero(gaps >= whole(mean[:-1] + y * deviation[:-1]))
        right = int(doubted[0]) + 1 if len(doubted) else end - at
        found[at : at + right] = arrivals[at : at + right] + whole(mean[:right] + y_asked * deviation[:right])
        # All before the doubted interval is learnt; the arrival that ended it begins the next stretch.
        stretch = min(2 * stretch, _LONGEST) if not len(doubted) else max(_SHORTEST, 2 * right)
        taken = gaps[: right - 1]
        if not len(doubted) and end < len(arrivals):
            # The gap to the next stretch is judged as all are.
            gap = int(arrivals[end] - arrivals[end - 1])
            if gap < int(whole(mean[-1:] + y * deviation[-1:])[0]):
                taken = np.append(taken, gap)
        learnt.learn(taken)
        at += right
    return found


class _Learnt:
    """What was learnt so far, as far back as the window reaches.

    Attributes:
        course: Arrivals as they would have been had each come a learnt interval after the one before.
        squares: Running sums of the squares of those intervals, as in `averages` exact for a window's difference.
    """

    def __init__(self, plan: Akka, longest: int) -> None:
        quarter = plan.first_us // 4
        first = np.array([plan.first_us - quarter, plan.first_us + quarter], np.int64)
        longest = max(longest, plan.first_us + quarter)
        self._plan = plan
        #: Squares so large that one window's may not fit are summed in two halves, the long way.
        self._wide = longest * longest * plan.window >= 1 << 62
        self.course = np.concatenate((np.zeros(1, np.int64), np.cumsum(first)))
        self.squares = np.concatenate((np.zeros(1, np.int64), np.cumsum(first * first)))

    def shapes(self, gaps: Ints) -> tuple[Floats, Floats]:
        """Mean and standard deviation before these intervals and after each, as the detector takes them."""
        first, n = len(self.course) - 1, self._plan.window
        course = self._longer(self.course, gaps)
        if self._wide:
            parts = [part[2:] for part in recent_shape(course, Recent(n), 0.0)]
            mean = np.concatenate([part[0] for part in parts])[first:]
            deviation = np.concatenate([part[1] for part in parts])[first:]
        else:
            squares = self._longer(self.squares, gaps * gaps)
            here = np.arange(first, len(course))
            back = np.maximum(here - n, 0)
            counts = here - back
            mean = (course[first:] - course[back]) / counts
            variance = (squares[first:] - squares[back]).astype(np.float64)
            variance /= counts
            variance -= mean * mean
            np.maximum(variance, 0.0, out=variance)
            deviation = np.sqrt(variance, out=variance)
        return mean + self._plan.pause_us, np.maximum(deviation, float(self._plan.deviation_us_min))

    def learn(self, gaps: Ints) -> None:
        """Take in intervals, and let go of what no window reaches any more."""
        reach = self._plan.window + 1
        self.course = self._longer(self.course, gaps)[-reach:]
        self.squares = self._longer(self.squares, gaps * gaps)[-reach:]

    @staticmethod
    def _longer(sums: Ints, values: Ints) -> Ints:
        return np.concatenate((sums, sums[-1] + np.cumsum(values)))
