"""Snapshots near to handlers: a service that keeps the newest image of each aggregate on its own disk.

An image that is lost costs a longer replay and nothing else, so one that is torn, or of a state that this code
does not read, is passed over; one that is older than what is kept is not taken. That an image says what is
committed is the word of the handler that handed it over (`models.loading.handler`).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from models.domain import Domain
from models.loading.words import Fetch, Fetched, Image, Keep, Recall, Recalled
from models.store.log.snapshots import Snapshot, Snapshots
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["SnapshotKeeper"]


class SnapshotKeeper(Service):
    """The keeper of one region.

    Attributes:
        kept: How many images it was handed and took.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"N1", "N2"})

    def __init__(self, ctx: Context, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.kept = 0
        self._schema = domain.STATE_SCHEMA
        self._snapshots = Snapshots(ctx, lambda snapshot: snapshot.schema == self._schema, "images")
        self._ready = False
        self._coming: dict[tuple[int, int], int] = {}

    def start(self) -> Generator[Wait, Any, None]:
        """Read back what an earlier life kept."""
        yield from self._snapshots.recover()
        self._ready = True

    @handles(Fetch)
    def on_fetch(self, msg: Fetch, sender: Location) -> Fetched | None:
        """The newest that is durable; nothing while it still reads."""
        return Fetched(image=self.image_of((msg.tenant, msg.aggregate))) if self._ready else None

    @handles(Recall)
    def on_recall(self, msg: Recall, sender: Location) -> Recalled | None:
        """The same, and its age by the clock that it was taken by; of one that was put back, no time at all."""
        if not self._ready:
            return None
        snapshot = self._snapshots.latest.get((msg.tenant, msg.aggregate))
        age_us = 0 if snapshot is None else max(0, self.ctx.now_us() - snapshot.taken_us)
        return Recalled(image=self.image_of((msg.tenant, msg.aggregate)), age_us=age_us)

    @handles(Keep)
    def on_keep(self, msg: Keep, sender: Location) -> Generator[Wait, Any, None] | None:
        """Take it, if it is newer than what is kept or under way to the disk."""
        key = (msg.tenant, msg.aggregate)
        known = self.image_of(key)
        newest = max(self._coming.get(key, 0), known.version if known else 0)
        if not self._ready or msg.image.version <= newest:
            return None
        return self._keep(key, msg.image)

    def image_of(self, key: tuple[int, int]) -> Image | None:
        """What is kept of an aggregate."""
        snapshot = self._snapshots.latest.get(key)
        if snapshot is None:
            return None
        assert isinstance(snapshot.state, Image)
        return snapshot.state

    def images(self) -> dict[tuple[int, int], Image]:
        """All that is kept."""
        found = {key: self.image_of(key) for key in sorted(self._snapshots.latest)}
        return {key: image for key, image in found.items() if image is not None}

    def _keep(self, key: tuple[int, int], image: Image) -> Generator[Wait, Any, None]:
        self.kept += 1
        self._coming[key] = image.version
        taken = Snapshot(
            tenant=key[0],
            instance=key[1],
            version=image.version,
            position=image.version,
            address=0,
            tip=0,
            first=1,
            deleted=False,
            closed=False,
            schema=self._schema,
            state=image,
            taken_us=self.ctx.now_us(),
        )
        yield from self._snapshots.write((taken,))
        if self._coming.get(key) == image.version:
            del self._coming[key]
        yield from self._snapshots.tidy()
