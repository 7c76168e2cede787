"""A member keeps its term and its vote in memory alone, so one that restarts may vote twice in a term.

Modelled on databend#1051, which tells how a lost vote makes two leaders and two logs:
https://github.com/databendlabs/databend/issues/1051
"""

from __future__ import annotations

from models.raft.effects import HardState
from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Forgetful(RegisterShard):
    """Writes nothing down."""

    def _save(self, state: HardState) -> Wait:
        return self.ctx.sleep(0)


system = raft_of(Forgetful, "votes")
