"""A leader that hears nobody goes on to lead, and those who hear its heartbeats elect nobody else.

Modelled on cockroach#84289: a leaseholder whose incoming network was gone, and not its outgoing, kept the lead, and nobody
could be served: https://github.com/cockroachdb/cockroach/issues/84289
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Deaf(Raft):
    """Never finds that it has not been heard."""

    def _unheard(self, now_us: int) -> bool:
        return False


system = raft_of(Deaf, "bank")
