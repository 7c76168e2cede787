"""What stands beside the runs, and is a function of the code alone: seeds are fixed, and so are networks.

What an average of intervals learns, against its closed form and after a step of the delay; and what becomes of Chen's
promise where delays are not independent: NFD-S is configured for the very distribution that delays have, and errs more
than promised because they come late together.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.detection.changing import ETA_US, Changing, Stalls, Step, heard
from experiments.detection.formulas import mean_interval
from experiments.detection.quality import judged
from experiments.statistics import Interval, t_interval
from models.detection import Mean, NfdE, Recent
from models.detection.arrays import crossings, suspicions
from models.detection.configuring import Configured, Delays, Wanted, configured
from sim.chance import Chance

__all__ = ["Learnt", "Promise", "StepCourse", "intervals", "promises", "step_course"]

_SEEDS: Final = 6
_HOUR_US: Final = 3_600_000_000
#: (T_D at most, E[T_MR] at least), microseconds; chosen after a look, so that they show how far it may go.
_WANTED: Final = (
    (200_000, 600_000_000),
    (250_000, _HOUR_US),
    (200_000, _HOUR_US),
    (150_000, _HOUR_US),
    (150_000, 4 * _HOUR_US),
)
_STALLING: Final = Changing(parts=(Stalls(every_us=10_000_000),), delay_us=5_000, jitter_us=3_000, loss=0.01)
#: Heartbeats whose delays are the distribution; sent so that their interval has no common measure with others.
_SURVEYED: Final = 300_000
_SURVEY_ETA_US: Final = 10_007
_LEARNING: Final = 60_000
_WARM: Final = 2_000
_STEP_BEATS: Final = 400
_STEP_AT: Final = 150
_STEP_US: Final = 800_000


class Learnt(NamedTuple):
    """The mean interval that is learnt where so many are lost and delays are so long.

    Attributes:
        loss: Share lost.
        delay_s: Mean delay.
        closed_s: eta / (1 - loss).
        interval: What was learnt, with 99 % over seeds.
    """

    loss: float
    delay_s: float
    closed_s: float
    interval: Interval


class Promise(NamedTuple):
    """What a configurator promised, and what came of it.

    Attributes:
        detect_s: Longest detection time.
        promised_s: Least mean time between mistakes.
        chosen: The parameters.
        ratio: How many times as often as promised it erred, with its 95 % interval.
    """

    detect_s: float
    promised_s: float
    chosen: Configured
    ratio: Interval


class StepCourse(NamedTuple):
    """Heartbeat by heartbeat around a step of the delay, without chance.

    Attributes:
        at: Number of the heartbeat, from the step.
        gap_s: The interval that it ended.
        mean_s: The mean of the last hundred.
        expected_s: How late NFD-E expects the next to be.
    """

    at: list[int]
    gap_s: list[float]
    mean_s: list[float]
    expected_s: list[float]


def intervals() -> list[Learnt]:
    """What averaging learns of loss, and of delay."""
    found = []
    for loss in (0.01, 0.1, 0.3, 0.5):
        for delay_us in (20_000, 500_000):
            network = Changing(loss=loss, delay_us=delay_us)
            learnt = [_mean_learnt(network, seed) for seed in range(_SEEDS)]
            interval = t_interval(learnt, confidence=0.99)
            closed_s = mean_interval(ETA_US / 1e6, loss)
            found.append(Learnt(loss, (delay_us + network.jitter_us) / 1e6, closed_s, interval))
    return found


def promises() -> list[Promise]:
    """What becomes of each promise under stalls, an hour a seed."""
    survey = heard(Chance(_SEEDS), _STALLING, count=_SURVEYED, eta_us=_SURVEY_ETA_US, since_us=0)
    delays = np.sort(survey.trace.arrivals_us - survey.sent_us)
    known = Delays(loss=_STALLING.loss, mean_us=int(delays.sum()) / len(delays), beyond=partial(_beyond, delays))
    found = []
    for detect_us, recur_us in _WANTED:
        wanted = Wanted(detect_us=detect_us, recur_us=recur_us, mistake_us=1e6)
        chosen = configured(wanted, known)
        ratios = [_erred(chosen, seed) * recur_us / _HOUR_US for seed in range(_SEEDS)]
        found.append(Promise(detect_us / 1e6, recur_us / 1e6, chosen, t_interval(ratios)))
    return found


def step_course() -> StepCourse:
    """What is learnt as the delay grows once."""
    network = Changing(parts=(Step(extra_us=_STEP_US),), jitter_us=0, loss=0.0)
    trace = heard(Chance(0), network, count=_STEP_BEATS, eta_us=ETA_US, since_us=_STEP_AT * ETA_US).trace
    arrivals = trace.arrivals_us
    mean = crossings(Mean(eta_us=ETA_US, factor=1.0, recent=Recent(100)), trace) - arrivals
    due = crossings(NfdE(eta_us=ETA_US, alpha_us=0, window=32), trace) - (trace.sequences + 1) * ETA_US
    gaps = np.diff(arrivals, prepend=arrivals[0] - ETA_US)
    return StepCourse(
        at=(trace.sequences - _STEP_AT).tolist(),
        gap_s=[us / 1e6 for us in gaps.tolist()],
        mean_s=[us / 1e6 for us in mean.tolist()],
        expected_s=[us / 1e6 for us in due.tolist()],
    )


def _mean_learnt(network: Changing, seed: int) -> float:
    trace = heard(Chance(seed), network, count=_LEARNING, eta_us=ETA_US, since_us=0).trace
    plan = Mean(eta_us=ETA_US, factor=1.0, recent=Recent(100))
    learnt = (crossings(plan, trace) - trace.arrivals_us)[_WARM:]
    # Crossings are rounded up to whole microseconds.
    return (int(learnt.sum()) / len(learnt) - 0.5) / 1e6


def _erred(chosen: Configured, seed: int) -> int:
    """Mistakes in an hour."""
    count = _HOUR_US // chosen.eta_us
    met = heard(Chance(seed), _STALLING, count=count, eta_us=chosen.eta_us, since_us=0)
    found = suspicions(met.trace.arrivals_us, crossings(chosen.nfd_s(), met.trace), met.span_us)
    return judged(found, 0, met.span_us).mistakes


def _beyond(delays: NDArray[Any], t_us: float) -> float:
    """P(delay > t), of those that were seen."""
    return 1 - float(np.searchsorted(delays, t_us, side="right")) / len(delays) if t_us >= 0 else 1.0
