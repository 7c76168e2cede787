"""A follower acknowledges what came beyond a gap as if it had what lies between.

Entries 1 to 5 are here, 7 comes and is put by, and "up to 7" goes back: the leader counts 6 as held, tells its client
so, and never sends it again. Whoever is promoted then may lack what was acknowledged.

Modelled on akka-raft#32, where a follower did not see that a batch began past the end of its log:
https://github.com/ktoso/akka-raft/issues/32
"""

from __future__ import annotations

from models.store.group.wire import Ship
from models.store.shard import Shard
from sim.topology import Location
from tests.broken.families.store import store_of


class Hasty(Shard):
    """Says how far what came reaches, not how far what it has does."""

    def _follow(self, ship: Ship, sender: Location) -> None:
        super()._follow(ship, sender)
        if ship.first > self._inbound.received + 1:
            self._send_ack(sender, ship.first + len(ship.entries) - 1, ship.challenge)


system = store_of(Hasty, "copies")
