"""What one detector is worth on one trace: mistakes while nothing crashes, and how long a crash goes unnoticed."""

from __future__ import annotations

from math import ceil, inf
from typing import Final, NamedTuple

import numpy as np

from experiments.detection.changing import Heard
from experiments.detection.quality import Detections, detection_us, judged
from models.detection import Plan
from models.detection.arrays import crossings, suspicions
from models.detection.arrays.trace import Ints
from sim.chance import Chance

__all__ = ["Score", "crash_instants", "mean_detection_s", "score"]

#: After the last heartbeat a crash is looked for so long, and is then censored.
_HORIZON_US: Final = 3_600_000_000
_TAIL: Final = 0.999


class Score(NamedTuple):
    """Of a detector, on a trace.

    Attributes:
        mistakes: Suspicions that began while it counted.
        per_h: The same an hour.
        wrong: Share of the time in which the subject was wrongly suspected, 1 - P_A.
        mean_s: Mean detection time; infinite where a crash went unnoticed to the end.
        tail_s: Its quantile 99.9 %, with unnoticed crashes censored.
        censored: Crashes that went unnoticed to the end.
    """

    mistakes: int
    per_h: float
    wrong: float
    mean_s: float
    tail_s: float
    censored: int


def crash_instants(chance: Chance, heard: Heard, count: int, since_us: int) -> Ints:
    """Instants anywhere from `since_us` on, so that the phase between heartbeats is random; in order."""
    found: Ints = np.sort(chance.generator("crashes").integers(since_us, heard.span_us, count))
    return found


def score(plan: Plan, heard: Heard, crashes_us: Ints, since_us: int) -> Score:
    """Judge a detector from `since_us` on; before, it learns."""
    after = crossings(plan, heard.trace)
    found = suspicions(heard.trace.arrivals_us, after, heard.span_us)
    quality = judged(found, since_us, heard.span_us)
    detections = _detections(plan, heard, crashes_us, after)
    censored = int(detections.censored.sum())
    if censored:
        mean_s, tail_s = inf, detections.quantile(_TAIL) / 1e6
    else:
        took = np.sort(detections.took_us)
        mean_s, tail_s = int(took.sum()) / len(took) / 1e6, int(took[ceil(_TAIL * len(took)) - 1]) / 1e6
    per_h = quality.mistakes * 3_600e6 / (heard.span_us - since_us)
    return Score(quality.mistakes, per_h, 1 - quality.accuracy, mean_s, tail_s, censored)


def mean_detection_s(plan: Plan, heard: Heard, crashes_us: Ints) -> float:
    """Mean detection time of some crashes; infinite where one went unnoticed to the end."""
    found = _detections(plan, heard, crashes_us, crossings(plan, heard.trace))
    return inf if found.censored.any() else int(found.took_us.sum()) / len(found.took_us) / 1e6


def _detections(plan: Plan, heard: Heard, crashes_us: Ints, after: Ints) -> Detections:
    return detection_us(plan, heard.trace, heard.sent_us, crashes_us, heard.span_us + _HORIZON_US, after)
