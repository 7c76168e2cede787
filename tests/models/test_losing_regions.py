"""A whole region that is declared lost in a tree of merge domains: relays, clusters, and its return."""

from dataclasses import replace

import pytest

from experiments.scenario import ScenarioError, build, load, parse
from models.domains.bank_account import BankAccount
from models.hearing import Upstream
from models.losing import FenceOff, FetchSettled, GiveUp, Standing
from models.losing_regions import (
    FenceStream,
    FetchStream,
    GaveUp,
    GiveUpStream,
    LosableRelay,
    RegionWasLost,
    StreamGivenUp,
    StreamRun,
    StreamStanding,
    TreeShard,
)
from models.merging.policies import CanonicalReplay
from models.relay import RelayOptions
from models.store.group.wire import Ship, ShipAck
from models.store.log.entries import copied
from sim.testing import FakeContext
from tests.models.shards import OPENING, at, options
from tests.models.test_split import FLUSH, foreign, ship

#: This region has clusters 1 and 2, the lost one 3 and 4; a third has 5. Their streams:
HERE, LOST, THIRD = 11, 12, 13
SECOND = 1_000_000


def settle_down(ctx):
    ctx.advance(300_000)


def made_relay(ctx):
    relay = LosableRelay(
        ctx,
        RelayOptions(
            number=HERE,
            shard=0,
            clusters=((1, at(1)), (2, at(2))),
            regions=((LOST, at(3, "relay")), (THIRD, at(5, "relay"))),
        ),
    )
    ctx.start(relay)
    ctx.advance(20 * FLUSH)
    return relay


def relay_with(*origins):
    """A relay with as many entries of the lost region's stream, of these sub-domains."""
    ctx = FakeContext(at(1, "relay"), flush_us=FLUSH)
    relay = made_relay(ctx)
    bring(ctx, relay, *entries_of(*origins))
    settle_down(ctx)
    return ctx, relay


def entries_of(*origins):
    return [copied(foreign(origin, 100, place), place, 1) for place, origin in enumerate(origins, 1)]


def bring(ctx, relay, *entries, first=1):
    ctx.deliver(relay, ship(LOST, *entries, first=first, promise_us=ctx.now_us()), at(3, "relay"))


def asked(ctx, relay, msg):
    reply = ctx.deliver(relay, msg, at(1))
    ctx.advance(20 * FLUSH)
    return reply


def given_up(*origins, upto):
    ctx, relay = relay_with(*origins)
    asked(ctx, relay, FenceStream(number=LOST))
    reply = asked(ctx, relay, GiveUpStream(number=LOST, upto=upto, best=HERE))
    return ctx, relay, reply.value


def test_a_fenced_relay_takes_nothing_more_of_the_stream_even_after_a_power_loss():
    ctx, relay = relay_with(3, 4)
    assert asked(ctx, relay, FenceStream(number=LOST)).value == StreamStanding(length=2, given_up=False)
    born = ctx.power_loss()
    again = made_relay(born)
    bring(born, again, *entries_of(3, 4, 3)[2:], first=3)
    settle_down(born)
    assert again.streams[LOST].length == 2


def test_what_is_given_up_at_a_position_is_a_vector_of_the_regions_clusters():
    _, relay, value = given_up(3, 4, 3, upto=3)
    assert value == StreamGivenUp(vector=((3, 2), (4, 1)))
    assert relay.streams[LOST].length == 3


def test_without_a_fence_no_relay_gives_a_region_up():
    ctx, relay = relay_with(3)
    assert asked(ctx, relay, GiveUpStream(number=LOST, upto=1, best=HERE)).value is None


def test_a_relay_that_is_behind_is_handed_the_rest_by_who_has_most():
    ctx, relay = relay_with(3)
    asked(ctx, relay, FenceStream(number=LOST))
    reply = asked(ctx, relay, GiveUpStream(number=LOST, upto=3, best=THIRD))
    to, msg, wait = ctx.calls[-1]
    assert (to, msg) == (at(5, "relay"), FetchStream(number=LOST, after=1))
    wait.resolve(StreamRun(entries=tuple(entries_of(3, 4, 4, 3)[1:])))
    ctx.advance(20 * FLUSH)
    assert reply.value == StreamGivenUp(vector=((3, 1), (4, 2)))
    assert relay.streams[LOST].length == 3  # no more than counts
    again = made_relay(ctx.power_loss())
    assert [entry.origin for entry in again.streams[LOST].entries] == [3, 4, 4]


def test_a_relay_that_cannot_catch_up_gives_nothing_up():
    ctx, relay = relay_with(3)
    asked(ctx, relay, FenceStream(number=LOST))
    reply = asked(ctx, relay, GiveUpStream(number=LOST, upto=3, best=THIRD))
    ctx.calls[-1][2].resolve(None)
    ctx.advance(20 * FLUSH)
    assert reply.value is None
    assert asked(ctx, relay, FenceStream(number=LOST)).value == StreamStanding(length=1, given_up=False)


def test_a_relay_hands_on_what_is_durable_alone():
    ctx, relay = relay_with(3, 4)
    bring(ctx, relay, *entries_of(3, 4, 3)[2:], first=3)
    run = ctx.deliver(relay, FetchStream(number=LOST, after=1), at(5, "relay")).value
    assert [entry.position for entry in run.entries] == [2]


def sent_to(ctx, cluster):
    found = [m for to, m in ctx.sent if to == at(cluster) and isinstance(m, Ship) and m.source == LOST]
    return {entry.position for msg in found for entry in msg.entries}


def listening(ctx, cluster):
    """The cluster's store answers as one that has nothing of the stream yet."""
    challenge = max(m.challenge for to, m in ctx.sent if to == at(cluster) and getattr(m, "source", 0) == LOST)
    return ShipAck(receiver=cluster, shard=0, epoch=1, session=7, upto=0, challenge=challenge, source=LOST)


def test_what_a_lost_region_brings_along_goes_to_those_alone_who_have_given_it_up():
    ctx, relay, _ = given_up(3, 4, upto=2)
    for cluster in (1, 2):
        ctx.deliver(relay, listening(ctx, cluster), at(cluster))
    ctx.deliver(relay, GaveUp(number=LOST, cluster=1), at(1))
    bring(ctx, relay, *entries_of(3, 4, 3, 4)[2:], first=3)
    settle_down(ctx)
    assert sent_to(ctx, 1) == {1, 2, 3, 4}
    assert sent_to(ctx, 2) == {1, 2}
    ctx.deliver(relay, GaveUp(number=LOST, cluster=2), at(2))
    settle_down(ctx)
    assert sent_to(ctx, 2) == {1, 2, 3, 4}


def test_what_is_made_durable_for_an_operator_goes_on_to_the_clusters():
    ctx, relay, _ = given_up(3, upto=1)
    ctx.deliver(relay, listening(ctx, 1), at(1))
    ctx.deliver(relay, GaveUp(number=LOST, cluster=1), at(1))
    bring(ctx, relay, *entries_of(3, 4)[1:], first=2)
    ctx.deliver(relay, FenceStream(number=LOST), at(1))  # as it is asked for each cluster of the region in turn
    settle_down(ctx)
    assert sent_to(ctx, 1) == {1, 2}


def test_a_relay_of_a_lost_region_is_told_and_tells_its_clusters_whom_to_ask():
    ctx, relay, _ = given_up(3, 4, upto=2)
    bring(ctx, relay, first=3)
    told = RegionWasLost(upto=2, by=(at(1), at(2)))
    assert (at(3, "relay"), told) in ctx.sent
    ctx.deliver(relay, told, at(3, "relay"))
    assert {to for to, msg in ctx.sent if msg == told} == {at(1), at(2), at(3, "relay")}


# -- clusters ----------------------------------------------------------------------------------


def shard(ctx=None):
    ctx = ctx or FakeContext(at(1), flush_us=FLUSH)
    bank = BankAccount(opening_balance=OPENING)
    own = replace(options(1), peers=((2, at(2)),))
    upstream = Upstream(
        number=HERE,
        relay=at(1, "relay"),
        streams=((LOST, (3, 4)), (THIRD, (5,))),
        stores=((3, at(3)), (4, at(4)), (5, at(5))),
    )
    store = TreeShard(ctx, own, bank, policy=lambda domain, _: CanonicalReplay(domain), upstream=upstream)
    ctx.start(store)
    ctx.advance(20 * FLUSH)
    return ctx, store


def give_up(ctx, store, vector, upto):
    reply = ctx.deliver(store, GiveUp(lost=at(3), upto=upto, best=at(5)), at(9))
    to, msg, wait = ctx.calls[-1]
    assert (to, msg) == (at(1, "relay"), GiveUpStream(number=LOST, upto=upto, best=THIRD))
    wait.resolve(StreamGivenUp(vector=vector))
    ctx.advance(5 * FLUSH)
    return reply


def bring_head(ctx, store, *entries, first=1):
    ctx.deliver(store, ship(LOST, *entries, first=first, promise_us=ctx.now_us()), at(1, "relay"))


def test_a_cluster_has_its_relay_fenced_and_says_how_far_that_is():
    ctx, store = shard()
    reply = ctx.deliver(store, FenceOff(lost=at(4)), at(9))
    to, msg, wait = ctx.calls[-1]
    assert (to, msg) == (at(1, "relay"), FenceStream(number=LOST))
    wait.resolve(StreamStanding(length=7, given_up=False))
    ctx.advance(FLUSH)
    assert reply.value == Standing(cut_us=0, received=7, given_up=False)


def test_a_cluster_gives_a_region_up_once_the_head_of_its_stream_is_here_and_keeps_to_it():
    ctx, store = shard()
    reply = give_up(ctx, store, ((3, 1),), upto=1)
    assert store.merge.lost == ()
    bring_head(ctx, store, *entries_of(3))
    ctx.advance(SECOND)
    assert reply.value == Standing(cut_us=store.saved_us, received=1, given_up=True)
    assert store.merge.lost == (3, 4)
    assert (store.merge.lost_at(3), store.merge.lost_at(4)) == (1, 0)
    assert (at(1, "relay"), GaveUp(number=LOST, cluster=1)) in ctx.sent
    born, again = shard(ctx.power_loss())
    assert again.merge.lost == (3, 4)
    born.advance(SECOND)
    assert (at(1, "relay"), GaveUp(number=LOST, cluster=1)) in born.sent


def test_a_cluster_that_lacks_some_of_the_head_gives_nothing_up():
    ctx, store = shard()
    reply = give_up(ctx, store, ((3, 1),), upto=1)
    ctx.advance(30 * SECOND)
    assert reply.value is None
    assert store.merge.lost == ()


def test_a_lost_region_is_waited_for_no_more_and_what_it_brings_is_owed():
    ctx, store = shard()
    give_up(ctx, store, (), upto=0)
    ctx.advance(SECOND)
    bring_head(ctx, store, *entries_of(3))
    for source, sender in ((THIRD, at(1, "relay")), (2, at(2))):
        ctx.deliver(store, ship(source, promise_us=ctx.now_us()), sender)
    ctx.advance(SECOND)
    assert store.merge.cut_us > 0
    assert list(store.superseded.values()) == [True]


def test_a_lost_cluster_asks_those_that_its_relay_names_in_turn():
    ctx, store = shard()
    for turn in range(2):
        ctx.deliver(store, RegionWasLost(upto=0, by=(at(3), at(4))), at(1, "relay"))
        to, msg, wait = ctx.calls[-1]
        assert (to, msg) == (at(3 + turn), FetchSettled(after_us=0))
        wait.resolve(None)


# -- all together ----------------------------------------------------------------------------------


def test_one_cluster_of_a_region_cannot_be_lost_alone():
    document = dict(load("split_both_lost").document)
    document["operation"] = [document["operation"][0] | {"targets": ["us-east-1/c1/h1"]}]
    with pytest.raises(ScenarioError) as refused:
        parse(document, name="alone", file="alone.toml")
    assert 'operation[0].targets = ["us-east-1/c1/h1"]: are lost with us-east-1/c2/h1 or not at all' in str(
        refused.value
    )


@pytest.mark.parametrize("dies", ["", "us-west-2/c1/h1", "eu-west-1/c1/h1"])
def test_all_that_are_left_give_a_region_up_alike_though_a_relay_dies_meanwhile(dies):
    document = dict(load("split_both_lost").document)
    if dies:
        crash = {"id": "dies", "kind": "power-loss", "targets": [dies], "at": "6050ms", "for": "2s"}
        document["fault"] = [*document["fault"], crash]
    world, system = build(parse(document, name="tree", file="tree.toml"), 1)
    world.run(28 * SECOND)
    stores = {s.options.number: s for locations in system.stores.values() for s in map(world.service, locations)}
    lost = {store.merge.lost for store in stores.values()}
    assert len(lost) == 1
    (gone,) = lost
    assert len(gone) == 2
    assert {number for number, store in stores.items() if store.was_lost} == set(gone)
    beyond = {e.address for n in gone for e in stores[n].log.entries if e.position > stores[n].merge.lost_at(n)}
    denied = {e.address for n in gone for e in stores[n].log.entries if type(e.event).__name__ == "Denied"}
    assert beyond - denied
    for store in stores.values():
        assert beyond - denied <= store.superseded.keys()
        assert store.superseded == stores[gone[0]].superseded
