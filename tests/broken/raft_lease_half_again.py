"""A lease outlasts the promise that it rests on by half an election time-out.

Modelled on sofa-jraft#34: a leader looked only every half time-out whether a quorum was still there, and read on its
lease until then: https://github.com/sofastack/sofa-jraft/pull/34
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Lingering(Raft):
    """Keeps what it was promised for longer than was promised."""

    def _lease_us(self) -> int:
        return 3 * self.options.lease_us // 2


system = raft_of(Lingering, "leased")
