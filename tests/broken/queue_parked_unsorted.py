"""What was parked in sequence comes back in the order of its ids.

Modelled on AxonFramework#2827: dead letters of a sequence are read back without an order, so they come as they lie
in the table:
https://github.com/AxonIQ/AxonFramework/pull/2827
"""

from __future__ import annotations

from models.queue import Lanes, Letter
from tests.broken.families.brokers import PARKING, queue_of


class Unsorted(Lanes, name="queue", number=Lanes.number):
    """Reads parked letters by their ids."""

    def in_order(self, parked: tuple[Letter, ...]) -> tuple[Letter, ...]:
        return tuple(sorted(parked, key=lambda letter: letter.message))


system = queue_of(Unsorted, PARKING)
