"""Does a schedule leave a copy of everything? A warning for those who did not mean to ask.

A schedule that destroys every copy is a legitimate question, so it is allowed, and said aloud.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sim.faults.catalogue import KINDS
from sim.faults.fault import HERE, Fault, Trigger
from sim.faults.kinds import struck
from sim.topology import Topology
from sim.units import format_us

__all__ = ["destroyed_copies"]


def destroyed_copies(
    faults: Sequence[Fault], topology: Topology, copies: Mapping[str, Collection[int]]
) -> tuple[str, ...]:
    """One sentence for each thing whose every copy a schedule destroys.

    Args:
        faults: A checked schedule.
        topology: What it is for.
        copies: By name of a thing, the hosts whose disks hold it.

    Returns:
        In order of `copies`. A fault that waits for a trigger may begin at any time, and one
        aimed at `@here` may strike any host; its sentence says *may*.
    """
    losses = [fault for fault in faults if KINDS[fault.kind].loses_disk]
    return tuple(
        warning
        for name, hosts in copies.items()
        if losses and (warning := _judge(name, frozenset(hosts), losses, topology)) is not None
    )


def _judge(name: str, hosts: frozenset[int], losses: Sequence[Fault], topology: Topology) -> str | None:
    sure = [fault for fault in losses if not isinstance(fault.at, Trigger)]
    for t_us in sorted({fault.at for fault in sure if isinstance(fault.at, int)}):
        if hosts <= _lost(topology, (fault for fault in sure if _lives(fault, t_us))):
            return f"every copy of {name} is destroyed at {format_us(t_us)}: all its disks are gone at once"
    if hosts <= _lost(topology, sure):
        return f"every disk with a copy of {name} is lost in turn: only what was copied anew in between survives"
    if hosts <= _lost(topology, losses):
        return f"every copy of {name} may be destroyed: its disks are lost at triggers"
    return None


def _lost(topology: Topology, losses: Iterable[Fault]) -> frozenset[int]:
    everywhere = frozenset(range(len(topology.hosts)))
    return frozenset[int]().union(*(everywhere if HERE in f.targets else struck(f, topology) for f in losses))


def _lives(fault: Fault, t_us: int) -> bool:
    assert isinstance(fault.at, int)
    return fault.at <= t_us and (fault.for_us is None or t_us < fault.at + fault.for_us)
