"""An election that a replica wins although it lacks what a majority has acknowledged.

Votes go to whoever asks first in an epoch, however far behind; the winner's log replaces the
others', and writes that a majority had on disk are rolled back.

Modelled on elections of MongoDB's replication protocol 0, which lost writes acknowledged by a
majority: https://jepsen.io/analyses/mongodb-3-4-0-rc3, and Tokutek/mongo#763 before it:
https://github.com/Tokutek/mongo/issues/763
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.ballots import Vote
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out


class Trusting(Replica):
    """Votes for any log."""

    def may_lead(self, msg: Vote) -> bool:
        return True


def system(site: Site, workload: Any) -> System:
    """The sound family with `Trusting` in place of its replicas."""
    return lay_out(site, workload, Trusting, "append-log", retries=True)
