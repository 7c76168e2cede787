"""What waits at a link: for bandwidth, or for a hold to end.

A hold keeps whatever has not set out, also what was queued for bandwidth when it began. When
it ends all of that goes on in its order: each arrives no earlier than the one before, however
their delays are drawn, and also if it has to wait for bandwidth once more. Bandwidth's queue
is in the memory of the host that sends, and is lost with its power.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.network.lanes import Link, Parcel

__all__ = ["Released", "hold_queued", "keep", "take_queued", "take_waiting", "waiting_on"]


class Released:
    """What a hold kept and that has not set out yet.

    Attributes:
        parcels: Those.
        floor_us: No earlier than this does the next of them arrive.
    """

    __slots__ = ("floor_us", "parcels")

    def __init__(self, parcels: list[Parcel]) -> None:
        self.parcels = set(parcels)
        self.floor_us = 0

    def leaves(self, parcel: Parcel) -> bool:
        """Whether it is one of them; from now on it is not."""
        found = parcel in self.parcels
        self.parcels.discard(parcel)
        return found

    def in_order(self, due_us: int) -> int:
        """When one of them arrives that would arrive at `due_us` if it were alone."""
        self.floor_us = max(due_us, self.floor_us)
        return self.floor_us


def waiting_on(link: Link) -> Iterator[Parcel]:
    """What waits at a link, in the order in which it would go on."""
    if link.transmitter is not None:
        yield from link.transmitter.queued()
    yield from link.held or ()


def take_waiting(link: Link) -> list[Parcel]:
    """Take away all that waits at a link."""
    waiting = list(waiting_on(link))
    link.held = link.released = None
    if link.transmitter is not None:
        link.transmitter.purge()
    return waiting


def take_queued(link: Link) -> list[Parcel]:
    """Take away what waits at a link for bandwidth."""
    if link.transmitter is None:
        return []
    queued = list(link.transmitter.queued())
    link.transmitter.purge()
    return queued


def keep(link: Link, parcel: Parcel) -> None:
    """Let a parcel wait for a hold to end."""
    if link.held is None:
        link.held = []
    link.held.append(parcel)
    link.meet("held")


def hold_queued(link: Link) -> None:
    """Let a hold that began keep what waits for bandwidth as well."""
    queued = take_queued(link)
    if queued:
        before, link.held, link.released = link.held, None, None
        for parcel in (*queued, *(before or ())):
            keep(link, parcel)
