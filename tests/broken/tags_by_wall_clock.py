"""Writes are ordered by the wall clocks of those who coordinate them, the last one winning.

A write from a host whose clock is behind is acknowledged and has lost already: nobody will read it.

Modelled on scylladb#5673, which shows that of two writes through two coordinators the second may
get the older timestamp and never be readable: https://github.com/scylladb/scylladb/issues/5673
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.quorum import Replica


class Timed(Replica):
    """Takes the time for a tag."""

    def next_count(self, key: int, found: int) -> int:
        return max(self.highest.get(key, 0) + 1, self.ctx.now_us())


def system(site: Site, workload: Any) -> System:
    """The sound family with `Timed` in place of its replicas."""
    return lay_out(site, workload, Timed, "register", retries=True)
