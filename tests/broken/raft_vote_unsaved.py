"""A vote is told before it is on the disk.

Modelled on (reference).
"""

from __future__ import annotations

from models.raft.core import Raft
from models.raft.effects import Send
from models.raft.messages import RaftMessage
from tests.broken.families.raft import raft_of


class Hasty(Raft):
    """Says what it voted before it is saved."""

    def _send(self, to: int, message: RaftMessage) -> None:
        self._effects.append(Send(to, message))


system = raft_of(Hasty, "votes")
