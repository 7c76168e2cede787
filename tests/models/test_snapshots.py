"""Snapshots on the disk: kept where the log bears them out, passed over where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from models.domains.bank_account import Account
from models.store.log.snapshots import Snapshot, SnapshotPolicy, Snapshots
from sim.testing import FakeContext


def snapshot(instance: int = 0, version: int = 1, position: int = 1, **more: Any) -> Snapshot:
    made = Snapshot(0, instance, version, position, 7, 9, 1, False, False, 1, Account(balance=version), 0)
    return made._replace(**more)


def snapshots_of(ctx: FakeContext, bears_out: Any = lambda one: True) -> tuple[Snapshots, int]:
    """Recovered, and how many were passed over."""
    found = Snapshots(ctx, bears_out)
    passed: list[int] = []

    def recover() -> Any:
        passed.append((yield from found.recover()))

    ctx.run(recover)
    ctx.advance(20_000)
    return found, passed[0]


def written(ctx: FakeContext, *snapshots: Snapshot) -> Snapshots:
    found, _ = snapshots_of(ctx)
    for one in snapshots:
        ctx.run(found.write, [one])
        ctx.advance(5_000)
    return found


def test_the_newest_of_each_counts_from_when_it_is_durable() -> None:
    ctx = FakeContext()
    found = written(ctx, snapshot(version=1), snapshot(version=2, position=2), snapshot(5))
    ctx.run(found.write, [snapshot(version=3, position=4)])
    assert found.latest[0, 0].version == 2
    assert ctx.points[-1] == "N1"

    again, passed = snapshots_of(ctx.power_loss())
    assert ({key: one.version for key, one in again.latest.items()}, passed) == ({(0, 0): 2, (0, 5): 1}, 0)


def test_a_torn_one_is_passed_over_and_what_follows_it_is_kept() -> None:
    ctx = FakeContext()
    found = written(ctx, snapshot(version=1))
    ctx.run(found.write, [snapshot(version=2, position=2)])
    ctx = ctx.power_loss(torn=True)
    again, passed = snapshots_of(ctx)
    assert (again.latest[0, 0].version, passed) == (1, 1)
    ctx.run(again.write, [snapshot(version=3, position=3)])
    ctx.advance(5_000)

    assert snapshots_of(ctx.power_loss(torn=True))[0].latest[0, 0].version == 3


def test_what_was_not_believed_once_is_not_believed_later_either() -> None:
    ctx = FakeContext()
    written(ctx, snapshot(version=1), snapshot(version=2, position=2))
    length = [1]

    def bears_out(one: Snapshot) -> bool:
        return one.position <= length[0]

    ctx = ctx.process_crash()
    found, passed = snapshots_of(ctx, bears_out)
    assert (found.latest[0, 0].version, passed) == (1, 1)
    length[0] = 5  # the log has grown past it, with something else
    found, passed = snapshots_of(ctx.power_loss(), bears_out)
    assert (found.latest[0, 0].version, passed) == (1, 0)


def test_what_the_log_gave_up_meanwhile_does_not_count() -> None:
    ctx = FakeContext()
    length = [9]
    found, _ = snapshots_of(ctx, lambda one: one.position <= length[0])
    ctx.run(found.write, [snapshot(position=5)])
    length[0] = 4
    ctx.advance(5_000)

    assert found.latest == {}


def test_the_file_is_put_together_again_when_most_of_it_is_outdated() -> None:
    ctx = FakeContext()
    found = written(ctx, *(snapshot(version=version, position=version) for version in range(1, 70)))
    ctx.run(found.tidy)
    ctx.advance(5_000)

    assert len(ctx.disk.read("snapshots")) < 10
    assert found.stored_bytes() * 60 < found.bytes_written
    assert snapshots_of(ctx.power_loss())[0].latest == found.latest


@pytest.mark.parametrize("us", [1, 500, 999, 1_001, 1_500, 2_001])
@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
def test_a_crash_while_some_are_forgotten_leaves_them_all_or_none(how: str, us: int) -> None:
    ctx = FakeContext()
    found = written(ctx, snapshot(0, position=1), snapshot(1, position=2), snapshot(2, position=3))
    ctx.run(found.keep_up_to, 1)
    ctx.advance(us)

    assert sorted(snapshots_of(getattr(ctx, how)())[0].latest) in ([(0, 0)], [(0, 0), (0, 1), (0, 2)])


def test_one_that_is_being_written_while_the_file_is_put_together_is_not_lost() -> None:
    ctx = FakeContext()
    found = written(ctx, snapshot(0, position=1), snapshot(1, position=9))
    ctx.run(found.write, [snapshot(2, position=2)])
    ctx.run(found.keep_up_to, 5)
    ctx.advance(10_000)

    assert sorted(found.latest) == [(0, 0), (0, 2)]
    assert snapshots_of(ctx.power_loss())[0].latest == found.latest


@pytest.mark.parametrize("changes", [{"every": 0}, {"age_us": -1}, {"load_us": 0}])
def test_a_policy_that_is_always_due_is_refused(changes: dict[str, int]) -> None:
    (name,) = changes
    with pytest.raises(ValueError, match=f"{name}=-?[01] is always due; give at least 1, or None for never"):
        SnapshotPolicy(**changes)
