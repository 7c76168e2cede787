"""What faults really took from hosts in a run: processes, power, disks; and when a shard was left in peace.

The ground on which a scheme is judged: a fault that waited for a crash point and was never met took
nothing. A disk that lied counts as lost once the power went: what it had claimed was not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from experiments.evidence import Evidence
from models.store.schemes import Tier
from sim.faults import KINDS, CrashKind, Encounter, Group
from sim.topology import Topology

__all__ = ["Peace", "Strike", "strikes"]

#: A process that died of its disk starts again within this.
_RESPAWN_US = 2_000_000


class Strike(NamedTuple):
    """A host lost something.

    Attributes:
        t_us: When.
        host: Its index.
        takes: The last tier whose content is gone.
        last_us: By when; later than `t_us` where a process may find out late that it has no disk, and dies then.
        deceived: Whether the disk had claimed to hold what it did not, and nobody knows.
    """

    t_us: int
    host: int
    takes: Tier
    last_us: int
    deceived: bool = False


def strikes(seen: Evidence) -> list[Strike]:
    """Every strike of a run, in order of time."""
    topology = seen.scenario.topology
    lies: dict[int, int] = {}
    for encounter in seen.encounters:
        if encounter.fault.kind == "fsync-lies":
            for host in KINDS["fsync-lies"].host_effects(encounter.fault, topology):
                lies[host] = min(lies.get(host, _at(encounter)), _at(encounter))
    found: list[Strike] = []
    for encounter in seen.encounters:
        kind, at_us = KINDS[encounter.fault.kind], _at(encounter)
        for host in kind.crashed(encounter.fault, topology):
            lied = host in lies and lies[host] <= at_us
            takes = _takes(encounter, lied=lied)
            deceived = takes is Tier.DEVICE and not kind.loses_disk
            found.append(Strike(at_us, host, takes, at_us, deceived))
        if kind.name == "disk-loss":
            for host in kind.host_effects(encounter.fault, topology):
                # A process that keeps all in memory finds out when it next turns to its disk, and dies of that.
                late = Strike(at_us, host, Tier.HEAP, seen.scenario.until_us)
                found += [Strike(at_us, host, Tier.DEVICE, at_us), late]
        elif kind.name == "disk-full" and encounter.grown.get("perished", 0) > 0:
            # It may die of it at any time while that lasts.
            end_us = seen.scenario.until_us if encounter.ended_us is None else encounter.ended_us
            for host in kind.host_effects(encounter.fault, topology):
                found.append(Strike(at_us, host, Tier.HEAP, end_us))
    return sorted(found)


def _takes(encounter: Encounter, *, lied: bool) -> Tier:
    kind = KINDS[encounter.fault.kind]
    if kind.loses_disk:
        return Tier.DEVICE
    if kind.crash is CrashKind.POWER_LOSS:
        return Tier.DEVICE if lied else Tier.PAGE_CACHE
    return Tier.HEAP


def _at(encounter: Encounter) -> int:
    at = encounter.fault.at
    assert isinstance(at, int), "a fault that was met began at an instant"
    return at


@dataclass(frozen=True, slots=True)
class Peace:
    """When no fault touched some hosts: the stretches between those that did, in order."""

    stretches: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, seen: Evidence, hosts: Iterable[int]) -> Peace:
        """The peace of some hosts in a run."""
        topology, ours = seen.scenario.topology, frozenset(hosts)
        busy = []
        for encounter in seen.encounters:
            if KINDS[encounter.fault.kind].group is not Group.CLOCK and ours & _touched(encounter, topology):
                end_us = seen.scenario.until_us if encounter.ended_us is None else encounter.ended_us
                after_us = _RESPAWN_US if encounter.fault.kind == "disk-full" else 0
                busy.append((_at(encounter), end_us + after_us))
        return cls(tuple(_between(sorted(busy), seen.scenario.until_us)))

    def lasted(self, begin_us: int, end_us: int, long_us: int) -> bool:
        """Whether there was a stretch of peace so long between two instants."""
        return any(min(stop, end_us) - max(start, begin_us) >= long_us for start, stop in self.stretches)


def _between(busy: Sequence[tuple[int, int]], until_us: int) -> Iterable[tuple[int, int]]:
    calm_us = 0
    for begin_us, end_us in busy:
        if begin_us > calm_us:
            yield calm_us, begin_us
        calm_us = max(calm_us, end_us)
    if until_us > calm_us:
        yield calm_us, until_us


def _touched(encounter: Encounter, topology: Topology) -> frozenset[int]:
    """Every host that a fault had to do with."""
    kind, fault = KINDS[encounter.fault.kind], replace(encounter.fault)
    found = kind.crashed(fault, topology) | frozenset(kind.host_effects(fault, topology))
    for cut in kind.cuts(fault, topology):
        found |= cut.src | cut.dst
    for effect in kind.link_effects(fault, topology):
        found |= effect.src | effect.dst
    return found
