"""What a group's own log says that it holds."""

from __future__ import annotations

from models.keyspace.ranges import NO_RANGES, Granted, HandedOver, Ranges, Received, Released
from models.store.log.entries import NOTHING


def folded(*facts: Granted | Released | Received | HandedOver) -> Ranges:
    state = NOTHING
    for fact in facts:
        state = fact.after(state)
    assert isinstance(state, Ranges)
    return state


def released(begin: int, end: int, *, to: int = 2, version: int = 2) -> Released:
    return Released(begin=begin, end=end, to=to, owners=(1,), version=version)


def test_what_is_granted_is_held_to_its_end_exclusive() -> None:
    found = folded(Granted(begin=0, end=10, version=1))
    assert [found.holds(point) for point in (0, 9, 10)] == [True, True, False]
    assert (found.covers(0, 10), found.covers(5, 11)) == (True, False)


def test_giving_the_middle_away_leaves_two_ends() -> None:
    found = folded(Granted(begin=0, end=10, version=1), released(3, 6))
    assert found.held == ((0, 3), (6, 10))
    assert found.gone(4) == released(3, 6)
    assert found.gone(7) is None


def test_neighbours_that_are_received_are_one() -> None:
    found = folded(Granted(begin=0, end=5, version=1), Received(begin=5, end=9, source=2, version=2, since_us=0))
    assert found.held == ((0, 9),)


def test_what_was_given_twice_went_last_to_the_later() -> None:
    found = folded(
        Granted(begin=0, end=9, version=1),
        released(0, 9, to=2, version=2),
        Received(begin=0, end=9, source=2, version=3, since_us=0),
        released(0, 9, to=4, version=4),
    )
    gone = found.gone(5)
    assert gone is not None
    assert gone.to == 4
    assert found.released_to(2, 2) == released(0, 9, to=2, version=2)
    assert found.released_to(2, 4) is None


def test_a_group_is_empty_handed_once_all_it_gave_is_safe() -> None:
    gave = (Granted(begin=0, end=9, version=1), released(0, 9))
    assert not folded(*gave).empty_handed
    assert folded(*gave, HandedOver(version=2)).empty_handed
    assert not NO_RANGES.empty_handed
