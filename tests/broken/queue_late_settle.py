"""A settlement is accepted after the time-out, of letters that somebody else was handed since.

Modelled on tagent-core#56: jobs can be completed by an owner whose lease is over, though an expired one is there for
others to claim:
https://github.com/imtms/tagent-core/issues/56
"""

from __future__ import annotations

from models.queue import Broker
from models.queue.leases import Lease
from models.queue.words import Done
from tests.broken.families.brokers import STALLING, queue_of


class Lenient(Broker):
    """Takes any settlement for that of a lease."""

    def _lease_of(self, done: Done) -> Lease | None:
        return super()._lease_of(done) or Lease(done.key, done.settled)


system = queue_of(Lenient, STALLING)
