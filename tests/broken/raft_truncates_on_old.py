"""A follower deletes what follows the entries of a message that is late, although they agree with its log.

Modelled on akka-raft#66: a delayed append took entries off a follower's log that it had acknowledged:
https://github.com/ktoso/akka-raft/issues/66
"""

from __future__ import annotations

from models.raft.core import Raft
from models.store.log.entries import Entry
from tests.broken.families.raft import raft_of


class Obedient(Raft):
    """Has what the last message said, and no more."""

    def _beyond_agreement(self, prev: int, entries: tuple[Entry, ...]) -> tuple[int, tuple[Entry, ...]]:
        return prev, entries


system = raft_of(Obedient, "bank")
