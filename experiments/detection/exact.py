"""Cells without chance: what a detector does after heartbeats that are put there for it, read off the detector.

Each is asked of the detector arrival by arrival and over arrays, which must agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from experiments.detection.varied import DELAY_STEP, Confirmed
from experiments.theory import Measures
from models.detection import Akka, Cassandra, Mean, NfdE, Phi, Plan, Recent
from models.detection.arrays import Trace, crossings
from models.detection.swim import least_us, remaining_us
from sim.trace import Digest

__all__ = ["cassandra", "delay_step", "digest_of", "least", "phi", "remaining"]

_S: Final = 1_000_000
#: Intervals that alternate around their mean by this have it as their standard deviation.
_DEVIATION_US: Final = 100_000


def phi(level: float, seed: int) -> Measures:
    """Silence at a threshold of phi, from intervals of mean 1 s and standard deviation .1 s."""
    del seed
    at = np.cumsum([_S + (_DEVIATION_US if step % 2 else -_DEVIATION_US) for step in range(1_001)]).tolist()
    published = _silence_us(Phi(eta_us=_S, threshold=level), at)
    no_pause = _silence_us(Akka(threshold=level, pause_us=0, deviation_us_min=1), at)
    with_pause = _silence_us(Akka(threshold=level), at)
    return _measures(
        normal_y=(published - _S) / _DEVIATION_US,
        akka_y=(no_pause - _S) / _DEVIATION_US,
        akka_ms=with_pause / 1_000,
    )


def cassandra(threshold: float, seed: int) -> Measures:
    """Silence at which Cassandra convicts, from intervals of 1 s."""
    del seed
    silence_us = _silence_us(Cassandra(threshold=threshold), [_S * beat for beat in range(1_100)])
    return _measures(means=silence_us / _S)


def delay_step(seed: int) -> Measures:
    """What is learnt of a delay that grows once, and stays."""
    del seed
    window = DELAY_STEP.window
    beats = 4 * window
    late = [DELAY_STEP.delay_s + (DELAY_STEP.step_s if beat >= 2 * window else 0) for beat in range(beats)]
    at = [beat * _S + round(late_s * _S) for beat, late_s in enumerate(late)]
    average = Mean(eta_us=_S, factor=1.0, recent=Recent(window))
    estimate = NfdE(eta_us=_S, alpha_us=0, window=32)
    soon, later = at[: 2 * window + 50], at
    return _measures(
        interval_s=_silence_us(average, soon) / _S,
        settled_s=_silence_us(average, later) / _S,
        # The freshness point of the next heartbeat, less when that is sent.
        expected_s=(_silence_us(estimate, later) + later[-1]) / _S - beats,
    )


def remaining(case: Confirmed, seed: int) -> Measures:
    """What a suspect has left."""
    del seed
    left_us = remaining_us(
        case.confirmations,
        case.needed,
        round(case.elapsed_s * _S),
        round(case.least_s * _S),
        round(case.most_s * _S),
    )
    return _measures(left_s=left_us / _S)


def least(case: tuple[int, int, float], seed: int) -> Measures:
    """The least time that a suspect has."""
    del seed
    mult, size, interval_s = case
    return _measures(left_s=least_us(mult, size, round(interval_s * _S)) / _S)


def _silence_us(plan: Plan, arrivals_us: Sequence[int]) -> int:
    """Silence after the last arrival at which the subject is suspected."""
    detector = plan.make()
    for number, at_us in enumerate(arrivals_us):
        detector.observe(number, at_us)
    crosses_us = detector.crosses_us(1.0)
    assert crosses_us is not None
    assert crosses_us == crossings(plan, Trace.of(arrivals_us))[-1], "both engines must agree"
    return crosses_us - arrivals_us[-1]


def _measures(**values: float) -> Measures:
    return Measures(values=values, count=1, digest=digest_of(values))


def digest_of(values: Mapping[str, float]) -> str:
    """A digest of measures alone."""
    digest = Digest()
    digest.add("values", [(name, float(value).hex()) for name, value in sorted(values.items())])
    return digest.hexdigest()
