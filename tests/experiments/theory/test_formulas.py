"""Closed forms against values worked out by other means."""

from __future__ import annotations

import math

import pytest

from experiments.theory import formulas as f


def test_one_server_has_the_waits_of_the_books() -> None:
    assert f.mm1_wait(0.5, 10) == pytest.approx(10)
    assert f.mm1_beyond(0.5, 10, 0) == 0.5
    assert f.md1_wait(0.5, 10) == pytest.approx(5)
    assert f.md1_beyond(0.7, 10, 0) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="further terms"):
        f.md1_beyond(0.7, 10, 10)


def test_a_wait_is_the_area_under_its_tail() -> None:
    steps = [f.mm1_beyond(0.6, 10, t / 100) / 100 for t in range(60_000)]
    assert math.fsum(steps) == pytest.approx(f.mm1_wait(0.6, 10), rel=1e-3)


def test_erlang_c_is_that_of_tables() -> None:
    assert f.erlang_c(1, 0.3) == pytest.approx(0.3)
    assert f.erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert f.mmc_wait(1, 0.5, 10) == pytest.approx(f.mm1_wait(0.5, 10))


def test_a_bounded_queue_fills_and_turns_away() -> None:
    assert f.mm1k_blocked(1.0, 4) == pytest.approx(1 / 5)
    assert f.mm1k_number(1.0, 4) == pytest.approx(2.0)
    assert f.mm1k_number(0.5, 60) == pytest.approx(1.0)
    # What enters is served: with one place, the share let in is 1 / (1 + rho).
    assert f.mm1k_blocked(2.0, 1) == pytest.approx(2 / 3)


def test_classes_wait_as_cobham_says_and_work_is_conserved() -> None:
    one = f.cobham_waits([(0.05, 10, 200)])
    assert one == [pytest.approx(f.mm1_wait(0.5, 10))]
    high, low = f.cobham_waits([(0.02, 10, 200), (0.03, 10, 200)])
    # Kleinrock's conservation law: the load-weighted mean is that of first come first served.
    assert 0.4 * high + 0.6 * low == pytest.approx(f.mm1_wait(0.5, 10))


def test_shared_flushes_between_rare_and_crowded() -> None:
    rare, crowded = f.group_commit(1e-9, 1_000), f.group_commit(1.0, 1_000)
    assert (rare.latency, rare.batch) == (pytest.approx(1_000), pytest.approx(1))
    assert (crowded.latency, crowded.batch, crowded.busy) == (pytest.approx(1_500), pytest.approx(1_000), 1.0)


def test_bursts_and_stalls_at_their_limits() -> None:
    # Far apart, messages meet independent states: a run ends with the share of good.
    assert f.burst_length(3, 1, 1e9) == pytest.approx(4 / 3)
    # Close together, a run lasts as long as a bad spell.
    assert f.burst_length(3, 10, 0.001) == pytest.approx(10_000, rel=1e-3)
    assert f.stall_delay(0, 10, 10) == pytest.approx(5)
    assert f.lognormal_beyond(100, 0.5, 100) == 0.5
