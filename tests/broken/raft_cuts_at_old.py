"""An append that comes late, or twice, cuts off what the leader sent after it.

Modelled on hashicorp/raft#113, where a request with entries that were there already first took away all that followed
them: https://github.com/hashicorp/raft/pull/113
"""

from __future__ import annotations

from models.raft.core import Raft
from models.store.log.entries import Entry
from tests.broken.families.raft import raft_of


class Literal(Raft):
    """Takes every request for the end of its leader's log."""

    def _beyond_agreement(self, prev: int, entries: tuple[Entry, ...]) -> tuple[int, tuple[Entry, ...]]:
        return prev, entries


system = raft_of(Literal, "bank")
