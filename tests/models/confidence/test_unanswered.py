"""Requests that nobody answered: the table of thresholds, when waiting never does, and what a cut makes of it."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from models.confidence import (
    Costs,
    Erlang,
    Never,
    Patience,
    Request,
    executed_for_ever,
    executed_if_silent,
    executed_under_cut,
    patience,
)

MS = 1_000
RTT = Erlang(mean_us=100.0 * MS, stages=2)


def request(lost: float, reply_lost: float) -> Request:
    return Request(request_loss=lost, reply_loss=reply_lost, round_trip=RTT)


@pytest.mark.parametrize(
    ("lost", "reply_lost", "ratio", "printed"), [(0.01, 0.01, 1, "586.7"), (0.2, 0.001, 100, "439.1")]
)
def test_how_long_to_wait_as_printed(lost: float, reply_lost: float, ratio: float, printed: str) -> None:
    found = patience(request(lost, reply_lost), Costs(lost=1, duplicate=ratio))
    assert isinstance(found, Patience)
    assert f"{found.us / MS:.1f}" == printed


def test_waiting_alone_never_does_beyond_the_condition() -> None:
    found = patience(request(0.01, 0.01), Costs(lost=1, duplicate=2))
    assert isinstance(found, Never)
    assert found.ratio_max == pytest.approx(0.01 / (0.99 * 0.01))
    assert "waiting does where a duplicate costs at most 1.01" in found.reason


@pytest.mark.parametrize("lost", [0.001, 0.2, 0.6])
@pytest.mark.parametrize("reply_lost", [0.001, 0.2])
def test_the_condition_is_where_waiting_begins_to_do(lost: float, reply_lost: float) -> None:
    edge = lost / ((1 - lost) * reply_lost)
    assert isinstance(patience(request(lost, reply_lost), Costs(lost=1, duplicate=edge * 0.99)), Patience)
    assert isinstance(patience(request(lost, reply_lost), Costs(lost=1, duplicate=edge * 1.01)), Never)


def test_at_the_threshold_a_retry_costs_what_none_does() -> None:
    one, costs = request(0.05, 0.02), Costs(lost=1, duplicate=1.5)
    found = patience(one, costs)
    assert isinstance(found, Patience)
    executed = executed_if_silent(one, found.us)
    assert executed * costs.duplicate == pytest.approx((1 - executed) * costs.lost)


@pytest.mark.parametrize("loss", [0.01, 0.3])
def test_the_limit_for_equal_losses(loss: float) -> None:
    assert executed_if_silent(request(loss, loss), inf) == pytest.approx((1 - loss) / (2 - loss))


def test_without_any_loss_whoever_waits_long_enough_is_never_wrong_but_by_the_tail() -> None:
    found = patience(request(0.0, 0.0), Costs(lost=1, duplicate=1))
    assert isinstance(found, Patience)


def test_a_cut_that_began_before_the_send_lets_nothing_execute() -> None:
    assert executed_under_cut(RTT.beyond, RTT.beyond, from_us=-500.0, until_us=0.0) == 0


def test_a_cut_that_began_after_the_send_at_any_time_gives_the_ratio_of_means() -> None:
    arrives, answered = Erlang(mean_us=20.0 * MS), Erlang(mean_us=80.0 * MS, stages=4)
    found = executed_under_cut(arrives.beyond, answered.beyond, from_us=0.0, until_us=inf)
    assert found == pytest.approx(executed_for_ever(20, 40, 20), rel=1e-6)


def test_a_cut_between_two_instants_against_drawn_requests() -> None:
    """The last heartbeat was sent 30 ms before the request, and silence was noticed 60 ms after."""
    arrives, answered = Erlang(mean_us=20.0 * MS), Erlang(mean_us=60.0 * MS, stages=3)
    rng = np.random.default_rng(7)
    legs = rng.exponential(20.0 * MS, size=(400_000, 3))
    cut = rng.uniform(-30 * MS, 60 * MS, size=400_000)
    silent = cut < legs.sum(axis=1)
    executed = silent & (cut >= legs[:, 0])
    found = executed_under_cut(arrives.beyond, answered.beyond, from_us=-30.0 * MS, until_us=60.0 * MS)
    assert found == pytest.approx(executed.sum() / silent.sum(), abs=0.005)


def test_costs_are_refused_together() -> None:
    with pytest.raises(ValueError, match=r"lost=-1.*duplicate=-2"):
        Costs(lost=-1, duplicate=-2)


def test_costs_that_decide_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="both costs are 0"):
        Costs(lost=0, duplicate=0)
