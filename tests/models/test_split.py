"""One shard of the split on its own: what it stamps, promises, saves and takes up again."""

from models.addressing import EventAddress, unpack_type
from models.domains.bank_account import Account, BankAccount, Deposit, Deposited, Withdraw, Withdrawn
from models.merging.policies import CanonicalReplay
from models.split import SplitShard, write_of
from models.store.group.wire import Ship, ShipAck
from models.store.log.entries import Entry
from models.store.requests import Accepted, Submit, Unavailable
from sim.testing import FakeContext
from tests.models.shards import OPENING, at, options

FLUSH = 1_000


def canonical(domain, sources):
    return CanonicalReplay(domain)


def shard_on(ctx, region=1):
    shard = SplitShard(ctx, options(region), BankAccount(opening_balance=OPENING), policy=canonical)
    ctx.start(shard)
    ctx.advance(20 * FLUSH)
    for peer, line in shard._outbound.items():
        ctx.deliver(shard, ack(peer, challenge=line.challenge), at(peer))
    ctx.sent.clear()
    return shard


def ack(receiver, *, session=1, upto=0, challenge=0, source=0):
    return ShipAck(receiver=receiver, shard=0, epoch=1, session=session, upto=upto, challenge=challenge, source=source)


def fresh():
    ctx = FakeContext(at(1), flush_us=FLUSH)
    return ctx, shard_on(ctx)


def submit(ctx, shard, command_id, *, amount=1, kind=Deposit):
    return ctx.deliver(shard, Submit(command_id=command_id, aggregate=0, command=kind(amount=amount)))


def foreign(region, position, stamp_us, *, event=None):
    address = region << 112 | position
    command_id = 1_000 * region + position
    return Entry(stamp_us, region, position, 1, 0, address, command_id, stamp_us, event or Deposited(amount=1), 0, 0)


def ship(region, *entries, first=1, promise_us=0, **more):
    fields = {"source": region, "shard": 0, "reigns": (), "first": first, "entries": entries, "promise_us": promise_us}
    return Ship(probe=False, **(fields | more))


def test_an_answer_waits_for_the_flush_and_for_nothing_else():
    ctx, shard = fresh()
    reply = submit(ctx, shard, 1)

    assert (reply.done, ctx.sent) == (False, [])
    ctx.advance(2 * FLUSH)
    assert reply.value == Accepted(command_id=1, version=1, told=101)
    assert [to for to, msg in ctx.sent if isinstance(msg, Ship) and msg.entries] == [at(2), at(3)]


def test_each_region_mints_in_a_sub_domain_of_its_own():
    types = set()
    for region in (1, 2):
        ctx = FakeContext(at(region), flush_us=FLUSH)
        shard = shard_on(ctx, region)
        submit(ctx, shard, 1)
        types.add(unpack_type(EventAddress.unpack(shard.log.entries[0].address).type_id).incarnation)

    assert types == {1, 2}


def test_a_stamp_exceeds_every_stamp_the_region_has_seen():
    ctx, shard = fresh()
    ahead = ctx.now_us() + 500_000
    ctx.deliver(shard, ship(2, foreign(2, 1, ahead)), at(2))

    submit(ctx, shard, 1)

    assert shard.log.entries[0].stamp_us == ahead + 1


def test_a_stamp_beyond_the_reserve_waits_for_the_disk_and_then_is_given():
    ctx, shard = fresh()
    far = ctx.now_us() + 60_000_000
    ctx.deliver(shard, ship(2, foreign(2, 1, far)), at(2))
    reply = submit(ctx, shard, 1)
    assert shard.log.entries == []

    ctx.advance(5 * FLUSH)

    assert isinstance(reply.value, Accepted)
    assert shard.log.entries[0].stamp_us == far + 1


def test_the_promise_stays_below_an_entry_that_is_not_durable():
    ctx, shard = fresh()
    submit(ctx, shard, 1)
    ctx.deliver(shard, ack(2), at(2))

    assert shard.promised() == shard.log.entries[0].stamp_us - 1
    ctx.advance(2 * FLUSH)
    assert shard.promised() >= shard.log.entries[0].stamp_us


def test_nothing_is_stamped_at_or_below_a_promise_even_after_a_power_loss():
    ctx, shard = fresh()
    promised = shard.promised()
    submit(ctx, shard, 1)
    assert shard.log.entries[0].stamp_us > promised

    promised = shard.promised()
    born = ctx.power_loss()
    again = shard_on(born)
    submit(born, again, 2)

    assert again.log.entries[0].stamp_us > promised


def settled_world():
    """A shard that knows of a withdrawal in region 2 that beats its own, all settled and saved."""
    ctx, shard = fresh()
    early = ctx.now_us() - 5
    submit(ctx, shard, 1, amount=80, kind=Withdraw)
    ctx.advance(2 * FLUSH)
    event = Withdrawn(amount=70)
    late = ctx.now_us() + 1
    for region, entries in ((2, (foreign(2, 1, early, event=event),)), (3, ())):
        ctx.deliver(shard, ship(region, *entries, promise_us=late, first=1), at(region))
    ctx.advance(1_000_000)
    return ctx, shard


def test_below_the_cut_of_all_promises_events_are_settled_saved_and_told():
    ctx, shard = settled_world()

    assert shard.merge.stable(0) == Account(balance=30)
    assert shard.merge.vector() == {1: 1, 2: 1, 3: 0}
    assert ("compensated", 1) in ctx.notes
    assert [name for name, _ in ctx.notes][-1] == "stable"


def test_without_one_regions_promise_nothing_is_settled():
    ctx, shard = fresh()
    submit(ctx, shard, 1)
    ctx.deliver(shard, ship(2, promise_us=10**9), at(2))
    ctx.advance(1_000_000)

    assert shard.merge.backlog == 1
    assert ctx.notes == []


def test_a_restart_takes_up_what_was_saved_and_asks_for_the_rest():
    ctx, shard = settled_world()
    ctx.deliver(shard, ship(2, foreign(2, 2, ctx.now_us()), first=2), at(2))
    born = ctx.power_loss()
    again = shard_on(born)

    assert again.merge.stable(0) == shard.merge.stable(0)
    assert again.superseded == shard.superseded
    assert again.merge.vector() == {1: 1, 2: 1, 3: 0}
    assert born.notes == [("stable", shard.merge.cut_us)]  # no compensation is told twice
    born.deliver(again, ship(2, first=3), at(2))
    assert born.sent == [(at(2), ack(1, session=again.session, upto=1, source=2))]
    assert again.session != shard.session


def test_what_was_settled_but_not_saved_is_settled_again_alike():
    ctx, shard = fresh()
    submit(ctx, shard, 1)
    ctx.advance(2 * FLUSH)
    for region in (2, 3):
        ctx.deliver(shard, ship(region, promise_us=ctx.now_us()), at(region))
    settled = shard.merge.settle(shard._stable_cut())
    assert settled is not None

    again = shard_on(ctx.power_loss())

    assert again.merge.vector() == {1: 0, 2: 0, 3: 0}
    assert again.merge.settle(settled.cut_us) == settled


def test_acknowledgements_wait_for_the_tick_unless_the_source_is_mistaken():
    ctx, shard = fresh()
    ctx.deliver(shard, ship(2, foreign(2, 1, ctx.now_us()), session=shard.session), at(2))
    assert ctx.sent == []
    ctx.deliver(shard, ship(3, foreign(3, 2, ctx.now_us()), first=2), at(3))
    assert ctx.sent == [(at(3), ack(1, session=shard.session, source=3))]

    ctx.advance(250_000)

    assert (at(2), ack(1, session=shard.session, upto=1, source=2)) in ctx.sent


def test_a_command_sent_twice_is_accepted_once():
    ctx, shard = fresh()
    replies = [submit(ctx, shard, 1), submit(ctx, shard, 1)]
    ctx.advance(5 * FLUSH)
    replies.append(submit(ctx, shard, 1))

    assert len({reply.value for reply in replies}) == 1
    assert len(shard.log.entries) == 1


def test_a_shard_that_is_still_recovering_refuses_for_certain():
    ctx = FakeContext(at(1), flush_us=FLUSH)
    shard = SplitShard(ctx, options(1), BankAccount(opening_balance=OPENING), policy=canonical)
    ctx.start(shard)

    assert submit(ctx, shard, 1).value == Unavailable(command_id=1, reason="recovering")


def test_a_write_below_the_stable_cut_is_reported_and_owed_and_is_no_exception():
    ctx, shard = settled_world()
    before = shard.merge.stable(0)
    ctx.deliver(shard, ship(3, foreign(3, 1, shard.merge.cut_us - 1), promise_us=ctx.now_us()), at(3))
    ctx.advance(1_000_000)

    assert ("late", 1) in ctx.notes
    assert ("compensated", foreign(3, 1, 0).event_id) in ctx.notes
    assert shard.superseded[foreign(3, 1, 0).address] is True
    assert shard.merge.stable(0) == before
    assert shard_on(ctx.power_loss()).merge.vector()[3] == 1


def test_a_quiet_region_says_what_it_has_saved_and_will_have_seen():
    ctx, _ = settled_world()
    ctx.sent.clear()
    ctx.advance(1_000_000)

    said = {msg.said for to, msg in ctx.sent if isinstance(msg, Ship) and to == at(2) and not msg.entries}
    assert said == {(1, ((2, 1), (3, 0)))}


def test_nothing_is_taken_of_who_has_too_much_that_waits_for_others():
    ctx, shard = fresh()
    shard.merge.ingest(write_of(foreign(2, 2, ctx.now_us())))
    for position in range(3, 5_003):
        shard.merge.ingest(write_of(foreign(2, position, ctx.now_us() + position)))
    ctx.deliver(shard, ship(3, foreign(3, 1, ctx.now_us())), at(3))

    assert shard.merge.waiting == 5_001
    assert shard.merge.received(3) == 0
