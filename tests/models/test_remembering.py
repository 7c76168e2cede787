"""A sub-domain whose disk forgot: how it finds out, what it does no more, and that it is given up."""

import pytest

from models.domains.bank_account import BankAccount
from models.losing import FenceOff, GiveUp, LosableShard
from models.merging.policies import CanonicalReplay
from models.store.group.wire import Ship
from models.store.requests import Accepted, Unavailable
from sim.testing import FakeContext
from tests.models.shards import OPENING, at, options
from tests.models.test_split import FLUSH, ack, submit

SECOND = 1_000_000


def started(ctx):
    shard = LosableShard(
        ctx, options(1), BankAccount(opening_balance=OPENING), policy=lambda domain, _: CanonicalReplay(domain)
    )
    ctx.start(shard)
    ctx.advance(20 * FLUSH)
    return shard


def greet(ctx, shard, upto):
    """Both peers say how much of it they have."""
    for peer, line in shard._outbound.items():
        ctx.deliver(shard, ack(peer, challenge=line.challenge, upto=upto), at(peer))
    ctx.advance(2 * FLUSH)


def lived(writes=3):
    """A disk after a first life with so many writes, all acknowledged."""
    ctx = FakeContext(at(1), flush_us=FLUSH)
    shard = started(ctx)
    greet(ctx, shard, 0)
    replies = [submit(ctx, shard, number) for number in range(1, writes + 1)]
    ctx.advance(5 * FLUSH)
    assert all(isinstance(reply.value, Accepted) for reply in replies)
    return ctx


def accepts(ctx, shard, command_id=9):
    reply = submit(ctx, shard, command_id)
    ctx.advance(5 * FLUSH)
    return isinstance(reply.value, Accepted)


def test_a_restart_on_its_own_disk_serves_before_anybody_is_reached():
    again = lived().power_loss()
    shard = started(again)
    assert not shard.bereft
    assert accepts(again, shard)


def test_an_empty_disk_later_than_the_world_is_one_that_was_lost():
    again = lived().disk_loss()
    shard = started(again)
    assert shard.bereft
    reply = submit(again, shard, 9)
    assert isinstance(reply.value, Unavailable)
    assert "lost" in reply.value.reason


def test_that_it_was_lost_outlives_the_next_crash():
    again = lived().disk_loss()
    started(again)
    third = again.power_loss()
    assert started(third).bereft


@pytest.mark.parametrize("has", [3, 4])
def test_who_hears_that_a_peer_has_more_accepts_no_more(has):
    again = lived(3).power_loss()
    shard = started(again)
    greet(again, shard, has)
    assert shard.bereft == (has > 3)
    assert accepts(again, shard) == (has == 3)


def test_what_was_written_before_the_peer_was_heard_is_forked_and_not_shipped():
    again = lived(3).power_loss()
    shard = started(again)
    assert accepts(again, shard)  # at position 4, of which a peer has another
    again.sent.clear()
    greet(again, shard, 5)
    again.advance(2 * SECOND)

    assert shard.forked == 1
    assert ("forked", 9) in again.notes
    shipped_on = [msg for _, msg in again.sent if isinstance(msg, Ship) and msg.entries]
    assert all(entry.position <= 3 for msg in shipped_on for entry in msg.entries)


def test_it_promises_nothing_so_that_nobody_settles_past_what_was_lost():
    again = lived().disk_loss()
    shard = started(again)
    again.advance(SECOND)
    assert shard.promised() == 0


def test_it_has_all_others_give_it_up():
    again = lived().disk_loss()
    started(again)
    again.advance(SECOND // 10)
    asked = [(where, msg) for where, msg in again.sent if isinstance(msg, FenceOff)]
    assert sorted(where for where, _ in asked) == [at(2), at(3)]
    assert {msg.lost for _, msg in asked} == {again.location}
    assert not [msg for _, msg in again.sent if isinstance(msg, GiveUp)], "before all have said how far they are"
