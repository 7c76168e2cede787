"""A leader shows readers what it has appended, before a majority has it.

What was read may be truncated when another leader is elected: the reader saw what never happened.

Modelled on the dirty reads of MongoDB (SERVER-17975 and what came of it), where a primary served
documents that no majority had yet: https://aphyr.com/posts/322-call-me-maybe-mongodb-stale-reads
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.consensus import Replica
from tests.broken.families.layout import lay_out


class Dirty(Replica):
    """Reads its whole log, and asks nobody."""

    def needs_round(self) -> bool:
        return False

    def readable(self) -> int:
        return len(self.log)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Dirty` in place of its replicas."""
    return lay_out(site, workload, Dirty, "append-log", retries=True)
