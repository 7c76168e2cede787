"""A member that lost its disk comes back as who it was, and votes.

Modelled on (reference).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Wiped(RegisterShard):
    """Is always a founder."""

    def _begin_anew(self, *, installed: bool) -> Generator[Wait, Any, None]:
        yield from super()._begin_anew(installed=True)


system = raft_of(Wiped, "bank")
