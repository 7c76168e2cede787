"""Where a domain is split: what a topology lets be, distinct addresses, and the relays between regions."""

import pytest

from models.addressing import EventAddress, unpack_type
from models.clients import Workload
from models.deployment import region_split
from models.domains.bank_account import BankAccount, Deposit
from models.lines import Lines, parts_of
from models.merging.policies import CanonicalReplay
from models.merging_end import collisions
from models.relay import RegionRelay, RelayOptions
from models.split import SplitShard
from models.store.group.wire import Ship, ShipAck
from models.system import Site
from sim.testing import FakeContext
from sim.topology import grid
from tests.models.shards import OPENING, at, options
from tests.models.test_split import FLUSH, foreign, ship, submit

REGION, OTHER = 11, 12


def world(regions, clusters):
    return grid(regions, clusters=clusters, hosts=2, cores=2, clients=1)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (Lines.REGION, ["east", "west"]),
        (Lines.CLUSTER, ["east/c1", "east/c2", "west/c1", "west/c2"]),
        (Lines.BOTH, ["east/c1", "east/c2", "west/c1", "west/c2"]),
    ],
)
def test_parts_follow_the_lines_and_have_numbers_of_their_own(lines, names):
    parts = parts_of(world(["east", "west"], 2), lines)
    assert [part.name for part in parts] == names
    assert [part.number for part in parts] == list(range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("lines", "regions", "clusters", "told"),
    [
        ("region", ["east"], 2, "has one region, east; take lines='cluster'"),
        ("cluster", ["east", "west"], 1, "has a region of one cluster, east; take lines='region'"),
        ("both", ["east", "west"], 1, "take lines='region'"),
        ("both", ["east"], 2, "take lines='cluster'"),
        ("both", ["east"], 1, "one region, east and a region of one cluster, east; give it more of them"),
        ("clutser", ["east", "west"], 2, "did you mean 'cluster'"),
    ],
)
def test_lines_that_the_topology_lacks_are_refused_with_the_nearest_that_can(lines, regions, clusters, told):
    with pytest.raises(ValueError, match=told):
        region_split(Site(world(regions, clusters)), Workload(rate_per_s=1, ends_us=1_000_000), lines=lines)


def shard_of(region, number=None):
    ctx = FakeContext(at(region), flush_us=FLUSH)
    bank = BankAccount(opening_balance=OPENING)
    store = SplitShard(ctx, options(number or region), bank, policy=lambda domain, _: CanonicalReplay(domain))
    ctx.start(store)
    ctx.advance(20 * FLUSH)
    return ctx, store


def test_sub_domains_mint_distinct_addresses_for_the_same_aggregate_and_version():
    stores = {}
    for region in (1, 2):
        ctx, stores[region] = shard_of(region)
        submit(ctx, stores[region], region)
    types = [unpack_type(EventAddress.unpack(s.log.entries[0].address).type_id).incarnation for s in stores.values()]
    assert types == [1, 2]
    assert collisions([stores]) == 0


def test_two_that_mint_under_one_number_collide_and_that_is_reported():
    ctx, first = shard_of(1)
    submit(ctx, first, 1)
    ctx, second = shard_of(2, number=1)
    submit(ctx, second, 2, amount=5, kind=Deposit)
    assert collisions([{1: first, 2: second}]) == 1


# -- relays ----------------------------------------------------------------------------------


def relay():
    ctx = FakeContext(at(1, "relay"), flush_us=FLUSH)
    made = RegionRelay(
        ctx,
        RelayOptions(number=REGION, shard=0, clusters=((1, at(1)), (2, at(2))), regions=((OTHER, at(3, "relay")),)),
    )
    ctx.start(made)
    ctx.advance(20 * FLUSH)
    return ctx, made


def stream(made):
    return [(entry.position, entry.origin) for entry in made.streams[REGION].entries]


def test_a_write_takes_its_place_once_every_cluster_has_promised_nothing_before_it():
    ctx, made = relay()
    now = ctx.now_us()
    ctx.deliver(made, ship(1, foreign(1, 1, now + 5), foreign(1, 2, now + 9), promise_us=now + 20), at(1))
    ctx.advance(300_000)
    assert stream(made) == []
    ctx.deliver(made, ship(2, foreign(2, 1, now + 5), promise_us=now + 8), at(2))
    ctx.advance(300_000)
    assert stream(made) == [(1, 1), (2, 2)]


def test_nothing_is_acknowledged_that_a_crash_would_take():
    ctx, made = relay()
    now = ctx.now_us()
    ctx.deliver(made, ship(1, foreign(1, 1, now + 5), promise_us=now + 20), at(1))
    ctx.advance(300_000)
    acks = [msg for to, msg in ctx.sent if isinstance(msg, ShipAck) and to == at(1)]
    assert {ack.upto for ack in acks} == {0}
    ctx.deliver(made, ship(2, promise_us=now + 30), at(2))
    ctx.advance(300_000)
    acks = [msg for to, msg in ctx.sent if isinstance(msg, ShipAck) and to == at(1)]
    assert acks[-1].upto == 1


def test_a_relay_that_dies_takes_its_streams_up_from_its_disk():
    ctx, made = relay()
    now = ctx.now_us()
    for source in (1, 2):
        ctx.deliver(made, ship(source, foreign(source, 1, now + source), promise_us=now + 20), at(source))
    ctx.deliver(made, ship(OTHER, foreign(5, 1, now), promise_us=now + 1), at(3, "relay"))
    ctx.advance(300_000)
    born = ctx.power_loss()
    again = RegionRelay(born, made.options)
    born.start(again)
    born.advance(20 * FLUSH)
    assert {number: log.length for number, log in again.streams.items()} == {REGION: 2, OTHER: 1}
    born.deliver(again, ship(1, foreign(1, 1, now + 1), foreign(1, 2, now + 40), promise_us=now + 50), at(1))
    born.deliver(again, ship(2, first=2, promise_us=now + 50), at(2))
    born.advance(300_000)
    assert stream(again) == [(1, 1), (2, 2), (3, 1)]


def test_a_stream_with_ties_promises_nothing_at_the_stamp_of_a_batch_that_is_not_the_last():
    ctx, made = relay()
    now = ctx.now_us()
    batch = made.options.ship.batch
    for source in (1, 2):
        entries = [foreign(source, place, now + place) for place in range(1, batch + 1)]
        ctx.deliver(made, ship(source, *entries, promise_us=now + 10**6), at(source))
    ctx.advance(300_000)
    out = next(msg for to, msg in ctx.sent if isinstance(msg, Ship) and to == at(3, "relay"))
    ack = ShipAck(receiver=OTHER, shard=0, epoch=1, session=7, upto=0, challenge=out.challenge, source=REGION)
    ctx.deliver(made, ack, at(3, "relay"))
    first, *_ = [msg for _, msg in ctx.sent if isinstance(msg, Ship) and msg.source == REGION and msg.entries]
    assert first.promise_us == first.entries[-1].stamp_us - 1


def test_streams_of_one_number_are_refused():
    with pytest.raises(ValueError, match="a stream twice"):
        RelayOptions(number=1, shard=0, clusters=((1, at(1)),), regions=())
