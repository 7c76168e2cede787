"""Term and vote in memory."""

from __future__ import annotations

from models.raft.effects import HardState
from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Forgetful(RegisterShard):
    """Keeps term and vote in memory."""

    def _save(self, state: HardState) -> Wait:
        return self.ctx.sleep(0)


system = raft_of(Forgetful, "votes")
