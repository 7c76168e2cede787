"""A receiver looks at no token, so an owner that stood still, or died while it asked, acts after its successor.

Modelled on aegra#547: workers hold leases and nothing fences them, so one that stalls past its lease is replaced, goes
on, and its effects count beside those of the worker that took over:
https://github.com/aegra/aegra/pull/547
"""

from __future__ import annotations

from typing import Any

from models.effects.outside import Outside
from models.effects.performing import Performer
from models.system import Site, System
from tests.broken.families.deliveries import printer


class Open(Outside):
    """Does whatever it is asked, however late."""

    def is_late(self, key: int, token: int) -> bool:
        return False


def system(site: Site, workload: Any) -> System:
    """The sound family with `Open` as its receiver."""
    return printer(site, workload, Performer, Open)
