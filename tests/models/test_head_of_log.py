"""The head of a lone shard's log: that it goes, that it stays gone, and what goes with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from models.domains.bank_account import BankAccount, Deposit
from models.store.group.shipping import Outbound
from models.store.group.wire import Ship, ShipOptions
from models.store.log.journal import Base, Journal
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.requests import Submit
from models.store.shard import Shard
from sim.testing import FakeContext

SECOND = 1_000_000
SEGMENT = 10


def shard_on(ctx: FakeContext, **policy: Any) -> Shard:
    """A lone shard that cuts its log, started and ready."""
    log = LogPolicy(segment=SEGMENT, truncate=True, **policy)
    shard = Shard(ctx, MemberOptions(number=1, shard=0, home=1, log=log), BankAccount())
    ctx.start(shard)
    while not shard.leads:
        ctx.advance(1_000)
    return shard


def deposit(ctx: FakeContext, shard: Shard, accounts: list[int], first_id: int = 1) -> None:
    """One command to each of the accounts, all committed afterwards."""
    for number, account in enumerate(accounts, first_id):
        ctx.deliver(shard, Submit(command_id=number, aggregate=account, command=Deposit(amount=1)))
    while shard.committed < shard.journal.length:
        ctx.advance(1_000)


def records_on_disk(ctx: FakeContext) -> int:
    """Entries in all files of the log."""
    return sum(len(records) for name, records in ctx._device.contents() if "/log." in name)


def test_what_was_dropped_stays_gone_after_a_power_loss() -> None:
    ctx = FakeContext()
    shard = shard_on(ctx, snapshots=SnapshotPolicy(every=5))
    for begin in range(0, 60, 20):
        deposit(ctx, shard, [7] * 20, first_id=begin + 1)
        ctx.advance(2 * SECOND)
    assert shard.journal.base.position == 60
    ctx = ctx.power_loss()
    assert records_on_disk(ctx) == 0
    again = shard_on(ctx, snapshots=SnapshotPolicy(every=5))
    assert again.told() == {7: 60}


def test_a_power_loss_amid_the_dropping_leaves_nothing_behind_for_good() -> None:
    ctx = FakeContext(flush_us=50_000)
    shard = shard_on(ctx, snapshots=SnapshotPolicy(every=5))
    deposit(ctx, shard, [7] * 20)
    while "N3" not in ctx.points:  # the files are emptied, and nothing says so durably
        ctx.advance(1_000)
    ctx = ctx.power_loss()
    assert records_on_disk(ctx) == 20
    shard_on(ctx, snapshots=SnapshotPolicy(every=5))
    ctx.advance(SECOND)
    ctx = ctx.power_loss()
    assert records_on_disk(ctx) == 0


def test_one_look_drops_every_segment_that_a_sweep_makes_free() -> None:
    ctx = FakeContext()
    shard = shard_on(ctx, sweep=True)
    deposit(ctx, shard, list(range(10 * SEGMENT)))
    ctx.advance(SECOND + SECOND // 2)
    assert shard.journal.base.position == 10 * SEGMENT


def test_after_a_restart_a_snapshot_is_due_on_age_whatever_else_is_young() -> None:
    ctx, policy = FakeContext(), SnapshotPolicy(age_us=10 * SECOND)
    shard = shard_on(ctx, snapshots=policy)
    deposit(ctx, shard, [1], first_id=1)
    ctx.advance(12 * SECOND)
    assert (0, 1) in shard.snapshots.latest
    deposit(ctx, shard, [2], first_id=2)
    ctx.advance(8 * SECOND)
    deposit(ctx, shard, [1], first_id=3)
    ctx = ctx.power_loss()
    again = shard_on(ctx, snapshots=policy)  # which knows of 1 before it knows of 2, by its snapshot
    ctx.advance(4 * SECOND)
    assert (0, 2) in again.snapshots.latest


# -- a peer that lacks what is gone --------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False])
def test_a_snapshot_of_everything_goes_to_a_peer_that_answers_and_into_no_cut(at_once: bool) -> None:
    ctx = FakeContext()
    handed: list[Outbound] = []
    out = Outbound(
        ctx,
        ctx.location,
        ShipOptions(),
        journal=cast(Journal, SimpleNamespace(base=Base(position=50))),
        upto=lambda: 60,
        promise=lambda: 0,
        header=(1, 0),
        at_once=at_once,
        install=handed.append,
    )
    out.acknowledged(9, out.challenge, 20)
    assert handed == [out]
    for _ in range(100):  # it was lost, and so is all that follows
        ctx.advance(SECOND)
        out.tick()
        out.push()
    assert handed == [out]
    _, last = ctx.sent[-1]
    assert isinstance(last, Ship)
    assert last.first > 21  # what the peer does not expect makes it answer
    out.acknowledged(9, out.challenge, 20)
    out.acknowledged(9, out.challenge, 20)
    assert handed == [out, out]
