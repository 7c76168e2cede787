"""A leader answers as soon as it has an event itself, whatever the scheme says of others.

It ships the event as it should, but answered before anybody had it; another who then leads does without.

Modelled on Truxify#6285: a leader counts as committed what its own log has, and it is lost as another leads:
https://github.com/KanishJebaMathewM/Truxify/issues/6285
"""

from __future__ import annotations

from models.store.shard import Shard
from tests.broken.families.store import store_of


class Alone(Shard):
    """Commits what it holds."""

    def _commit(self) -> None:
        self._committed_to(self.journal.held)


system = store_of(Alone, "copies")
