"""Raft serves whoever is connected to a majority, whatever the shape of the cut, and does not elect for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.models.raft.cluster import OPTIONS, Cluster
from tests.models.raft.scenes import first_leader, others

BARE = replace(OPTIONS, pre_vote=False, check_quorum=False, stickiness=False)
LONG = 30_000


def cut_off(cluster: Cluster) -> None:
    """The leader alone, the rest together."""
    cluster.sever([cluster.leaders[0].me], list(cluster.members))


def bridge(cluster: Cluster) -> None:
    """Everybody talks to one that does not lead, and to nobody else."""
    middle = others(cluster, cluster.leaders[0])[0].me
    rest = [one for one in cluster.members if one != middle]
    cluster.sever(rest, rest)


def ring(cluster: Cluster) -> None:
    """Each talks to its two neighbours."""
    numbers = list(cluster.members)
    for one in numbers:
        cluster.sever([one], [other for other in numbers if (one - other) % len(numbers) not in (1, len(numbers) - 1)])


def deaf_leader(cluster: Cluster) -> None:
    """The leader is heard and hears nobody: its heartbeats would keep all others quiet for ever."""
    cluster.sever(list(cluster.members), [cluster.leaders[0].me], both_ways=False)


def mute_leader(cluster: Cluster) -> None:
    """The leader hears everybody and is heard by nobody."""
    cluster.sever([cluster.leaders[0].me], list(cluster.members), both_ways=False)


def two_halves_and_a_link(cluster: Cluster) -> None:
    """Two pairs, and a fifth that talks to both."""
    middle = cluster.leaders[0].me
    rest = [one for one in cluster.members if one != middle]
    cluster.sever(rest[:2], rest[2:])


@pytest.mark.parametrize("shape", [cut_off, bridge, ring, deaf_leader, mute_leader, two_halves_and_a_link])
@pytest.mark.parametrize("seed", range(3))
def test_a_connected_majority_is_served(shape: Callable[[Cluster], None], seed: int) -> None:
    cluster = Cluster(seed, (1, 2, 3, 4, 5), drift=0.05)
    first_leader(cluster)
    shape(cluster)
    cluster.advance(LONG // 3)
    before, elections = len(cluster.witness.committed), len(cluster.witness.leaders)
    for _ in range(LONG // 1_000):
        cluster.propose()
        cluster.advance(1_000)
    assert len(cluster.witness.committed) >= before + LONG // 1_000 - 5
    assert len(cluster.witness.leaders) <= elections + 1


def elections_under_one_cut(cluster: Cluster) -> int:
    """Three members; two of them, of which one leads, do not hear each other (Cloudflare, November 2020)."""
    leader = first_leader(cluster)
    before = len(cluster.witness.leaders)
    cluster.sever([leader.me], [others(cluster, leader)[0].me])
    cluster.advance(LONG)
    return len(cluster.witness.leaders) - before


def test_one_lost_link_of_three_disturbs_nobody() -> None:
    assert [elections_under_one_cut(Cluster(seed)) for seed in range(5)] == [0] * 5


def test_without_safeguards_leaders_are_deposed_until_the_one_between_is_elected() -> None:
    elections = [elections_under_one_cut(Cluster(seed, options=BARE)) for seed in range(5)]
    assert min(elections) > 1


def test_a_member_that_comes_back_disturbs_nobody() -> None:
    """As in openraft#2080, it was cut off for long and has a longer patience behind it than anybody."""
    for seed in range(5):
        cluster = Cluster(seed)
        leader = first_leader(cluster)
        lost = others(cluster, leader)[0]
        cluster.sever([lost.me], list(cluster.members))
        cluster.advance(LONG)
        cluster.propose()
        cluster.cut = set()
        cluster.advance(3_000)
        assert cluster.leaders == [leader]
        assert lost.core.committed == leader.core.committed


def test_a_deaf_leader_without_check_quorum_silences_its_group() -> None:
    cluster = Cluster(1, options=replace(OPTIONS, check_quorum=False))
    first_leader(cluster)
    deaf_leader(cluster)
    before = len(cluster.witness.committed)
    for _ in range(20):
        cluster.propose()
        cluster.advance(1_000)
    assert len(cluster.witness.committed) == before
