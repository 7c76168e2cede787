"""A queue laid out: shards stand where the key space says, clients find them, and receivers know what they have."""

from __future__ import annotations

from typing import Any

import pytest

from models import Site, Workload
from models.keyspace import Stored, key_space
from models.queue import Broker, Letter, queue
from models.queue.clients import Brokers, ShardRoute
from models.queue.consumer import Consumer, ConsumerOptions, Receiver
from models.queue.desk import Desk, DeskOptions
from models.queue.lanes import Lanes
from models.queue.words import Browsed, Done, Effected, Effects, Elsewhere, Given, Handed, SettleAll
from sim.history import Kind
from sim.host import HostOptions
from sim.latency import uniform
from sim.testing import FakeContext
from sim.topology import at_service, grid, pack_location
from sim.world import World
from tests.models.shards import at

S = 1_000_000
LOAD = Workload(rate_per_s=60, accounts=12, zipf_exponent=0.5, ends_us=2 * S, audit_us=4 * S)


def run(seed: int = 1, **how: Any) -> tuple[World, list[Broker]]:
    topology = grid(["a"], clusters=1, hosts=5, clients=2, cores=2)
    latency = uniform(topology.regions, between_regions_rtt_us=40_000)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=seed)
    system = queue(Site(topology), LOAD, **how)
    for placement in system.placements:
        world.place(placement)
    world.run(5 * S)
    found = [world.service(at_service(one.host, one.name)) for one in system.placements if one.kind is Broker]
    return world, [one for one in found if isinstance(one, Broker)]


@pytest.mark.parametrize("placement", ["ring", "tablets", "rendezvous", "jump", "modulo", "slots"])
def test_a_queue_is_placed_by_any_scheme_of_the_key_space(placement: str) -> None:
    world, brokers = run(placement=placement, partitions=4, scheme="multi-mem:2/3")
    leading = [broker for broker in brokers if broker.leads]
    assert len(brokers) == 4 * 3
    assert len(leading) == 4
    rows = list(world.history)
    put = {row.op for row in rows if row.f == "append" and row.kind is Kind.OK}
    assert put
    assert put == {row.value for row in rows if row.f == "deliver"}
    lanes = [{key for _, key in broker.streams} for broker in leading]
    assert sum(map(len, lanes)) == len(set().union(*lanes)), "a key is in one shard"


@pytest.mark.parametrize("placement", ["ring", "rendezvous", "jump", "modulo", "slots"])
def test_a_partition_is_held_by_those_that_the_key_space_names_for_it(placement: str) -> None:
    topology = grid(["a"], clusters=1, hosts=5, clients=2, cores=2)
    parts = {(Stored.QUEUE, Lanes.number): 4}
    space = key_space(topology, placement=placement, copies=3, salt=5, parts=parts)
    found = queue(Site(topology), LOAD, placement=placement, partitions=4, salt=5).groups
    assert list(found.values()) == [
        space.places(Stored.QUEUE, part, name, number=Lanes.number, n=3) for part, name in enumerate(found)
    ]


def test_a_run_repeats() -> None:
    assert run(partitions=3)[0].digest() == run(partitions=3)[0].digest()


def test_batches_take_fewer_messages() -> None:
    one, many = run()[0], run(batch=8, linger_us=20_000, take=8)[0]
    effects = [sum(row.f == "deliver" for row in world.history) for world in (one, many)]
    assert effects[0] // 2 == effects[1] // 2
    assert many.network.totals()["sent"] < one.network.totals()["sent"]


def test_a_client_goes_where_it_is_sent_and_passes_over_the_silent() -> None:
    members = (at(1), at(2), at(3))
    route = ShardRoute(members)
    route.heard(at(1), Elsewhere(leader=at(3)))
    assert route.target == at(3)
    route.heard(at(3), None)
    assert route.target == at(1)
    route.heard(at(3), None)
    assert route.target == at(1), "that was known already"
    route.heard(at(1), Given(handed=()))
    assert route.target == at(1)


def effects(receipt: int, *messages: int) -> Effects:
    letters = tuple(Letter(number, message, 0) for number, message in enumerate(messages, 1))
    return Effects(key=0, receipt=receipt, letters=letters)


def kept(receiver: Receiver, ctx: FakeContext, message: Effects) -> bool:
    answer = ctx.deliver(receiver, message)
    ctx.advance(10_000)
    assert isinstance(answer.value, Effected)
    return answer.value.kept


def delivered(ctx: FakeContext) -> list[Any]:
    return [operation.value for operation in ctx.operations if operation.kind is Kind.OK]


def test_a_receiver_knows_a_message_again_also_after_a_restart() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 10, True, 1)
    ctx.start(receiver)
    assert [kept(receiver, ctx, effects(1, 5)), kept(receiver, ctx, effects(1, 5))] == [True, True]
    assert delivered(ctx) == [5]
    after = ctx.power_loss()
    again = Receiver(after, 10, True, 1)
    after.start(again)
    kept(again, after, effects(2, 5))
    assert again.repeated == 1


@pytest.mark.parametrize(("crash", "kept_of_it"), [("process_crash", 1), ("power_loss", 0)])
def test_an_effect_ends_as_it_is_durable_and_of_one_that_did_not_the_next_life_tells(
    crash: str, kept_of_it: int
) -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 10, True, 1)
    ctx.start(receiver)
    kept(receiver, ctx, effects(1, 5))
    ctx.deliver(receiver, effects(2, 6))
    first, second = (op.op for op in ctx.operations if op.kind is Kind.INVOKE)
    assert delivered(ctx) == [5]
    after = getattr(ctx, crash)()
    again = Receiver(after, 10, True, 1)
    after.start(again)
    after.advance(10_000)
    told = [op.value for op in after.operations if op.kind is Kind.OK]
    assert told == [(first, second)[: 1 + kept_of_it]], "what a dead process wrote is there, without power it is not"
    kept(again, after, effects(3, 6, 7))
    assert delivered(after)[1:] == ([7] if kept_of_it else [6, 7])
    assert not {op.op for op in ctx.operations} & {op.op for op in after.operations}


def test_of_no_two_lives_of_a_receiver_are_operations_the_same_also_on_another_disk() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 0, True, 1)
    kept(receiver, ctx, effects(1, 5))
    after = ctx.disk_loss()
    again = Receiver(after, 0, True, 1)
    after.start(again)
    kept(again, after, effects(2, 6))
    assert not {op.op for op in ctx.operations} & {op.op for op in after.operations}


def test_without_order_copies_of_earlier_receipts_are_known_too() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 0, False, 1)
    for number, message in ((1, 5), (2, 6), (1, 5)):
        assert kept(receiver, ctx, effects(number, message))
    assert delivered(ctx) == [5, 6]


BROKERS = Brokers([0], lambda key: 0, [[at(1)]])
RECEIVING = pack_location(1, 1, 9)
OPTIONS = ConsumerOptions(name="c", first_id=1, receiver=RECEIVING, until_us=100 * S)
GIVEN = Given(handed=(Handed(0, 3, (Letter(1, 5, 0),)),))


def consuming(ctx: FakeContext) -> FakeContext:
    """A consumer that was handed a letter, and has made something of it."""
    ctx.start(Consumer(ctx, OPTIONS, BROKERS))
    ctx.advance(1)
    ctx.answer(GIVEN)
    ctx.advance(100_000)
    return ctx


def test_a_consumer_that_dies_with_letters_begins_anew_with_other_operations_and_another_session() -> None:
    lives = [consuming(FakeContext(pack_location(1, 1, 2)))]
    lives.append(consuming(lives[0].disk_loss()))
    first, second = ({op.op for op in ctx.operations if op.f == "hold"} for ctx in lives)
    assert first
    assert second
    assert not first & second
    assert len({ctx.sent[0][1].session for ctx in lives}) == 2  # type: ignore[attr-defined]


def test_a_consumer_whose_effects_are_refused_tells_by_which_receipt() -> None:
    ctx = consuming(FakeContext(pack_location(1, 1, 2)))
    ctx.answer(Effected(kept=False, newest=8))
    ctx.advance(1)
    assert ctx.sent[-1][1] == SettleAll(done=(Done(0, 3, (), newest=8),))


def test_whoever_comes_to_the_desk_later_does_what_was_to_be_done_by_then() -> None:
    options = DeskOptions(first_id=1, audit_us=50_000)
    ctx = FakeContext(pack_location(1, 1, 1))
    ctx.start(Desk(ctx, options, BROKERS))
    ctx.advance(50_001)
    after = ctx.process_crash()
    after.advance(10_000)
    after.start(Desk(after, options, BROKERS))
    after.advance(1)
    after.answer(Browsed(waiting=(4,), parked=(), hot=()))
    assert [(op.f, op.kind, op.value) for op in after.operations][1:] == [("remain", Kind.OK, (4,))]
    assert not {op.op for op in ctx.operations} & {op.op for op in after.operations}


def test_a_copy_that_the_network_made_is_kept_once_also_by_who_knows_no_message_again() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 0, True, 1)
    assert [kept(receiver, ctx, effects(receipt, 5)) for receipt in (1, 1, 2)] == [True, True, True]
    assert delivered(ctx) == [5, 5]  # once of each receipt: handed out again is no copy
    assert receiver.repeated == 1


def test_a_message_that_lies_twice_in_the_log_is_no_copy_of_the_network() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    receiver = Receiver(ctx, 0, True, 1)
    assert kept(receiver, ctx, effects(1, 5, 5))
    assert delivered(ctx) == [5, 5]


def test_a_fenced_receiver_refuses_whom_somebody_came_after() -> None:
    ctx = FakeContext(pack_location(1, 1, 1))
    fenced, open_to_all = Receiver(ctx, 0, True, 1), Receiver(ctx, 0, False, 1)
    assert [kept(fenced, ctx, effects(receipt, 5)) for receipt in (2, 1, 2)] == [True, False, True]
    assert [kept(open_to_all, ctx, effects(receipt, 5)) for receipt in (2, 1)] == [True, True]
