"""Raft is safe whatever the network, the processes and the disks do, and serves again once they are well."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.raft.cluster import OPTIONS, Cluster
from tests.models.raft.schedule import ACTIONS, Action, play, random_actions


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    actions=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, 59), st.integers(0, 59)), min_size=10, max_size=60
    ),
    seed=st.integers(0, 2**32),
    lossy=st.booleans(),
    founders=st.sampled_from([3, 3, 5]),
    lease=st.booleans(),
    bare=st.booleans(),
)
def test_no_schedule_breaks_safety_or_progress(
    actions: list[Action], seed: int, lossy: bool, founders: int, lease: bool, bare: bool
) -> None:
    options = replace(OPTIONS, lease=lease, drift_bound=0.1)
    if bare and not lease:
        options = replace(options, pre_vote=False, check_quorum=False, stickiness=False)
    cluster = Cluster(seed, range(1, founders + 1), range(founders + 1, founders + 3), options=options, drift=0.1)
    if lossy:
        cluster.loss, cluster.twice = 0.1, 0.1
    play(cluster, actions)
    cluster.must_serve()


def test_schedules_meet_what_they_are_for() -> None:
    met: Counter[str] = Counter()
    for seed in range(60):
        cluster = Cluster(seed, (1, 2, 3), (4, 5), options=replace(OPTIONS, lease=seed % 2 == 0), drift=0.01)
        cluster.loss = cluster.twice = 0.05
        play(cluster, random_actions(seed, 60))
        met += cluster.met
        met["elections"] += len(cluster.witness.leaders)
        met["committed"] += len(cluster.witness.committed)
    rare = {name: met[name] for name in SHOULD_HAPPEN if met[name] < 10}
    assert rare == {}


SHOULD_HAPPEN = (
    "elections",
    "committed",
    "reads answered",
    "changes refused",
    "changes: add",
    "changes: promote",
    "changes: remove",
    "Cut",
    "Install",
    "Save",
    "Supply",
)
