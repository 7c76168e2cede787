"""Networks that change do to heartbeats what each part says, and leave alone what it does not speak of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.detection import read_trace
from experiments.detection.changing import (
    NETWORKS,
    Bursts,
    Changing,
    Congestion,
    Copies,
    Cuts,
    Detour,
    Diurnal,
    Drift,
    Heard,
    Loss,
    Pauses,
    Routes,
    Spells,
    Stalls,
    Step,
    Whose,
    crashes_within,
    heard,
    heard_of,
)
from experiments.detection.changing.named import TITLES
from experiments.detection.changing.parts import Part
from sim.chance import Chance

S = 1_000_000
SINCE_US = 100 * S


def through(*parts: Part, count: int = 4_000, loss: float = 0.0, jitter_us: int = 0, seed: int = 1) -> Heard:
    network = Changing(parts=parts, delay_us=10_000, jitter_us=jitter_us, loss=loss)
    return heard(Chance(seed), network, count=count, eta_us=S, since_us=SINCE_US)


def late(found: Heard) -> list[int]:
    return [int(us) for us in found.trace.arrivals_us - found.sent_us]


def test_before_the_change_every_network_is_the_same() -> None:
    def begin(name: str) -> list[int]:
        found = heard(Chance(3), NETWORKS[name], count=400, eta_us=S, since_us=300 * S).before(299 * S)
        return [int(us) for us in found.trace.arrivals_us]

    assert {tuple(begin(name)) for name in NETWORKS} == {tuple(begin("calm"))}
    assert TITLES.keys() == NETWORKS.keys()


def test_a_step_is_there_from_its_instant_on() -> None:
    assert late(through(Step(extra_us=500))) == [10_000] * 100 + [10_500] * 3_900


def test_delay_swings_between_none_and_all_once_in_a_period() -> None:
    found = late(through(Diurnal(period_us=1_000 * S, extra_us=8_000)))
    assert [found[100 + step] for step in (0, 250, 500, 750, 1_000)] == [10_000, 14_000, 18_000, 14_000, 10_000]


def test_a_route_stays_until_the_next_which_is_blind_at_first() -> None:
    found = through(Routes(every_us=200 * S, extra_us_max=50_000, blind_us=3 * S))
    # A spell of three seconds has three heartbeats, but for the last, which may go on after the end.
    assert 0 <= 4_000 - len(found.trace) - 3 * (len(found.trouble) - 1) <= 3
    between = (found.sent_us >= found.trouble.ends_us[3]) & (found.sent_us < found.trouble.begins_us[4])
    assert len(set((found.trace.arrivals_us - found.sent_us)[between].tolist())) == 1


def test_loss_is_in_bad_states_as_often_as_it_should_be() -> None:
    found = through(Bursts(every_us=100 * S, mean_us=20 * S, loss=0.5), count=40_000)
    assert 1 - len(found.trace) / 40_000 == pytest.approx(0.1, rel=0.15)
    bad = found.trouble.inside(np.arange(40_000) * S).sum()
    assert (40_000 - len(found.trace)) / bad == pytest.approx(0.5, rel=0.05)


def test_what_a_stall_holds_back_comes_at_its_end_and_in_order() -> None:
    found = through(Stalls(every_us=30 * S, least_us=2 * S, most_us=6 * S))
    assert len(found.trace) == 4_000
    assert (np.diff(found.trace.sequences) > 0).all()
    assert not found.trouble.inside(found.trace.arrivals_us).any()
    waited = found.trace.arrivals_us - found.sent_us > 10_000
    assert set(found.trace.arrivals_us[waited].tolist()) <= set(found.trouble.ends_us.tolist())


def test_a_sender_that_stands_still_sends_late_and_a_monitor_hears_late() -> None:
    sender = through(Pauses(every_us=60 * S, least_us=2 * S, most_us=3 * S, whose=Whose.SENDER))
    monitor = through(Pauses(every_us=60 * S, least_us=2 * S, most_us=3 * S, whose=Whose.MONITOR))
    assert set(late(sender)) == {10_000}
    assert not len(sender.pauses)
    assert not monitor.pauses.inside(monitor.trace.arrivals_us).any()
    assert max(late(monitor)) > 1_500_000
    assert monitor.sent_us.tolist() == [S * number for number in range(4_000)]


def test_a_cut_takes_what_is_in_flight_when_it_begins() -> None:
    found = through(Cuts(every_us=50 * S, least_us=1, most_us=2), count=20_000)
    assert len(found.trouble) > 300
    flights = [(int(begin) - 10_000, int(begin)) for begin in found.trouble.begins_us]
    hit = {-(-low // S) for low, high in flights if -(-low // S) * S <= high}
    assert set(range(20_000)) - set(found.trace.sequences.tolist()) == {number for number in hit if number < 20_000}


def test_a_relay_goes_around_a_cut_at_three_times_the_messages() -> None:
    cut = Cuts(every_us=100 * S, least_us=5 * S, most_us=9 * S)
    alone, around = through(cut), through(cut, Detour(delay_us=90_000, jitter_us=0, loss=0.0))
    assert len(set(alone.trace.sequences.tolist())) < 4_000
    assert len(set(around.trace.sequences.tolist())) == 4_000
    assert (alone.messages, around.messages) == (4_000, 4_000 + 2 * 3_900)


def test_copies_come_later_and_teach_no_new_numbers() -> None:
    found = through(Copies(share=0.25, extra_us=900_000))
    numbers = found.trace.sequences.tolist()
    assert set(numbers) == set(range(4_000))
    assert len(numbers) - 4_000 == pytest.approx(0.25 * 3_900, rel=0.1)


def test_a_clock_that_gains_shows_more() -> None:
    found = through(Drift(ppm=1_000))
    assert found.trace.arrivals_us[-1] == 3_999 * S + 10_000 + (3_899 * S + 10_000) // 1_000
    assert found.sent_us[-1] == 3_999 * S + 3_899_000


def test_more_loss_spares_nothing_that_was_lost_before() -> None:
    some = set(through(loss=0.1).trace.sequences.tolist())
    fewer = set(through(Loss(share=0.3), loss=0.1).trace.sequences.tolist())
    assert fewer < some
    assert len(fewer) / len(some) == pytest.approx(0.7, rel=0.05)


def test_a_queue_fills_and_drains_as_a_fluid_in_small_steps_does() -> None:
    part = Congestion(every_us=300 * S, lasts_us=40 * S, load=1.5, buffer_us=12 * S, calm_load=0.6)
    found = through(part, count=3_000)
    level, waits, step_us = 0.0, {}, 50_000
    for at in range(SINCE_US, 3_000 * S, step_us):
        if at % S == 0:
            waits[at // S] = level
        busy = bool(found.trouble.inside(np.array([at + step_us // 2]))[0])
        level = min(part.buffer_us, max(0.0, level + step_us * ((part.load if busy else part.calm_load) - 1)))
    assert max(waits.values()) == part.buffer_us
    for number, waited in zip(found.trace.sequences.tolist(), late(found), strict=True):
        assert waited - 10_000 == pytest.approx(waits.get(number, 0.0), abs=60_000)
    full = sum(wait >= part.buffer_us - 60_000 for wait in waits.values())
    assert 3_000 - len(found.trace) == pytest.approx(full / 3, abs=12)


def test_crashes_come_with_trouble_or_not_at_all() -> None:
    spells = Spells(np.array([10, 500]), np.array([20, 600]))
    found = crashes_within(Chance(1).generator("x"), spells, 200, 5)
    assert set(found.tolist()) == {*range(10, 15), *range(500, 505)}
    with pytest.raises(ValueError, match="there is no spell"):
        crashes_within(Chance(1).generator("x"), Spells(spells.begins_us[:0], spells.ends_us[:0]), 1, 5)


def test_a_trace_of_somebody_elses_is_heard_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("sequence,arrived_ms\n0,30\n1,1020\n2,\n3,3025\n", encoding="utf-8")
    found = heard_of(read_trace(path), S)
    # Times are from the first arrival, and the second heartbeat was the fastest: 10 ms less than that one took.
    assert found.sent_us.tolist() == [-10_000, 990_000, 2_990_000]
    assert late(found) == [10_000, 0, 5_000]
    assert (found.messages, found.eta_us) == (4, S)
    with pytest.raises(ValueError, match="eta_us=0"):
        heard_of(read_trace(path), 0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Stalls(every_us=10, least_us=30, most_us=20), "are no range"),
        (lambda: Cuts(every_us=10, least_us=8, most_us=20), "leaves no time between"),
        (lambda: Loss(share=1.5), "share=1.5 is no share"),
        (lambda: Bursts(every_us=5, mean_us=5, loss=-1.0), "every_us=5.*loss=-1.0"),
        (lambda: Congestion(every_us=5, lasts_us=1, load=1.0, buffer_us=0), "load=1.0 fills.*buffer_us=0"),
        (lambda: Drift(ppm=200_000), "ppm=200000 is no clock"),
        (lambda: Routes(every_us=5, extra_us_max=1, blind_us=5), "a route must serve"),
        (lambda: Changing(parts=(Drift(ppm=1), Drift(ppm=2)), loss=2.0), "loss=2.0.*more than one Drift"),
    ],
)
def test_numbers_that_cannot_be_are_refused_with_a_way_out(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=told):
        make()
