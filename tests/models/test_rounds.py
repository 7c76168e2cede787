"""Flushes and shipments at times, as whoever measures a failure finds them at its instant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.store.rounds import Rounds
from models.store.schemes import Scheme, Tier
from tests.models.shards import BEHIND, cluster_of, deposit

MS = 1_000
PAGES = Scheme(name="pages", tier=Tier.PAGE_CACHE, flush_every_us=100 * MS)


def test_what_has_not_ended_covers_nothing() -> None:
    rounds = Rounds()
    assert (rounds.every_us, rounds.covered_us) == (None, None)
    rounds.start(10)
    rounds.begin(110)
    assert (rounds.every_us, rounds.begun_us, rounds.covered_us) == (100, 110, None)
    rounds.end()
    rounds.begin(230)
    assert (rounds.every_us, rounds.begun_us, rounds.covered_us) == (110, 230, 110)


@pytest.mark.parametrize("work", [False, True])
def test_a_flush_is_a_round_whether_there_was_anything_to_flush_or_not(work: bool) -> None:
    cluster = cluster_of(PAGES, flush_us=20 * MS)
    shard = cluster.shard[1]
    start_us = shard.flushes.started_us
    assert start_us is not None
    if work:
        cluster.send(1, deposit(1))
    cluster.clock.advance(start_us + 110 * MS - cluster.clock.mono_us())

    assert shard.flushes.begun_us == start_us + 100 * MS
    assert shard.flushes.covered_us == (None if work else start_us + 100 * MS)
    cluster.run(20)
    assert shard.flushes.covered_us == start_us + 100 * MS


def test_shipments_come_as_often_as_told_and_at_the_leader_alone() -> None:
    cluster = cluster_of(replace(BEHIND, ship_every_us=100 * MS, copies=2))
    cluster.run(1_000)
    assert cluster.shard[1].shipments.every_us == 100 * MS
    assert cluster.shard[2].shipments.count == 0
