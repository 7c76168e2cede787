"""How a member keeps its log from growing for ever: snapshots, then the head of the log goes.

A look every second, say. Snapshots that are due (so many events, so old, so slow to load) were taken
when they became due, as values; they are written once their last event is committed, so none
holds what may yet be taken back. Then whole segments go, oldest first, as far as durable snapshots
cover every stream that has events in them, peers hold them, and retention and archive allow.
The order is what makes it safe: snapshot durable, archive acknowledged, base record in place,
and only then are files emptied. A crash between any two of them leaves a log that is whole.

One stream that is seldom written to can hold back a segment for ever; `sweep` takes a snapshot of
whatever does. While the head is being cut the member does not change its lead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.store.log.archive import Archive, Archived
from models.store.log.entries import Entry, all_bytes, instance_of
from models.store.log.image import Image
from models.store.log.journal import Base
from models.store.log.snapshots import Snapshot
from models.store.log.streams import Stream, StreamKey
from sim.host import Wait

if TYPE_CHECKING:
    from models.store.holding import Holding

__all__ = ["Keeper", "Storage"]

#: Bytes of a remembered command in the base record, and of how far a stream had come there.
_ANSWERED_BYTES = 48
_TIP_BYTES = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a member keeps on its disk, in bytes.

    Attributes:
        log: Entries.
        snapshots: The newest of each stream.
        window: What is known of what is gone: remembered commands, and how far each stream had come.
        dropped: Entries that this life of the member let go of.
        snapshots_written: What this life wrote for snapshots, outdated ones included.
        windows_written: What it wrote for windows: the whole of one whenever the head is cut.
    """

    log: int
    snapshots: int
    window: int
    dropped: int
    snapshots_written: int
    windows_written: int

    @property
    def total(self) -> int:
        """What is kept now."""
        return self.log + self.snapshots + self.window


class Keeper:
    """The log management of one member.

    Args:
        shard: The member, whose parts it works on.

    Attributes:
        active: Whether it does anything at all.
        cutting: Done when the head that is being cut is gone; None while none is.
        archived: Entries that an archive has acknowledged.
        dropped: Entries that are no longer kept here.
    """

    def __init__(self, shard: Holding) -> None:
        self.cutting: Wait | None = None
        self.archived = 0
        self.dropped = 0
        self._dropped_bytes = 0
        self._windows_written = 0
        #: Where the log began when it was last measured, its bytes then, and its last entry.
        self._measured: tuple[int, int, Entry | None] = (0, 0, None)
        self._shard = shard
        self._policy = shard.options.log
        wanted = self._policy.snapshots
        self._every = wanted.every
        self.active = self._policy.truncate or any((wanted.every, wanted.age_us, wanted.load_us))
        self._due: dict[StreamKey, Snapshot] = {}
        self._dirty: OrderedDict[StreamKey, int] = OrderedDict()

    # -- when it is due ----------------------------------------------------------------------

    def appended(self, stream: Stream, entry: Entry) -> None:
        """A stream has one more event."""
        if not self.active:
            return
        key = (entry.tenant, instance_of(entry.address))
        if self._every is not None and stream.fresh >= self._every:
            self._take(key, stream)
        elif key not in self._dirty:
            self._dirty[key] = entry.accepted_us

    def loaded(self, key: StreamKey, stream: Stream, cost_us: int) -> None:
        """A state was brought into memory, which took so long."""
        limit = self._policy.snapshots.load_us
        if limit is not None and cost_us >= limit and stream.fresh:
            self._take(key, stream)

    def forget(self) -> None:
        """The log has given up its tail: nothing that was taken counts."""
        self._due.clear()
        self._dirty.clear()
        by_key = self._shard.streams.by_key
        fresh = [(stream.fresh_us, key) for key, stream in by_key.items() if stream.fresh]
        # Oldest first, as they would have come: whoever looks for old ones stops at the first that is not.
        for since_us, key in sorted(fresh):
            self._dirty[key] = since_us

    # -- what goes on ------------------------------------------------------------------------

    def live(self) -> Generator[Wait, Any, None]:
        """Look again and again."""
        if not self.active:
            return
        self.forget()
        while True:
            yield self._shard.ctx.sleep(self._policy.every_us)
            if self._shard.ready:
                yield from self.look()

    def look(self) -> Generator[Wait, Any, None]:
        """Write what is due, drop what may go; again for as long as that makes room."""
        self._take_old()
        yield from self._write_due()
        while self._policy.truncate and self._shard.ready:
            base = self._shard.journal.base.position
            upto = self._droppable()
            if upto > base:
                yield from self._drop(upto)
            # What held the next segment back was taken just now: a look that left it there would drop one segment
            # at a time, and a log that grows faster would grow for ever.
            wrote = yield from self._write_due()
            if not wrote and self._shard.journal.base.position == base:
                break

    def _take_old(self) -> None:
        age_us = self._policy.snapshots.age_us
        if age_us is None:
            return
        now = self._shard.ctx.now_us()
        old = []
        for key, since_us in self._dirty.items():
            if now - since_us < age_us:
                break
            old.append(key)
        for key in old:
            self._take(key, self._shard.streams.by_key[key])

    def _take(self, key: StreamKey, stream: Stream) -> None:
        """Take a snapshot of a stream as it is; it is written once its last event is committed."""
        shard = self._shard
        self._dirty.pop(key, None)
        stream.fresh = 0
        if not stream.positions:
            return  # all of it is in a snapshot already
        self._due[key] = shard.streams.snapshot(key, shard.snapshots.latest.get(key), shard.ctx.now_us())

    def _write_due(self) -> Generator[Wait, Any, bool]:
        """Write the snapshots whose last event is committed; returns whether there were any."""
        shard = self._shard
        safe = shard.committed
        if shard.options.scheme.holders == 1:
            # What no peer has may have to be given up, and a snapshot of it would be all that stood for what
            # came before: the copy would have to be made anew, perhaps of one that has less.
            safe = min([safe, *shard.wanted_by_peers(self._policy.peer_patience)])
        ripe = [(key, taken) for key, taken in self._due.items() if taken.position <= safe]
        if not ripe:
            return False
        for key, _ in ripe:
            del self._due[key]
        last = max(taken.position for _, taken in ripe)
        yield from shard.snapshots.write(taken for _, taken in ripe)
        while shard.journal.durable < min(last, shard.journal.length):
            # A power loss now would take what the newest are borne out by: nothing may be dropped yet for
            # their sake, neither older snapshots nor the head of the log.
            shard.ctx.point("N4")
            if not (yield from shard.journal.durable_at(min(last, shard.journal.length))):
                return True
        yield from shard.snapshots.tidy()
        return True

    def _droppable(self) -> int:
        """Up to where the head of the log may go."""
        shard, policy = self._shard, self._policy
        journal, size = shard.journal, policy.segment
        limit = min(shard.committed, journal.durable) - policy.retain_events
        limit = min([limit, *shard.wanted_by_peers(policy.peer_patience)])
        if shard.kept_for_others:
            limit = min(limit, shard.released)
        young_us = shard.ctx.now_us() - policy.retain_us
        upto = journal.base.position
        while (end := (upto // size + 1) * size) <= limit:
            if policy.retain_us and journal.at(end).accepted_us > young_us:
                break
            if not self._covered(upto, end):
                break
            upto = end
        return upto

    def _covered(self, after: int, end: int) -> bool:
        """Whether durable snapshots cover every stream with events in a segment; take those that lack, if told to."""
        shard = self._shard
        latest = shard.snapshots.latest
        covered = True
        for entry in shard.journal.after(after, end - after):
            key = (entry.tenant, instance_of(entry.address))
            found = latest.get(key)
            # One that is ahead of the durable log is gone with the power, and what it covers with it.
            if found is None or not entry.position <= found.position <= shard.journal.durable:
                covered = False
                if not self._policy.sweep:
                    break
                if key not in self._due:
                    self._take(key, shard.streams.by_key[key])
        return covered

    def _drop(self, upto: int) -> Generator[Wait, Any, None]:
        shard, journal = self._shard, self._shard.journal
        self.cutting = done = shard.ctx.wait()
        try:
            if (yield from self._archive(upto)):
                lacking = min(shard.wanted_by_peers(journal.length), default=upto) < upto
                left = shard.streams.answered_up_to(upto)
                yield from journal.move_base(upto, left)
                gone = journal.entries[: upto - journal.entries[0].position + 1]
                self.dropped += len(gone)
                self._dropped_bytes += all_bytes(gone)
                shard.streams.forget_head(upto, left)
                emptied = journal.release_head()
                shard.head_gone(upto)
                self._windows_written += _bytes_of(journal.base)
                shard.ctx.point("N3")
                if lacking:
                    shard.ctx.point("R6")
                for flushed in emptied:  # noqa: UP028
                    yield flushed
        finally:
            self.cutting = None
            done.resolve()

    def _archive(self, upto: int) -> Generator[Wait, Any, bool]:
        """Hand the archive what is about to go; returns whether it has it."""
        shard, journal, size = self._shard, self._shard.journal, self._policy.segment
        archive = self._policy.archive
        if archive is None:
            return True
        start = journal.base.position
        while start < upto:
            end = (start // size + 1) * size  # the first may be shorter: the log began behind a snapshot
            entries = tuple(journal.after(start, end - start))
            message = Archive(source=shard.options.number, shard=shard.options.shard, entries=entries)
            answer = yield shard.ctx.call(archive, message, shard.options.ask_us)
            if not isinstance(answer, Archived):
                return False
            self.archived += len(entries)
            start = end
        return True

    # -- for others --------------------------------------------------------------------------

    def image(self) -> Image:
        """Everything committed, as what it came to: for a peer that lacks what is no longer kept."""
        shard = self._shard
        streams, latest, now = shard.streams, shard.snapshots.latest, shard.ctx.now_us()
        # A new life does not know yet how much is committed; its snapshots do, being taken of nothing else.
        # An image that ended before one of them would hold events that the peer then takes a second time.
        covered = max((snapshot.position for snapshot in latest.values()), default=0)
        position = max(shard.committed, shard.journal.base.position, covered)
        cuts = (streams.snapshot(key, latest.get(key), now, position) for key in streams)
        return Image(
            position=position,
            snapshots=tuple(cut for cut in cuts if cut.version),
            window=streams.answered_up_to(position),
        )

    def storage(self) -> Storage:
        """What is on the disk."""
        shard = self._shard
        return Storage(
            log=self._log_bytes(),
            snapshots=shard.snapshots.stored_bytes(),
            window=_bytes_of(shard.journal.base),
            dropped=self._dropped_bytes,
            snapshots_written=shard.snapshots.bytes_written,
            windows_written=self._windows_written,
        )

    def _log_bytes(self) -> int:
        """Bytes of the log. Who watches it asks time and again, so only what came since is measured."""
        journal = self._shard.journal
        base, known, last = self._measured
        upto = journal.base.position
        # Logs that begin alike and hold the same entry at a place are equal up to there.
        if last is not None and base == upto and last.position <= journal.length and journal.at(last.position) is last:
            upto = last.position
        else:
            known = 0
        total = known + all_bytes(journal.after(upto))
        self._measured = (journal.base.position, total, journal.entries[-1] if journal.entries else None)
        return total


def _bytes_of(base: Base) -> int:
    """Bytes of a base record, but for the few numbers that it begins with."""
    return _ANSWERED_BYTES * len(base.window) + _TIP_BYTES * len(base.tips)
