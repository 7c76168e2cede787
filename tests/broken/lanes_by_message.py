"""Messages of one key are delivered side by side, so a later one may overtake.

The lane of a message is told by its number and not by its key: nothing holds the second until the first is there.

Modelled on MassTransit#3512, whose transactional outbox was to deliver in order, and whose delivery service works
through it in several tasks at once:
https://github.com/MassTransit/MassTransit/issues/3512
"""

from __future__ import annotations

from typing import Any

from models.outbox.relay import Relay
from models.outbox.words import Outgoing
from models.system import Site, System
from tests.broken.families.deliveries import orders


class Hasty(Relay):
    """Spreads messages over its lanes as they come."""

    def lane_of(self, key: int, message: Outgoing) -> int:
        return (message.number - 1) // 2 % self.how.lanes


def system(site: Site, workload: Any) -> System:
    """The sound family with `Hasty` as its relay."""
    return orders(site, workload, Hasty)
