"""The posterior of a silent request is what its closed forms say, in printed rows and with heartbeats as evidence."""

from __future__ import annotations

from math import inf

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
from models.effects.retrying import Gap
from models.effects.risk import Route, arrives_yet, executed

ONE_WAY = Erlang(mean_us=50_000)
ROUND_TRIP = Erlang(mean_us=100_000, stages=2)
#: Losses and nothing else.
LOSSY = Request(request_loss=0.01, reply_loss=0.01, round_trip=ROUND_TRIP)
SURE = Request(request_loss=0.0, reply_loss=0.0, round_trip=ROUND_TRIP)


def route(request: Request = LOSSY, **more: object) -> Route:
    values: dict[str, object] = {
        "request": request,
        "arrival": ONE_WAY,
        "beat_us": 100_000,
        "beat_loss": 0.01,
        "beat_delay": ONE_WAY,
        "mtbc_us": 20e6,
        "cut_us": 5e6,
    }
    return Route(**values | more)  # type: ignore[arg-type]


def silent_since(since_us: int, until_us: int) -> Gap:
    due = range(since_us + 50_000, until_us - 50_000, 100_000)
    return Gap(since_us=since_us, missing_us=tuple(due), until_us=until_us)


@pytest.mark.parametrize(
    ("lost", "unanswered", "ratio", "told_ms"),
    [(0.01, 0.01, 1.0, 586.7), (0.01, 0.01, 2.0, None), (0.2, 0.001, 100.0, 439.1)],
)
def test_the_printed_table(lost: float, unanswered: float, ratio: float, told_ms: float | None) -> None:
    request = Request(request_loss=lost, reply_loss=unanswered, round_trip=ROUND_TRIP)
    found = patience(request, Costs(lost=1.0, duplicate=ratio))
    if told_ms is None:
        assert isinstance(found, Never)
    else:
        assert isinstance(found, Patience)
        assert round(found.us / 1_000, 1) == told_ms


def test_without_heartbeats_it_is_that_of_independent_losses() -> None:
    assert executed(route(), 586_728.0) == executed_if_silent(LOSSY, 586_728.0)
    assert executed(route(), inf) == pytest.approx(0.99 / 1.99)


def test_a_receiver_that_is_heard_on_and_on_leaves_independent_losses() -> None:
    heard = Gap(since_us=2_990_000, missing_us=(), until_us=3_000_000)
    assert executed(route(), 3_000_000.0, heard) == pytest.approx(executed_if_silent(LOSSY, 3_000_000.0), abs=1e-3)


@pytest.mark.parametrize("since_us", [-300_000, -50_000, 0, 50_000, 200_000])
def test_a_lasting_cut_alone_is_the_correlated_form(since_us: int) -> None:
    rare = route(SURE, beat_loss=0.0, mtbc_us=1e12, cut_us=inf)
    gap = Gap(since_us=since_us, missing_us=(), until_us=4_000_000)
    wanted = executed_under_cut(ONE_WAY.beyond, ROUND_TRIP.beyond, from_us=float(since_us), until_us=4e6)
    assert executed(rare, 4_000_000.0, gap) == pytest.approx(wanted, abs=2e-3)


def test_from_the_send_on_it_is_the_share_of_mean_times() -> None:
    rare = route(SURE, beat_loss=0.0, mtbc_us=1e12, cut_us=inf)
    gap = Gap(since_us=0, missing_us=(), until_us=4_000_000)
    assert executed(rare, 4_000_000.0, gap) == pytest.approx(executed_for_ever(5e4, 0.0, 5e4), abs=2e-3)


def test_the_later_the_last_heartbeat_the_likelier_it_was_executed() -> None:
    since = range(-400_000, 200_000, 50_000)
    chances = [executed(route(), 2e6, silent_since(since_us, 2_000_000)) for since_us in since]
    assert chances == sorted(chances)
    assert chances[0] < 1e-3
    assert chances[-1] > 0.7


def test_a_cut_that_came_after_every_reply_explains_nothing() -> None:
    assert executed(route(), 2e6, silent_since(800_000, 2_000_000)) == pytest.approx(0.99 / 1.99, abs=1e-3)


def test_heartbeats_that_come_again_leave_what_the_gap_said() -> None:
    gap = silent_since(-300_000, 2_000_000)
    back = Gap(since_us=gap.since_us, missing_us=gap.missing_us, until_us=2_100_000, back_us=2_050_000)
    assert executed(route(), 2_500_000.0, back) == pytest.approx(executed(route(), 2e6, gap), abs=1e-3)


def test_one_heartbeat_that_is_lost_is_no_cut() -> None:
    one = Gap(since_us=-20_000, missing_us=(50_000,), until_us=160_000, back_us=150_000)
    lasting = silent_since(-20_000, 1_000_000)
    assert executed(route(), 1e6, one) > executed(route(), 1e6, lasting)


def test_a_cut_that_may_be_of_the_way_back_leaves_its_share() -> None:
    gap = silent_since(-300_000, 2_000_000)
    half = executed(route(back_share=0.5), 2e6, gap)
    assert executed(route(), 2e6, gap) < 1e-4
    # Both kinds leave all of it unanswered; of the first nothing is executed, of the second all that is not lost.
    assert half == pytest.approx(0.5 * 0.99, abs=1e-3)


def test_on_a_connection_silence_is_no_evidence() -> None:
    queued = route(queued=True)
    said = {executed(queued, us, silent_since(-300_000, 2_000_000)) for us in (1e5, 1e6, 8e6)}
    assert said == {0.99}


def test_a_no_that_is_not_fenced_is_worth_what_is_not_under_way() -> None:
    assert arrives_yet(route(), 0.0) == pytest.approx(0.99)
    assert arrives_yet(route(), 150_000.0) == pytest.approx(0.99 * 0.0497871 / (0.99 * 0.0497871 + 0.01), rel=1e-5)
    assert arrives_yet(route(), 2_000_000.0) < 1e-10


def test_everything_wrong_with_a_route_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"beat_us=-1.*beat_loss=2.*back_share=3.*mtbc_us=0.*cut_us=-1"):
        route(beat_us=-1, beat_loss=2.0, back_share=3.0, mtbc_us=0, cut_us=-1)


def test_silence_that_cannot_be_is_refused() -> None:
    sure = route(SURE, beat_loss=0.0, mtbc_us=inf)
    with pytest.raises(ValueError, match="cannot be under"):
        executed(sure, 1e9, Gap(since_us=0, missing_us=(100_000,), until_us=1_000_000_000))
