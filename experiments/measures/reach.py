"""When a majority of a shard's members, and a client with them, reached each other, whatever else was cut off.

Read off the faults that began, never off the system. It errs on the side of calling too little connected: whoever
a fault touches that is no plain cut is out for as long as it lasts, a cut that comes and goes counts as closed all the
while, and a disk that was lost takes its host out for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from experiments.evidence import Evidence
from sim.faults import KINDS, Encounter
from sim.faults.kinds import Group
from sim.topology import Topology

__all__ = ["Reach"]

#: A process that died of its disk starts again within this.
_RESPAWN_US = 2_000_000


@dataclass(frozen=True, slots=True)
class Reach:
    """What parted hosts, and when.

    Attributes:
        apart: By pair of hosts, the spans in which a message from the first to the second may be lost.
        out: By host, the spans in which it may not answer.
        changes: By host, the spans in which what it meets changes: those of one instant, and cuts that come and go.
    """

    apart: dict[tuple[int, int], list[tuple[int, int]]]
    out: dict[int, list[tuple[int, int]]]
    changes: dict[int, list[tuple[int, int]]]

    @classmethod
    def of(cls, seen: Evidence) -> Reach:
        """The reach of everybody in a run."""
        found = cls({}, {}, {})
        for encounter in seen.encounters:
            if KINDS[encounter.fault.kind].group is not Group.CLOCK:
                found._heed(encounter, seen.scenario.topology, seen.scenario.until_us)
        return found

    def _heed(self, encounter: Encounter, topology: Topology, until_us: int) -> None:
        fault, kind = encounter.fault, KINDS[encounter.fault.kind]
        assert isinstance(fault.at, int)
        ends_us = until_us if encounter.ended_us is None or kind.loses_disk else encounter.ended_us
        span = (fault.at, ends_us + (_RESPAWN_US if fault.kind == "disk-full" else 0))
        struck = kind.crashed(fault, topology) | frozenset(kind.host_effects(fault, topology))
        for effect in kind.link_effects(fault, topology):
            struck |= effect.src | effect.dst
        for host in struck:
            self.out.setdefault(host, []).append(span)
        # As it begins, a cut that flaps or heals link by link is closed everywhere.
        for cut in kind.cuts(fault, topology):
            struck |= cut.src | cut.dst
            for pair in ((src, dst) for src in cut.src for dst in cut.dst):
                self.apart.setdefault(pair, []).append(span)
        begin, end = span
        changes = [span] if kind.next_change is not None else [(begin, begin + 1), (end, end + 1)]
        for host in struck:
            self.changes.setdefault(host, []).extend(changes)

    def joined(self, hosts: Iterable[int], begin_us: int, end_us: int) -> bool:
        """Whether these hosts answered, and reached one another both ways, from one instant to another."""
        ours = sorted(hosts)
        if any(_meets(self.out.get(host, ()), begin_us, end_us) for host in ours):
            return False
        pairs = ((a, b) for a in ours for b in ours if a != b)
        return not any(_meets(self.apart.get(pair, ()), begin_us, end_us) for pair in pairs)

    def settled(self, hosts: Iterable[int], begin_us: int, end_us: int) -> bool:
        """Whether nothing changed for any of these from one instant to another."""
        return not any(_meets(self.changes.get(host, ()), begin_us, end_us) for host in hosts)

    def majority(self, members: Sequence[int], client: int, begin_us: int, end_us: int) -> tuple[int, ...] | None:
        """Some majority of the members that reached one another and a client all that time; None if there is none."""
        for some in combinations(sorted(members), len(members) // 2 + 1):
            if self.joined((*some, client), begin_us, end_us):
                return some
        return None


def _meets(spans: Iterable[tuple[int, int]], begin_us: int, end_us: int) -> bool:
    return any(begin < end_us and begin_us < end for begin, end in spans)
