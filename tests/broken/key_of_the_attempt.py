"""The idempotency key depends on when it was made, so a gateway that dedups does a retry as if it were new.

Modelled on adyen-commercetools#1305: the key of a payment is a hash over the whole request, parts of which change
from one attempt to the next, so that a retry after a time-out is authorised once more:
https://github.com/Adyen/adyen-commercetools/issues/1305
"""

from __future__ import annotations

from typing import Any

from models.effects.performing import Performer
from models.outbox.submitting import key_of
from models.system import Site, System
from tests.broken.families.deliveries import gateway


class Volatile(Performer):
    """Puts the time into the key."""

    def once(self, key: int) -> int:
        return key_of("outside", key, self.ctx.now_us())


def system(site: Site, workload: Any) -> System:
    """The sound family with `Volatile` as its performer."""
    return gateway(site, workload, Volatile)
