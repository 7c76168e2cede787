"""What no detector, window, trace or promise can be is refused with value, rule and way out."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, nan

import pytest

from models.detection import Akka, Cassandra, Ewma, Fixed, Mean, NfdE, NfdS, Phi, Recent, Rule, TwoWindows
from models.detection.arrays import Trace, crossings
from models.detection.configuring import Configured, Delays, Moments, Wanted, configured
from models.detection.presets import published

MONTH = Wanted(detect_us=30e6, recur_us=30 * 86_400e6, mistake_us=60e6)
EXP_20 = Delays(loss=0.01, mean_us=20_000, beyond=lambda t: exp(-t / 20_000) if t > 0 else 1.0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Fixed(timeout_us=0), "timeout_us=0 is no number from 1 up; give at least 1"),
        (lambda: NfdS(eta_us=0, delta_us=-1), "eta_us=0 is no number.*; delta_us=-1 is no number"),
        (lambda: NfdE(eta_us=1, alpha_us=0, window=0), "window=0 is not above 0"),
        (lambda: TwoWindows(eta_us=1, margin_us=0, short=9, long=5), "long=5 is not above 9"),
        (lambda: Mean(eta_us=-3, factor=nan), "eta_us=-3.*; factor=nan is not above 0"),
        (lambda: Ewma(eta_us=1, weight=1.5), "weight=1.5 is not above 0 and at most 1"),
        (lambda: Phi(eta_us=1, threshold=301), "threshold=301 is not above 0 and at most 300"),
        (lambda: Akka(threshold=0, window=1), "threshold=0.*; window=1 is not above 1"),
        (lambda: Cassandra(initial_us=0), "initial_us=0 is no number from 1 up"),
        (lambda: Recent(0, span_us=0), "count=0 is not above 0.*; span_us=0"),
        (lambda: Rule(level=0), "level=0 is not above 0"),
        (lambda: Wanted(detect_us=inf, recur_us=1, mistake_us=0), "detect_us=inf.*; mistake_us=0"),
        (lambda: Moments(loss=1, mean_us=0, variance_us2=-1), "loss=1 is no chance.*; variance_us2=-1"),
        (lambda: published(0), "eta_us=0 is no number from 4 up"),
    ],
)
def test_parameters_out_of_range_are_refused_all_at_once(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


@pytest.mark.parametrize(
    ("arrivals", "numbers", "told"),
    [
        ([5, 3], None, "arrival 1 at 3 us is before the one before, 5 us; sort by time"),
        ([5, 5], None, "arrivals 0 and 1 are both at 5 us; drop the copy, or give numbers"),
        ([5, 6], [1, 1], "heartbeat 1 came more than once; drop copies"),
        ([-1, 5], None, "arrival 0 is -1, below 0"),
        ([1.0, nan], None, "arrival 1 is nan; leave out what did not arrive"),
        ([1.5, 2.0], None, "arrival 0 is 1.5, no whole number; round to microseconds"),
        ([1.0, nan], [0.5, -2], "arrival 1 is nan.*; number 0 is 0.5.*; number 1 is -2.0, below 0"),
        ([0, 3_000_000_001], None, "3000000001 us of silence, more than 3000000000; make two traces"),
        ([[1], [2]], None, "shape"),
        (["a"], None, "not numbers"),
    ],
)
def test_arrivals_that_cannot_be_are_refused(arrivals: list[float], numbers: list[float] | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Trace.of(arrivals, numbers)


def test_copies_may_be_allowed() -> None:
    assert len(Trace.of([1, 2, 2], [0, 1, 1], copies=True)) == 3


def test_numbers_too_far_apart_for_the_clock_are_refused() -> None:
    with pytest.raises(ValueError, match=r"number from 0"):
        crossings(NfdE(eta_us=10**9, alpha_us=0), Trace.of([1, 2], [0, 1 << 50]))


@pytest.mark.parametrize(
    ("wanted", "network", "eta_us_min", "told"),
    [
        (MONTH, EXP_20, 20_000_000, "recur_us=2.592e.12 cannot hold with eta_us_min=20000000; the nearest that can is"),
        (
            Wanted(detect_us=30e6, recur_us=1.0, mistake_us=5e5),
            EXP_20,
            1_000_000,
            "mistake_us=500000 cannot hold with eta_us_min=1000000; the nearest that can is 1.0101e.06",
        ),
        (
            Wanted(detect_us=15_000, recur_us=1.0, mistake_us=5e5),
            Moments(loss=0.0, mean_us=20_000, variance_us2=9.0),
            1,
            "detect_us=15000 cannot hold: .* the nearest that can is above 20001",
        ),
        (
            Wanted(detect_us=900, recur_us=1.0, mistake_us=5e5),
            Delays(loss=0.0, mean_us=1_500, beyond=lambda t: 1.0 if t < 1_000 else 0.5),
            1,
            "detect_us=900 cannot hold: no heartbeat arrives so soon; the nearest that can is 1000",
        ),
    ],
)
def test_a_promise_that_nothing_keeps_is_refused_with_the_bound_and_the_nearest(
    wanted: Wanted, network: Delays | Moments, eta_us_min: int, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        configured(wanted, network, eta_us_min=eta_us_min)


def test_the_nearest_recurrence_that_is_named_can_be_had() -> None:
    with pytest.raises(ValueError, match="recur_us") as refused:
        configured(MONTH, EXP_20, eta_us_min=20_000_000)
    nearest = float(str(refused.value).split("the nearest that can is ")[1].split(",")[0])
    lower = Wanted(detect_us=MONTH.detect_us, recur_us=nearest * 0.999, mistake_us=MONTH.mistake_us)
    assert isinstance(configured(lower, EXP_20, eta_us_min=20_000_000), Configured)
