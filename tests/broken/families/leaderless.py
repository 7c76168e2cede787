"""The leaderless store on three hosts, set up four ways, each with the class that a variant may replace.

`registers`: two replicas, a write needs both and a read one, so that reads meet every write; the third
host keeps hints. `carts`: sloppy quorums of one with hints that soon grow too old. `tombstones`: three
replicas of registers that are deleted too, with a short grace. `disks`: a write needs all three and a read one.

Source and decisions: `models.quorum`.
"""

from __future__ import annotations

from typing import Any, Final

from models.quorum import Coordinator, Coordinators, Holds, Node, QuorumOptions, Resolve, lay_out
from models.system import Site, System

_PATIENCE_US: Final = 60_000
_REGISTERS: Final = QuorumOptions(n=2, r=1, w=2, patience_us=_PATIENCE_US)
_CARTS: Final = QuorumOptions(
    n=2, r=1, w=1, resolve=Resolve.SIBLINGS, sloppy=True, patience_us=_PATIENCE_US, hint_window_us=300_000
)
_TOMBSTONES: Final = QuorumOptions(
    n=3,
    r=2,
    w=2,
    patience_us=_PATIENCE_US,
    hint_window_us=300_000,
    anti_entropy_every_us=3_000_000,
    grace_us=500_000,
)
_DISKS: Final = QuorumOptions(n=3, r=1, w=3, patience_us=_PATIENCE_US)


def registers(site: Site, workload: Any, coordinator: type[Coordinator] = Coordinator) -> System:
    """Registers on strict quorums."""
    return lay_out(site, workload, _REGISTERS, coordinator=coordinator)


def carts(site: Site, workload: Any, coordinator: type[Coordinator] = Coordinator) -> System:
    """Sets on sloppy quorums."""
    return lay_out(site, workload, _CARTS, holds=Holds.SET, coordinator=coordinator)


def tombstones(site: Site, workload: Any, node: type[Node] = Node) -> System:
    """Registers that are deleted too."""
    return lay_out(site, workload, _TOMBSTONES, coordinators=Coordinators.CLIENT, deletes=0.4, node=node)


def disks(site: Site, workload: Any, node: type[Node] = Node) -> System:
    """Registers that every replica acknowledges."""
    return lay_out(site, workload, _DISKS, node=node)
