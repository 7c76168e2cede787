"""What of a log must stay for others: peers that lack it, who may lead next, and a sequencer that was not told."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from models.store.group.wire import Install
from models.store.group.words import Promote
from models.store.publishing import Subscriber
from models.store.requests import Accepted
from models.store.sequence.sequencer import Sequencer
from sim.host import Wait
from tests.models.keepers import QUORUM, alone, policy, write
from tests.models.shards import Cluster, at


def test_peers_are_waited_for_up_to_their_patience() -> None:
    cluster = Cluster(log=policy(peer_patience=5))
    cluster.isolate(3)
    write(cluster, *range(1, 6))
    cluster.run(500)
    assert cluster.shard[1].journal.base.position == 0
    write(cluster, 6, 7)
    cluster.run(500)

    assert cluster.shard[1].journal.base.position == 6


def test_a_follower_keeps_what_a_peer_lacks_whom_its_leader_waits_for() -> None:
    """It may lead next, and would have nothing for that peer but a snapshot."""
    cluster = Cluster(scheme=QUORUM, log=policy(peer_patience=100))
    cluster.isolate(3)
    write(cluster, *range(1, 37))
    cluster.run(500)
    assert [cluster.shard[number].journal.base.position for number in cluster.numbers] == [0, 0, 0]
    cluster.stop(1, "disk_loss")
    cluster.heal()
    cluster.ask(2, Promote(epoch=2), 2_000)
    cluster.start(1)
    cluster.run(2_000)

    assert not [message for _, to, message in cluster.sent if isinstance(message, Install) and to == at(3)]
    assert cluster.shard[3].journal.base.position == 36  # dropped by itself, once everybody had it


def test_a_follower_lets_go_of_what_its_leader_waits_for_no_more() -> None:
    cluster = Cluster(scheme=QUORUM, log=policy(peer_patience=5))
    cluster.isolate(3)
    write(cluster, *range(1, 9))
    cluster.run(500)
    assert [cluster.shard[number].journal.base.position for number in cluster.numbers] == [8, 8, 0]


def test_whoever_leads_next_waits_for_a_peer_that_has_not_told_where_it_stands() -> None:
    """Counted as one that has nothing, it would lie beyond any patience as soon as the log is long."""
    cluster = Cluster(scheme=QUORUM, log=policy(peer_patience=4))
    write(cluster, *range(1, 9))
    cluster.run(500)
    assert [cluster.shard[number].journal.base.position for number in cluster.numbers] == [8, 8, 8]
    cluster.isolate(3)
    cluster.crash(1)
    cluster.run(2_000)
    write(cluster, 9, 10, 11, 12)
    cluster.run(500)
    assert [cluster.shard[number].journal.base.position for number in (1, 2)] == [8, 8]


class Deaf(Sequencer):
    """Gives numbers, and is told nothing."""

    def _settle(self, committed: object, given_up: object) -> Generator[Wait, Any, Any]:
        yield self.ctx.wait()


@pytest.mark.parametrize("published", [False, True])
def test_what_the_sequencer_has_not_been_told_stays_whatever_the_subscriber_has(published: bool) -> None:
    where = {"sequencer": at(50, "sequencer")} | ({"subscriber": at(51, "subscriber")} if published else {})
    cluster = alone(log=policy(), **where)
    assert cluster.add("sequencer", lambda ctx: Deaf(ctx, (), patience_us=10**9)) == where["sequencer"]
    cluster.add("subscriber", Subscriber)
    cluster.run(10)
    for id_ in range(1, 6):
        assert isinstance(cluster.submit(1, id_), Accepted)
    cluster.run(500)
    shard = cluster.shard[1]
    assert (shard.committed, shard.numbering.marked, shard.journal.base.position) == (5, 0, 0)
    assert shard.publisher.marked == (5 if published else 0)
