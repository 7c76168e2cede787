"""Registers whose every value was written once need no search: it is known who read from whom.

All operations on one value form a cluster. Its zone lies between the first ending of any of
them and the last beginning: a *forward* zone, if the ending comes first, is a stretch in which
the register surely held the value; a *backward* one, where all overlap, is a stretch of which
one instant suffices. A history is linearizable iff no read ends before its write begins, no
two forward zones overlap, and no backward zone lies within a forward one.

Source: Gibbons and Korach, SIAM J. Comput. 26 (1997), section 4; the name is that of Golab, Li
and Shah, PODC 2011. Departures: the initial value is a write before all others; a pending write
that was read has not ended, and one that was not read never happened.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from sim.checkers.linearizability.calls import Call, Part
from sim.checkers.specifications import Specification, Stand

__all__ = ["Zones", "fewest_of", "zones_of"]


@dataclass(slots=True)
class _Cluster:
    """All operations on one value; places are those of events, -1 before all.

    Attributes:
        write: Who wrote it; None for the initial value.
        begins: Where the write began.
        first: Whose ending came first.
        first_end: Where.
        last: Whose beginning came last.
        last_begin: Where.
    """

    write: Call | None
    begins: int
    first: Call | None
    first_end: int
    last: Call | None
    last_begin: int

    def calls(self) -> Iterator[Call]:
        """Those that make the zone what it is."""
        return (call for call in (self.write, self.first, self.last) if call is not None)


@dataclass(slots=True)
class Zones:
    """Clusters by value, and reads that belong to none.

    Attributes:
        clusters: By mark.
        strays: Reads of what nobody wrote, or of what began to be written only after they had ended.
    """

    clusters: dict[Hashable, _Cluster]
    strays: list[Call]

    def offenders(self) -> tuple[Call, ...]:
        """A few calls that no order explains, by beginning; none if the history is linearizable."""
        if self.strays:
            return (self.strays[0],)
        found = self._clash()
        return () if found is None else found

    def _clash(self) -> tuple[Call, ...] | None:
        forward = sorted(
            (one for one in self.clusters.values() if one.first_end < one.last_begin), key=lambda one: one.first_end
        )
        for before, after in pairwise(forward):
            if after.first_end < before.last_begin:
                return _together(before, after)
        # Forward zones are apart from here on, so one that holds a backward zone is the last to begin before it.
        at = 0
        backward = (one for one in self.clusters.values() if one.first_end > one.last_begin)
        for inner in sorted(backward, key=lambda one: one.last_begin):
            while at < len(forward) and forward[at].first_end < inner.last_begin:
                at += 1
            if at and inner.first_end < forward[at - 1].last_begin:
                return _together(forward[at - 1], inner)
        return None


def zones_of(part: Part, spec: Specification) -> Zones | None:
    """The zones of a part; None if it is not one that zones can judge."""
    if spec.stand is not Stand.LATEST:
        return None
    endless = len(part.events)
    ends = {~event: at for at, event in enumerate(part.events) if event < 0}
    clusters: dict[Hashable, _Cluster] = {spec.initial: _Cluster(None, -1, None, -1, None, -1)}
    reads: list[tuple[Hashable, Call, int, int]] = []
    for at, event in enumerate(part.events):
        if event < 0:
            continue
        call = part.calls[event]
        offers = spec.offers(call.f, call.asked, call.answered)
        wants = spec.wants(call.f, call.asked, call.answered)
        end = ends.get(event, endless)
        if offers and not wants and offers[0] not in clusters:
            clusters[offers[0]] = _Cluster(call, at, call, end, call, at)
        elif wants and not offers:
            reads.append((wants[0], call, at, end))
        else:
            return None
    strays = [call for mark, call, at, end in reads if not _take(clusters.get(mark), call, at, end)]
    return Zones(clusters, strays)


def fewest_of(part: Part, spec: Specification, offenders: tuple[Call, ...]) -> tuple[Call, ...]:
    """The offenders without those that the others do without, every read with its write."""
    kept = list(offenders)
    for call in offenders:
        ops = {other.op for other in kept if other is not call}
        events = [event for event in part.events if part.calls[event if event >= 0 else ~event].op in ops]
        zones = zones_of(replace(part, events=events), spec)
        if zones is not None and not zones.strays and zones.offenders():
            kept.remove(call)
    return tuple(kept)


def _take(cluster: _Cluster | None, call: Call, begin: int, end: int) -> bool:
    """Put a read into its cluster; whether it can have read from it."""
    if cluster is None or end < cluster.begins:
        return False
    if end < cluster.first_end:
        cluster.first, cluster.first_end = call, end
    if begin > cluster.last_begin:
        cluster.last, cluster.last_begin = call, begin
    return True


def _together(one: _Cluster, other: _Cluster) -> tuple[Call, ...]:
    calls = {call.op: call for cluster in (one, other) for call in cluster.calls()}
    return tuple(calls.values())
