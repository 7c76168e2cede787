"""A leader reads alone while it believes in a lease that nobody gave it.

It reckons by the wall clock from when it handled the last answer, and whoever votes knows nothing
of a lease: cut off, standing still or with its clock set back, it answers with what was true
before others elected another leader.

Modelled on tikv#964, where a lease was neither checked against a monotonic clock nor safe from a
thread that was blocked: https://github.com/tikv/tikv/issues/964
"""

from __future__ import annotations

from typing import Any, Final

from models.system import Site, System
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out

_LEASE_US: Final = 1_000_000


class Leased(Replica):
    """Asks nobody before a read while its lease lasts."""

    def needs_round(self) -> bool:
        return self.ctx.now_us() - self.confirmed_us >= _LEASE_US


def system(site: Site, workload: Any) -> System:
    """The sound family with `Leased` in place of its replicas."""
    return lay_out(site, workload, Leased, "append-log", retries=True)
