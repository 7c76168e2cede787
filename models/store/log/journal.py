"""The log of one shard on the disk of one host: segments, a base behind which nothing is kept, three tiers.

On which tier a scheme wants its copy decides when an entry reaches the disk: *heap* (only when
it is saved), *page cache* (at once) or *device* (at once, and flushed before it counts). Entries
lie in segments, one file each, so that the head of the log can be dropped: a *base* record says
up to where, and putting that record in place is the moment of truncation. What it leaves behind
in files below the base is dropped again at the next start.

Whoever waits for entries to be durable while a flush is under way shares the next: the device
groups. A flush is asked of the oldest segment that is not wholly durable, so no segment is
ever durable before the one in front of it, and a recovered log has no hole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final, NamedTuple

from models.store.log.entries import Entry, instance_of, version_of
from models.store.schemes import Tier
from sim.host import Context, Wait
from sim.storage import TORN

__all__ = ["Answered", "Base", "Journal", "Tip"]

_BASE: Final = "base"


class Answered(NamedTuple):
    """What a command came to whose entry is no longer kept.

    Attributes:
        key: Tenant and event id, as `models.store.log.streams` packs them.
        address: Of the event.
        told: What its client was told.
        denied: Why the domain said no; None if it did not.
    """

    key: int
    address: int
    told: int | str | None
    denied: str | None


class Tip(NamedTuple):
    """How far a stream had come where the log begins, so that an auditor can tell whether what is kept goes on there.

    Attributes:
        tenant: Whose stream it is.
        instance: The aggregate.
        version: Of its last event up to there.
        tip: Its hash chain there.
    """

    tenant: int
    instance: int
    version: int
    tip: int


class Base(NamedTuple):
    """Where a log begins.

    Attributes:
        position: Entries up to here are not kept.
        below: From which position on the files of the last truncation were.
        origin: The position after which this host's files begin; above 0 where it was handed a snapshot.
        window: Commands whose entries are not kept and that must still be known, oldest first.
        tips: Every stream that began up to here.
    """

    position: int = 0
    below: int = 0
    origin: int = 0
    window: tuple[Answered, ...] = ()
    tips: tuple[Tip, ...] = ()

    @property
    def streams(self) -> int:
        """How many streams began up to here: so many snapshots there must be."""
        return len(self.tips)


class Journal:
    """The log of one shard on one host, with a copy of what is kept in memory.

    Args:
        ctx: The service that owns it.
        tier: Where the scheme wants a copy.
        segment: Entries in a file.
        file: Name that the files begin with.

    Attributes:
        base: Where the log begins.
        entries: What is kept; position p is at index p - base.position - 1. Read only.
        length: Position of the last entry.
        written: Up to which position the page cache has it.
        durable: Up to which position the device has it, as far as this life knows.
        on_durable: Called once after each advance of `durable`, before any waiter goes on.
    """

    def __init__(self, ctx: Context, *, tier: Tier = Tier.DEVICE, segment: int = 1_000, file: str = "log") -> None:
        if segment < 1:
            raise ValueError(f"{segment=} holds no entry; give at least 1")
        self.base = self._next_base = Base()
        self.entries: list[Entry] = []
        self.length = 0
        self.written = 0
        self.durable = 0
        self.on_durable: Callable[[], object] = _nothing
        self._disk = ctx.disk
        self._on_device = tier is Tier.DEVICE
        self._on_disk = tier is not Tier.HEAP
        self._segment = segment
        self._prefix = file
        self._file = ""
        self._room_until = 0
        self._reign = 0

    @property
    def held(self) -> int:
        """Up to which position the log lies where the scheme wants it."""
        return self.durable if self._on_device else self.length

    @property
    def segment(self) -> int:
        """Entries in a file."""
        return self._segment

    def at(self, position: int) -> Entry:
        """The entry of a position that is kept."""
        return self.entries[position - self.base.position - 1]

    def after(self, position: int, limit: int | None = None) -> list[Entry]:
        """What is kept beyond a position, at most `limit` of it."""
        first = position - self.base.position
        assert first >= 0, f"{position=} lies before the base {self.base.position}"
        return self.entries[first:] if limit is None else self.entries[first : first + limit]

    # -- life --------------------------------------------------------------------------------

    def recover(self) -> Generator[Wait, Any, None]:
        """Read the log back after a start: drop what was truncated and a torn tail, make the rest durable.

        Entries that outlived the process in the page cache may not be on the device yet, and
        the service is about to act on them; so the flush comes first.
        """
        disk, size = self._disk, self._segment
        bases = [record for record in disk.read(_BASE) if record is not TORN]
        self.base = base = bases[-1] if bases else Base()
        emptied = self._empty(range(base.below // size, base.position // size))
        self.entries = []
        number, whole = base.position // size, True
        while records := disk.read(self._name(number)):
            sound = next((i for i, record in enumerate(records) if record is TORN), len(records)) if whole else 0
            if sound < len(records):
                disk.truncate(self._name(number), sound)
                whole = False
            skip = max(0, base.position - self._start_of(number))
            self.entries += records[skip:sound]
            number += 1
        self.length = self.written = base.position + len(self.entries)
        self.durable = base.position
        self._open(self.length)
        # Asked for at one instant, they are one flush.
        flushes = [*emptied, *(disk.flush(self._name(one)) for one in range(base.position // size, number))]
        for flushed in flushes:  # noqa: UP028
            yield flushed
        self.durable = self.length

    def append(self, entry: Entry) -> None:
        """Add the next entry."""
        assert entry.position == self.length + 1, f"{entry} would leave a gap or overwrite"
        self.entries.append(entry)
        self.length = position = entry.position
        if self._on_disk:
            if position > self._room_until:
                self._open(position - 1)
            self._disk.append(self._file, entry)
            self.written = position

    def extend(self, entries: Sequence[Entry]) -> None:
        """Add the next entries, in order: as `append` for each, and one call of the disk for all."""
        first, last = self.length + 1, self.length + len(entries)
        whole = [entry.position for entry in entries] == [*range(first, last + 1)]
        assert whole, f"{entries} would leave a gap or overwrite; {first}..{last} come next"
        self.entries += entries
        self.length = last
        if self._on_disk:
            self.save()

    def durable_at(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until all up to `position` is durable; False if that no longer counts."""
        reign = self._reign
        while self.durable < position:
            self.save()
            number = self.durable // self._segment
            flushed = yield self._disk.flush(self._name(number))
            if self._reign != reign:
                return False
            # While a tail of several files goes, what the flush covered may go beyond what is left of the log.
            durable = min(self._start_of(number) + flushed, self.length)
            if durable > self.durable:
                self.durable = durable
                self.on_durable()
        return True

    def save(self) -> None:
        """Hand the page cache what only the heap has."""
        while self.written < self.length:
            if self.written >= self._room_until:
                self._open(self.written)
            fits = min(self.length, self._room_until) - self.written
            self._disk.extend(self._file, self.after(self.written, fits))
            self.written += fits

    def dismiss(self) -> None:
        """Tell all who wait for an entry to be durable that it no longer counts."""
        self._reign += 1

    # -- cutting -----------------------------------------------------------------------------

    def truncate(self, keep: int) -> Generator[Wait, Any, list[Entry]]:
        """Durably keep the entries up to position `keep` only; returns the removed suffix.

        Who waits for an entry to be durable is dismissed. Later files go first, so that no crash
        in between leaves a hole.
        """
        self.dismiss()
        removed = self.entries[keep - self.base.position :]
        if not removed:
            return removed
        del self.entries[keep - self.base.position :]
        last, self.length = self.written, keep
        self.written, self.durable = min(self.written, keep), min(self.durable, keep)
        size, disk = self._segment, self._disk
        self._open(keep)
        for number in range(max(0, last - 1) // size, max(0, keep - 1) // size - 1, -1):
            name, left = self._name(number), max(0, keep - self._start_of(number))
            if len(disk.read(name)) > left:
                disk.truncate(name, left)
                yield disk.flush(name)
        if self._on_disk:
            yield from self.durable_at(keep)
        return removed

    def move_base(self, upto: int, window: tuple[Answered, ...]) -> Generator[Wait, Any, None]:
        """Durably begin after `upto`, the end of a segment; the rest is what must still be known of what goes.

        What goes is still here until `release_head`.
        """
        assert self.base.position <= upto <= self.durable, f"{upto=} is outside {self.base.position}..{self.durable}"
        disk, base, size = self._disk, self.base, self._segment
        tips = {(tip.tenant, tip.instance): tip for tip in base.tips}
        for entry in self.entries[: upto - base.position]:
            instance = instance_of(entry.address)
            tips[entry.tenant, instance] = Tip(entry.tenant, instance, version_of(entry.address), entry.tip)
        self._next_base = Base(upto, base.position, base.origin, window, tuple(tips.values()))
        # What the last truncation emptied must stay so: the next start looks no further back than `below`.
        # Asked for at one instant, they are one flush.
        emptied = [disk.flush(self._name(one)) for one in range(base.below // size, base.position // size)]
        for flushed in [*emptied, disk.replace(_BASE, self._next_base)]:  # noqa: UP028
            yield flushed

    def release_head(self) -> list[Wait]:
        """Let go of what lies before the base that was moved; returns what to wait for before it is moved again.

        The base tells the next start of the last truncation's files alone. Were their end not durable
        before another begins, a power loss would bring them back for good.
        """
        before, self.base = self.base, self._next_base
        del self.entries[: self.base.position - before.position]
        return self._empty(range(before.position // self._segment, self.base.position // self._segment))

    def restart_at(
        self, position: int, window: tuple[Answered, ...], tips: tuple[Tip, ...] = ()
    ) -> Generator[Wait, Any, None]:
        """Begin anew behind a snapshot that was handed over: nothing up to `position` is kept, nor anything else."""
        self.dismiss()
        before, size = self.base, self._segment
        first, last = before.below // size, self.written // size
        # In memory at once, so that who still flushes meanwhile finds nothing to do.
        self.base, self.entries = Base(position, position, position, window, tips), []
        self.length = self.written = self.durable = position
        self._open(position)
        # Later files go first, so that no crash in between leaves a hole; those before the base, which were
        # emptied and perhaps not durably so, go too: the new log may begin where they lie.
        for number in range(last, first - 1, -1):
            if self._disk.read(self._name(number)) or number < before.position // size:
                self._disk.truncate(self._name(number), 0)
                yield self._disk.flush(self._name(number))
        yield self._disk.replace(_BASE, self.base)

    # -- files -------------------------------------------------------------------------------

    def _empty(self, numbers: Iterable[int]) -> list[Wait]:
        """Empty the files of these numbers, as far as they hold anything; to be waited for."""
        names = [self._name(number) for number in numbers]
        names = [name for name in names if self._disk.read(name)]
        for name in names:
            self._disk.truncate(name, 0)
        return [self._disk.flush(name) for name in names]

    def _name(self, number: int) -> str:
        return f"{self._prefix}.{number}"

    def _start_of(self, number: int) -> int:
        """The position before the first entry of a file."""
        return max(number * self._segment, self.base.origin)

    def _open(self, position: int) -> None:
        """Append from now on to the file that holds what comes after `position`."""
        number = position // self._segment
        self._file = self._name(number)
        self._room_until = (number + 1) * self._segment


def _nothing() -> None:
    """Nobody listens."""
