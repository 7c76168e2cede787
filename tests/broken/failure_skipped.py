"""An event that a projection raises on is passed over, and what follows goes into the view.

Nobody is told: the place moves on, and mended code never sees the event.

Modelled on KurrentDB#803, events missing from a projection without a word of it, and the change that answers it
(KurrentDB#1203): where a subscription failed to handle an event, it went on, and the event was skipped.
https://github.com/kurrent-io/KurrentDB/issues/803 https://github.com/kurrent-io/KurrentDB/pull/1203
"""

from __future__ import annotations

from typing import Any

from models.reading.options import Poison
from models.reading.projector import Projector
from models.system import Site, System
from tests.broken.families.reading import poisoned


class Careless(Projector):
    """Neither parks nor stops."""

    def failed(self, why: str) -> Poison | None:
        return None


def system(site: Site, workload: Any) -> System:
    """The sound family with `Careless` consumers."""
    return poisoned(site, workload, Careless)
