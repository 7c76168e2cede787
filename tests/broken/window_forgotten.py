"""A restart forgets which commands were done.

The events are read back from the log, the window of command ids is not: a client that tries again after
the restart has its command done twice.

Modelled on rabbitmq-message-deduplication#92: after a restart the messages of a persistent queue are there, and
the cache that knows them is empty:
https://github.com/noxdafox/rabbitmq-message-deduplication/issues/92
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.store.log.dedup import Window
from models.store.shard import Shard
from sim.host import Wait
from tests.broken.families.store import store_of


class Forgetful(Shard):
    """Begins every life with an empty window."""

    def _recover(self) -> Generator[Wait, Any, None]:
        yield from super()._recover()
        self.streams.done = Window(self.options.window)


system = store_of(Forgetful, "flushed")
