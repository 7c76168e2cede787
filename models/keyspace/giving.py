"""The giving side of a shard that holds stretches of the key space: what it holds, what it hands out, what it lets go.

Another group's leader asks for a stretch, first for copies, while this group goes on serving it; then,
when it has nearly all, to *give it up* (`Give.final`): from that entry of this log on nothing of the stretch is
written here, and what was written since the last copy is handed out with it. So a stretch is
refused for as long as the last few entries take to go over.

Copies are handed out ahead only where what counts lies on the disks of several members: where the
leader alone holds it, or memory does, what is lost as the scheme allows would come back with the copy.

Where the log has lost its head, what that came to is handed out in its place: the stretch's snapshots, and the
commands that must still be known.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar, Final

from models.domain import Domain, State
from models.keyspace.ranges import NO_RANGES, RANGES, HandedOver, Ranges, Released
from models.keyspace.words import NOT_LEADING, Coming, Gave, Give, Hold, NotHere, Taken, TakenNoted
from models.store.log.entries import OWN, Control, instance_of
from models.store.log.journal import Answered
from models.store.log.streams import Stream, StreamKey
from models.store.options import MemberOptions
from models.store.requests import Look, Unavailable
from models.store.schemes import Tier
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["LOOKS", "OWN_KEY", "Giving"]

OWN_KEY: Final = (OWN, RANGES)
#: Between looks whether the data can go.
_KEEP_US: Final = 2_000_000
#: How often others are looked at before whoever asks has to ask again.
LOOKS: Final = 20


class Giving(Shard):
    """One member of one group, as those see it who ask for what it holds.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: What it stores.
        point: Where an aggregate is on the line, by tenant and number.
        locate: Where the member of a group on a node is.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"K1", "K2"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"released", "handed-over", "let-go"})

    def __init__(
        self,
        ctx: Context,
        options: MemberOptions,
        domain: Domain[Any],
        point: Callable[[int, int], int],
        locate: Callable[[int, int], Location],
    ) -> None:
        super().__init__(ctx, options, domain)
        self._point = point
        self._locate = locate
        self._known: tuple[int, Ranges] = (0, NO_RANGES)
        self._wanted: Hold | None = None
        self._unsafe: tuple[int, int] | None = None
        scheme = options.scheme
        self._copies_ahead = scheme.holders > 1 and scheme.tier is Tier.DEVICE

    # -- what it holds -----------------------------------------------------------------------

    @property
    def ranges(self) -> Ranges:
        """What its log says that it holds."""
        stream = self.streams.get(OWN_KEY)
        if stream is None:
            return NO_RANGES
        if self._known[0] != stream.tip:
            self._known = (stream.tip, self._folded(stream))
        return self._known[1]

    def point_of(self, tenant: int, aggregate: int) -> int:
        """Where an aggregate is on the line."""
        return self._point(tenant, aggregate)

    @handles(Look)
    def on_look(self, msg: Look, sender: Location) -> Any:
        """As any member; one that does not lead says so, since whoever asks came by a route and knows the others."""
        return self._look(msg) if self.leads else Unavailable(command_id=0, reason=NOT_LEADING)

    def _refusal(self, tenant: int, aggregate: int, request_id: int) -> Unavailable | None:
        point, ranges = self._point(tenant, aggregate), self.ranges
        if ranges.holds(point):
            unsafe = self._unsafe
            if unsafe is None or not unsafe[0] <= point < unsafe[1]:
                return None
            return Coming(command_id=request_id, reason="not durable here yet")
        gone = ranges.gone(point)
        if gone is None:
            return Coming(command_id=request_id, reason="not here yet")
        return NotHere(
            command_id=request_id,
            reason="moved",
            version=gone.version,
            owners=gone.owners,
            begin=gone.begin,
            end=gone.end,
        )

    def _complete(self, wanted: Hold) -> bool:
        """Whether all of it is here, or was and went on by a later decision."""
        if self._unsafe is not None:
            return False
        ranges = self.ranges
        return ranges.covers(wanted.begin, wanted.end) or any(one.version > wanted.version for one in ranges.released)

    def _folded(self, stream: Stream) -> Ranges:
        """What its own stream comes to; worked out beside the states in memory, one of which this would put out."""
        state: State = NO_RANGES if stream.state is None else stream.state
        if stream.state is None:
            snapshot = self.snapshots.latest.get(OWN_KEY)
            state = NO_RANGES if snapshot is None else snapshot.state
            for entry in self.streams.entries_of(OWN_KEY, 0 if snapshot is None else snapshot.version):
                assert isinstance(entry.event, Control)
                state = entry.event.after(state)
        assert isinstance(state, Ranges)
        return state

    def _control(self, event: Control, version: int) -> int:
        """Append a fact about the group itself; returns its position."""
        stream = self.streams.of(OWN_KEY)
        return self._write(OWN, RANGES, version, stream, event, None)

    def _settled(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until a fact is committed and lies on this disk; whether it does, and this member still leads."""
        if (yield from self._until_committed(position)):
            return False
        return (yield from self.journal.durable_at(position)) and self.leads

    # -- giving ------------------------------------------------------------------------------

    @handles(Give)
    def on_give(self, msg: Give, sender: Location) -> Generator[Wait, Any, Gave | None] | Gave | None:
        """Hand out a stretch; give it up, once, if it is to be final."""
        if not self.leads:
            return None
        if not msg.final:
            return self._page(msg) if self._may_copy(msg) else None
        return self._give(msg)

    def _may_copy(self, msg: Give) -> bool:
        """Whether copies of a stretch may be handed out while it is served here."""
        if self.ranges.released_to(msg.to, msg.version) is not None:
            return True
        return self._unsafe is None and (self.ranges.covers(msg.begin, msg.end) or self._lost(msg))

    def _give(self, msg: Give) -> Generator[Wait, Any, Gave | None]:
        ranges = self.ranges
        if ranges.released_to(msg.to, msg.version) is None:
            if not self._may_copy(msg):
                return None
            if self._copies_ahead and msg.after < self.journal.base.position:
                return self._page(msg)  # the log has lost what it asks for since it was copied: more is to come first
            self.ctx.point("K1")
            fact = Released(
                begin=msg.begin,
                end=msg.end,
                to=msg.to,
                owners=msg.owners,
                version=msg.version,
                since_us=self.ctx.now_us(),
            )
            self._control(fact, msg.version)
            self.ctx.note("released", msg.version)
        stream = self.streams.of(OWN_KEY)
        if not (yield from self._settled(stream.last)) or not (yield from self._copied_to_all(stream.last)):
            return None
        self.ctx.point("K2")
        return self._page(msg)

    def _lost(self, msg: Give) -> bool:
        """Whether it had a stretch that its log knows nothing of, and lost it with disk or heap as its scheme allows.

        Nothing is decided about a stretch before it has arrived, so it was here. A group that lost everything has begun
        anew by now, it may be, with what the map still gives it: that covers no more what was decided to go before.
        """
        ranges, wanted = self.ranges, self._wanted
        if not ranges.had:
            return True
        awaits = wanted is not None and wanted.begin < msg.end and msg.begin < wanted.end and not self._complete(wanted)
        # Where others hold it as well, a leader's log has all that was given away: of that it knows.
        knows = any(one.begin < msg.end and msg.begin < one.end for one in ranges.released)
        return not awaits and (self.options.scheme.holders == 1 or not knows)

    def _copied_to_all(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until the copies that are shipped to behind the acknowledgement have a fact; whether they do.

        A leader that loses its disk begins anew from one of them, which must know what was given away.
        """
        if self.options.scheme.holders > 1:
            return True
        for out in list(self._outbound.values()):
            out.ship()
        for _ in range(LOOKS):
            if min(self.wanted_by_peers(self.journal.length), default=position) >= position:
                return self.leads
            yield self.ctx.sleep(self.options.ask_us // LOOKS)
        return False

    def _page(self, msg: Give) -> Gave:
        """The next of what counts of a stretch; all that there will be, once it was given up.

        Whoever asks again when the data were let go has lost all that it had, as its scheme allows, and begins
        with nothing, as a store would that never moved.
        """
        if msg.after < self.journal.base.position:
            return self._image(msg)
        positions = sorted(
            position
            for stream in self._streams_in(msg).values()
            for position in stream.positions
            if msg.after < position <= self.committed
        )
        page = positions[: msg.limit]
        more = len(page) < len(positions)
        return Gave(
            entries=tuple(self.journal.at(position) for position in page),
            upto=page[-1] if page else msg.after,
            more=more,
            since_us=self._since_us(msg),
        )

    def _image(self, msg: Give) -> Gave:
        """What a stretch came to, where the log does not begin with it any more; the rest is to be asked for."""
        image, inside = self.keeper.image(), self._streams_in(msg)
        return Gave(
            entries=(),
            upto=image.position,
            more=True,
            since_us=self._since_us(msg),
            snapshots=tuple(one for one in image.snapshots if (one.tenant, one.instance) in inside),
            window=tuple(answered for answered in image.window if _stream_of(answered) in inside),
        )

    def _streams_in(self, msg: Give) -> dict[StreamKey, Stream]:
        """The streams of a stretch."""
        return {
            (tenant, instance): stream
            for (tenant, instance), stream in self.streams.by_key.items()
            if tenant != OWN and msg.begin <= self._point(tenant, instance) < msg.end
        }

    def _since_us(self, msg: Give) -> int:
        """When a stretch was given up, 0 while it is not."""
        fact = self.ranges.released_to(msg.to, msg.version)
        return 0 if fact is None else fact.since_us

    @handles(Taken)
    def on_taken(self, msg: Taken, sender: Location) -> Generator[Wait, Any, TakenNoted | None] | None:
        """Write down that what was given up is safe elsewhere."""
        return self._taken(msg) if self.leads else None

    def _taken(self, msg: Taken) -> Generator[Wait, Any, TakenNoted | None]:
        ranges = self.ranges
        if ranges.released_to(msg.to, msg.version) is None:
            return None
        if msg.version not in ranges.handed_over:
            self._control(HandedOver(version=msg.version), msg.version)
            self.ctx.note("handed-over", msg.version)
        if not (yield from self._settled(self.streams.of(OWN_KEY).last)):
            return None
        return TakenNoted(version=msg.version)

    # -- letting go --------------------------------------------------------------------------

    def _live_beside(self) -> None:
        super()._live_beside()
        self.ctx.set_timer(0, self._let_go_in_time)

    def _let_go_in_time(self) -> Generator[Wait, Any, None]:
        while True:
            yield self.ctx.sleep(_KEEP_US)
            if self.ready and self._unneeded():
                yield from self._let_all_go()

    def _unneeded(self) -> bool:
        """Whether all that it had is safe with others, all of which its log says, and has not gone yet."""
        journal = self.journal
        return self.ranges.empty_handed and journal.length == self.committed and len(self.streams.by_key) > 1

    def _let_all_go(self) -> Generator[Wait, Any, None]:
        """Begin anew behind what its own stream came to: that it has nothing, and who has it."""
        self.ready = False
        yield from self._undisturbed()
        before, now = self.snapshots.latest.get(OWN_KEY), self.ctx.now_us()
        own = self.streams.snapshot(OWN_KEY, before, now, self.journal.length)
        yield from self._install(self.journal.length, (own,), ())
        self.keeper.forget()
        self.ctx.note("let-go", self.options.shard)
        self._begin()


def _stream_of(answered: Answered) -> StreamKey:
    return answered.key >> 128, instance_of(answered.address)
