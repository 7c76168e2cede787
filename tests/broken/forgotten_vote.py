"""A vote is told before it is on the disk, so a replica that restarts may vote twice in one epoch.

Two leaders then serve the same epoch, and entries of the one pass for entries of the other.

Modelled on robustmq#2039, whose votes stayed in the page cache, and on camunda#5356, where two
leaders were elected in one term because a vote was forgotten:
https://github.com/robustmq/robustmq/pull/2039 https://github.com/camunda/camunda/issues/5356
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from sim.host import Wait
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out


class Forgetful(Replica):
    """Keeps epoch and vote in memory."""

    def save_vote(self) -> Wait:
        return self.ctx.sleep(0)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Forgetful` in place of its replicas."""
    return lay_out(site, workload, Forgetful, "append-log", retries=True)
