"""What each detector learns and when it suspects, on arrivals that are counted on fingers."""

from __future__ import annotations

import pytest

from models.detection import Akka, Cassandra, Deviation, Ewma, Mean, Newest, NfdE, NfdS, Phi, Plan, Recent
from models.detection.accrual import logistic_phi, logistic_point, normal_phi, normal_point
from models.detection.presets import published


def after(plan: Plan, *arrivals_us: int) -> int | None:
    """When the subject is suspected after heartbeats 0, 1, ... that arrived then."""
    detector = plan.make()
    for number, at_us in enumerate(arrivals_us):
        detector.observe(number, at_us)
    return detector.crosses_us(1.0)


@pytest.mark.parametrize("plan", published(1_000).values(), ids=published(1_000))
def test_suspicion_is_1_when_it_says_that_it_will_cross_and_not_before(plan: Plan) -> None:
    detector = plan.make()
    assert detector.suspicion(10**9) == 0.0
    assert detector.crosses_us(1.0) is None
    for number in range(20):
        detector.observe(number, number * 1_000 + 37 * (number % 3))
    for level in (0.7, 1.0, 1.6):
        at_us = detector.crosses_us(level)
        assert at_us is not None
        # Rounding alone may decide the microsecond itself.
        assert detector.suspicion(at_us - 2) < level <= detector.suspicion(at_us + 1)


@pytest.mark.parametrize("plan", published(1_000).values(), ids=published(1_000))
def test_another_word_of_the_subject_ends_the_silence_and_teaches_nothing(plan: Plan) -> None:
    with_word, without = plan.make(), plan.make()
    for number in range(8):
        for detector in (with_word, without):
            detector.observe(number, number * 1_000)
    before_us = with_word.crosses_us(1.0)
    with_word.observe(None, 7_500)
    crosses_us = with_word.crosses_us(1.0)
    assert before_us is not None
    assert crosses_us is not None
    assert crosses_us > before_us
    for detector in (with_word, without):
        detector.observe(8, 8_000)
        detector.observe(9, 9_000)
    assert with_word.crosses_us(1.0) == without.crosses_us(1.0)


def test_the_mean_forgets_what_is_not_recent() -> None:
    assert after(Mean(eta_us=100, factor=2.0, recent=Recent(2)), 0, 500, 600, 700) == 700 + 2 * 100
    assert after(Mean(eta_us=100, factor=2.0, recent=Recent(3)), 0, 500, 600, 700) == 700 + 467
    assert after(Mean(eta_us=100, factor=2.0, recent=Recent(9, span_us=150)), 0, 500, 600, 700) == 700 + 2 * 100


def test_mean_and_deviation_count_a_window_of_equal_intervals_as_no_deviation() -> None:
    assert after(Deviation(eta_us=100, deviations=3.0), 0, 100, 200) == 300
    assert after(Deviation(eta_us=100, deviations=3.0), 0, 90, 200) == 200 + 100 + 3 * 10


def test_a_weighted_mean_moves_by_its_weight() -> None:
    assert after(Ewma(eta_us=100, factor=1.0, weight=0.5), 0, 200) == 200 + 150


def test_a_late_heartbeat_does_not_move_the_freshness_point() -> None:
    assert after(NfdS(eta_us=100, delta_us=30), 0, 129) == 230
    assert after(NfdS(eta_us=100, delta_us=30, origin_us=7), 20, 136) == 237


def test_a_heartbeat_that_was_overtaken_changes_nothing() -> None:
    detector = NfdE(eta_us=100, alpha_us=10, window=4).make()
    detector.observe(0, 5)
    detector.observe(2, 205)
    before = detector.crosses_us(1.0)
    detector.observe(1, 230)
    assert detector.crosses_us(1.0) == before == 315


def test_copies_teach_the_average_half_the_interval_unless_only_the_newest_counts() -> None:
    plan = Mean(eta_us=100, factor=3.0, recent=Recent(50))
    naive, careful = plan.make(), Newest(plan=plan).make()
    for number in range(60):
        for detector in (naive, careful):
            detector.observe(number, number * 100)
            detector.observe(number, number * 100 + 1)
    assert naive.crosses_us(1.0) == 5_901 + 150
    assert careful.crosses_us(1.0) == 5_900 + 300


def test_akka_learns_nothing_from_the_heartbeat_that_ends_an_outage() -> None:
    plan = Akka(threshold=8.0, pause_us=0, deviation_us_min=10, first_us=100, window=10)
    steady = [number * 100 for number in range(20)]
    calm = after(plan, *steady)
    assert calm is not None
    resumed = after(plan, *steady, 9_000)
    assert resumed == 9_000 + (calm - 1_900)


def test_cassandra_learns_no_interval_above_its_cap() -> None:
    plan = Cassandra(threshold=8.0, initial_us=100, interval_us_max=150, window=10)
    assert after(plan, 0, 100, 251) == 251 + 1_843
    assert after(plan, 0, 100, 250) == 250 + 2_150


def test_phi_as_published_waits_for_5_612_deviations_and_akka_for_5_226() -> None:
    assert normal_point(8.0) == pytest.approx(5.612, abs=5e-4)
    assert logistic_point(8.0) == pytest.approx(5.226, abs=5e-4)
    for phi in (0.3, 1.0, 8.0, 40.0, 290.0):
        assert normal_phi(normal_point(phi)) == pytest.approx(phi, rel=1e-9)
        assert logistic_phi(logistic_point(phi)) == pytest.approx(phi, rel=1e-9)


def test_phi_goes_on_where_a_float_ends() -> None:
    assert normal_phi(36.99) < normal_phi(37.01) < normal_phi(1_000.0)
    assert normal_phi(37.01) - normal_phi(36.99) == pytest.approx(0.02 * 37 / 2.302585, rel=1e-2)
    assert after(Phi(eta_us=100, deviation_us_min=10), 0, 100, 200) == 200 + 100 + 57
