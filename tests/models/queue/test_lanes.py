"""Lanes: letters come, go, fail and park, alone or in sequence, and events alone say so."""

from __future__ import annotations

import pytest

from models.domain import Denied, Event
from models.queue.lanes import (
    Enqueue,
    Enqueued,
    Fail,
    Failed,
    Lane,
    Lanes,
    Parked,
    Parking,
    Retried,
    Retry,
    Settle,
    Settled,
)
from models.queue.leases import Shelf, free_letters

ALONE = Lanes(2, Parking.ALONE)
SEQUENCED = Lanes(2, Parking.SEQUENCED)


def filled(domain: Lanes, *events: Event, messages: int = 3) -> Lane:
    return domain.replay([*(Enqueued(message=10 * n, body=0) for n in range(1, messages + 1)), *events])


def waiting(lane: Lane) -> list[int]:
    return [letter.number for letter in lane.waiting]


def parked(lane: Lane) -> list[int]:
    return [letter.number for letter in lane.parked]


def test_a_letter_gets_the_next_number_and_its_producer_is_told() -> None:
    lane = filled(ALONE)
    assert [(letter.number, letter.message) for letter in lane.waiting] == [(1, 10), (2, 20), (3, 30)]
    assert ALONE.told(lane) == 3


def test_numbers_go_on_where_letters_are_gone() -> None:
    lane = filled(ALONE, Settled(numbers=(1, 2, 3)), Enqueued(message=40, body=0))
    assert waiting(lane) == [4]


@pytest.mark.parametrize(("numbers", "left"), [((1,), [2, 3]), ((1, 2), [3]), ((2,), [1, 3]), ((1, 3), [2])])
def test_settled_letters_go_wherever_they_are(numbers: tuple[int, ...], left: list[int]) -> None:
    lane = filled(ALONE)
    event = ALONE.decide(lane, Settle(numbers=numbers))
    assert event == Settled(numbers=numbers)
    assert waiting(ALONE.evolve(lane, event)) == left


def test_what_is_gone_is_settled_no_more() -> None:
    lane = filled(ALONE, Settled(numbers=(1,)))
    assert ALONE.decide(lane, Settle(numbers=(1, 2))) == Settled(numbers=(2,))
    assert isinstance(ALONE.decide(lane, Settle(numbers=(1,))), Denied)


def test_a_letter_fails_in_its_place_until_it_has_failed_too_often() -> None:
    lane = filled(ALONE)
    once = ALONE.decide(lane, Fail(number=1))
    assert once == Failed(number=1)
    again = ALONE.evolve(lane, once)
    assert waiting(again) == [1, 2, 3]
    assert ALONE.decide(again, Fail(number=1)) == Parked(number=1, sequenced=False)


def test_without_parking_it_fails_for_ever() -> None:
    lane, for_ever = filled(ALONE), Lanes()
    for _ in range(20):
        lane = for_ever.evolve(lane, for_ever.decide(lane, Fail(number=1)))
    assert lane.waiting[0].attempts == 20


def test_parked_alone_a_letter_lets_the_others_pass_and_comes_back_last() -> None:
    lane = filled(ALONE, Parked(number=1, sequenced=False))
    assert (waiting(lane), parked(lane)) == ([2, 3], [1])
    assert waiting(ALONE.evolve(lane, Retried())) == [2, 3, 1]


def test_parked_in_sequence_it_takes_the_lane_along_and_what_comes_later() -> None:
    lane = filled(SEQUENCED, Settled(numbers=(1,)), Parked(number=2, sequenced=True), Enqueued(message=40, body=0))
    assert (waiting(lane), parked(lane)) == ([], [2, 3, 4])
    back = SEQUENCED.evolve(lane, SEQUENCED.decide(lane, Retry()))
    assert (waiting(back), parked(back)) == ([2, 3, 4], [])
    assert [letter.attempts for letter in back.waiting] == [0, 0, 0]


def test_nothing_is_retried_where_nothing_is_parked() -> None:
    assert isinstance(SEQUENCED.decide(filled(SEQUENCED), Retry()), Denied)


def test_every_state_on_the_way_keeps_the_invariants() -> None:
    lane = SEQUENCED.initial()
    for command in (
        Enqueue(message=1),
        Enqueue(message=2),
        Fail(number=1),
        Fail(number=1),
        Enqueue(message=3),
        Retry(),
        Settle(numbers=(1, 2)),
        Fail(number=3),
    ):
        lane = SEQUENCED.evolve(lane, SEQUENCED.decide(lane, command))
        assert SEQUENCED.violated(lane) == ()
    assert waiting(lane) == [3]


def test_an_invariant_sees_a_letter_twice_and_a_halted_lane_that_hands_out() -> None:
    lane = filled(SEQUENCED)
    twice = Lane(last=3, waiting=lane.waiting, parked=lane.waiting[:1])
    assert SEQUENCED.violated(twice) == ("every_letter_once",)
    assert SEQUENCED.violated(Lane(last=3, waiting=lane.waiting, halted=True)) == ("halted_is_parked",)


@pytest.mark.parametrize(("attempts", "parking"), [(0, Parking.ALONE), (3, Parking.NONE)])
def test_parking_and_attempts_go_together(attempts: int, parking: Parking) -> None:
    with pytest.raises(ValueError, match="a way to park, or 0 and 'none'"):
        Lanes(attempts, parking)


def test_an_operator_can_put_a_message_in_again() -> None:
    assert SEQUENCED.again(Enqueued(message=1, body=2)) == Enqueue(message=1, body=2)
    assert SEQUENCED.again(Settled(numbers=(1,))) is None


@pytest.mark.parametrize(("ordered", "free"), [(True, []), (False, [1])])
def test_none_is_free_that_may_be_taken_back_whatever_stands_behind_it(ordered: bool, free: list[int]) -> None:
    lane = filled(
        ALONE,
        Parked(number=1, sequenced=False),
        Settled(numbers=(2, 3)),
        Enqueued(message=40, body=0),
        Retried(),
    )
    assert waiting(lane) == [4, 1]
    found = free_letters(lane, Shelf(upto=3), 3, ordered=ordered)
    assert [letter.number for letter in found] == free, "the fourth is not committed, and in order it comes first"
