"""Term and vote are never written: who restarts may vote twice in one term, and elect two leaders.

Modelled on nodedb#161: the hard state was staged, and nothing ever saved it:
https://github.com/NodeDB-Lab/nodedb/issues/161
"""

from __future__ import annotations

from models.raft.effects import HardState
from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Amnesiac(RegisterShard):
    """Says that it has saved what it has not."""

    def _save(self, state: HardState) -> Wait:
        return self.ctx.sleep(1_000)


system = raft_of(Amnesiac, "bank")
