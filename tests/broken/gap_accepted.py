"""A follower accepts what comes after a gap, and counts what it misses as seen.

A replica that receives number 7 while it waits for 6 takes it all the same and moves its position
past the gap; 6 is then never asked for again, and lost there.

Modelled on pekko#2815, which warns of the gap, and on akka#29259 which it refers to:
https://github.com/apache/pekko/pull/2815
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.ballots import Append
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out


class Gapped(Replica):
    """Takes entries whether or not it has the one before them."""

    def follows(self, msg: Append) -> bool:
        return True


def system(site: Site, workload: Any) -> System:
    """The sound family with `Gapped` in place of its replicas."""
    return lay_out(site, workload, Gapped, "append-log", retries=True)
