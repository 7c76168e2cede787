"""A leader that hears nobody goes on to lead: others hear its heartbeats, elect nobody else, and nobody is served.

Modelled on cockroach#84289, asymmetric partitions: what the leader received was lost, and not what it sent:
https://github.com/cockroachdb/cockroach/issues/84289
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Deaf(Raft):
    """Never finds that it was not heard."""

    def _unheard(self, now_us: int) -> bool:
        return False


system = raft_of(Deaf, "bank")
