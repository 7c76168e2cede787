"""The mark is where the fastest lane is, so what slower lanes had not delivered is skipped after a crash.

Modelled on commanded#556: of a handler with concurrency one part failed at an event, the others went on, and the
subscription remembered the latest that any had seen; after a restart the event was never handled:
https://github.com/commanded/commanded/issues/556
"""

from __future__ import annotations

from typing import Any

from models.outbox.relay import Relay
from models.system import Site, System
from tests.broken.families.deliveries import orders


class Forward(Relay):
    """Remembers the latest position of which anything was delivered."""

    def mark_of(self, shard: int) -> int:
        return self.delivered_up_to(shard)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Forward` as its relay."""
    return orders(site, workload, Forward)
