"""What is known of who wrote what: which writes another met, and whether it rests on something unknown to those."""

from __future__ import annotations

from models.confidence.visible.hazards import NEVER
from models.confidence.visible.past import NOTHING_MET, Met, Past
from models.domain import Denied
from models.domains.username import Claimed, Released
from models.merging.writes import Write

EAST, WEST = 1, 2


def write(
    stamp_us: int, origin: int, position: int, seen: int = 0, *, instance: int = 7, event: object = None
) -> Write:
    other = WEST if origin == EAST else EAST
    address = instance << 32 | origin << 16 | position
    fact = Claimed(person=origin) if event is None else event
    return Write(stamp_us, origin, position, address, fact, 0, ((other, seen),))  # type: ignore[arg-type]


def past(*writes: Write) -> Past:
    found = Past((EAST, WEST))
    for one in writes:
        found.take(one)
    return found


def test_a_write_whose_writer_knew_all_before_has_met_nothing() -> None:
    first, second = write(10, EAST, 1), write(20, WEST, 1, seen=1)
    assert past(first, second).met(second) == NOTHING_MET


def test_two_that_were_decided_on_the_same_state_meet() -> None:
    first, second = write(10, EAST, 1), write(20, WEST, 1)
    assert past(first, second).met(second) == Met(1, first.address, moved=False)
    assert past(first, second).met(first) == NOTHING_MET


def test_who_rests_on_what_the_first_did_not_know_has_moved_on() -> None:
    """West claims and releases; what East wrote in between knew of neither."""
    claimed, theirs, released = (
        write(10, WEST, 1),
        write(20, EAST, 1),
        write(30, WEST, 2, event=Released(person=WEST)),
    )
    assert past(claimed, theirs, released).met(released) == Met(1, theirs.address, moved=True)


def test_denials_and_other_aggregates_meet_nobody() -> None:
    denied = write(10, EAST, 1, event=Denied(reason="taken"))
    elsewhere = write(11, EAST, 2, instance=8)
    ours = write(20, WEST, 1)
    assert past(denied, elsewhere, ours).met(ours) == NOTHING_MET


def test_it_tells_what_was_written_last_by_an_instant_and_whether_anything_was_since() -> None:
    known = past(write(10, EAST, 1), write(20, WEST, 1, seen=1, event=Released(person=1)))
    assert [known.last(7, at_us) for at_us in (5, 15, 25)] == [NEVER, "Claimed", "Released"]
    assert known.has_moved(7, 15, 25)
    assert not known.has_moved(7, 20, 25)


def test_what_has_its_final_place_comes_in_order_and_only_once() -> None:
    known = past(write(20, WEST, 1), write(10, EAST, 1), write(30, EAST, 2))
    assert [one.stamp_us for one in known.settled(25)] == [10, 20]
    assert known.settled(25) == []


def test_what_all_have_seen_is_forgotten_but_for_the_last() -> None:
    writes = [write(10, EAST, 1), write(20, WEST, 1, seen=1), write(30, EAST, 2, seen=1), write(40, WEST, 2, seen=2)]
    known = past(*writes)
    known.forget(known.settled(40))
    late = write(45, EAST, 3, seen=1)
    known.take(late)
    assert known.met(late).first == writes[3].address
    assert known.last(7, 15) == NEVER
    assert known.last(7, 40) == "Claimed"
