"""One copy of a shard's log on one host, and who waits for what is in it.

What every way of replicating a log is built on, and all that those who serve commands see of it:
the log, what is derived from it, whether this member leads, up to where the log is *committed*,
and a wait for that. Nothing waits on its own: one flush is under way at a time and serves all that was
appended before, and requests wait in one heap by position.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from heapq import heappop, heappush
from typing import Any, ClassVar, Final

from models.domain import Domain
from models.store.group.aside import Aside
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.log.journal import Journal
from models.store.log.keeping import Keeper
from models.store.log.snapshots import Snapshot, Snapshots
from models.store.log.streams import Streams
from models.store.options import InDoubt, MemberOptions
from models.store.publishing import Publisher
from models.store.rounds import Rounds
from models.store.schemes import Tier
from models.store.sequence.numbering import Numbering
from sim.host import Context, Service, Wait
from sim.topology import Location

__all__ = ["COMMITTED", "IN_DOUBT", "ROLLED_BACK", "SILENT", "Holding"]

# What a request that waited for its event to be committed learns.
COMMITTED: Final = 0
ROLLED_BACK: Final = 1
IN_DOUBT: Final = 2
SILENT: Final = 3


class Holding(Service):
    """One copy of a shard's log.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: Whose events it keeps.

    Attributes:
        ready: Whether it knows where it stands; before that, and while that changes, it refuses.
        whole: Whether it has all that it ever acknowledged, so that its word counts.
        damaged: Whether its files do not fit each other, so that it is worth nothing until it was made anew.
        reigns: Its lineage; the last reign says who leads. Empty if it knows nothing yet.
        promised: It follows no leader of an earlier epoch.
        journal: Its log.
        snapshots: Its snapshots.
        streams: What the log comes to.
        aside: What it had to give up.
        keeper: What manages the log.
        publisher: What tells a subscriber of the log.
        numbering: Its numbers of the global sequence.
        committed: Up to which position the log is as safe as the scheme promises, as far as it knows.
        released: Up to where nobody outside needs the log any more.
        flushes: Those at times, behind the acknowledgement.
        shipments: The same.
    """

    # In slots: of an object with more than thirty attributes in its dictionary every method call looks twice.
    __slots__ = (
        "_asked_at",
        "_flushing",
        "_on_device",
        "_waiting",
        "_waits",
        "aside",
        "committed",
        "damaged",
        "domain",
        "flushes",
        "journal",
        "keeper",
        "numbering",
        "options",
        "promised",
        "publisher",
        "ready",
        "reigns",
        "released",
        "shipments",
        "snapshots",
        "streams",
        "whole",
    )

    POINTS: ClassVar[frozenset[str]] = frozenset({"C7", "C11", "C12", "N1", "N2", "N3", "N4", "R5", "R6"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"subscriber-behind"})

    #: What its parts are made of; a subclass may have others.
    STREAMS: ClassVar[type[Streams]] = Streams
    ASIDE: ClassVar[type[Aside]] = Aside
    KEEPER: ClassVar[type[Keeper]] = Keeper

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.options = options
        self.domain = domain
        self.ready = False
        self.whole = False
        self.damaged = False
        self.reigns: tuple[Reign, ...] = ()
        self.promised = 0
        scheme = options.scheme
        self.journal = Journal(ctx, tier=scheme.tier, segment=options.log.segment)
        self.journal.on_durable = self._advanced
        self.snapshots = Snapshots(ctx, self._bears_out)
        self.streams = self.STREAMS(domain, self.journal, window=options.window, cache=options.cache)
        self.aside = self.ASIDE(ctx)
        self.keeper = self.KEEPER(self)
        self.publisher = Publisher(self, options.subscriber)
        self.numbering = Numbering(self, options.sequencer)
        self.committed = 0
        self.released = 0
        self.flushes = Rounds()
        self.shipments = Rounds()
        self._on_device = scheme.tier is Tier.DEVICE
        self._flushing = False
        self._waiting: list[tuple[int, int, Wait, int]] = []
        self._waits = 0
        self._asked_at = 0

    # -- who leads ---------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The reign that it lives under; 0 if it knows none."""
        return self.reigns[-1].epoch if self.reigns else 0

    @property
    def electorate(self) -> tuple[int, ...]:
        """Numbers of the members that vote, as far as it knows for certain; empty where members do not change."""
        return ()

    @property
    def leader(self) -> int:
        """Who leads, as far as it knows."""
        return self.reigns[-1].region if self.reigns else self.options.home

    @property
    def leads(self) -> bool:
        """Whether it decides."""
        raise NotImplementedError

    @property
    def leads_elsewhere(self) -> Location | None:
        """Where the leader is, if it is another and none has taken its place as far as this member knows."""
        raise NotImplementedError

    def _still_leads(self) -> Generator[Wait, Any, bool]:
        """Whether nobody else had led up to when this was asked; what only tells of the log waits for it."""
        yield from ()
        return True

    # -- recovery ----------------------------------------------------------------------------

    def _bears_out(self, snapshot: Snapshot) -> bool:
        """Whether the log, and this code, agree with a snapshot."""
        position = snapshot.position
        if snapshot.schema != self.domain.STATE_SCHEMA or position > self.journal.length:
            return False
        if position <= self.journal.base.position:
            return True
        entry = self.journal.at(position)
        return entry.tip == snapshot.tip and entry.address == snapshot.address

    def _replay(self) -> Generator[Wait, Any, None]:
        """Derive everything held in memory from log and snapshots.

        Raises:
            LookupError: they do not fit each other.
        """
        replayed = self.streams.rebuild(self.snapshots.latest.values())
        self._know_committed()
        if replayed and self.options.replay_us:
            yield self.ctx.sleep(replayed * self.options.replay_us)

    def _know_committed(self) -> None:
        # Snapshots are written of what is committed, and only such a head goes: that much is known at a start.
        known = [self.journal.base.position, *(snapshot.position for snapshot in self.snapshots.latest.values())]
        self.committed = min(max(self.committed, *known), self.journal.length)

    # -- holding -----------------------------------------------------------------------------

    def _append_all(self, entries: Sequence[Entry]) -> None:
        """Append what another member wrote; what manages the log looks at each, else nobody has to yet."""
        streams, keeper = self.streams, self.keeper
        self.journal.extend(entries)
        if not keeper.active:
            streams.later(entries)
            return
        for entry in entries:
            keeper.appended(streams.apply(entry), entry)

    def _hold(self) -> None:
        """Something was appended: flush it, or count it as held."""
        if not self._on_device:
            self._advanced()
        elif not self._flushing:
            self._flushing = True
            self.ctx.set_timer(0, self._flush)

    def _flush(self) -> Generator[Wait, Any, None]:
        """One flush after the other until nothing is left."""
        journal = self.journal
        while journal.durable < journal.length:
            yield from journal.durable_at(journal.length)
        self._flushing = False

    def _held_all(self) -> Generator[Wait, Any, None]:
        journal = self.journal
        while journal.held < journal.length:
            yield from journal.durable_at(journal.length)

    def _committed_to(self, position: int) -> None:
        if position <= self.committed:
            return
        self.committed = position
        self.publisher.advanced()
        waiting = self._waiting
        released = []
        while waiting and waiting[0][0] <= position:
            released.append(heappop(waiting)[2])
        # Resolved last, since each resumes its task at once.
        for wait in released:
            wait.resolve(COMMITTED)

    def _until_committed(self, position: int) -> Generator[Wait, Any, int]:
        """Wait for an entry to be committed; returns what was learnt."""
        if position <= self.committed:
            return COMMITTED
        learnt: int = yield self._commitment(position)
        return learnt

    def _commitment(self, position: int) -> Wait:
        """A wait for an entry that is not committed yet; it yields what was learnt."""
        wait = self.ctx.wait()
        self._waits += 1
        heappush(self._waiting, (position, self._waits, wait, self.ctx.mono_us()))
        return wait

    def _surface(self) -> None:
        """Say what the policy says of what has waited too long."""
        policy, now = self.options.in_doubt, self.ctx.mono_us()
        if policy is InDoubt.BLOCK or not self._waiting:
            return
        late = [one for one in self._waiting if now - one[3] >= self.options.doubt_us]
        if late:
            self._waiting = sorted(one for one in self._waiting if now - one[3] < self.options.doubt_us)
            for one in late:
                one[2].resolve(IN_DOUBT if policy is InDoubt.SURFACE else SILENT)

    def _progress(self) -> bool:
        moved = self.committed > self._asked_at or self.committed == self.journal.length
        self._asked_at = self.committed
        return moved

    def _in_vain(self, length: int, learnt: int) -> None:
        """The log ends at `length` now; who waits for more waits in vain."""
        vain = [one for one in self._waiting if one[0] > length]
        self._waiting = sorted(one for one in self._waiting if one[0] <= length)
        for one in vain:
            one[2].resolve(learnt)
        self.keeper.forget()

    def wanted_by_peers(self, patience: int) -> list[int]:
        """Up to where each peer has the log, but for those that lack more than `patience` entries."""
        raise NotImplementedError

    def _advanced(self) -> None:
        """The log may lie further where the scheme wants it."""
        raise NotImplementedError

    @property
    def unshipped(self) -> int:
        """Entries that may be shipped and that some peer is not known to have; 0 at a follower."""
        raise NotImplementedError

    def alone_with(self, position: int) -> bool:
        """Whether a leader may have to give up what counts up to there, since no other is known to hold it.

        Never where others must hold it before it counts.
        """
        return False

    # -- what may go -------------------------------------------------------------------------

    @property
    def kept_for_others(self) -> bool:
        """Whether somebody outside needs the log until it has been told of it."""
        return self.options.subscriber is not None or self.options.sequencer is not None

    def let_go(self) -> None:
        """Somebody outside has more of the log."""
        self.released = max(self.released, self._released())

    def _released(self) -> int:
        """Up to where nobody outside needs the log any more, as the leader knows it."""
        options, length = self.options, self.journal.length
        published = length if options.subscriber is None else self.publisher.marked
        return min(published, length if options.sequencer is None else self.numbering.marked)

    def head_gone(self, upto: int) -> None:
        """The log begins behind this position now."""

    def _undisturbed(self) -> Generator[Wait, Any, None]:
        while self.keeper.cutting is not None:
            yield self.keeper.cutting

    # -- what goes on ------------------------------------------------------------------------

    def _live_beside(self) -> None:
        """Begin what goes on beside the replication, for as long as this member lives."""
        options = self.options
        self.ctx.set_timer(0, self.keeper.live)
        if options.subscriber is not None:
            self.ctx.set_timer(0, self.publisher.live)
        if options.sequencer is not None:
            self.ctx.set_timer(0, self.numbering.live)
        if options.scheme.flush_every_us is not None:
            self.ctx.set_timer(0, self._flush_at_times, options.scheme.flush_every_us)

    def _flush_at_times(self, every_us: int) -> Generator[Wait, Any, None]:
        self.flushes.start(self.ctx.mono_us())
        while True:
            yield self.ctx.sleep(every_us)
            if not self.ready:
                continue
            self.flushes.begin(self.ctx.mono_us())
            if self.journal.durable == self.journal.length or (yield from self.journal.durable_at(self.journal.length)):
                self.flushes.end()
