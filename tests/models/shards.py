"""Shards of a home that may move, each in a context of its own, and what they are sent."""

from models.bank import Deposit
from models.failover import FailoverShard, Reconciled, aside_key
from models.home import ShardOptions
from models.requests import Submit
from models.shipping import Reign, Ship, ShipOptions
from sim.testing import FakeContext
from sim.topology import at_service, pack_location


def at(region):
    return at_service(pack_location(region, 1, 1), "store")


def options(region):
    return ShardOptions(
        region=region,
        shard=0,
        peers=tuple((r, at(r)) for r in (1, 2, 3) if r != region),
        opening_balance=100,
        forward_timeout_us=1_000_000,
        ship=ShipOptions(),
    )


def shard_of_region(region, ctx=None):
    ctx = ctx or FakeContext(at(region))
    shard = FailoverShard(ctx, options(region), home=1)
    ctx.start(shard)
    ctx.advance(20_000)
    return ctx, shard


def submit(ctx, shard, command_id, message=Submit):
    reply = ctx.deliver(shard, message(command=Deposit(command_id=command_id, account=0, amount=1)))
    ctx.advance(5_000)
    return reply.value


def batch(shard, *, reigns=None, first=1):
    """What that shard would ship from its log."""
    return Ship(
        source=shard.options.region,
        shard=0,
        reigns=reigns or shard.reigns,
        first=first,
        entries=tuple(shard.log.entries[first - 1 :]),
        promise_us=0,
        probe=False,
    )


def batch_of_reign(shard, epoch, start, first=1):
    """What region 2 ships as the home of a reign that begins at `start`, with nothing in it yet."""
    reigns = tuple(reign for reign in shard.reigns if reign.start <= start and reign.epoch < epoch)
    return Ship(
        source=2,
        shard=0,
        reigns=(*reigns, Reign(epoch, 2, start)),
        first=first,
        entries=(),
        promise_us=0,
        probe=True,
    )


def reconciled(entry, *, merged):
    key = aside_key(entry)
    return Reconciled(epoch=key.epoch, position=key.position, command_id=key.command_id, merged=merged)
