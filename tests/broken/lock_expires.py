"""A lock expires by the server's clock while its holder still holds it.

Nobody tells the holder, and nothing fences off what it does: two hold the lock at once.

Modelled on amazon-dynamodb-lock-client#1, which asks for fencing since a holder that stood still goes
on after its lease was given to another; Kleppmann (2016) tells the story of such a lock:
https://github.com/awslabs/amazon-dynamodb-lock-client/issues/1
https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
"""

from __future__ import annotations

from typing import Any, Final

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.solo import Store

_LEASE_US: Final = 1_500_000


class Expiring(Store):
    """Gives away a lock that was held for long."""

    def free(self, key: int) -> bool:
        return key not in self.holders or self.ctx.now_us() - self.holders[key][1] > _LEASE_US


def system(site: Site, workload: Any) -> System:
    """The sound family with `Expiring` as its server."""
    return lay_out(site, workload, Expiring, "mutex", retries=True, sessions=4)
