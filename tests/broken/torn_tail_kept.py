"""A log is reopened behind a torn record, which the next recovery takes for its end.

After a power loss recovery stops at the torn record and leaves it there; what is appended after
it is flushed, acknowledged and never read again.

Modelled on cqlite#1390 and amelie#17, which both append after a torn tail that replay stops at:
https://github.com/pmcfadin/cqlite/issues/1390 https://github.com/amelielabs/amelie/issues/17
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from sim.storage import TORN
from tests.broken.families.layout import lay_out
from tests.broken.families.solo import Counters


class Reopened(Counters):
    """Reads up to the torn record and leaves it where it is."""

    def recovered(self, file: str) -> list[Any]:
        records = self.ctx.disk.read(file)
        return records[: records.index(TORN)] if TORN in records else records


def system(site: Site, workload: Any) -> System:
    """The sound family with `Reopened` as its server."""
    return lay_out(site, workload, Reopened, "counter", retries=True, sessions=3)
