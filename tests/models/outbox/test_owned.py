"""Relays that follow each other: marks that are told, messages under a tenure, and an old owner that comes back."""

from __future__ import annotations

import pytest

from experiments.measures import Observation, gather
from experiments.properties import judge
from experiments.scenario import ScenarioError, load
from experiments.scenario.property import Mode, PropertyUse
from models.outbox.owned import OwnedConsumer
from models.outbox.words import DeliverUnder, Outdated, Took
from sim.checkers import Outcome
from sim.testing.fake import FakeContext


def told(ctx: FakeContext, consumer: OwnedConsumer, tenure: int, number: int) -> object:
    """What a consumer says to a message under a tenure."""
    answer = ctx.deliver(consumer, DeliverUnder(tenure=tenure, key=1, number=number, body=5))
    ctx.advance(20_000)
    return answer.value


def test_a_consumer_takes_nothing_under_an_earlier_tenure_nor_after_a_crash() -> None:
    ctx = FakeContext()
    consumer = OwnedConsumer(ctx, 10)
    ctx.start(consumer)
    assert told(ctx, consumer, 2, 1) == Took(key=1, number=1)
    assert told(ctx, consumer, 1, 2) == Outdated(tenure=2)

    ctx = ctx.power_loss(torn=True)
    consumer = OwnedConsumer(ctx, 10)
    ctx.start(consumer)
    assert told(ctx, consumer, 1, 2) == Outdated(tenure=2)
    assert told(ctx, consumer, 2, 1) == Took(key=1, number=1, before=True)


def test_who_was_replaced_while_a_consumer_wrote_his_tenure_down_is_refused() -> None:
    ctx = FakeContext()
    consumer = OwnedConsumer(ctx, 10)
    ctx.start(consumer)
    first, second = (ctx.deliver(consumer, DeliverUnder(tenure=tenure, key=1, number=1, body=5)) for tenure in (1, 2))
    ctx.advance(20_000)
    assert (first.value, second.value) == (Outdated(tenure=2), Took(key=1, number=1))


@pytest.mark.parametrize(("fences", "outcome"), [(True, Outcome.VALID), (False, Outcome.INVALID)])
def test_an_old_relay_that_comes_back_after_consumers_have_forgotten_must_be_fenced(
    fences: bool, outcome: Outcome
) -> None:
    """Each consumer remembers 20 messages, and misses about 80 while the old relay stands still."""
    seen = gather(load("outbox_moved").with_system({"window": 20, "fences": fences}), 1)
    assert isinstance(seen, Observation)
    assert seen.noted["outdone"]
    verdicts = judge(seen, [PropertyUse(name="outbox_in_order", mode=Mode.ALWAYS)])
    assert [verdict.outcome for verdict in verdicts.values()] == [outcome]


def test_there_is_a_server_for_each_relay() -> None:
    with pytest.raises(ScenarioError, match="relays = 7: do not fit on 3 servers"):
        load("outbox_moved").with_system({"relays": 7})
