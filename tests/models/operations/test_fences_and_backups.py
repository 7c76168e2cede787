"""What operators ask of members: a fence that holds, a copy of everything, and a reign that begins with one."""

from __future__ import annotations

from typing import Any

import pytest

from models.store.backup import BackupQuery, Backups, BackupService, BackupsOptions
from models.store.group.lineage import Reign
from models.store.group.words import Copied, CopyQuery, Fence, Fenced, Promote, Promoted, Restore
from models.store.requests import Accepted, Unavailable
from models.store.schemes import Scheme, Tier
from sim.testing import FakeContext
from tests.models.shards import Cluster, at

QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)


def cluster(**more: Any) -> Cluster:
    return Cluster(scheme=QUORUM, **more)


def backed_up(made: Cluster) -> Copied:
    copy = made.ask(1, CopyQuery())
    assert isinstance(copy, Copied)
    return copy


def restore(copy: Copied, epoch: int) -> Restore:
    return Restore(epoch=epoch, position=copy.position, snapshots=copy.snapshots, window=copy.window)


# -- fences -------------------------------------------------------------------------------------------


def test_a_fenced_leader_accepts_nothing_until_somebody_is_promoted() -> None:
    made = cluster()
    assert isinstance(made.submit(1, 1), Accepted)
    assert made.ask(1, Fence(epoch=2)) == Fenced(number=1, promised=2, leads=False)
    assert made.submit(1, 2) == Unavailable(command_id=2, reason="no leader")
    assert made.ask(2, Promote(epoch=3), 500) == Promoted(epoch=3)
    assert isinstance(made.submit(2, 2), Accepted)


def test_a_fence_outlives_the_process() -> None:
    made = cluster()
    made.ask(1, Fence(epoch=2))
    made.crash(1)
    made.run(2_000)
    assert not made.shard[1].leads
    assert made.shard[1].promised == 2


def test_a_fence_below_what_was_promised_changes_nothing() -> None:
    made = cluster()
    made.ask(2, Promote(epoch=5), 500)
    assert made.ask(2, Fence(epoch=5)) == Fenced(number=2, promised=5, leads=True)


# -- copies and restores --------------------------------------------------------------------------------


def test_only_who_leads_hands_out_a_copy() -> None:
    made = cluster()
    made.submit(1, 1)
    assert backed_up(made).position == 1
    assert made.ask(2, CopyQuery()) is None


def test_a_restore_brings_back_what_the_copy_holds_and_nothing_later() -> None:
    made = cluster()
    for command in (1, 2):
        made.submit(1, command)
    copy = backed_up(made)
    made.submit(1, 3)
    assert made.ask(2, restore(copy, 2), 2_000) == Promoted(epoch=2)
    assert made.shard[2].reigns == (Reign(1, 1, 0), Reign(2, 2, 0))
    made.run(2_000)
    assert [made.shard[number].told() for number in (1, 2, 3)] == [{0: 102}] * 3
    # A command that the copy knows is not done twice; one that is gone is done anew.
    assert isinstance(made.submit(2, 2), Accepted)
    assert isinstance(made.submit(2, 3, ms=200), Accepted)
    assert made.shard[2].told() == {0: 103}


def test_members_with_empty_disks_follow_a_restore_whichever_log_they_began() -> None:
    made = cluster()
    for command in (1, 2, 3):
        made.submit(1, command)
    copy = backed_up(made)
    for number in made.numbers:
        made.stop(number, "disk_loss")
    for number in made.numbers:
        made.start(number)
    made.run(3_000)
    made.submit(1, 9)  # on a store that knows nothing, under the epoch of the first one
    made.ask(1, restore(copy, 4), 2_000)
    made.run(3_000)
    assert [made.shard[number].told() for number in (1, 2, 3)] == [{0: 103}] * 3


def test_one_that_waits_for_others_obeys_a_restore() -> None:
    made = cluster()
    made.submit(1, 1)
    copy = backed_up(made)
    for number in made.numbers:
        made.stop(number, "disk_loss")
    made.start(2)
    made.run(1_000)
    assert not made.shard[2].ready
    assert made.ask(2, restore(copy, 4), 4_000) == Promoted(epoch=4)
    assert made.shard[2].told() == {0: 101}


def test_a_restore_under_an_epoch_that_is_over_is_refused() -> None:
    made = cluster()
    made.submit(1, 1)
    copy = backed_up(made)
    made.ask(2, Promote(epoch=5), 500)
    assert made.ask(1, restore(copy, 4)) == Promoted(epoch=5, leads=False)


# -- who keeps backups ------------------------------------------------------------------------------------


def keeper(ctx: FakeContext | None = None) -> tuple[FakeContext, BackupService]:
    ctx = ctx or FakeContext()
    made = BackupService(ctx, BackupsOptions(shards=(("s", (at(1), at(2))),), every_us=10_000))
    ctx.start(made)
    return ctx, made


def copied(position: int) -> Copied:
    return Copied(position=position, snapshots=(), window=())


def test_a_backup_is_asked_of_all_and_kept_durably() -> None:
    ctx, made = keeper()
    assert ctx.deliver(made, BackupQuery(shard="s")).value == Backups(asked_us=0, copy=None)
    ctx.advance(10_001)
    assert [to for to, _, _ in ctx.calls] == [at(1), at(2)]
    ctx.answer(None)
    ctx.answer(copied(7))
    ctx.advance(2_000)
    assert ctx.notes == [("backup", 7)]
    ctx, made = keeper(ctx.power_loss())
    assert ctx.deliver(made, BackupQuery(shard="s")).value == Backups(asked_us=10_000, copy=copied(7))


def test_without_a_leader_the_last_backup_stays() -> None:
    ctx, made = keeper()
    for answer in (copied(7), None):
        ctx.advance(10_001)
        ctx.answer(answer)
        ctx.answer(None)
        ctx.advance(2_000)
    image = made.image("s")
    assert image is not None
    assert image.position == 7
    assert made.image("t") is None


@pytest.mark.parametrize("name", ["every_us", "ask_us"])
def test_no_time_between_backups_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        BackupsOptions(**({"shards": (), "every_us": 1} | {name: 0}))
