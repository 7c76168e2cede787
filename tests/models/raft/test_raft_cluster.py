"""Raft is safe whatever the network, the processes and the disks do, and serves again once they are well."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.raft.cluster import OPTIONS, Cluster
from tests.models.raft.schedule import ACTIONS, Action, play


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
