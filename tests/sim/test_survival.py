"""A schedule that destroys every copy is allowed, and says so."""

from sim.faults import Fault, Trigger, check_schedule, destroyed_copies
from sim.topology import grid

ABC = grid(["a", "b", "c"], clusters=1, hosts=1, cores=1, clients=0)
COPIES = {"shard 0": [0, 1, 2], "shard 1": [0, 1]}


def loss(target: str, at: int | Trigger, for_us: int | None, kind: str = "disk-loss") -> Fault:
    return Fault(id=f"{target}{at}", kind=kind, targets=(target,), at=at, for_us=for_us)


def warnings(*faults: Fault) -> list[str]:
    check_schedule(faults, ABC)
    return list(destroyed_copies(faults, ABC, COPIES))


def test_a_schedule_that_spares_one_copy_has_no_warning() -> None:
    assert warnings(loss("a", 0, None, "region-destroyed")) == []
    assert warnings(loss("a", 0, None, "power-loss"), loss("b", 0, None, "power-loss"), loss("c", 0, None)) == []


def test_disks_that_are_gone_at_once_leave_nothing() -> None:
    assert warnings(loss("a", 5, None, "region-destroyed"), loss("b", 2_000_000, 9)) == [
        "every copy of shard 1 is destroyed at 2 s: all its disks are gone at once",
    ]


def test_disks_that_are_lost_in_turn_leave_what_was_copied_in_between() -> None:
    assert warnings(loss("a", 5, 5), loss("b", 20, 5)) == [
        "every disk with a copy of shard 1 is lost in turn: only what was copied anew in between survives",
    ]


def test_what_waits_for_a_trigger_may_happen() -> None:
    at = Trigger(point="C1")
    assert warnings(loss("a", 5, 5), loss("@here", at, 5)) == [
        "every copy of shard 0 may be destroyed: its disks are lost at triggers",
        "every copy of shard 1 may be destroyed: its disks are lost at triggers",
    ]
