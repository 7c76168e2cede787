"""Closed forms give the figures that were published, and the wait for a probe is what enumeration says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.detection import formulas as f
from experiments.detection.groups import PERIOD_US, first_probes, waits
from models.detection.configuring import Delays, Moments, Wanted, configured

EXP = f.exponential(0.02)


@pytest.mark.parametrize(
    ("bound", "recurrence", "mistake", "accuracy"),
    [
        (1.05, "11.0679", "0.1252", "0.988687970"),
        (1.50, "101.010", "0.530101", "0.994752000"),
        (2.10, "6059.19", "0.565933", "0.999906599"),
    ],
)
def test_nfd_s_has_the_quality_that_was_published(bound: float, recurrence: str, mistake: str, accuracy: str) -> None:
    found = f.nfd_s(1.0, bound - 1.0, 0.01, EXP)
    for value, text in zip(found, (recurrence, mistake, accuracy), strict=True):
        assert f"{value:.{len(text.partition('.')[2])}f}" == text


def test_the_integral_is_that_of_a_sum_over_many_points() -> None:
    loss, delta, beyond = 0.1, 1.7, f.exponential(0.3)
    at = [(step + 0.5) / 20_000 for step in range(20_000)]
    u = [math.prod(loss + (1 - loss) * beyond(delta + x - j) for j in range(3)) for x in at]
    assert 1 - f.nfd_s(1.0, delta, loss, beyond).accuracy == pytest.approx(math.fsum(u) / len(u), rel=1e-6)


def test_a_time_out_of_the_same_worst_case_errs_60_or_30_times_as_often() -> None:
    best = f.nfd_s(1.0, 1.1, 0.01, EXP).recurrence
    assert best / f.timeout_recurrence(1.0, 1.94, 0.01, 0.02, 0.16) == pytest.approx(60, abs=1)
    assert best / f.timeout_recurrence(1.0, 2.04, 0.01, 0.02, 0.06) == pytest.approx(30, abs=1)
    assert best / f.timeout_recurrence(1.0, 2.08, 0.01, 0.02) == pytest.approx(1.13, rel=0.02)


def test_configurators_choose_what_was_published() -> None:
    month = (30.0, 30 * 86_400.0, 60.0)
    assert f.chen_eta(month, 0.01, EXP) == pytest.approx(9.976, abs=5e-4)
    assert f.chen_eta_of_moments(month, 0.01, 0.02, 0.02) == pytest.approx(9.71, abs=5e-3)


def test_thresholds_are_where_they_were_published() -> None:
    assert f.normal_y(8) == pytest.approx(5.612, abs=5e-4)
    assert f.logistic_y(8) == pytest.approx(5.226, abs=5e-4)
    assert f.akka_crossing_ms(8, 1_000, 100, 3_000) == pytest.approx(4_522.6, abs=0.05)
    assert f.cassandra_means(8) == pytest.approx(18.4207, abs=5e-5)


def test_the_wait_for_a_probe_is_averaged_over_every_instant() -> None:
    probed = np.array([0, 400_000, 2_900_000, 3_100_000], np.int64)
    begin_us, end_us = 200_000, 3_000_000
    at = np.arange(begin_us, end_us, 100) + 50
    following = probed[np.searchsorted(probed, at)]
    expected = np.ceil((following - at) / PERIOD_US).mean() * PERIOD_US
    assert waits(probed, begin_us, end_us) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="run longer"):
        waits(probed, 0, 3_200_000)


def test_two_members_probe_each_other_in_every_period() -> None:
    assert first_probes(2, probes=60, seed=1).periods == 1.0
    assert first_probes(3, probes=120, seed=1) == first_probes(3, probes=120, seed=1)


@pytest.mark.parametrize(
    ("wanted", "loss", "mean"),
    [((3.0, 600.0, 2.0), 0.01, 0.05), ((10.0, 86_400.0, 5.0), 0.05, 0.3), ((1.0, 50.0, 0.4), 0.1, 0.02)],
)
def test_what_is_configured_keeps_the_promise_and_a_longer_interval_would_not(
    wanted: tuple[float, float, float], loss: float, mean: float
) -> None:
    beyond = f.exponential(mean)
    asked = Wanted(detect_us=1e6 * wanted[0], recur_us=1e6 * wanted[1], mistake_us=1e6 * wanted[2])
    found = configured(asked, Delays(loss=loss, mean_us=1e6 * mean, beyond=lambda t: beyond(t / 1e6)))
    kept = f.nfd_s(found.eta_us / 1e6, found.delta_us / 1e6, loss, beyond)
    assert found.eta_us + found.delta_us == asked.detect_us
    assert kept.recurrence >= wanted[1]
    assert kept.mistake <= wanted[2]
    assert found.eta_us == pytest.approx(1e6 * f.chen_eta(wanted, loss, beyond), abs=2)


def test_knowing_less_costs_a_shorter_interval() -> None:
    asked = Wanted(detect_us=30e6, recur_us=30 * 86_400e6, mistake_us=60e6)
    known = configured(asked, Delays(loss=0.01, mean_us=20_000, beyond=lambda t: EXP(t / 1e6)))
    less = configured(asked, Moments(loss=0.01, mean_us=20_000, variance_us2=20_000.0**2))
    assert less.eta_us < known.eta_us
    assert known.nfd_e().alpha_us == known.delta_us - 20_000
    assert known.nfd_s(5).origin_us == 5
    assert known.nfd_u(7).expected_us == 7
