"""The detectors arrival by arrival, and over arrays, suspect at the same instants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.detection import (
    Akka,
    Bertier,
    Cassandra,
    Deviation,
    Ewma,
    Exponential,
    Fixed,
    Interpreter,
    Mean,
    Newest,
    NfdE,
    NfdS,
    NfdU,
    Phi,
    Plan,
    Recent,
    Rule,
    TwoWindows,
)
from models.detection.arrays import Trace, crossings, held, suspicions

ETA = 100_000
PLANS: tuple[Plan, ...] = (
    Fixed(timeout_us=150_000),
    Mean(eta_us=ETA, factor=1.4, recent=Recent(5)),
    Mean(eta_us=ETA, factor=2.0, recent=Recent(1_000, span_us=4 * ETA)),
    Deviation(eta_us=ETA, deviations=2.0, recent=Recent(7)),
    Deviation(eta_us=ETA, deviations=2.0, deviation_us_min=3_000, recent=Recent(7, span_us=3 * ETA)),
    Ewma(eta_us=ETA, factor=1.5, weight=0.2),
    NfdS(eta_us=ETA, delta_us=20_000),
    NfdU(eta_us=ETA, alpha_us=7_000, expected_us=9_000),
    NfdE(eta_us=ETA, alpha_us=10_000, window=4),
    TwoWindows(eta_us=ETA, margin_us=5_000, short=1, long=6),
    Bertier(eta_us=ETA, window=5),
    Phi(eta_us=ETA, threshold=1.0, recent=Recent(6)),
    Phi(eta_us=ETA, threshold=8.0, recent=Recent(6)),
    Akka(threshold=2.0, pause_us=20_000, deviation_us_min=10_000, first_us=ETA, window=5),
    Akka(threshold=0.2, pause_us=0, deviation_us_min=1_000, first_us=ETA, window=3),
    Cassandra(threshold=0.7, initial_us=150_000, interval_us_max=200_000, window=5),
    Exponential(eta_us=ETA, threshold=0.8, recent=Recent(4)),
    Newest(plan=Mean(eta_us=ETA, factor=1.4, recent=Recent(5))),
    Newest(plan=Akka(threshold=2.0, pause_us=20_000, deviation_us_min=10_000, first_us=ETA, window=5)),
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Heartbeats of one subject: some lost, late, overtaken, stalled or copied."""
    delay = st.one_of(st.integers(0, 20_000), st.integers(0, 300_000))
    fates = draw(st.lists(st.tuples(st.integers(0, 9), delay, delay), min_size=1, max_size=60))
    arrived = [(number * ETA + late, number) for number, (fate, late, _) in enumerate(fates) if fate > 1]
    arrived += [(number * ETA + later, number) for number, (fate, _, later) in enumerate(fates) if fate == 9]
    if draw(st.booleans()):
        stalled_us = draw(st.integers(0, 60 * ETA))
        arrived = [(max(at, stalled_us) if at > stalled_us - 5 * ETA else at, number) for at, number in arrived]
    arrived.sort()
    return Trace.of([at for at, _ in arrived], [number for _, number in arrived], copies=True)


def one_by_one(plan: Plan, trace: Trace, rule: Rule, until_us: int) -> list[tuple[int, bool]]:
    interpreter = Interpreter(plan.make(), rule)
    changes = []
    for number, at_us in zip(trace.sequences.tolist(), trace.arrivals_us.tolist(), strict=True):
        changes += interpreter.arrived(number, at_us)
    return changes + interpreter.passed(until_us)


@pytest.mark.parametrize("plan", PLANS, ids=str)
@settings(max_examples=25, deadline=None)
@given(trace=traces(), level=st.sampled_from((1.0, 0.6, 1.7)))
def test_both_engines_change_their_minds_at_the_same_instants(plan: Plan, trace: Trace, level: float) -> None:
    until_us = int(trace.arrivals_us[-1]) + 10 * ETA if len(trace) else 0
    found = suspicions(trace.arrivals_us, crossings(plan, trace, level), until_us)
    assert found.transitions() == one_by_one(plan, trace, Rule(level=level), until_us)


@settings(max_examples=100, deadline=None)
@given(trace=traces(), hold_us=st.integers(1, 4 * ETA))
def test_hysteresis_is_the_same_for_arrays(trace: Trace, hold_us: int) -> None:
    plan = Fixed(timeout_us=120_000)
    until_us = 100 * ETA
    found = held(suspicions(trace.arrivals_us, crossings(plan, trace), until_us), hold_us)
    known = [change for change in found.transitions() if change[0] <= until_us]
    assert known == one_by_one(plan, trace, Rule(hold_us=hold_us), until_us)


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_both_agree_across_blocks(plan: Plan) -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    numbers = np.flatnonzero(rng.random(40_000) > 0.02)
    late = rng.exponential(4_000, len(numbers)) + (rng.random(len(numbers)) < 0.001) * 700_000
    at = (numbers * ETA + late).astype(np.int64)
    order = np.argsort(at, kind="stable")
    trace = Trace.of(at[order], numbers[order])
    until_us = int(trace.arrivals_us[-1])
    found = suspicions(trace.arrivals_us, crossings(plan, trace), until_us)
    assert found.transitions() == one_by_one(plan, trace, Rule(), until_us)


def test_gaps_too_long_for_a_sum_of_squares_in_64_bits_are_learnt_exactly() -> None:
    at = np.cumsum([2_900_000_000 + 7 * (step % 3) for step in range(50)])
    trace = Trace.of(at)
    for plan in (Phi(eta_us=ETA, recent=Recent(20)), Deviation(eta_us=ETA, recent=Recent(20))):
        detector = plan.make()
        stepwise = []
        for number, at_us in enumerate(at.tolist()):
            detector.observe(number, at_us)
            stepwise.append(detector.crosses_us(1.0))
        assert crossings(plan, trace).tolist() == stepwise
