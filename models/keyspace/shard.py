"""A shard that holds stretches of the key space, and takes and gives them while traffic flows.

Its server tells it what to hold. What its log lacks of that, its leader fetches from the group that
has it: it copies what counts of it into its own log, with versions, ids and chains as they are, while that group
goes on serving; when little is left, it asks the group to give the stretch up, copies the rest, and writes
that it has received it. It serves the stretch once that is committed, and durable, whatever the scheme: the giver
(`models.keyspace.giving`) will let go of the data.

The taker asks, so nothing is given up before the taker's group can take it. Every step may be
done twice: a new leader of the giver finds what it gave in its log, and one of the taker copies on from
what its own log has. What the giver wrote before it gave up is in its log before that, so an
answer that waits there is given, and a retry finds its event on either side.

A group takes once in its life: whatever changes hands goes to a group that comes to be for it. So snapshots that
stand for what the giver's log no longer has are installed where nothing is held yet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, ClassVar, Final

from models.domain import Domain
from models.keyspace.directory import Source
from models.keyspace.giving import LOOKS, OWN_KEY, Giving
from models.keyspace.ranges import Granted, Received
from models.keyspace.words import Gave, Give, Have, Hold, Taken
from models.store.log.entries import Entry, copied, instance_of, version_of
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot, moved_to
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["PlacedShard"]

#: Entries in one answer to `Give`.
_PAGE: Final = 1_000


class PlacedShard(Giving):
    """One member of one group; arguments as for the giving side."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"K3", "K4"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"received", "copied", "installed", "anew"})

    def __init__(
        self,
        ctx: Context,
        options: MemberOptions,
        domain: Domain[Any],
        point: Callable[[int, int], int],
        locate: Callable[[int, int], Location],
    ) -> None:
        super().__init__(ctx, options, domain, point, locate)
        self._moving = False
        self._giver = 0
        self._thanked: set[int] = set()

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

    def _take_over_stretches(self, wanted: Hold) -> Generator[Wait, Any, None]:
        """Fetch whatever is lacking, and tell those who gave it; once, for the next `Hold` begins anew."""
        if self.journal.length or (yield from self._all_whole()):
            if not wanted.sources and not self._complete(wanted):
                yield from self._found(wanted)
            lacking = [one for one in wanted.sources if not self._has(wanted, one)]
            if not lacking or (yield from self._fetch_all(wanted, lacking)):
                for source in wanted.sources:
                    yield from self._tell(wanted, source)
        self._moving = False

    def _has(self, wanted: Hold, source: Source) -> bool:
        return self._complete(wanted) or self.ranges.covers(source.begin, source.end)

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

    # -- fetching ----------------------------------------------------------------------------

    def _fetch_all(self, wanted: Hold, sources: Sequence[Source]) -> Generator[Wait, Any, bool]:
        """Copy stretches from the groups that have them; returns whether they are here now."""
        have = {source.group: 0 for source in sources}
        if self._copies_ahead:
            for source in sources:
                copied_upto = yield from self._copy_from(wanted, source, 0, final=False)
                if copied_upto is None or not (yield from self._settled(self.journal.length)):
                    return False  # given up before the others here have it, it would be nobody's for longer
                have[source.group], _ = copied_upto
            if not (yield from self._heard_by_enough()):
                return False
        since: dict[int, int] = {}
        for source in sources:
            ended = yield from self._copy_from(wanted, source, have[source.group], final=True)
            if ended is None:
                return False
            since[source.group] = ended[1]
        for source in sources:
            if not self.ranges.covers(source.begin, source.end):
                fact = Received(
                    begin=source.begin,
                    end=source.end,
                    source=source.group,
                    version=wanted.version,
                    since_us=since[source.group],
                    at_us=self.ctx.now_us(),
                )
                self._control(fact, wanted.version)
                self.ctx.note("received", wanted.version)
        return (yield from self._made_safe(wanted.begin, wanted.end))

    def _heard_by_enough(self) -> Generator[Wait, Any, bool]:
        """Wait until so many others have told how far they are that an entry would be committed at once."""
        for _ in range(LOOKS):
            if sum(out.acked is not None for out in self._outbound.values()) + 1 >= self.options.scheme.holders:
                return self.leads
            yield self.ctx.sleep(self.options.ask_us // LOOKS)
        return False

    def _copy_from(
        self, wanted: Hold, source: Source, after: int, *, final: bool
    ) -> Generator[Wait, Any, tuple[int, int] | None]:
        """Copy a stretch from a position of the giver's log on, until there is no more.

        Returns:
            The position up to which it is here, and when it was given up; None if that did not come about.
        """
        more, since_us = True, 0
        while more:
            gave = yield from self._asked_of(source, wanted, after, final=final)
            if gave is None or not self.leads:
                return None
            if gave.snapshots and not (yield from self._stand_behind_these(gave)):
                return None
            if not self._copy(gave.entries):
                yield from self._begin_anew()
                return None
            self.ctx.point("K3")
            after, more, since_us = gave.upto, gave.more, gave.since_us
        return after, since_us

    def _made_safe(self, begin: int, end: int) -> Generator[Wait, Any, bool]:
        """Wait until the last fact counts and is durable; nothing of the stretch is served before."""
        self._unsafe = (begin, end)
        safe = yield from self._settled(self.streams.of(OWN_KEY).last)
        self._unsafe = None
        self.ctx.point("K4")
        return safe

    def _asked_of(self, source: Source, wanted: Hold, after: int, *, final: bool) -> Generator[Wait, Any, Gave | None]:
        """What a group gives, whoever of it answers first, its first owner being asked first."""
        request = Give(
            begin=source.begin,
            end=source.end,
            to=self.options.shard,
            owners=wanted.owners,
            version=wanted.version,
            after=after,
            limit=_PAGE,
            final=final,
        )
        for _ in source.owners:
            location = self._locate(source.group, source.owners[self._giver % len(source.owners)])
            gave: Gave | None = yield self.ctx.call(location, request, self.options.ask_us)
            if gave is not None:
                return gave
            self._giver += 1  # that one does not lead, or is not heard
        return None

    def _copy(self, entries: Iterable[Entry]) -> bool:
        """Append another log's entries that are not here yet.

        Returns:
            False if some before them are missing, or others stand in their places: the giver has lost what was
            copied, and has written anew.
        """
        count = 0
        for entry in entries:
            key = (entry.tenant, instance_of(entry.address))
            stream, version = self.streams.of(key), version_of(entry.address)
            if version <= stream.version:
                if version > stream.version - len(stream.positions):
                    here = self.journal.at(stream.position_of(version))
                    if here.tip != entry.tip:
                        return False
                continue
            if version != stream.version + 1:
                return False
            self._take((copied(entry, self.journal.length + 1, self.epoch),))
            count += 1
        if count:
            self.ctx.note("copied", count)
            self._hold()
        return True

    def _stand_behind_these(self, gave: Gave) -> Generator[Wait, Any, bool]:
        """Hold snapshots of streams, and what must be known beside them, in front of all that is here.

        Returns:
            Whether they count here; not where something is held already, which would go for as long as that takes.
        """
        newer = {}
        for one in gave.snapshots:
            stream = self.streams.get((one.tenant, one.instance))
            if stream is None or stream.version < one.version:
                newer[one.tenant, one.instance] = one
        if not newer:
            return True
        if self.ranges.had:
            return False
        # One further than any log of this group goes: whoever has less is handed all of it.
        position = self.journal.length + 1
        known = {answered.key for answered in gave.window}
        mine = [one for one in self.streams.answered_up_to(self.journal.length) if one.key not in known]
        own = self._as_they_are(skip=newer)
        yield from self._instead(
            position, [moved_to(position, one) for one in (*own, *newer.values())], (*gave.window, *mine)
        )
        self.ctx.note("installed", len(newer))
        return (yield from self._settled(position))

    def _as_they_are(self, skip: Iterable[tuple[int, int]]) -> list[Snapshot]:
        """Snapshots of all other streams."""
        latest, now, length = self.snapshots.latest, self.ctx.now_us(), self.journal.length
        return [self.streams.snapshot(key, latest.get(key), now, length) for key in self.streams if key not in {*skip}]

    def _begin_anew(self) -> Generator[Wait, Any, None]:
        """Forget the copies: what they are of has been lost where they came from, as the scheme allows."""
        if not self.ranges.had:
            self.ctx.note("anew", self.options.shard)
            yield from self._instead(self.journal.length + 1, (), ())

    def _instead(
        self, position: int, snapshots: Iterable[Snapshot], window: tuple[Answered, ...]
    ) -> Generator[Wait, Any, None]:
        """Hold this in place of all that is here; the others of the group are handed it in turn."""
        self.ready = False
        yield from self._undisturbed()
        yield from self._install(position, tuple(snapshots), window)
        self.keeper.forget()
        self._begin()

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
