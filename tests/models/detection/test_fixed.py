"""The fixed time-out, and what every detector promises."""

from __future__ import annotations

import pytest

from models.detection import Detector, FixedTimeout


def test_suspicion_is_the_silence_as_a_share_of_the_time_out() -> None:
    detector: Detector = FixedTimeout(200)
    detector.observe(1, 1_000)
    assert [detector.suspicion(now) for now in (1_000, 1_100, 1_200, 1_300)] == [0.0, 0.5, 1.0, 1.5]


def test_it_says_when_a_level_will_be_reached_and_not_before() -> None:
    detector = FixedTimeout(200)
    detector.observe(None, 1_000)
    at = detector.crosses_us(0.333)
    assert at == 1_067
    assert detector.suspicion(at - 1) < 0.333 <= detector.suspicion(at)


def test_nobody_is_suspected_before_anything_arrived() -> None:
    detector = FixedTimeout(200)
    assert detector.suspicion(10**9) == 0.0
    assert detector.crosses_us(1.0) is None


def test_a_time_out_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="timeout_us=0 suspects everybody"):
        FixedTimeout(0)
