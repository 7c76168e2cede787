"""Raft is safe whatever the network, the processes and the disks do, and serves again once they are well."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.raft.core import Raft
from models.raft.membership import Change, Step
from tests.models.raft.cluster import OPTIONS, Cluster

ACTIONS = (
    "propose",
    "read",
    "wait",
    "isolate",
    "halve",
    "one-way",
    "heal",
    "crash",
    "start",
    "change",
    "transfer",
    "compact",
)


def act(cluster: Cluster, name: str, a: int, b: int) -> None:
    """One action on one or two of the members."""
    numbers = sorted(cluster.members)
    one, other = numbers[a % len(numbers)], numbers[b % len(numbers)]
    member = cluster.members[one]
    if name == "propose":
        cluster.propose(1 + b % 5)
    elif name == "read":
        cluster.read()
    elif name == "wait":
        cluster.advance(100 * (1 + b % 15))
    elif name == "isolate":
        cluster.sever([one], numbers)
    elif name == "halve":
        cluster.sever(numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :])
    elif name == "one-way":
        cluster.sever([one], [other], both_ways=False)
    elif name == "heal":
        cluster.cut = set()
    elif name == "crash" and member.up:
        member.crash()
    elif name == "start" and not member.up:
        member.start()
    elif name == "change":
        cluster.change(Change(list(Step)[b % 3], one))
    elif name == "transfer":
        cluster.transfer(one)
    elif name == "compact" and member.up:
        member.compact()
    cluster.advance(1 + b % 60)


def play(cluster: Cluster, actions: list[tuple[str, int, int]]) -> None:
    cluster.advance(3_000)
    for action in actions:
        act(cluster, *action)


def random_actions(seed: int, count: int) -> list[tuple[str, int, int]]:
    random = Random(seed)
    return [(random.choice(ACTIONS), random.randrange(60), random.randrange(60)) for _ in range(count)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    actions=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 59), st.integers(0, 59)), max_size=40),
    seed=st.integers(0, 2**32),
    lossy=st.booleans(),
    founders=st.sampled_from([3, 3, 5]),
    lease=st.booleans(),
    bare=st.booleans(),
)
def test_no_schedule_breaks_safety_or_progress(
    actions: list[tuple[str, int, int]], seed: int, lossy: bool, founders: int, lease: bool, bare: bool
) -> None:
    options = replace(OPTIONS, lease=lease, drift_bound=0.1)
    if bare and not lease:
        options = replace(options, pre_vote=False, check_quorum=False, stickiness=False)
    cluster = Cluster(seed, range(1, founders + 1), range(founders + 1, founders + 3), options=options, drift=0.1)
    if lossy:
        cluster.loss, cluster.twice = 0.1, 0.1
    play(cluster, actions)
    cluster.must_serve()
