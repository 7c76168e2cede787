"""A holder in memory that was restarted rejoins on trust.

Its log is empty, and it counts as one that has all it ever acknowledged: as a leader it begins a reign from
nothing, as a voter it stands for copies that are gone.

Modelled on Truxify#10679: log, term and vote lie in memory alone, and a node that was restarted can be elected
with an empty log:
https://github.com/KanishJebaMathewM/Truxify/issues/10679
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.store.shard import Shard
from sim.host import Wait
from tests.broken.families.store import store_of


class Trusting(Shard):
    """Is whole as soon as it knows a lineage."""

    def _recover(self) -> Generator[Wait, Any, None]:
        yield from super()._recover()
        self.whole = bool(self.reigns)


system = store_of(Trusting, "memory")
