"""A read side whose crash table must turn red: a place covers what was read, not what went in."""

from __future__ import annotations

from typing import Any

from models.reading import Projector, reading
from models.reading.feeds import Batch
from models.system import Site, System


class Hasty(Projector):
    """Saves the end of the batch with its first chunk."""

    def covers(self, batch: Batch, done: int) -> int:
        return batch.upto


def system(site: Site, workload: Any, *, checkpoint: str = "atomic", **more: Any) -> System:
    """The read side with `Hasty` consumers, who save event by event."""
    return reading(site, workload, Hasty, checkpoint=checkpoint, chunk=1, **more)
