"""A region that is declared lost where clusters merge into regions and regions into the whole: a tree of merge domains.

What is lost there is a whole region, its relay included, at a *vector*: of each of its clusters so many writes count.
Nobody beyond it hears a cluster but through the region's stream, and so the position at which it is given up is one of
that stream, and the vector what its head up to there comes to. The relays of the other regions are fenced from it, who
is behind is handed what it lacks by who has most, and only then is it given up by every cluster, which waits for the
rest of the head first. What the lost region brings along when it returns comes by the same stream: a relay hands it on
to those alone who have given the region up, durably, so that nobody takes it for what counts.

The lost region's clusters are told by their own relay, and take over the history of a cluster that told it. They are
not taken back: what they write next must be laid out as a new region.

One cluster of several cannot be declared lost: its siblings hear it at first hand, and may have settled what the relay
lacks, and with it all other regions; nobody keeps what is settled, so nobody could hand it on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.addressing import REPLICATION, Scope, message_type_id
from models.hearing import Upstream
from models.losing import FenceOff, GiveUp, LosableShard, Standing
from models.relay import RegionRelay, RelayOptions
from models.store.group.wire import Ship
from models.store.log.entries import Entry, all_bytes
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = [
    "FenceStream",
    "FetchStream",
    "GaveUp",
    "GiveUpStream",
    "LosableRelay",
    "RegionWasLost",
    "StreamGivenUp",
    "StreamRun",
    "StreamStanding",
    "TreeShard",
]

#: What a relay's file says of a stream that it is fenced from, and has not given up.
_FENCED: Final = -1
#: How often a cluster looks whether the head of a lost region's stream has come, a heartbeat apart.
_LOOKS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceStream(Message):
    """Take nothing more of a region's stream, until it is given up."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 13)
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStanding(Message):
    """How much of a stream that it is fenced from is on a relay's disk; where it was given up, up to there."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 14)
    length: int
    given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUpStream(Message):
    """A region's stream counts up to a position; who is behind finds the rest with the relay of region `best`."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 15)
    number: int
    upto: int
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGivenUp(Message):
    """What the head of a stream that counts comes to: pairs of sub-domain and how many of its writes are in it."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 16)
    vector: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchStream(Message):
    """What is on your disk of a region's stream beyond a position, if you please."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 17)
    number: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRun(Message):
    """Entries of a stream, in order and without a gap."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 18)
    entries: tuple[Entry, ...]

    def work(self) -> int:
        """As many units as there are entries."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A header, and the entries."""
        return 80 + all_bytes(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp(Message):
    """A cluster has given up a region, durably: what else comes of that one can do no harm there."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 19)
    number: int
    cluster: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWasLost(Message):
    """Your region was declared lost, at a position of its stream; each of `by` has the others' history."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 20)
    upto: int
    by: tuple[Location, ...]


class LosableRelay(RegionRelay):
    """A relay that can give up another region's stream, and is told when its own was."""

    POINTS: ClassVar[frozenset[str]] = RegionRelay.POINTS | {"G6"}

    def __init__(self, ctx: Context, options: RelayOptions) -> None:
        super().__init__(ctx, options)
        self._fenced: set[int] = set()
        #: By stream, the position at which it was given up.
        self._given: dict[int, int] = {}
        #: By stream, the clusters that have given it up too.
        self._told: dict[int, set[int]] = {}
        self._relays = dict(options.regions)
        self._cluster_at = {store: number for number, store in options.clusters}

    def _recovered(self) -> None:
        for number in self._relays:
            records = [one for one in self.ctx.disk.read(_file(number)) if one is not TORN]
            if records and records[-1] == _FENCED:
                self._fenced.add(number)
            elif records:
                self._given[number] = records[-1]

    def _upto(self, number: int, peer: Location) -> int:
        """Beyond what counts of a lost region's stream nothing goes to a cluster that has not given it up."""
        durable, given = super()._upto(number, peer), self._given.get(number)
        cluster = self._cluster_at.get(peer)
        if given is None or cluster is None or cluster in self._told.get(number, ()):
            return durable
        return min(durable, given)

    # -- giving another region up ---------------------------------------------------------------

    @handles(FenceStream)
    def on_fence_stream(self, msg: FenceStream, sender: Location) -> Generator[Wait, Any, StreamStanding | None]:
        """Take nothing more of it, durably; then say how much there is."""
        number = msg.number
        if not self.ready:
            return None
        stream = self.streams[number]
        if number not in self._given:
            self._fenced.add(number)
            yield self.ctx.disk.replace(_file(number), _FENCED)
        yield from self._made_durable(number)
        given = self._given.get(number)
        return StreamStanding(length=stream.length if given is None else given, given_up=given is not None)

    @handles(GiveUpStream)
    def on_give_up_stream(self, msg: GiveUpStream, sender: Location) -> Generator[Wait, Any, StreamGivenUp | None]:
        """Catch up with who has most of it, then give it up at the position that all do."""
        number = msg.number
        if not self.ready or (number not in self._fenced and number not in self._given):
            return None
        if number not in self._given:
            yield from self._catch_up(msg)
            stream = self.streams[number]
            if stream.durable < msg.upto:
                return None  # the operator asks again
            yield self.ctx.disk.replace(_file(number), msg.upto)
            self._given[number] = msg.upto
            self._fenced.discard(number)
            self._push(number)
        head = self.streams[number].entries[: self._given[number]]
        return StreamGivenUp(vector=tuple(sorted(Counter(entry.origin for entry in head).items())))

    def _catch_up(self, msg: GiveUpStream) -> Generator[Wait, Any, None]:
        stream, best = self.streams[msg.number], self._relays.get(msg.best)
        if stream.length < msg.upto and best is not None:
            ask = FetchStream(number=msg.number, after=stream.length)
            run = yield self.ctx.call(best, ask, self.options.ship.resend_us)
            for entry in run.entries if isinstance(run, StreamRun) and msg.number in self._fenced else ():
                if entry.position == stream.length + 1 <= msg.upto:
                    stream.append(entry)
            self._abroad[msg.number].received = stream.length
        yield from self._made_durable(msg.number)

    def _made_durable(self, number: int) -> Generator[Wait, Any, None]:
        stream = self.streams[number]
        if stream.durable < stream.length:
            yield from stream.durable_at(stream.length)
            self._push(number)  # who relays finds nothing left to be made durable, and would not

    @handles(FetchStream)
    def on_fetch_stream(self, msg: FetchStream, sender: Location) -> StreamRun | None:
        """What is durable of it beyond a position."""
        if not self.ready:
            return None
        stream = self.streams[msg.number]
        return StreamRun(entries=tuple(stream.entries[msg.after : stream.durable]))

    @handles(GaveUp)
    def on_gave_up(self, msg: GaveUp, sender: Location) -> None:
        """From now on what the region brings along may go there."""
        told = self._told.setdefault(msg.number, set())
        if msg.cluster not in told:
            told.add(msg.cluster)
            if self.ready:
                self._push(msg.number)

    # -- streams ----------------------------------------------------------------------------------

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> None:
        """Take it, unless we are fenced from it; tell a relay whose region is lost that it is."""
        if msg.source in self._fenced:
            return
        if self.ready and msg.source in self._given:
            self.ctx.point("G6")
            stores = tuple(store for _, store in self.options.clusters)
            self.ctx.send(sender, RegionWasLost(upto=self._given[msg.source], by=stores))
        super().on_ship(msg, sender)

    @handles(RegionWasLost)
    def on_region_was_lost(self, msg: RegionWasLost, sender: Location) -> None:
        """Let the clusters here know, and of whom to have the others' history."""
        for _, store in self.options.clusters:
            self.ctx.send(store, msg)


class TreeShard(LosableShard):
    """A shard of a cluster's sub-domain, where regions are lost as a whole."""

    RETURNS: ClassVar[bool] = False

    def __init__(self, ctx: Context, *arguments: Any, upstream: Upstream, **more: Any) -> None:
        super().__init__(ctx, *arguments, upstream=upstream, **more)
        self._relay = upstream.relay
        self._bundles = dict(upstream.streams)
        stream_of = {origin: number for number, origins in upstream.streams for origin in origins}
        #: By store of a sub-domain, the stream that its writes are in.
        self._stream_at = {store: stream_of[number] for number, store in upstream.stores}
        self._stream_at |= {store: upstream.number for _, store in self.options.peers}
        self._stream_at[ctx.location] = upstream.number
        self._asked = -1
        #: Streams that were given up, durably.
        self._gone: set[int] = set()

    def _recover_merge(self) -> None:
        super()._recover_merge()
        self._gone = self._lost_streams()

    def _lost_streams(self) -> set[int]:
        lost = self.merge.lost
        return {number for number, origins in self._bundles.items() if all(origin in lost for origin in origins)}

    def _settle(self) -> Generator[Wait, Any, None]:
        # Again and again: a relay that dies forgets who has said so.
        for number in sorted(self._gone):
            self.ctx.send(self._relay, GaveUp(number=number, cluster=self.options.number))
        yield from super()._settle()

    @handles(FenceOff)
    def on_fence_off(self, msg: FenceOff, sender: Location) -> Generator[Wait, Any, Standing | None]:
        """Have our relay fenced from the region of whoever is lost: we hear of it by nobody else."""
        number = self._stream_at[msg.lost]
        if not self._serves() or number not in self._bundles:
            return None
        found = yield self.ctx.call(self._relay, FenceStream(number=number), self.options.ask_us)
        if not isinstance(found, StreamStanding):
            return None
        return Standing(cut_us=self.saved_us, received=found.length, given_up=found.given_up)

    @handles(GiveUp)
    def on_give_up(self, msg: GiveUp, sender: Location) -> Generator[Wait, Any, Standing | None]:
        """Have our relay give the region up, wait for the head of its stream, then give up each of its clusters."""
        number = self._stream_at[msg.lost]
        if not self._serves() or number not in self._bundles:
            return None
        if number not in self._gone:
            ask = GiveUpStream(number=number, upto=msg.upto, best=self._stream_at[msg.best])
            given = yield self.ctx.call(self._relay, ask, self.options.ask_us)
            if not isinstance(given, StreamGivenUp):
                return None
            upto = dict.fromkeys(self._bundles[number], 0) | dict(given.vector)
            for _ in range(_LOOKS):
                if self._has_head(upto):
                    break
                yield self.ctx.sleep(self.options.ship.heartbeat_us)
            if not self._serves() or not self._has_head(upto):
                return None  # the operator asks again
            for origin, position in upto.items():
                self.merge.declare_lost(origin, position)
            yield from self._save(self.merge.standing())
            self._gone = self._lost_streams()
        return Standing(cut_us=self.saved_us, received=msg.upto, given_up=True)

    def _serves(self) -> bool:
        return self.ready and not self.was_lost

    @handles(RegionWasLost)
    def on_region_was_lost(self, msg: RegionWasLost, sender: Location) -> Generator[Wait, Any, None]:
        """Take over the history of one that told, in place of ours; of another one the next time."""
        self._asked += 1
        yield from self._take_over_from(msg.by[self._asked % len(msg.by)])

    def _has_head(self, upto: dict[int, int]) -> bool:
        return all(self.merge.received(origin) >= position for origin, position in upto.items())


def _file(number: int) -> str:
    """Where a relay keeps what became of a region: its file."""
    return f"lost-{number}"
