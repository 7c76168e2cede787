"""A leader counts itself among those who have an entry before its own disk has it.

Modelled on etcd#14370: a write was acknowledged before the leader's own log was flushed:
https://github.com/etcd-io/etcd/issues/14370
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Hasty(Raft):
    """Has what it has in memory."""

    def _match_of(self, member: int) -> int:
        return self.log.last if member == self.me else self.peers[member].match


system = raft_of(Hasty, "bank")
