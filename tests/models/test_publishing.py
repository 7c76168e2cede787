"""What is committed is published in order, at least once, and taken back where a forced change of lead undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from models.store.group.words import Promote
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.publishing import Subscriber
from models.store.requests import Accepted
from models.store.schemes import Scheme, Tier
from sim.topology import Location
from tests.models.shards import BEHIND, Cluster, at, deposit, ids

LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
WHERE = at(50, "subscriber")


def published(scheme: Scheme = LOCAL, **more: Any) -> tuple[Cluster, Location]:
    cluster = Cluster(members=scheme.members if scheme is not BEHIND else 3, scheme=scheme, subscriber=WHERE, **more)
    assert cluster.add("subscriber", Subscriber) == WHERE
    return cluster, WHERE


def received(cluster: Cluster) -> list[int]:
    return ids(cluster.service(WHERE).received.get(0, []))


def crash(cluster: Cluster, how: str) -> None:
    """The subscriber dies, and lives again."""
    ctx, _ = cluster.beside[WHERE]
    again = getattr(ctx, how)()
    cluster._wire(again)
    service = Subscriber(again)
    cluster.beside[WHERE] = (again, service)
    again.start(service)


def test_committed_events_arrive_in_order_and_nothing_else_does() -> None:
    cluster, _ = published(QUORUM)
    for id_ in (1, 2, 3):
        cluster.submit(1, id_)
    cluster.isolate(2, 3)
    cluster.send(1, deposit(4))
    cluster.run(1_000)
    assert received(cluster) == [1, 2, 3]
    cluster.heal()
    cluster.run(2_000)

    assert received(cluster) == [1, 2, 3, 4]
    assert cluster.service(WHERE).repeated == 0


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
def test_a_crash_between_sending_and_marking_sends_again_and_nothing_is_counted_twice(how: str) -> None:
    repeated = 0
    for us in range(100, 6_000, 600):
        cluster, _ = published()
        for id_ in (1, 2):
            cluster.send(1, deposit(id_))
        cluster.run(us / 1_000)
        cluster.crash(1, how)
        cluster.run(700)
        cluster.submit(1, 3)
        cluster.run(700)
        assert received(cluster) == cluster.log(1)
        repeated += cluster.service(WHERE).repeated
        assert cluster.shard[1].publisher.marked == cluster.shard[1].journal.length
    assert repeated, "no crash came between"


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
def test_a_subscriber_that_dies_goes_on_where_it_was(how: str) -> None:
    for us in range(100, 6_000, 600):
        cluster, _ = published()
        cluster.submit(1, 1)
        cluster.send(1, deposit(2))
        cluster.run(us / 1_000)
        crash(cluster, how)
        cluster.run(1_500)
        assert received(cluster) == [1, 2]


def test_a_subscriber_that_hears_nothing_for_a_while_misses_nothing() -> None:
    cluster, _ = published()
    cluster.isolate(1)
    for id_ in range(1, 8):
        cluster.submit(1, id_)
    cluster.heal()
    cluster.run(1_000)

    assert received(cluster) == [1, 2, 3, 4, 5, 6, 7]


def test_the_next_leader_goes_on_and_what_was_seen_is_not_counted_again() -> None:
    cluster, _ = published(QUORUM)
    for id_ in (1, 2, 3):
        cluster.submit(1, id_)
    cluster.run(300)
    cluster.stop(1)
    assert cluster.ask(2, Promote(epoch=2), 3_000).leads
    cluster.submit(2, 4, 300)
    cluster.run(1_000)

    assert received(cluster) == [1, 2, 3, 4]
    assert ids(cluster.service(WHERE).retracted.get(0, [])) == []


@pytest.mark.parametrize("crashed", [False, True])
def test_what_a_forced_change_of_lead_takes_back_is_retracted(crashed: bool) -> None:
    cluster, _ = published(BEHIND)
    cluster.submit(1, 1)
    cluster.run(500)
    cluster.cut(1, 2)
    cluster.cut(1, 3)
    assert isinstance(cluster.submit(1, 2), Accepted)
    cluster.run(500)
    assert received(cluster) == [1, 2]
    assert cluster.ask(2, Promote(epoch=2, force=True)).leads
    cluster.submit(2, 3)
    cluster.run(1_000)
    if crashed:
        crash(cluster, "power_loss")
    cluster.submit(1, 4)  # the old leader does not know yet, and is not listened to any more
    cluster.run(1_000)

    service = cluster.service(WHERE)
    assert (received(cluster), ids(service.retracted[0])) == ([1, 3], [2])
    cluster.heal()
    cluster.run(2_000)
    assert received(cluster) == [1, 3]


def test_the_log_keeps_what_the_subscriber_lacks() -> None:
    log = LogPolicy(segment=2, snapshots=SnapshotPolicy(every=1), truncate=True, every_us=20_000)
    cluster, _ = published(log=log)
    cluster.isolate(1)
    for id_ in range(1, 8):
        cluster.submit(1, id_)
    cluster.run(500)
    assert cluster.shard[1].journal.base.position == 0
    cluster.heal()
    cluster.run(1_500)

    assert received(cluster) == [1, 2, 3, 4, 5, 6, 7]
    assert cluster.shard[1].journal.base.position == 6


def test_what_is_committed_is_published_at_once_and_not_at_the_next_look() -> None:
    cluster, _ = published()
    cluster.run(1_000)
    cluster.submit(1, 1, 5)

    assert received(cluster) == [1]
