"""The relay: what is side by side and what is not, what its mark covers, and that nobody waits in vain."""

from __future__ import annotations

import pytest

from experiments.scenario import load
from experiments.scenario.problems import ScenarioError
from models.addressing import mint
from models.outbox.consumer import Consumer
from models.outbox.feed import FeedOptions, Follow, Followed
from models.outbox.orders import Orders, Place, Placed
from models.outbox.relay import Relay, RelayOptions
from models.outbox.words import Deliver, Outgoing, Took
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from sim.testing.fake import FakeContext
from sim.topology import at_service, pack_location

SHARD = at_service(pack_location(1, 1, 2), "orders-0")
BILLING = at_service(pack_location(1, 1, 3), "consumer-billing")
REIGN = Reign(epoch=1, region=1, start=0)


def entry(position: int, key: int, *numbers: int) -> Entry:
    outbox = tuple(Outgoing(topic="billing", number=number, body=1) for number in numbers)
    return Entry(0, 1, position, 1, 0, mint(1, key, 1), position, 0, Placed(amount=1, outbox=outbox), None, 0)


def relay(ctx: FakeContext | None = None, lanes: int = 4) -> tuple[FakeContext, Relay]:
    ctx = ctx or FakeContext()
    made = Relay(
        ctx,
        FeedOptions(consumer="relay", shards=((SHARD,),)),
        RelayOptions(consumers=(("billing", BILLING),), lanes=lanes),
    )
    ctx.start(made)
    ctx.advance(1)
    return ctx, made


def pulled(ctx: FakeContext, *entries: Entry, after: int = 0, upto: int = 0) -> None:
    """Answer the open question of the feed."""
    call = next(i for i, (_, msg, _) in enumerate(ctx.calls) if isinstance(msg, Follow))
    ctx.answer(Followed(reigns=(REIGN,), after=after, entries=entries, upto=upto or len(entries)), call)
    ctx.advance(1)


def open_deliveries(ctx: FakeContext) -> list[tuple[int, int]]:
    return [(msg.key, msg.number) for _, msg, _ in ctx.calls if isinstance(msg, Deliver)]


def take(ctx: FakeContext, key: int, number: int) -> None:
    call = next(
        i for i, (_, m, _) in enumerate(ctx.calls) if isinstance(m, Deliver) and (m.key, m.number) == (key, number)
    )
    ctx.answer(Took(key=key, number=number), call)
    ctx.advance(3_000)


def test_keys_go_side_by_side_and_the_messages_of_one_in_turns() -> None:
    ctx, made = relay()
    lane = {key: made.lane_of(key, Outgoing(topic="billing", number=1, body=1)) for key in range(20)}
    other = next(key for key in lane if lane[key] != lane[1])
    pulled(ctx, entry(1, 1, 1, 2), entry(2, other, 1))
    assert open_deliveries(ctx) == [(1, 1), (other, 1)]
    take(ctx, 1, 1)
    assert (1, 2) in open_deliveries(ctx)


def test_the_mark_stands_before_the_first_that_is_not_delivered() -> None:
    ctx, made = relay()
    lane = {key: made.lane_of(key, Outgoing(topic="billing", number=1, body=1)) for key in range(20)}
    other = next(key for key in lane if lane[key] != lane[1])
    pulled(ctx, entry(1, 1, 1), entry(2, other, 1))
    take(ctx, other, 1)
    assert (made.mark_of(0), made.needless(0)) == (0, 0)
    take(ctx, 1, 1)
    assert made.needless(0) == 2


def test_a_relay_that_died_begins_at_its_mark() -> None:
    ctx, made = relay()
    pulled(ctx, entry(1, 1, 1), entry(2, 1, 2))
    take(ctx, 1, 1)
    assert made.needless(0) == 1
    ctx, made = relay(ctx.power_loss())
    (asked,) = [msg for _, msg, _ in ctx.calls]
    assert isinstance(asked, Follow)
    assert (asked.after, asked.done) == (1, 1)


def test_a_gap_in_the_feed_is_told_and_not_passed_over_in_silence() -> None:
    ctx, _ = relay()
    pulled(ctx, entry(6, 1, 3), after=5, upto=6)
    assert ("feed-gap", 5) in ctx.notes


def test_what_was_taken_back_is_read_again() -> None:
    ctx, made = relay()
    pulled(ctx, entry(1, 1, 1), entry(2, 1, 2))
    call = next(i for i, (_, msg, _) in enumerate(ctx.calls) if isinstance(msg, Follow))
    ctx.answer(Followed(reigns=(REIGN, Reign(epoch=2, region=2, start=1)), after=2, entries=(), upto=2), call)
    ctx.advance(1)
    assert made.at[0] == 0
    assert ("taken-back", 0) in ctx.notes


def test_what_was_taken_back_while_the_relay_was_down_is_read_again() -> None:
    ctx, made = relay()
    pulled(ctx, entry(1, 1, 1), entry(2, 1, 2))
    take(ctx, 1, 1)
    take(ctx, 1, 2)
    assert made.needless(0) == 2
    ctx, made = relay(ctx.process_crash())
    ctx.answer(Followed(reigns=(REIGN, Reign(epoch=2, region=2, start=1)), after=2, entries=(), upto=2))
    ctx.advance(1)
    assert (made.at[0], made.needless(0)) == (0, 0)


def test_an_earlier_leader_is_not_listened_to() -> None:
    ctx, made = relay()
    later = (REIGN, Reign(epoch=2, region=2, start=0))
    call = next(i for i, (_, msg, _) in enumerate(ctx.calls) if isinstance(msg, Follow))
    ctx.answer(Followed(reigns=later, after=0, entries=(entry(1, 1, 1),), upto=1), call)
    ctx.advance(1)
    pulled(ctx, entry(1, 1, 1), entry(2, 1, 2))
    assert made.at[0] == 1


def test_a_consumer_takes_a_message_once_across_its_lives() -> None:
    ctx = FakeContext()
    made = Consumer(ctx, 10)
    ctx.start(made)
    message = Deliver(key=1, number=1, body=5)
    answer = ctx.deliver(made, message)
    ctx.advance(2_000)
    assert answer.value == Took(key=1, number=1)
    born = ctx.power_loss()
    made = Consumer(born, 10)
    born.start(made)
    answer = born.deliver(made, message)
    born.advance(2_000)
    assert answer.value == Took(key=1, number=1, before=True)
    assert len(made.received) == 1


def test_an_event_carries_its_messages_numbered_by_key() -> None:
    domain = Orders()
    first = domain.decide(domain.initial(), Place(amount=5))
    assert isinstance(first, Placed)
    second = domain.decide(domain.evolve(domain.initial(), first), Place(amount=6))
    assert isinstance(second, Placed)
    assert [(one.topic, one.number) for one in (*first.outbox, *second.outbox)] == [
        ("billing", 1),
        ("shipping", 2),
        ("billing", 3),
        ("shipping", 4),
    ]


def test_a_topic_without_a_consumer_is_refused_before_the_run() -> None:
    with pytest.raises(ScenarioError, match=r"(?s)topic 'shipping' of domain 'orders' has no consumer.*add 'shipping'"):
        load("outbox_relay").with_system({"consumers": ["billing"]})
    with pytest.raises(ScenarioError, match="'archive' hears of nothing"):
        load("outbox_relay").with_system({"consumers": ["billing", "shipping", "archive"]})
