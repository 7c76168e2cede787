"""A read answers with what one replica of its majority had, and leaves the others behind.

A later read meets a majority without that replica, and goes back in time.

Modelled on reads whose repair does not block: CASSANDRA-14635 proposes to let it be switched off,
which gives monotonic reads away; scylladb#3696 tells why: https://github.com/scylladb/scylladb/issues/3696
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.quorum import Replica


class Unsettled(Replica):
    """Stores nothing on behalf of a read."""

    def settles_reads(self) -> bool:
        return False


def system(site: Site, workload: Any) -> System:
    """The sound family with `Unsettled` in place of its replicas."""
    return lay_out(site, workload, Unsettled, "register", retries=True)
