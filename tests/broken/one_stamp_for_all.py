"""Last writer wins by one time stamp for a whole document, while updates change single fields.

Two replicas change different fields at once. Each has seen the other's stamp by the order in which
the updates arrived: one takes both, the other drops the older update as a whole; they differ for ever.

Modelled on the trap that Akka's documentation of Replicated Event Sourcing describes under
resolving conflicts, last writer wins with events that carry part of the state:
https://doc.akka.io/docs/akka/current/typed/replicated-eventsourcing.html
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.gossip import Replica, Update
from tests.broken.families.layout import lay_out


class OneStamp(Replica):
    """Compares with the latest change of any field."""

    def stands(self, update: Update) -> bool:
        latest = max(((held.count, held.number) for held in self.cells.values()), default=(0, 0))
        return (update.count, update.number) > latest


def system(site: Site, workload: Any) -> System:
    """The sound family with `OneStamp` in place of its replicas."""
    return lay_out(site, workload, OneStamp, "register", retries=True)
