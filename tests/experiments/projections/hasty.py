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


def system(site: Site, workload: Any, *, checkpoint: str = "atomic") -> System:
    """The read side of the crash table with `Hasty` consumers, who save two events at a time."""
    return reading(
        site,
        workload,
        Hasty,
        checkpoint=checkpoint,
        chunk=2,
        segments=2,
        reads=0.0,
        selects=0.0,
        tokens=False,
        poll_us=600_000,
        project_us=5_000,
        promote_after_us=500_000,
    )
