"""A member that lost its disk comes back under the number that it had, and votes.

Modelled on sofa-jraft#1000, where a node whose data were deleted was elected with nothing, over one that had the log:
https://github.com/sofastack/sofa-jraft/issues/1000
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Wiped(RegisterShard):
    """Takes an empty disk for the first start of all."""

    def _begin_anew(self, *, installed: bool) -> Generator[Wait, Any, None]:
        yield from super()._begin_anew(installed=True)


system = raft_of(Wiped, "bank")
