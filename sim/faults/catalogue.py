"""All kinds of fault, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sim.faults.hosts import CLOCKS, DISKS, DOMAINS, HOSTS
from sim.faults.kinds import FaultKind
from sim.faults.links import LINKS
from sim.faults.partitions import PARTITIONS

__all__ = ["KINDS"]

KINDS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {kind.name: kind for kind in (*PARTITIONS, *LINKS, *HOSTS, *DISKS, *CLOCKS, *DOMAINS)}
)
