"""A deposed leader acknowledges a write as soon as its position counts, with whatever another leader put there.

The write itself was truncated. Who waits for it must learn whether the entry that counts is its own.

Modelled on KurrentDB#3472: a leader that was deposed told its clients that writes succeeded which it then
truncated: https://github.com/kurrent-io/KurrentDB/issues/3472
"""

from __future__ import annotations

from models.raft.registers import RegisterShard
from tests.broken.families.raft import raft_of


class Forgetful(RegisterShard):
    """Takes whatever stands at a position for its own."""

    def _is_ours(self, position: int, epoch: int) -> bool:
        return True


system = raft_of(Forgetful, "bank")
