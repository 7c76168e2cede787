"""A write is acknowledged because another host keeps a hint, and the hint grows too old and is dropped.

No replica has what was acknowledged, and nobody else ever had.

Modelled on consistency level ANY, where a hint is enough, together with the window after which hints are
discarded, as scylladb#8102 discusses it: https://github.com/scylladb/scylladb/issues/8102
"""

from __future__ import annotations

from typing import Any

from models.quorum import Coordinator
from models.system import Site, System
from tests.broken.families.leaderless import carts


class Trusting(Coordinator):
    """Needs no true replica."""

    def homes_needed(self) -> int:
        return 0


def system(site: Site, workload: Any) -> System:
    """The sound family with `Trusting` in place of its coordinators."""
    return carts(site, workload, Trusting)
