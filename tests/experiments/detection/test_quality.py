"""Quality of service, from suspicions that are counted on fingers; what is open at an end is censored."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.detection import detection_us, forward_us, heartbeats, judged, survival_quantile
from experiments.detection.heartbeats import exponential_us
from models.detection import Fixed, Interpreter, Mean, NfdE, NfdS, Plan, Recent, Rule
from models.detection.arrays import Suspicions, Trace
from sim.chance import Chance


def spells(*pairs: tuple[int, int | None]) -> Suspicions:
    ends = [end for _, end in pairs if end is not None]
    return Suspicions(np.array([start for start, _ in pairs], np.int64), np.array(ends, np.int64))


def test_mistakes_recur_last_and_leave_the_rest_of_the_time_right() -> None:
    found = judged(spells((100, 110), (300, 330), (700, 720)), 0, 1_000, flap_us=20, messages=4)
    assert found.messages_per_s == pytest.approx(4_000)
    assert (found.mistakes, found.flaps, found.open_censored) == (3, 2, 0)
    assert found.recurrence_us == pytest.approx(1_000 / 3)
    assert found.mistake_us == pytest.approx(20)
    assert found.accuracy == pytest.approx(0.94)
    assert found.rate_per_s == pytest.approx(3_000)
    assert found.good_us == pytest.approx(940 / 3)
    # Good periods of 190 and 370.
    assert found.forward_us == pytest.approx((190**2 + 370**2) / 2 / (190 + 370))


def test_accuracy_is_one_less_duration_over_recurrence() -> None:
    found = judged(spells((5, 9), (50, 90), (200, 201)), 0, 777)
    assert found.mistake_us is not None
    assert found.accuracy == pytest.approx(1 - found.mistake_us / found.recurrence_us)


def test_a_mistake_that_is_open_at_the_end_counts_with_the_time_that_it_had() -> None:
    found = judged(spells((100, 110), (900, None)), 0, 1_000)
    assert (found.mistakes, found.open_censored) == (2, 1)
    assert found.mistake_us == pytest.approx((10 + 100) / 2)
    later = judged(spells((100, 110), (900, 5_000)), 0, 1_000)
    assert later == found


def test_what_began_before_the_window_is_wrong_in_it_but_no_mistake_of_it() -> None:
    found = judged(spells((50, 150), (400, 410)), 100, 1_100)
    assert found.mistakes == 1
    assert found.accuracy == pytest.approx(0.94)


def test_without_a_mistake_recurrence_is_infinite() -> None:
    found = judged(spells(), 0, 10)
    assert (found.recurrence_us, found.mistake_us, found.accuracy) == (inf, None, 1.0)
    with pytest.raises(ValueError, match="empty; run longer"):
        judged(spells(), 10, 10)


def test_forward_times_are_taken_where_the_subject_is_trusted() -> None:
    at = forward_us(spells((100, 200), (1_000, 1_100)), Chance(1).generator("x"), 500, 0, 1_000)
    assert len(at) < 500
    assert min(at) > 0
    assert max(at) <= 800


def test_a_quantile_knows_that_some_values_are_more_than_they_show() -> None:
    assert survival_quantile([1, 2, 3, 4], [False] * 4, 0.5) == 2
    assert survival_quantile([1, 2, 3, 4], [False, True, False, False], 0.5) == 3
    assert survival_quantile([1, 5, 5, 5], [False, True, True, True], 0.5) == inf
    with pytest.raises(ValueError, match="no quantile"):
        survival_quantile([], [], 0.5)


PLANS: tuple[Plan, ...] = (
    NfdS(eta_us=100, delta_us=60),
    NfdE(eta_us=100, alpha_us=40, window=3),
    Mean(eta_us=100, factor=2.0, recent=Recent(4)),
    Fixed(timeout_us=230),
)


@pytest.mark.parametrize("plan", PLANS, ids=str)
@settings(max_examples=40, deadline=None)
@given(delays=st.lists(st.integers(0, 350), min_size=2, max_size=25), crash_us=st.integers(0, 2_600))
def test_a_crash_is_noticed_when_the_detector_notices_that_nothing_more_was_sent(
    plan: Plan, delays: list[int], crash_us: int
) -> None:
    order = np.argsort([100 * number + late for number, late in enumerate(delays)], kind="stable")
    sent = 100 * order
    trace = Trace(order.astype(np.int64), (sent + np.array(delays)[order]).astype(np.int64))
    found = detection_us(plan, trace, sent.astype(np.int64), [crash_us], 3_000)
    interpreter = Interpreter(plan.make(), Rule())
    changes = []
    for number, at_us in zip(trace.sequences.tolist(), trace.arrivals_us.tolist(), strict=True):
        if 100 * number < crash_us:
            changes += interpreter.arrived(number, at_us)
    changes += interpreter.passed(3_000)
    suspected_us = changes[-1][0] if changes and changes[-1][1] else None
    if suspected_us is None:
        assert found.censored.tolist() == [True]
        assert found.took_us.tolist() == [3_000 - crash_us]
    else:
        assert found.censored.tolist() == [False]
        assert found.took_us.tolist() == [max(0, suspected_us - crash_us)]


def test_crashes_that_nobody_noticed_by_the_end_are_censored() -> None:
    beats = heartbeats(Chance(1).generator("b"), count=200, eta_us=100, loss=0.0, delay=exponential_us(5))
    plan = Fixed(timeout_us=10_000)
    found = detection_us(plan, beats.trace, beats.sent_us(), list(range(5_000, 15_000, 100)), 18_000)
    # From 8,100 on: a beat was heard after 8,000.
    assert found.censored.sum() == 69
    assert found.took_us[31:].tolist() == list(range(9_900, 3_000, -100))
    # They had less time than the others took, so they say nothing of how long.
    assert found.quantile(0.5) == pytest.approx(9_903, abs=5)


def test_nfd_s_notices_every_crash_within_its_bound_and_takes_all_of_it_at_times() -> None:
    beats = heartbeats(Chance(1).generator("b"), count=5_000, eta_us=1_000, loss=0.1, delay=exponential_us(300))
    crashes = Chance(1).generator("crashes").integers(10_000, 4_900_000, 3_000)
    plan = NfdS(eta_us=1_000, delta_us=1_100)
    found = detection_us(plan, beats.trace, beats.sent_us(), crashes, 10_000_000)
    assert not found.censored.any()
    assert 2_090 < found.took_us.max() <= 2_100


def test_heartbeats_are_lost_at_their_rate_and_arrive_in_order_of_time() -> None:
    beats = heartbeats(Chance(1).generator("b"), count=100_000, eta_us=100, loss=0.2, delay=exponential_us(200))
    assert len(beats.trace) == pytest.approx(80_000, rel=0.02)
    assert (np.diff(beats.trace.arrivals_us) >= 0).all()
    assert (np.diff(beats.trace.sequences) < 0).any()
    assert (beats.trace.arrivals_us - beats.sent_us()).mean() == pytest.approx(200, rel=0.02)
    cut = heartbeats(Chance(1).generator("b"), count=10_000, eta_us=100, loss=0.0, delay=exponential_us(200), cut_us=50)
    assert (cut.trace.arrivals_us - cut.sent_us()).max() <= 50
