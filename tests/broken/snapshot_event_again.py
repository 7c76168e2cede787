"""The event that a snapshot was taken after is replayed on top of it.

A life that begins from a snapshot has its last event twice, until the stream is replayed from its beginning.

Modelled on protoactor-dotnet#221, where recovery replays from the index that the snapshot was taken at instead of
from the next: https://github.com/asynkron/protoactor-dotnet/pull/221
"""

from __future__ import annotations

from models.store.log.snapshots import Snapshot
from models.store.log.streams import Streams
from tests.broken.families.store import store_of


class Inclusive(Streams):
    """Counts a snapshot as one of the version before."""

    def _restore(self, snapshot: Snapshot) -> None:
        super()._restore(snapshot._replace(version=snapshot.version - 1))


system = store_of(Inclusive, "snapshots")
