"""Does a schedule leave a copy of everything? A warning for those who did not mean to ask.

A schedule that destroys every copy is a legitimate question, so it is allowed, and said aloud.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

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
    losses = [_Loss(fault, _lost(fault, topology)) for fault in faults if KINDS[fault.kind].loses_disk]
    return tuple(
        warning
        for name, hosts in copies.items()
        if losses and (warning := _judge(name, frozenset(hosts), losses)) is not None
    )


class _Loss(NamedTuple):
    """A fault that loses disks, and the hosts whose."""

    fault: Fault
    hosts: frozenset[int]


def _judge(name: str, hosts: frozenset[int], losses: Sequence[_Loss]) -> str | None:
    sure = [loss for loss in losses if not isinstance(loss.fault.at, Trigger)]
    at_once_us = _at_once(hosts, sure)
    if at_once_us is not None:
        return f"every copy of {name} is destroyed at {format_us(at_once_us)}: all its disks are gone at once"
    if hosts <= frozenset().union(*(loss.hosts for loss in sure)):
        return f"every disk with a copy of {name} is lost in turn: only what was copied anew in between survives"
    if hosts <= frozenset().union(*(loss.hosts for loss in losses)):
        return f"every copy of {name} may be destroyed: its disks are lost at triggers"
    return None


def _at_once(hosts: frozenset[int], sure: Iterable[_Loss]) -> int | None:
    """The first instant at which all of `hosts` have lost their disks; None if there is none."""
    changes: list[tuple[int, int, frozenset[int]]] = []
    for fault, lost in sure:
        assert isinstance(fault.at, int)
        if lost & hosts:
            changes.append((fault.at, 1, lost & hosts))
            if fault.for_us is not None:
                changes.append((fault.at + fault.for_us, -1, lost & hosts))
    gone: Counter[int] = Counter()
    # At an instant ends come before begins: a disk lost until then is back.
    for t_us, step, struck_hosts in sorted(changes, key=itemgetter(0, 1)):
        for host in struck_hosts:
            gone[host] += step
        if step > 0 and all(gone[host] for host in hosts):
            return t_us
    return None


def _lost(fault: Fault, topology: Topology) -> frozenset[int]:
    return frozenset(range(len(topology.hosts))) if HERE in fault.targets else struck(fault, topology)
