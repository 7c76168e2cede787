"""How long a suspect has, how often rumours are told, and which word overrides which."""

from __future__ import annotations

from math import e

import pytest

from models.detection.swim import SwimOptions, first_detection, least_us, most_told, remaining_us
from models.detection.swim.roster import Roster, Rumours
from models.detection.swim.suspicion import Suspicion, push_pull_every
from models.detection.swim.words import Rumour, State

S = 1_000_000


@pytest.mark.parametrize(
    ("confirmations", "elapsed_s", "left_ms"),
    [(0, 0, 30_000), (1, 2, 14_000), (2, 3, 4_810), (3, 4, -2_000), (4, 5, -3_000), (5, 10, -8_000)],
)
def test_confirmations_shorten_a_suspects_time_by_their_logarithm(
    confirmations: int, elapsed_s: int, left_ms: int
) -> None:
    assert remaining_us(confirmations, 3, elapsed_s * S, 2 * S, 30 * S) == left_ms * 1_000


def test_where_nobody_can_confirm_the_time_is_the_least_from_the_first() -> None:
    assert remaining_us(0, 0, 500, 2_000, 30_000) == 1_500


@pytest.mark.parametrize(
    ("size", "ms"), [(5, 1_000), (10, 1_000), (50, 1_698), (100, 2_000), (500, 2_698), (1_000, 3_000)]
)
def test_the_least_time_grows_with_the_logarithm_of_the_group(size: int, ms: int) -> None:
    assert least_us(3, size, S) == 3 * ms * 1_000


def test_rumours_are_told_a_number_of_times_that_grows_likewise() -> None:
    assert [most_told(3, size) for size in (1, 9, 10, 99, 100)] == [3, 3, 6, 6, 9]


def test_full_exchanges_are_rarer_in_large_groups() -> None:
    assert [push_pull_every(10, size) for size in (32, 33, 64, 65, 128)] == [10, 20, 20, 30, 30]


def test_the_first_detection_tends_to_its_limit() -> None:
    assert first_detection(2) == 1.0
    assert first_detection(10) == pytest.approx(1.5301, abs=5e-5)
    assert first_detection(10**9) == pytest.approx(e / (e - 1), rel=1e-8)
    with pytest.raises(ValueError, match="nobody to probe"):
        first_detection(1)


def test_only_others_than_the_accuser_confirm_each_once_and_so_many() -> None:
    suspicion = Suspicion(7, 2, 1_000, 2 * S, 30 * S)
    assert [suspicion.confirm(who) for who in (7, 1, 1, 2, 3)] == [False, True, False, True, False]
    assert suspicion.left_us(1_000) == 2 * S
    assert suspicion.left_us(1_000 + 5 * S) == 0


@pytest.mark.parametrize(
    ("known", "word", "overridden"),
    [
        ((State.ALIVE, 3), (State.SUSPECT, 3), True),
        ((State.ALIVE, 3), (State.SUSPECT, 2), False),
        ((State.ALIVE, 3), (State.ALIVE, 3), False),
        ((State.SUSPECT, 3), (State.ALIVE, 3), False),
        ((State.SUSPECT, 3), (State.ALIVE, 4), True),
        ((State.SUSPECT, 3), (State.DEAD, 3), True),
        ((State.DEAD, 3), (State.SUSPECT, 5), False),
        ((State.DEAD, 3), (State.ALIVE, 4), True),
        ((State.DEAD, 3), (State.DEAD, 4), False),
    ],
)
def test_which_word_overrides_which(known: tuple[State, int], word: tuple[State, int], overridden: bool) -> None:
    roster = Roster(3, 0)
    roster.set(1, *known, now_us=0)
    assert roster.overridden(Rumour(word[0], 1, word[1], 2)) is overridden


def test_the_least_told_goes_first_and_only_the_latest_of_a_subject() -> None:
    rumours = Rumours()
    old, new, other = Rumour(State.SUSPECT, 1, 0, 0), Rumour(State.ALIVE, 1, 1, 1), Rumour(State.DEAD, 2, 0, 0)
    rumours.add(old)
    rumours.add(other)
    assert rumours.take(1, 2) == (other,)
    rumours.add(new)
    assert rumours.take(1, 2) == (new,)
    assert set(rumours.take(5, 2)) == {new, other}
    assert not rumours


def test_options_out_of_range_are_refused_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"indirect=-1 .*; awareness_max=0 .*; timeout_us=1000000 is not above 0"):
        SwimOptions(indirect=-1, awareness_max=0, timeout_us=1_000_000)
