"""The merge domain of one region, where clusters merge into regions and regions into the whole.

It takes the streams of its region's clusters and makes one stream of them, in canonical order: a write takes its place
once every cluster has promised to write nothing before it. That stream goes to the relays of the other regions, with a
promise of its own, and theirs are handed on to the clusters here. A write keeps its origin; its place in its own
stream is its rank among those of its origin, so nothing else needs to be said. A relay decides nothing and merges
no content: policies look at writes, never at what another merge made of them.

Nothing is acknowledged to whoever sent it before it is durable here; so a relay that dies takes up its streams from its
disk, and is sent the rest again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from models.store.group.shipping import Inbound, Outbound, new_session
from models.store.group.wire import Ship, ShipAck, ShipOptions
from models.store.log.entries import Entry, copied
from models.store.log.journal import Journal
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["RegionRelay", "RelayOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """Who a relay is.

    Attributes:
        number: Of its region's stream; no sub-domain has it.
        shard: Whose writes it relays.
        clusters: The sub-domains of the region: number and location of the store.
        regions: The streams of the other regions: number and location of the relay.
        ship: How streams are shipped.
    """

    number: int
    shard: int
    clusters: tuple[tuple[int, Location], ...]
    regions: tuple[tuple[int, Location], ...]
    ship: ShipOptions = field(default_factory=ShipOptions)

    def __post_init__(self) -> None:
        numbers = [self.number, *(n for n, _ in self.clusters), *(n for n, _ in self.regions)]
        if not self.clusters or len(set(numbers)) < len(numbers):
            raise ValueError(f"{numbers=} name no clusters, or a stream twice; give every stream its own number")


class RegionRelay(Service):
    """One shard's streams between the clusters of a region and the other regions.

    Args:
        ctx: Its host.
        options: Who it is.

    Attributes:
        ready: Whether it has recovered.
        streams: By region's number, its writes in canonical order, durable in order.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"G4"})
    NOTES: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, ctx: Context, options: RelayOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.ready = False
        self.session = 0
        regions = (options.number, *(number for number, _ in options.regions))
        self.streams = {number: Journal(ctx, file=f"region-{number}") for number in regions}
        self._within: dict[int, Inbound] = {}
        self._abroad: dict[int, Inbound] = {}
        self._pending: dict[int, deque[Entry]] = {number: deque() for number, _ in options.clusters}
        #: By sub-domain, how many of its writes are in the region's stream.
        self._ranks: Counter[int] = Counter()
        self._cut_us = 0
        self._owed: dict[int, Location] = {}
        self._out: dict[tuple[int, int], Outbound] = {}

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Generator[Wait, Any, None]:
        """Recover, and from then on relay."""
        options = self.options
        self.session = new_session(self.ctx)
        for stream in self.streams.values():
            yield from stream.recover()
        self._ranks = Counter(entry.origin for entry in self.streams[options.number].entries)
        held = options.ship.held
        self._within = {number: Inbound(self._ranks[number], held=held) for number, _ in options.clusters}
        self._abroad = {number: Inbound(self.streams[number].length, held=held) for number, _ in options.regions}
        for number, peer in options.regions:
            self._out[options.number, number] = self._line(options.number, peer)
            for cluster, store in options.clusters:
                self._out[number, cluster] = self._line(number, store)
        self._recovered()
        self.ready = True
        while True:
            self._merge()
            for number, stream in self.streams.items():
                if stream.durable < stream.length:
                    yield from stream.durable_at(stream.length)
                    self._push(number)
            self._acknowledge()
            for out in self._out.values():
                out.tick()
            yield self.ctx.sleep(options.ship.heartbeat_us // 4)

    def _line(self, number: int, peer: Location) -> Outbound:
        stream = self.streams[number]
        return Outbound(
            self.ctx,
            peer,
            self.options.ship,
            journal=stream,
            upto=lambda: self._upto(number, peer),
            promise=lambda: self._promise(number),
            header=(number, self.options.shard),
            ties=True,
        )

    def _recovered(self) -> None:
        """Its streams are there again: take up whatever else there is."""

    def _upto(self, number: int, peer: Location) -> int:
        """Up to which position a stream may go to somebody."""
        return self.streams[number].durable

    def _promise(self, number: int) -> int:
        """A time at or below which nothing will stand in a region's stream beyond what is durable of it."""
        stream = self.streams[number]
        if stream.durable < stream.length:
            return stream.at(stream.durable + 1).stamp_us - 1
        return self._cut_us if number == self.options.number else self._abroad[number].promise_us

    def _merge(self) -> None:
        """Give every write below all clusters' promises its place in the region's stream."""
        cut_us = min(inbound.promise_us for inbound in self._within.values())
        if cut_us <= self._cut_us:
            return
        self.ctx.point("G4")
        due: list[Entry] = []
        for pending in self._pending.values():
            while pending and pending[0].stamp_us <= cut_us:
                due.append(pending.popleft())
        stream = self.streams[self.options.number]
        for entry in sorted(due):
            stream.append(copied(entry, stream.length + 1, entry.epoch))
        self._ranks.update(entry.origin for entry in due)
        self._cut_us = cut_us

    def _push(self, number: int) -> None:
        for (stream, _), out in self._out.items():
            if stream == number:
                out.push()

    # -- streams -----------------------------------------------------------------------------

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> None:
        """Take a cluster's entries to be merged, or another region's to be handed on."""
        if not self.ready:
            return
        inbound = self._within.get(msg.source)
        if inbound is not None:
            self._pending[msg.source].extend(inbound.take(msg))
        else:
            stream = self.streams[msg.source]
            for entry in self._abroad[msg.source].take(msg):
                stream.append(entry)
        self._owed[msg.source] = sender
        if msg.probe or msg.session != self.session:
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Tell whoever sent something what is durable here of it; and again once all of it is."""
        own = self.streams[self.options.number]
        safe = self._ranks if own.durable == own.length else Counter(e.origin for e in own.entries[: own.durable])
        for source, sender in list(self._owed.items()):
            near = source in self._within
            inbound = self._within[source] if near else self._abroad[source]
            upto = safe[source] if near else self.streams[source].durable
            if upto == inbound.received:
                del self._owed[source]
            self._send_ack(sender, source, inbound, upto)

    def _send_ack(self, to: Location, source: int, inbound: Inbound, upto: int) -> None:
        self.ctx.send(
            to,
            ShipAck(
                receiver=self.options.number,
                shard=self.options.shard,
                epoch=1,
                session=self.session,
                upto=upto,
                challenge=inbound.challenge,
                source=source,
            ),
        )

    @handles(ShipAck)
    def on_ship_ack(self, msg: ShipAck, sender: Location) -> None:
        """Note what a cluster has of another region's stream, or another region of ours."""
        out = self._out.get((msg.source, msg.receiver))
        if self.ready and out is not None:
            out.acknowledged(msg.session, msg.challenge, msg.upto)
