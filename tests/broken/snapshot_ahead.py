"""A snapshot is believed although it is ahead of the log.

After a power loss the snapshot has events that the log has lost; new ones get versions behind those of the
snapshot, and the stream has a hole for ever.

Modelled on akka-persistence-sql-async#6: a snapshot with a higher sequence number than the journal is recovered
from, and events that come later are not replayed:
https://github.com/okumin/akka-persistence-sql-async/issues/6
"""

from __future__ import annotations

from models.store.shard import Shard
from models.store.snapshots import Snapshot
from tests.broken.families.store import store_of


class Credulous(Shard):
    """Believes every snapshot on its own word."""

    def _bears_out(self, snapshot: Snapshot) -> bool:
        return snapshot.schema == self.domain.STATE_SCHEMA


system = store_of(Credulous, "periodic")
