"""Clusters whose members keep their logs short: every event a snapshot, segments of two, a look every 20 ms."""

from __future__ import annotations

from typing import Any

from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.requests import Accepted
from models.store.schemes import Scheme, Tier
from tests.models.shards import Cluster

MS = 1_000
LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
EVERY = SnapshotPolicy(every=1)


def policy(**more: Any) -> LogPolicy:
    return LogPolicy(**({"segment": 2, "snapshots": EVERY, "truncate": True, "every_us": 20 * MS} | more))


def alone(**more: Any) -> Cluster:
    """One member, its own master."""
    return Cluster(members=1, scheme=LOCAL, **more)


def write(cluster: Cluster, *command_ids: int, number: int = 1, **more: Any) -> None:
    for command_id in command_ids:
        assert isinstance(cluster.submit(number, command_id, 4, **more), Accepted)
