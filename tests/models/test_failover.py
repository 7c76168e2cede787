from hypothesis import given
from hypothesis import strategies as st

from models.bank import Deposit
from models.failover import DivergentEntries, DivergentQuery, FailoverShard, Reconciled, common_prefix
from models.home import ShardOptions
from models.monitor import Promote, Promoted
from models.requests import Accepted, Forward, Submit, Unavailable
from models.shipping import Reign, Ship, ShipAck, ShipOptions
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


def test_logs_agree_up_to_where_their_lineages_part():
    a, b, c = Reign(1, 1, 0), Reign(2, 2, 40), Reign(3, 3, 55)

    assert common_prefix([a], 60, [a, b]) == 40  # the deposed home
    assert common_prefix([a], 30, [a, b]) == 30  # a copy that lagged behind
    assert common_prefix([a, b], 70, [a, b, c]) == 55
    assert common_prefix([a, b], 70, [a, c]) == 40  # 3 was promoted without having heard of 2
    assert common_prefix([a], 60, [a, b, c]) == 40


@given(st.data())
def test_the_common_prefix_is_one_in_fact(data):
    """Logs are lists of epochs, branched as promotions branch them."""
    logs = {1: ([1] * data.draw(st.integers(0, 9)), (Reign(1, 1, 0),))}
    for epoch in range(2, data.draw(st.integers(2, 5)) + 1):
        entries, lineage = logs[data.draw(st.sampled_from(sorted(logs)))]
        start = data.draw(st.integers(0, len(entries)))
        kept = tuple(reign for reign in lineage if reign.start <= start)
        tail = [epoch] * data.draw(st.integers(0, 5))
        logs[epoch] = ([*entries[:start], *tail], (*kept, Reign(epoch, epoch, start)))
    (mine, ours), (other, theirs) = (logs[data.draw(st.sampled_from(sorted(logs)))] for _ in range(2))
    keep = min(common_prefix(ours, len(mine), theirs), len(other))

    assert mine[:keep] == other[:keep]


def test_a_deposed_home_sets_its_suffix_aside_and_follows():
    old_ctx, old = shard_of_region(1)
    new_ctx, new = shard_of_region(2)
    submit(old_ctx, old, 1)
    new_ctx.deliver(new, batch(old), at(1))
    new_ctx.advance(5_000)
    assert isinstance(submit(old_ctx, old, 2), Accepted)
    promoted = new_ctx.deliver(new, Promote(epoch=2))
    new_ctx.advance(5_000)
    assert promoted.value == Promoted(epoch=2)
    submit(new_ctx, new, 3)

    old_ctx.deliver(old, batch(new), at(2))
    old_ctx.advance(20_000)

    assert [e.event.command_id for e in old.log.entries] == [1, 3]
    assert [e.event.command_id for e in old.set_aside] == [2]
    assert (old.home, old.epoch, old.conflicts) == (2, 2, 1)
    assert ("divergent", 1) in old_ctx.notes
    assert old_ctx.sent[-1] == (at(2), ShipAck(receiver=1, shard=0, epoch=2, session=1, upto=2))


def test_what_was_set_aside_outlives_a_power_loss_until_it_is_reconciled():
    ctx, old = shard_of_region(1)
    submit(ctx, old, 2)
    empty = Ship(source=2, shard=0, reigns=(*old.reigns, Reign(2, 2, 0)), first=1, entries=(), promise_us=0, probe=True)
    ctx.deliver(old, empty, at(2))
    ctx.advance(20_000)
    ctx, old = shard_of_region(1, ctx.power_loss())
    assert (old.epoch, old.home, old.log.entries) == (2, 2, [])

    page = ctx.deliver(old, DivergentQuery(limit=10)).value
    assert isinstance(page, DivergentEntries)
    entry = page.entries[0]
    assert entry.event.command_id == 2
    ctx.deliver(old, Reconciled(epoch=entry.epoch, position=entry.position, merged=False))
    ctx.advance(5_000)
    assert ctx.notes[-1] == ("compensated", 2)

    ctx, old = shard_of_region(1, ctx.power_loss())
    assert (old.unreconciled, old.outcomes) == ([], {(1, 1): False})


def test_an_answer_that_a_step_down_overtakes_is_never_given():
    ctx, old = shard_of_region(1)
    reply = ctx.deliver(old, Submit(command=Deposit(command_id=1, account=0, amount=1)))
    empty = Ship(source=2, shard=0, reigns=(*old.reigns, Reign(2, 2, 0)), first=1, entries=(), promise_us=0, probe=True)
    ctx.deliver(old, empty, at(2))
    ctx.advance(20_000)

    assert (reply.value, [e.event.command_id for e in old.set_aside]) == (None, [1])


def test_a_batch_of_an_earlier_reign_is_ignored():
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    ctx, new = shard_of_region(2)
    ctx.deliver(new, Promote(epoch=2))
    ctx.advance(5_000)

    ctx.deliver(new, batch(old), at(1))
    ctx.advance(5_000)

    assert new.log.entries == []


def test_a_forwarded_command_does_not_circle_between_two_that_are_not_the_home():
    ctx, copy = shard_of_region(2)

    assert submit(ctx, copy, 1, message=Forward) == Unavailable(command_id=1, reason="not the home")


def test_a_reign_begins_only_where_all_before_it_is_durable():
    old_ctx, old = shard_of_region(1)
    submit(old_ctx, old, 1)
    ctx, shard = shard_of_region(2)
    ctx.deliver(shard, batch(old), at(1))  # appended, and its flush under way

    ctx.deliver(shard, Promote(epoch=2))
    ctx.advance(5_000)

    assert shard.reigns[-1] == Reign(2, 2, 1)
    _, again = shard_of_region(2, ctx.power_loss())
    assert (len(again.log.entries), again.reigns) == (1, shard.reigns)


def test_the_same_promotion_twice_changes_nothing():
    ctx, shard = shard_of_region(2)
    ctx.deliver(shard, Promote(epoch=2))
    ctx.advance(5_000)
    before = shard.reigns

    assert ctx.deliver(shard, Promote(epoch=2)).value == Promoted(epoch=2)
    assert shard.reigns == before


def test_a_repeated_command_gets_the_answer_of_the_first_time():
    ctx, home = shard_of_region(1)
    first = submit(ctx, home, 1)
    submit(ctx, home, 2)

    assert submit(ctx, home, 1) == first == Accepted(command_id=1, version=1, balance=101)
    assert len(home.log.entries) == 2
