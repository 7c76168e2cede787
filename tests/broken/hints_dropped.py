"""What was kept for a replica that could not be reached is dropped when its keeper restarts.

Nobody else knows that the replica lacks it, and it lacks it for ever.

Modelled on scylladb#13501, which would clear all hints when a node starts, and riak_kv#847, where
a handoff that failed was not tried again: https://github.com/scylladb/scylladb/pull/13501
https://github.com/basho/riak_kv/issues/847
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.gossip import Replica
from tests.broken.families.layout import lay_out


class Dropping(Replica):
    """Begins anew with what is written from now on."""

    def resumes_at(self) -> int:
        return len(self.updates)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Dropping` in place of its replicas."""
    return lay_out(site, workload, Dropping, "register", retries=True)
