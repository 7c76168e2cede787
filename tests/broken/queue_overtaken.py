"""What has to be delivered again comes behind what has not been delivered yet, of the same key.

Modelled on pulsar#10762: with a consumer that is too slow to be sent what is to be redelivered, newer messages of the
key are read and sent in its place:
https://github.com/apache/pulsar/pull/10762
"""

from __future__ import annotations

from models.queue import Broker, Lane, Letter
from models.queue.leases import Shelf
from tests.broken.families.brokers import POISONED, queue_of


class Forward(Broker):
    """Hands out first what nobody has tried yet."""

    def _free(self, lane: Lane, shelf: Shelf, limit: int) -> tuple[Letter, ...]:
        return tuple(sorted(super()._free(lane, shelf, limit), key=lambda letter: letter.attempts))


system = queue_of(Forward, POISONED)
