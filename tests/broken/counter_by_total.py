"""Counters merged by the higher of two totals: what was added on both sides at once counts once.

Modelled on nurl#169, where two replicas wrote to one slot of a counter, and the merge took the
maximum of one and one: https://github.com/nurl-lang/nurl/pull/169
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.gossip import Counter
from tests.broken.families.layout import lay_out


class Totals(Counter):
    """Adds to one cell, whoever it is."""

    def slot(self) -> int:
        return 0


def system(site: Site, workload: Any) -> System:
    """The sound family with `Totals` in place of its replicas."""
    return lay_out(site, workload, Totals, "counter", retries=True)
