"""A deposed leader acknowledges writes that it is about to truncate.

A leader with writes in flight is cut off and comes back as a follower. The new leader's position
passes that of the old writes, and the old leader, which compares positions alone, answers its
clients that their writes were replicated; then it truncates them.

Modelled on KurrentDB#3472, "Writes incorrectly acked during leader election":
https://github.com/kurrent-io/KurrentDB/issues/3472
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out


class Deposed(Replica):
    """Takes whatever is final at a position for what it appended there."""

    def is_ours(self, index: int, epoch: int) -> bool:
        return True


def system(site: Site, workload: Any) -> System:
    """The sound family with `Deposed` in place of its replicas."""
    return lay_out(site, workload, Deposed, "append-log", retries=True)
