"""What a sub-domain hears from the others: taken in order, and kept on the disk until it is settled.

A write is kept before anything is decided on it, and whoever decides appends to a log that is flushed no earlier, since
a device works in the order in which it is asked. So what a sub-domain's own durable entries had seen outlives whatever
they outlive, and after a restart its view holds all that it wrote, though nobody else can be reached.

What is settled and saved is needed no more. Two files take turns: while one grows, the other waits until all that is
in it is settled, and is emptied. So what is kept is proportional to what is not settled yet.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.store.group.shipping import Inbound
from models.store.group.wire import Ship, ShipAck
from models.store.log.entries import Entry, copied
from models.store.options import MemberOptions
from sim.host import Context, Wait
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Hearing", "Upstream"]

_FILES: Final = ("heard.0", "heard.1")
#: Entries after which the other file takes its turn, if it is empty.
_TURN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Whence the writes of other regions come, and where those of this one go.

    Attributes:
        number: Of the region's own stream.
        relay: Who makes it, and hands on the others'.
        streams: The other regions' streams: number, and the sub-domains whose writes are in it.
        stores: Sub-domains of other regions: number, and the store of the same shard.
    """

    number: int
    relay: Location
    streams: tuple[tuple[int, tuple[int, ...]], ...]
    stores: tuple[tuple[int, Location], ...] = ()


class Hearing:
    """The streams that come to one shard of a sub-domain.

    Args:
        ctx: The service that hears.
        options: Who it is.
        upstream: Where the writes of other regions come from; None where every sub-domain is a peer.

    Attributes:
        origins: Numbers of the other sub-domains.
    """

    def __init__(self, ctx: Context, options: MemberOptions, upstream: Upstream | None) -> None:
        self._ctx = ctx
        self._options = options
        #: By number of a stream, the sub-domains whose writes are in it.
        self._bundles = dict(() if upstream is None else upstream.streams)
        self._streams: dict[int, tuple[int, ...]] = {number: (number,) for number, _ in options.peers} | self._bundles
        self.origins = tuple(origin for origins in self._streams.values() for origin in origins)
        self._inbound: dict[int, Inbound] = {}
        #: By sub-domain of a stream of several, how many of its entries have come.
        self._ranks: dict[int, int] = {}
        self._owed: dict[int, Location] = {}
        self._turn = 0
        #: By file and sub-domain, the last position that is in it.
        self._last: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._count = 0

    # -- life --------------------------------------------------------------------------------

    def recover(self) -> Generator[Wait, Any, None]:
        """Drop a torn tail, and make the rest durable: the service is about to act on it."""
        disk = self._ctx.disk
        for file in _FILES:
            records = disk.read(file)
            if records and records[-1] is TORN:
                disk.truncate(file, len(records) - 1)
        for flushed in [disk.flush(file) for file in _FILES if disk.read(file)]:  # noqa: UP028
            yield flushed

    def begin(self, vector: Mapping[int, int], cut_us: int) -> list[Entry]:
        """Hear on from what is settled; returns what was heard beyond it, in canonical order.

        Args:
            vector: By sub-domain, how many of its writes are settled.
            cut_us: Up to when.
        """
        kept: dict[int, dict[int, Entry]] = {origin: {} for origin in self.origins}
        for number, file in enumerate(_FILES):
            self._last[number].clear()
            for entry in self._ctx.disk.read(file):
                self._note(number, entry)
                kept[entry.origin][entry.position] = entry
        self._count = len(self._ctx.disk.read(_FILES[self._turn]))
        fresh: list[Entry] = []
        reached = dict(vector)
        for origin, entries in kept.items():
            while (entry := entries.get(reached[origin] + 1)) is not None:
                fresh.append(entry)
                reached[origin] += 1
        held = self._options.ship.held
        # A stream of several is in canonical order, and so what was settled or heard of it is a head of it.
        self._inbound = {
            number: Inbound(sum(reached[origin] for origin in origins), cut_us, held=held)
            for number, origins in self._streams.items()
        }
        self._ranks = {origin: reached[origin] for origins in self._bundles.values() for origin in origins}
        return sorted(fresh)

    # -- hearing -----------------------------------------------------------------------------

    def promises(self, lost: Collection[int] = ()) -> dict[int, int]:
        """By stream that is waited for, a time at or below which nothing of it is to come.

        Args:
            lost: Sub-domains that are waited for no more.
        """
        streams = self._streams
        return {
            number: inbound.promise_us
            for number, inbound in self._inbound.items()
            if not lost or not all(origin in lost for origin in streams[number])
        }

    def take(self, msg: Ship) -> Sequence[Entry]:
        """What became due with a message, in order and in its own stream's places; it is kept."""
        entries: Sequence[Entry] = self._inbound[msg.source].take(msg)
        if msg.source in self._bundles:
            entries = [self._in_its_place(entry) for entry in entries]
        if entries:
            self.keep(entries)
        return entries

    def keep(self, entries: Sequence[Entry]) -> Wait:
        """Write entries down, and have them flushed; what to wait for."""
        disk, turn = self._ctx.disk, self._turn
        file = _FILES[turn]
        for entry in entries:
            disk.append(file, entry)
            self._note(turn, entry)
        self._count += len(entries)
        flushed: Wait = disk.flush(file)
        return flushed

    def after(self, origin: int, position: int) -> tuple[Entry, ...]:
        """What is kept of a sub-domain beyond a position, in order and without a gap."""
        kept = {one.position: one for file in _FILES for one in self._ctx.disk.read(file) if one.origin == origin}
        found: list[Entry] = []
        while (entry := kept.get(position + len(found) + 1)) is not None:
            found.append(entry)
        return tuple(found)

    def settled(self, vector: Mapping[int, int]) -> None:
        """So many writes of each sub-domain are settled and saved: empty the file that lies idle, if they are all its.

        Emptied files are not flushed: what a power loss brings back was settled, and is passed over.
        """
        idle = 1 - self._turn
        if self._last[idle] and all(position <= vector[origin] for origin, position in self._last[idle].items()):
            self._ctx.disk.truncate(_FILES[idle], 0)
            self._last[idle].clear()
        if self._count >= _TURN and not self._last[idle]:
            self._turn, self._count = idle, 0

    def _note(self, file: int, entry: Entry) -> None:
        last = self._last[file]
        if entry.position > last.get(entry.origin, 0):
            last[entry.origin] = entry.position

    def _in_its_place(self, entry: Entry) -> Entry:
        """An entry with its place in its own stream: its rank there, if it came in a stream of several."""
        rank = self._ranks.get(entry.origin)
        if rank is None:
            return entry
        self._ranks[entry.origin] = rank + 1
        return copied(entry, rank + 1, entry.epoch)

    # -- acknowledging -------------------------------------------------------------------------

    def is_expected(self, msg: Ship, session: int) -> bool:
        """Whether the source sends just what is due, and knows to whom."""
        return self._inbound[msg.source].is_expected(msg, session)

    def owe(self, source: int, sender: Location) -> None:
        """Acknowledge a stream at the next tick."""
        self._owed[source] = sender

    def pay(self, session: int) -> None:
        """Acknowledge what is owed."""
        for source, sender in list(self._owed.items()):
            self.acknowledge(source, sender, session)

    def acknowledge(self, source: int, peer: Location, session: int) -> None:
        """Say how much of a stream is here."""
        self._owed.pop(source, None)
        inbound = self._inbound[source]
        self._ctx.send(
            peer,
            ShipAck(
                receiver=self._options.number,
                shard=self._options.shard,
                epoch=1,
                session=session,
                upto=inbound.received,
                challenge=inbound.challenge,
                source=source,
            ),
        )
