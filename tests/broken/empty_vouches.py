"""A replica that lost its disk says of itself that it holds all, as if what it acknowledged had never been.

Two of them that compare what they have find nothing that differs, and tell clients so, while the third still has it.

Modelled on tigerbeetle#2767, where a node formatted anew counts towards a majority that lacks what was committed:
https://github.com/tigerbeetle/tigerbeetle/issues/2767
"""

from __future__ import annotations

from typing import Any

from models.quorum import Node
from models.quorum.messages import Standing
from models.system import Site, System
from tests.broken.families.leaderless import disks


class Vouching(Node):
    """Never says that its disk was lost."""

    def standing(self) -> Standing:
        return Standing(True, self.actor)


def system(site: Site, workload: Any) -> System:
    """The sound family with `Vouching` in place of its nodes."""
    return disks(site, workload, Vouching)
