"""Where writes get their final place: everywhere, by one home's word, or in batches while everybody is heard."""

import pytest

from models.clients import Workload
from models.deployment import region_split
from models.domains.bank_account import BankAccount
from models.ledger import Status
from models.merging.policies import CanonicalReplay
from models.settling import Drawn, Place, Settling
from models.split import SplitShard
from models.system import Site
from sim.testing import FakeContext
from sim.topology import grid
from tests.models.shards import OPENING, at, options
from tests.models.stores import fault, run_store
from tests.models.test_split import FLUSH, ack, ship, submit


def shard(settling, region=1):
    ctx = FakeContext(at(region), flush_us=FLUSH)
    bank = BankAccount(opening_balance=OPENING)
    store = SplitShard(ctx, options(region), bank, policy=lambda domain, _: CanonicalReplay(domain), settling=settling)
    ctx.start(store)
    ctx.advance(20 * FLUSH)
    for peer, line in store._outbound.items():
        ctx.deliver(store, ack(peer, challenge=line.challenge), at(peer))
    submit(ctx, store, 1)
    ctx.advance(2 * FLUSH)
    ctx.sent.clear()
    return ctx, store


def promise(ctx, store, *regions, ahead_us=0):
    for region in regions:
        ctx.deliver(store, ship(region, promise_us=ctx.now_us() + ahead_us), at(region))
    ctx.advance(600_000)


def test_with_a_home_a_part_is_tentative_until_the_homes_word_is_here_and_covered():
    ctx, store = shard(Settling(place=Place.HOME, home=2, others=(at(2), at(3))))
    promise(ctx, store, 2, 3)
    assert store.merge.vector() == {1: 0, 2: 0, 3: 0}

    far = Drawn(shard=0, cut_us=ctx.now_us(), vector=((1, 1), (2, 1), (3, 0)))
    ctx.deliver(store, far, at(2))
    ctx.advance(600_000)
    assert store.merge.vector() == {1: 0, 2: 0, 3: 0}  # one write of 2 is not here yet

    ctx.deliver(store, Drawn(shard=0, cut_us=far.cut_us + 1, vector=((1, 1), (2, 0), (3, 0))), at(2))
    ctx.advance(600_000)
    assert store.merge.vector() == {1: 1, 2: 0, 3: 0}


def test_the_home_tells_its_line_once_it_is_saved():
    ctx, store = shard(Settling(place=Place.HOME, home=1, others=(at(2), at(3))))
    promise(ctx, store, 2, 3)
    told = [(to, msg) for to, msg in ctx.sent if isinstance(msg, Drawn) and msg.vector == ((1, 1), (2, 0), (3, 0))]
    assert {to for to, _ in told} == {at(2), at(3)}


def test_a_batch_waits_for_its_time_and_for_everybody_to_be_heard():
    ctx, store = shard(Settling(place=Place.BATCH, batch_us=3_000_000, fresh_us=1_000_000))
    promise(ctx, store, 2, 3)
    assert store.merge.vector()[1] == 0  # too early
    ctx.advance(3_000_000)
    promise(ctx, store, 2)
    assert store.merge.vector()[1] == 0  # 3 is silent
    promise(ctx, store, 2, 3)
    assert store.merge.vector()[1] == 1


def test_while_its_home_is_cut_off_the_rest_stays_tentative_and_the_ledger_tells_it_apart():
    cut = (fault("partition-full", "us-east-1", 3, 60),)
    run = run_store(lambda site, workload: region_split(site, workload, place="home"), faults=cut)
    assert run.statuses()[Status.TENTATIVE] > 50
    west = run.system.merging.sources[1]
    assert run.ledger.stable[west] != run.ledger.balances[west]


def test_in_the_end_every_placement_comes_to_the_same():
    cut = (fault("partition-full", "us-east-1", 3, 3),)
    ends = [
        run_store(lambda site, workload, more=more: region_split(site, workload, **more), faults=cut, accounts=4)
        for more in ({}, {"place": "home"}, {"place": "batch", "batch_us": 2_000_000})
    ]
    first = ends[0].ledger
    assert first.stable == first.balances
    assert all(run.ledger.stable == first.stable and run.statuses() == ends[0].statuses() for run in ends)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"place": "everywhere"}, "choose one of every, home, batch"),
        ({"place": "home", "home": "wset"}, "did you mean 'west'"),
        ({"home": "west"}, "settles nothing where place='every'"),
        ({"place": "batch", "batch_us": 0}, "batch_us=0 is no time"),
    ],
)
def test_a_placement_that_makes_no_sense_is_refused(more, told):
    site = Site(grid(["east", "west"], clusters=1, hosts=1, cores=1))
    with pytest.raises(ValueError, match=told):
        region_split(site, Workload(rate_per_s=1, ends_us=1_000_000), **more)


def lost_to(store, number):
    """It waits for a part no more."""
    store.merge.declare_lost(number, 0)


def test_when_the_home_is_lost_every_part_settles_for_itself_and_tells():
    ctx, store = shard(Settling(place=Place.HOME, home=2, others=(at(2), at(3))))
    promise(ctx, store, 2, 3)
    assert store.merge.vector()[1] == 0
    lost_to(store, 2)
    promise(ctx, store, 3)
    assert store.merge.vector()[1] == 1
    assert store._settler.tells(store.merge)


def test_a_batch_waits_for_no_part_that_is_lost():
    ctx, store = shard(Settling(place=Place.BATCH, batch_us=1_000_000, fresh_us=2_000_000))
    for _ in range(10):
        promise(ctx, store, 2)
    assert store.merge.vector()[1] == 0
    lost_to(store, 3)
    for _ in range(4):
        promise(ctx, store, 2)
    assert store.merge.vector()[1] == 1
