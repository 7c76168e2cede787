"""A replica acknowledges what only its page cache holds.

Every replica says that it stored before it flushed; a power loss takes back what a majority of
them acknowledged.

Modelled on robustmq#2039: its log writes returned once the record was in the page cache, and
were taken as durable: https://github.com/robustmq/robustmq/pull/2039
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from sim.host import Wait
from tests.broken.families.layout import lay_out
from tests.broken.families.quorum import Replica


class Unsynced(Replica):
    """Does not wait for its disk."""

    def saved(self, file: str) -> Wait:
        return self.ctx.sleep(0)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Unsynced` in place of its replicas."""
    return lay_out(site, workload, Unsynced, "register", retries=True)
