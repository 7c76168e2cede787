"""A queue keeps in memory alone what was taken from it.

After a restart everything that was delivered and done is delivered again.

Modelled on nats-streaming-server#72 and #626, where messages that had been acknowledged were
redelivered after the server was restarted: https://github.com/nats-io/nats-streaming-server/issues/72
"""

from __future__ import annotations

from typing import Any

from models.system import Site, System
from tests.broken.families.layout import lay_out
from tests.broken.families.solo import Store


class Redelivering(Store):
    """Logs what comes in only."""

    def logged(self, f: str) -> bool:
        return f == "enqueue"


def system(site: Site, workload: Any) -> System:
    """The sound family with `Redelivering` as its server."""
    return lay_out(site, workload, Redelivering, "queue", retries=True, sessions=2)
