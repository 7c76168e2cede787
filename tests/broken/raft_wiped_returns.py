"""A member whose disk was lost comes back under its old number, with an empty log and a vote to give.

Modelled on nexus#3939: a node that restarted with its storage wiped kept its identity, and the leader counted on what it
had: https://github.com/nexi-lab/nexus/pull/3939
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Reborn(RegisterShard):
    """Takes an empty disk for a first start."""

    def _begin_anew(self, *, installed: bool) -> Generator[Wait, Any, None]:
        return super()._begin_anew(installed=True)


system = raft_of(Reborn, "bank")
