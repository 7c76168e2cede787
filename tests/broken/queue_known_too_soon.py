"""A message that comes again is acknowledged because its id is known, though the first has not come to count.

Its broker has it in its own log alone: cut off from the others, or deposed, it gives it up, and the producer was told.

Modelled on pulsar#5218: ids are remembered before a message is persisted, so that the retry of one that could not
be is dropped as a duplicate:
https://github.com/apache/pulsar/issues/5218
"""

from __future__ import annotations

from models.queue import Broker
from models.store.log.journal import Answered
from tests.broken.families.brokers import APART, queue_of


class Trusting(Broker):
    """Waits for nothing where an id is known."""

    def _seen(self, found: int | Answered) -> tuple[int, int]:
        return 0, super()._seen(found)[1]


system = queue_of(Trusting, APART)
