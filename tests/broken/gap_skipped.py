"""A reader of a global sequence skips a number whose transaction has not committed yet.

Numbers are given when transactions begin, and seen when they commit. A reader that has seen 8 asks for
what comes after 8; 7 commits a moment later and is never read.

Modelled on commanded/eventstore#3 and Eventuous#222, and known to many event stores on SQL databases:
https://github.com/commanded/eventstore/issues/3 https://github.com/Eventuous/eventuous/issues/222
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.reader import Host, Page


class Skipping(Host):
    """Goes on after the highest number that it has seen."""

    def passes(self, page: Page) -> int:
        return max((event.sequence for event in page.events), default=0)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Skipping` in place of its hosts."""
    return lay_out(site, workload, Skipping, "set", retries=True)
