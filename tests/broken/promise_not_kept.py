"""A member tells the next leader what it has, and goes on to follow the last one.

The old leader goes on with its help, and what both acknowledge after the new leader has looked is not in
the new reign.

Modelled on pgconsul#200: a replica votes with its position while it still receives from the old primary and
acknowledges to it:
https://github.com/yandex/pgconsul/pull/200
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from models.store.group.words import Head
from models.store.shard import Shard
from sim.host import Wait
from sim.topology import Location
from tests.broken.families.store import store_of


class Faithless(Shard):
    """Says that it promised."""

    def _promise_and_tell(self, epoch: int, sender: Location) -> Generator[Wait, Any, Head]:
        yield self.ctx.sleep(1)
        return replace(self._head(), promised=epoch)


system = store_of(Faithless, "copies")
