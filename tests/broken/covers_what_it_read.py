"""A checkpoint covers what was read, not what went into the view.

A batch is saved chunk by chunk. The place that is saved with the first chunk is the end of the batch, so a
consumer that dies, or loses its claim, before the last one leaves events behind that nobody reads again.

Modelled on KurrentDB#1301, in which a persistent subscription saved the last event that it had sent while
events were still to be acknowledged:
https://github.com/kurrent-io/KurrentDB/issues/1301
"""

from __future__ import annotations

from typing import Any

from models.reading.feeds import Batch
from models.reading.projector import Projector
from models.system import Site, System
from tests.broken.families.reading import views


class Eager(Projector):
    """Saves the end of the batch with each chunk."""

    def covers(self, batch: Batch, done: int) -> int:
        return batch.upto


def system(site: Site, workload: Any) -> System:
    """The sound family with `Eager` consumers."""
    return views(site, workload, Eager)
