"""Sums over lanes, and the law that no message vanishes uncounted.

On every lane: sent + duplicated = delivered + dropped + in flight. What is in flight is
counted where it is (on the heap, in queues, held at a link, kept by a connection), not as
the difference of the others, so the law can be broken and tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sim.network.connections import Connections
from sim.network.lanes import Lane, Link, Parcel, Segment
from sim.network.waiting import waiting_on

__all__ = ["Totals", "assert_conserved", "count_in_flight", "sum_of_all", "sums_by"]

_Key = TypeVar("_Key")


@dataclass(slots=True)
class Totals:
    """Counters of several lanes together; see `Lane` for each."""

    sent: int = 0
    duplicated: int = 0
    delivered: int = 0
    retransmitted: int = 0
    bytes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, lane: Lane) -> None:
        """Add the counters of one lane."""
        self.sent += lane.sent
        self.duplicated += lane.duplicated
        self.delivered += lane.delivered
        self.retransmitted += lane.retransmitted
        self.bytes += lane.bytes
        self.dropped.update(lane.dropped)


def sums_by(lanes: Iterable[Lane], key: Callable[[Lane], _Key]) -> dict[_Key, Totals]:
    """Totals of the lanes that share a key, such as their layer; in order of first meeting."""
    sums: dict[_Key, Totals] = {}
    for lane in lanes:
        sums.setdefault(key(lane), Totals()).add(lane)
    return sums


def sum_of_all(lanes: Iterable[Lane], flying: Counter[Lane], resets: int | None) -> dict[str, int]:
    """As `Network.totals`; `resets` is None in a world without connections."""
    sums = sums_by(lanes, lambda lane: "all").get("all", Totals())
    totals = {"sent": sums.sent, "duplicated": sums.duplicated, "delivered": sums.delivered}
    totals |= {f"dropped: {reason}": count for reason, count in sums.dropped.items()}
    totals["in flight"] = sum(flying.values())
    if resets is not None:
        totals |= {"retransmitted": sums.retransmitted, "resets": resets}
    if sums.bytes:
        totals["bytes"] = sums.bytes
    return totals


def count_in_flight(
    heap: Iterable[tuple[Any, ...]],
    links: Iterable[Link],
    plain: Callable[..., None],
    parcels: Callable[..., None],
    segments: Callable[..., None],
) -> Counter[Lane]:
    """Messages under way by lane, each counted where it is.

    Args:
        heap: The kernel's entries.
        links: Every link that was used.
        plain: What a message of the fast path lands by; its lane is in the entry.
        parcels: What a parcel lands by.
        segments: What a segment lands by.
    """
    flying: Counter[Lane] = Counter()
    # A segment can be in two places, when its acknowledgement was lost; it counts once, or not
    # at all if it was delivered.
    unsettled: dict[Segment, None] = {}

    def count(parcel: Parcel) -> None:
        if not isinstance(parcel, Segment):
            flying[parcel.lane] += 1
        elif not parcel.settled:
            unsettled[parcel] = None

    for entry in heap:
        if len(entry) > 4:
            if entry[3] == plain:
                flying[entry[4]] += 1
            elif entry[3] == parcels or entry[3] == segments:
                count(entry[4])
    for link in links:
        for parcel in (*waiting_on(link), *Connections.kept(link)):
            count(parcel)
    flying.update(segment.lane for segment in unsettled)
    return flying


def assert_conserved(lanes: Iterable[Lane], flying: Counter[Lane]) -> None:
    """Assert the law on every lane, given how many messages of each are in flight."""
    for lane in lanes:
        dropped = sum(lane.dropped.values())
        put_in, taken_out = lane.sent + lane.duplicated, lane.delivered + dropped
        assert put_in == taken_out + flying[lane], (
            f"{lane.type.__name__} {lane.link.src}>{lane.link.dst}: {put_in} in, "
            f"{lane.delivered} delivered, {dropped} dropped, {flying[lane]} in flight"
        )
