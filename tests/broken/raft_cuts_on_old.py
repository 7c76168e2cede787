"""An old append cuts off what follows it."""

from __future__ import annotations

from models.raft.core import Raft
from models.store.log.entries import Entry
from tests.broken.families.raft import raft_of


class Literal(Raft):
    """Takes every append for the end of the leader's log."""

    def _beyond_agreement(self, prev: int, entries: tuple[Entry, ...]) -> tuple[int, tuple[Entry, ...]]:
        return prev, entries


system = raft_of(Literal, "bank")
