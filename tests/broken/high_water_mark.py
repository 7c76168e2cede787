"""A projection of the global sequence goes past a number whose transaction is still open.

Numbers are given when transactions begin and seen when they commit. The mark moves to the highest number that
is seen; what commits below it a moment later is never projected.

Modelled on marten#1629, in which the async daemon lost events under concurrent appends:
https://github.com/JasperFx/marten/issues/1629
"""

from __future__ import annotations

from typing import Any

from models.reading.feeds import GlobalFeed
from models.store.sequence.sequencer import Slice
from models.system import Site, System
from tests.broken.families.reading import sequenced


class HighWater(GlobalFeed):
    """Goes up to the highest number that it sees."""

    def passes(self, after: int, found: Slice, limit: int) -> int:
        return max((one.number for one in found.entries), default=after)


def system(site: Site, workload: Any) -> System:
    """The sound family with `HighWater` in place of what holds below gaps."""
    return sequenced(site, workload, HighWater)
