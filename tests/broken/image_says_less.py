"""A snapshot that is handed to a peer says that it ends earlier than it does.

The peer takes the events between the two a second time, and its states are no longer what the log comes to.

Modelled on rayforce#420: a snapshot is in place and the log that it covers is replayed on top of it:
https://github.com/RayforceDB/rayforce/issues/420
"""

from __future__ import annotations

from dataclasses import replace

from models.store.log.image import Image
from models.store.log.keeping import Keeper
from tests.broken.families.store import store_of


class Modest(Keeper):
    """Names the place where its own log begins."""

    def image(self) -> Image:
        return replace(super().image(), position=self._shard.journal.base.position)


system = store_of(Modest, "short_log")
