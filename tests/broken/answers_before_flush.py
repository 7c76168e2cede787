"""An event is acknowledged while only the page cache has it.

The store flushes all the same, a moment later; a power loss in between takes what was acknowledged.

Modelled on nats-server#7564: streams acknowledge at once and flush every two minutes, so that a crash of the
machine loses what was acknowledged:
https://github.com/nats-io/nats-server/issues/7564
"""

from __future__ import annotations

from models.store.shard import Shard
from tests.broken.families.store import store_of


class Hasty(Shard):
    """Counts as committed what it has just appended."""

    def _hold(self) -> None:
        super()._hold()
        self._committed_to(self.journal.length if self.leads else 0)


system = store_of(Hasty, "flushed")
