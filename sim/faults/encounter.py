"""What a fault met: how the accounts of the links and hosts that it struck grew while it lived.

A fault that nobody ran into proves nothing. The counters that show it are named by the kind
(`FaultKind.evidence`); they are read when the fault begins and when it ends, so a run pays for
them at those two moments only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.faults.catalogue import KINDS
from sim.faults.fault import Fault
from sim.topology import Topology

__all__ = ["Encounter", "Encounters"]

#: Sums of counters over links that satisfy the first and hosts that satisfy the second.
Read = Callable[[Callable[[int, int], bool], frozenset[int]], Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One fault that began.

    Attributes:
        fault: With the instant it began at, and its targets filled in.
        ended_us: When it ended; None if it was live at the end of the run.
        grown: By counter, how much it grew meanwhile on what the fault struck.
    """

    fault: Fault
    ended_us: int | None
    grown: Mapping[str, int]

    @property
    def met(self) -> int:
        """How often something ran into it, by the counters that show that; 0 is never."""
        return sum(max(0, self.grown.get(name, 0)) for name in KINDS[self.fault.kind].evidence)


class Encounters:
    """Keeps the accounts of every fault of a run.

    Args:
        topology: What the faults name.
        read: Sums up the world's counters.
        now_us: The instant that it is.
    """

    def __init__(self, topology: Topology, read: Read, now_us: Callable[[], int]) -> None:
        self._topology = topology
        self._read = read
        self._now_us = now_us
        self._open: dict[str, tuple[Fault, Mapping[str, int]]] = {}
        self._closed: list[Encounter] = []

    def begin(self, fault: Fault) -> None:
        """A fault begins now."""
        self._open[fault.id] = (fault, self._counters(fault))

    def end(self, fault: Fault) -> None:
        """It ends now."""
        self._closed.append(self._encounter(*self._open.pop(fault.id), ended_us=self._now_us()))

    def all(self) -> tuple[Encounter, ...]:
        """Those that ended, in that order, then those still live."""
        return (*self._closed, *(self._encounter(*entry, ended_us=None) for entry in self._open.values()))

    def _encounter(self, fault: Fault, before: Mapping[str, int], *, ended_us: int | None) -> Encounter:
        grown = Counter(self._counters(fault))
        grown.subtract(before)
        return Encounter(fault=fault, ended_us=ended_us, grown={name: n for name, n in sorted(grown.items()) if n})

    def _counters(self, fault: Fault) -> Mapping[str, int]:
        kind = KINDS[fault.kind]
        hosts = frozenset(kind.host_effects(fault, self._topology)) | kind.crashed(fault, self._topology)
        pairs = [(cut.src, cut.dst) for cut in kind.cuts(fault, self._topology)]
        pairs += [(effect.src, effect.dst) for effect in kind.link_effects(fault, self._topology)]

        def strikes(src: int, dst: int) -> bool:
            # A host that is down is met by what is sent to it.
            return dst in hosts or any(src in a and dst in b for a, b in pairs)

        return self._read(strikes, hosts)
