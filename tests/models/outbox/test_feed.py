"""What a leader hands out: what is committed and no more; and what its log is kept for."""

from __future__ import annotations

from typing import Any

from models.domains.bank_account import BankAccount
from models.outbox.deployment import OutboxShard
from models.outbox.feed import Follow, Followed, FollowedShard
from models.store.requests import Unavailable
from models.store.words import scheme_of
from sim.testing.fake import FakeContext
from tests.models.shards import at, deposit, options


def leader(kind: type[FollowedShard] = FollowedShard, **more: Any) -> tuple[FakeContext, FollowedShard]:
    ctx = FakeContext(at(1))
    shard = kind(ctx, options(1, members=1, scheme=scheme_of("local-persist"), **more), BankAccount())
    ctx.start(shard)
    ctx.advance(20_000)
    return ctx, shard


def pull(ctx: FakeContext, shard: FollowedShard, after: int = 0, done: int = 0) -> Any:
    return ctx.deliver(shard, Follow(consumer="relay", after=after, done=done)).value


def test_only_what_is_committed_is_handed_out() -> None:
    ctx, shard = leader()
    ctx.deliver(shard, deposit(1))
    early = pull(ctx, shard)
    assert isinstance(early, Followed)
    assert (early.entries, early.upto) == ((), 0)
    ctx.advance(5_000)
    assert [entry.event_id for entry in pull(ctx, shard).entries] == [1]
    assert pull(ctx, shard, after=1).entries == ()


def test_who_does_not_lead_says_so() -> None:
    ctx = FakeContext(at(2))
    shard = FollowedShard(ctx, options(2, members=2), BankAccount())
    ctx.start(shard)
    assert isinstance(pull(ctx, shard), Unavailable)


def test_a_log_is_kept_for_its_consumers_until_they_need_it_no_more() -> None:
    ctx, shard = leader(OutboxShard)
    for command in (1, 2, 3):
        ctx.deliver(shard, deposit(command))
    ctx.advance(5_000)
    assert shard.kept_for_others
    pull(ctx, shard, after=3, done=0)
    assert shard.released == 0
    pull(ctx, shard, after=3, done=2)
    assert shard.released == 2
    assert not leader()[1].kept_for_others, "of a shard without consumers it may go at once"
