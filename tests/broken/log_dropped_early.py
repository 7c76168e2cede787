"""The log is emptied before the snapshot that covers it is on the disk.

A crash between the two leaves neither.

Modelled on nats-server#8425, where installing a snapshot compacts the log while the data that it
covered are only in the page cache: https://github.com/nats-io/nats-server/issues/8425
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.system import Site, System
from sim.host import Wait
from tests.broken.families.layout import lay_out
from tests.broken.families.solo import Store


class Hasty(Store):
    """Drops the log first."""

    def compact(self, old: str, snapshot: tuple[Any, ...]) -> Generator[Wait, Any, None]:
        self.drop_log(old)
        yield from self.save_snapshot(snapshot)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Hasty` as its server."""
    return lay_out(site, workload, Hasty, "register", retries=True)
