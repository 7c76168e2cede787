"""A shard that holds stretches of the key space, and takes and gives them while traffic flows.

Its server tells it what to hold. What its log lacks of that, its leader fetches: it asks the group
that has it to give it up, copies what that group's log has of the stretch into its own, with
versions, ids and chains as they are, and writes that it has received it. It serves the stretch once
that is committed, and durable, whatever the scheme: the giver will let go of the data.

The taker asks, so nothing is given up before the taker's group can take it. Every step may be done
twice: a new leader of the giver finds what it gave in its log, and one of the taker copies on from
what its own log has. What the giver wrote before it gave up is in its log before that, so an
answer that waits there is given, and a retry finds its event on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar, Final

from models.domain import Domain, State
from models.keyspace.directory import Source
from models.keyspace.ranges import NO_RANGES, RANGES, Granted, HandedOver, Ranges, Received, Released
from models.keyspace.words import Coming, Gave, Give, Have, Hold, NotHere, Taken, TakenNoted
from models.store.log.entries import OWN, Control, Entry, copied, instance_of, version_of
from models.store.log.streams import Stream
from models.store.options import MemberOptions
from models.store.requests import Unavailable
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["PlacedShard"]

_OWN_KEY: Final = (OWN, RANGES)
#: Between looks whether the data can go.
_KEEP_US: Final = 2_000_000
#: How often copies are looked at before whoever asks has to ask again.
_LOOKS: Final = 20
#: Entries in one answer to `Give`.
_PAGE: Final = 1_000


class PlacedShard(Shard):
    """One member of one group.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: What it stores.
        point: Where an aggregate is on the line, by tenant and number.
        locate: Where the member of a group on a node is.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"K1", "K2", "K3", "K4"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"released", "received", "handed-over", "copied", "let-go"})

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
        self._moving = False
        self._giver = 0
        self._unsafe: tuple[int, int] | None = None
        self._thanked: set[int] = set()

    # -- what it holds -----------------------------------------------------------------------

    @property
    def ranges(self) -> Ranges:
        """What its log says that it holds."""
        stream = self.streams.get(_OWN_KEY)
        if stream is None:
            return NO_RANGES
        if self._known[0] != stream.tip:
            self._known = (stream.tip, self._folded(stream))
        return self._known[1]

    def point_of(self, tenant: int, aggregate: int) -> int:
        """Where an aggregate is on the line."""
        return self._point(tenant, aggregate)

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

    def _folded(self, stream: Stream) -> Ranges:
        """What its own stream comes to; worked out beside the states in memory, one of which this would put out."""
        state: State = NO_RANGES if stream.state is None else stream.state
        if stream.state is None:
            snapshot = self.snapshots.latest.get(_OWN_KEY)
            state = NO_RANGES if snapshot is None else snapshot.state
            for entry in self.streams.entries_of(_OWN_KEY, 0 if snapshot is None else snapshot.version):
                assert isinstance(entry.event, Control)
                state = entry.event.after(state)
        assert isinstance(state, Ranges)
        return state

    def _control(self, event: Control, version: int) -> int:
        """Append a fact about the group itself; returns its position."""
        stream = self.streams.of(_OWN_KEY)
        return self._write(OWN, RANGES, version, stream, event, None)

    def _settled(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until a fact is committed and lies on this disk; whether it does, and this member still leads."""
        if (yield from self._until_committed(position)):
            return False
        return (yield from self.journal.durable_at(position)) and self.leads

    # -- giving ------------------------------------------------------------------------------

    @handles(Give)
    def on_give(self, msg: Give, sender: Location) -> Generator[Wait, Any, Gave | None] | None:
        """Give a stretch up, once, and hand out what it comes to."""
        return self._give(msg) if self.leads else None

    def _give(self, msg: Give) -> Generator[Wait, Any, Gave | None]:
        ranges = self.ranges
        if ranges.released_to(msg.to, msg.version) is None:
            if self._unsafe is not None or not (ranges.covers(msg.begin, msg.end) or self._lost(msg)):
                return None
            self.ctx.point("K1")
            fact = Released(begin=msg.begin, end=msg.end, to=msg.to, owners=msg.owners, version=msg.version)
            self._control(fact, msg.version)
            self.ctx.note("released", msg.version)
        stream = self.streams.of(_OWN_KEY)
        if not (yield from self._settled(stream.last)) or not (yield from self._copied_to_all(stream.last)):
            return None
        self.ctx.point("K2")
        return self._page(msg)

    def _lost(self, msg: Give) -> bool:
        """Whether it had a stretch that its log knows nothing of, and lost it with disk or heap as its scheme allows.

        Nothing is decided about a stretch before it has arrived, so it was here. One that alone holds what it
        acknowledges may have begun anew by now with what the map still gives it.
        """
        wanted = self._wanted
        awaits = wanted is not None and wanted.begin < msg.end and msg.begin < wanted.end and not self._complete(wanted)
        return not self.ranges.had or (self.options.scheme.holders == 1 and not awaits)

    def _copied_to_all(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until the copies that are shipped to behind the acknowledgement have a fact; whether they do.

        A leader that loses its disk begins anew from one of them, which must know what was given away.
        """
        if self.options.scheme.holders > 1:
            return True
        for out in list(self._outbound.values()):
            out.ship()
        for _ in range(_LOOKS):
            if min(self.wanted_by_peers(self.journal.length), default=position) >= position:
                return self.leads
            yield self.ctx.sleep(self.options.ask_us // _LOOKS)
        return False

    def _page(self, msg: Give) -> Gave:
        """The next entries of a stretch that was given up: all of them are committed, none will come.

        Whoever asks again when the data were let go has lost all that it had, as its scheme allows, and begins
        with nothing, as a store would that never moved.
        """
        positions = sorted(
            position
            for (tenant, instance), stream in self.streams.by_key.items()
            if tenant != OWN and msg.begin <= self._point(tenant, instance) < msg.end
            for position in stream.positions
            if position > msg.after
        )
        page = positions[: msg.limit]
        entries = tuple(self.journal.at(position) for position in page)
        given = [
            entry.accepted_us
            for entry in self.streams.entries_of(_OWN_KEY)
            if isinstance(entry.event, Released) and (entry.event.to, entry.event.version) == (msg.to, msg.version)
        ]
        more = len(page) < len(positions)
        return Gave(entries=entries, upto=page[-1] if page else msg.after, more=more, since_us=max(given, default=0))

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
        if not (yield from self._settled(self.streams.of(_OWN_KEY).last)):
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
        if not self.ranges.empty_handed or journal.base.position == journal.length:
            return False
        return self.streams.of(_OWN_KEY).last == journal.length == self.committed

    def _let_all_go(self) -> Generator[Wait, Any, None]:
        """Begin anew behind what its own stream came to: that it has nothing, and who has it."""
        self.ready = False
        yield from self._undisturbed()
        before, now = self.snapshots.latest.get(_OWN_KEY), self.ctx.now_us()
        own = self.streams.snapshot(_OWN_KEY, before, now, self.journal.length)
        yield from self._install(self.journal.length, (own,), ())
        self.keeper.forget()
        self.ctx.note("let-go", self.options.shard)
        self._begin()

    # -- taking ------------------------------------------------------------------------------

    @handles(Hold)
    def on_hold(self, msg: Hold, sender: Location) -> Have | None:
        """Hold what the map says; fetch what is not here."""
        if not self.ready:
            return None
        if self._wanted is None or msg.version >= self._wanted.version:
            self._wanted = msg
        wanted = self._wanted
        complete = self._complete(wanted)
        untold = any(source.group not in self._thanked for source in wanted.sources)
        if self.leads and not self._moving and (not complete or untold):
            self._moving = True
            self.ctx.set_timer(0, self._take_over_stretches, wanted)
        return Have(version=wanted.version, complete=complete, leads=self.leads)

    def _complete(self, wanted: Hold) -> bool:
        """Whether all of it is here, or was and went on by a later decision."""
        if self._unsafe is not None:
            return False
        ranges = self.ranges
        return ranges.covers(wanted.begin, wanted.end) or any(one.version > wanted.version for one in ranges.released)

    def _take_over_stretches(self, wanted: Hold) -> Generator[Wait, Any, None]:
        """Fetch whatever is lacking, and tell those who gave it; once, for the next `Hold` begins anew."""
        if self.journal.length or (yield from self._all_whole()):
            if not wanted.sources and not self._complete(wanted):
                yield from self._found(wanted)
            for source in wanted.sources:
                here = self._complete(wanted) or self.ranges.covers(source.begin, source.end)
                if here or (yield from self._fetch(wanted, source)):
                    yield from self._tell(wanted, source)
        self._moving = False

    def _all_whole(self) -> Generator[Wait, Any, bool]:
        """Whether all members of a new group are there and know that they have all that there is.

        One that comes to be when its leader has written already must catch up before its word counts; were
        the leader lost by then, no others could ever say that nothing had been acknowledged.
        """
        heads = yield from self._heads(0)
        return self.leads and len(heads) == len(self.options.peers) and all(head.whole for head in heads)

    def _found(self, wanted: Hold) -> Generator[Wait, Any, None]:
        """The first of all holders of a stretch writes that it holds it."""
        if not self.ranges.had:
            self._control(Granted(begin=wanted.begin, end=wanted.end, version=wanted.version), wanted.version)
            yield from self._made_safe(wanted.begin, wanted.end)

    def _fetch(self, wanted: Hold, source: Source) -> Generator[Wait, Any, bool]:
        """Copy a stretch from the group that has it; returns whether it is here now."""
        after, more, since_us = 0, True, 0
        while more:
            gave = yield from self._asked_of(source, wanted, after)
            if gave is None or not self.leads or not self._copy(gave.entries):
                return False
            self.ctx.point("K3")
            after, more, since_us = gave.upto, gave.more, gave.since_us
        if not self.ranges.covers(source.begin, source.end):
            fact = Received(
                begin=source.begin,
                end=source.end,
                source=source.group,
                version=wanted.version,
                since_us=since_us,
            )
            self._control(fact, wanted.version)
            self.ctx.note("received", wanted.version)
        return (yield from self._made_safe(source.begin, source.end))

    def _made_safe(self, begin: int, end: int) -> Generator[Wait, Any, bool]:
        """Wait until the last fact counts and is durable; nothing of the stretch is served before."""
        self._unsafe = (begin, end)
        safe = yield from self._settled(self.streams.of(_OWN_KEY).last)
        self._unsafe = None
        self.ctx.point("K4")
        return safe

    def _asked_of(self, source: Source, wanted: Hold, after: int) -> Generator[Wait, Any, Gave | None]:
        """What a group gives, whoever of it answers first, its first owner being asked first."""
        request = Give(
            begin=source.begin,
            end=source.end,
            to=self.options.shard,
            owners=wanted.owners,
            version=wanted.version,
            after=after,
            limit=_PAGE,
        )
        for _ in source.owners:
            location = self._locate(source.group, source.owners[self._giver % len(source.owners)])
            gave: Gave | None = yield self.ctx.call(location, request, self.options.ask_us)
            if gave is not None:
                return gave
            self._giver += 1  # that one does not lead, or is not heard
        return None

    def _copy(self, entries: Iterable[Entry]) -> bool:
        """Append another log's entries that are not here yet; False if some before them are missing."""
        count = 0
        for entry in entries:
            stream = self.streams.of((entry.tenant, instance_of(entry.address)))
            version = version_of(entry.address)
            if version <= stream.version:
                continue
            if version != stream.version + 1:
                return False
            self._take((copied(entry, self.journal.length + 1, self.epoch),))
            count += 1
        if count:
            self.ctx.note("copied", count)
            self._hold()
        return True

    def _tell(self, wanted: Hold, source: Source) -> Generator[Wait, Any, None]:
        """Tell a group that what it gave is safe here."""
        message = Taken(to=self.options.shard, version=wanted.version)
        for _ in source.owners:
            owner = source.owners[self._giver % len(source.owners)]
            noted = yield self.ctx.call(self._locate(source.group, owner), message, self.options.ask_us)
            if noted is not None:
                self._thanked.add(source.group)
                return
            self._giver += 1
