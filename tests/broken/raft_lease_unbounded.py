"""A lease lasts for as long on the leader's clock as followers promised on theirs, however fast those run.

Modelled on tikv#1127: leases were held without a bound on how far clocks drift:
https://github.com/tikv/tikv/pull/1127
"""

from __future__ import annotations

from models.raft.core import Raft
from tests.broken.families.raft import raft_of


class Punctual(Raft):
    """Takes all clocks for equal."""

    def _lease_us(self) -> int:
        return self.options.election_us


system = raft_of(Punctual, "leased")
