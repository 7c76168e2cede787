"""What a consumer holds and never settles does not come back: its time is over, and nobody looks.

Modelled on kumo#649, whose queue checks as letters are asked for whether one may be seen, and never puts back those
whose time with a consumer has run out:
https://github.com/sivchari/kumo/issues/649
"""

from __future__ import annotations

from models.queue import Broker
from models.queue.leases import Leases
from tests.broken.families.brokers import APART, queue_of


class Patient(Broker):
    """Leaves letters with whoever has them."""

    def _timed_out(self, leases: Leases, receipt: int) -> None:
        return


system = queue_of(Patient, APART)
