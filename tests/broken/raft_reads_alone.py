"""Whoever takes itself for the leader answers reads without asking anybody.

Modelled on etcd#741: reads that were called consistent came from the state of a node that believed itself the leader:
https://github.com/etcd-io/etcd/issues/741
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.raft.registers import RegisterShard
from sim.host import Wait
from tests.broken.families.raft import raft_of


class Certain(RegisterShard):
    """Never doubts that it leads."""

    def _still_leads(self) -> Generator[Wait, Any, bool]:
        yield from ()
        return True


system = raft_of(Certain, "asked")
