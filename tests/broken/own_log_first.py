"""Whoever is promoted leads with its own log, although others that it heard have more.

Those whom it asked had what was acknowledged; it begins its reign without that, and they give it up.

Modelled on orchestrator#83: replicas that lag for hours are promoted although what they lack is at hand:
https://github.com/openark/orchestrator/issues/83
"""

from __future__ import annotations

from collections.abc import Sequence

from models.store.group.words import Head
from models.store.shard import Shard
from tests.broken.families.store import store_of


class Selfish(Shard):
    """Begins with the first log that counts: its own."""

    def _best(self, heads: Sequence[Head]) -> Head:
        return heads[0]


system = store_of(Selfish, "copies")
