"""A disk that refuses ends the process that does not expect it; the host starts another."""

from __future__ import annotations

from typing import Any

from sim.faults import Fault
from sim.host import Context, Service
from sim.storage import DiskFull
from sim.world import World
from tests.sim.test_world import B, crash, place, world


class Diarist(Service):
    """Appends the time every 300,000 us and flushes; knows what it has read back at its start."""

    def __init__(self, ctx: Context, log: list[Any], *, careful: bool = False) -> None:
        super().__init__(ctx)
        self.log, self.careful = log, careful

    def start(self) -> Any:
        self.log.append(("start", self.ctx.now_us(), len(self.ctx.disk.read("diary"))))
        while True:
            yield self.ctx.sleep(300_000)
            try:
                self.ctx.disk.append("diary", self.ctx.now_us())
            except DiskFull:
                if not self.careful:
                    raise
                self.log.append(("full", self.ctx.now_us()))
                continue
            durable = yield self.ctx.disk.flush("diary")
            self.log.append(("durable", self.ctx.now_us(), durable))


def disk_fault(kind: str, at: int, for_us: int | None) -> Fault:
    return Fault(id=f"{kind}{at}", kind=kind, targets=(B,), at=at, for_us=for_us)


def kept(*faults: Fault, careful: bool = False, until_us: int = 3_000_000) -> tuple[World, list[Any]]:
    made = world(faults=faults)
    log: list[Any] = []
    place(made, B, "diarist", lambda ctx: Diarist(ctx, log, careful=careful))
    made.run(until_us)
    made.check_conservation()
    return made, log


def test_a_process_that_does_not_expect_a_full_disk_dies_and_is_started_again() -> None:
    made, log = kept(disk_fault("disk-full", 500_000, 1_000_000))
    # It dies at 600,200, lives again a second later, and has room when it next writes.
    assert log[:3] == [("start", 0, 0), ("durable", 300_100, 1), ("start", 1_600_100, 1)]
    assert log[3] == ("durable", 1_900_200, 2)
    assert (made.counters()[B]["perished"], made.counters()[B]["restarts"]) == (1, 1)


def test_a_process_that_expects_it_goes_on() -> None:
    made, log = kept(disk_fault("disk-full", 500_000, 300_000), careful=True, until_us=1_000_000)
    assert log == [("start", 0, 0), ("durable", 300_100, 1), ("full", 600_100), ("durable", 900_200, 2)]
    assert made.counters()[B]["perished"] == 0


def test_after_a_disk_loss_the_process_dies_at_its_next_touch_until_there_is_a_new_disk() -> None:
    made, log = kept(disk_fault("disk-loss", 400_000, 1_500_000))
    # Dead at 600,100; the start at 1,600,100 reads a disk that is not there; the next finds an empty one.
    assert log == [("start", 0, 0), ("durable", 300_100, 1), ("start", 2_600_100, 0), ("durable", 2_900_200, 1)]
    assert made.counters()[B]["perished"] == 2


def test_a_disk_lost_under_a_flush_takes_the_process_along_at_once() -> None:
    made, log = kept(disk_fault("disk-loss", 300_050, 10))
    assert log[:2] == [("start", 0, 0), ("start", 1_300_050, 0)]
    assert made.counters()[B]["perished"] == 1


def test_a_disk_replaced_before_anybody_looked_is_still_not_the_one_that_was_open() -> None:
    _, log = kept(disk_fault("disk-loss", 400_000, 10))
    assert log[2] == ("start", 1_600_100, 0)


def test_a_crash_holds_down_a_host_whose_process_would_be_started_again() -> None:
    made, log = kept(disk_fault("disk-full", 500_000, 1), crash("process-crash", 400_000, 2_000_000))
    assert [entry[:2] for entry in log if entry[0] == "start"] == [("start", 0), ("start", 2_400_000)]
    made, log = kept(disk_fault("disk-full", 500_000, 200_000), crash("power-loss", 700_000, 2_000_000))
    assert [entry[:2] for entry in log if entry[0] == "start"] == [("start", 0), ("start", 2_700_000)]
    assert made.counters()[B]["restarts"] == 1


def test_a_destroyed_region_is_gone_for_ever_with_all_it_had() -> None:
    made, log = kept(Fault(id="gone", kind="region-destroyed", targets=("b",), at=400_000, for_us=None))
    machine = made.machines[made.topology.host(B).index]
    assert not machine.up
    assert machine.device.contents() == []
    assert [entry[0] for entry in log] == ["start", "durable"]


def test_lies_are_lost_with_the_power_and_not_with_the_process() -> None:
    lies = disk_fault("fsync-lies", 500_000, 500_000)
    _, log = kept(lies, crash("process-crash", 950_000, 50_000), until_us=1_100_000)
    assert log[-1] == ("start", 1_000_000, 3)
    _, log = kept(lies, crash("power-loss", 950_000, 50_000), until_us=1_100_000)
    assert log[-2:] == [("durable", 900_300, 3), ("start", 1_000_000, 1)]
