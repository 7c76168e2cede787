"""Snapshots of aggregates: taken, kept, and believed only where the log bears them out.

A snapshot is what a stream came to at one of its versions: its state, its chain's tip, whether it
is deleted. It saves replaying, and it lets the log's head go. Which is why it is worth nothing
on its own word: at recovery it counts if the log holds the entry that it was taken after, with
the same tip, or if the log begins at or behind it. One that is ahead of the log (the power went
after the snapshot was flushed and before the log was), torn, of another branch, or of a state
schema that this code does not read is passed over for an older one.

The file grows by appending and is put together again, atomically, when most of it is outdated.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.domain import State
from sim.host import Context, Wait
from sim.message import wire_size
from sim.storage import TORN

__all__ = ["Snapshot", "SnapshotPolicy", "Snapshots", "moved_to", "snapshot_bytes"]


class Snapshot(NamedTuple):
    """One aggregate at one version.

    Attributes:
        tenant: Whose it is.
        instance: The aggregate.
        version: Of the last event in it.
        position: Of that event in the log.
        address: Of that event.
        tip: The stream's hash chain there.
        first: Version that readers find first.
        deleted: Whether readers find the stream empty.
        closed: Whether it is closed for ever.
        schema: Of the state's form.
        state: What the events came to.
        taken_us: The taker's wall clock.
    """

    tenant: int
    instance: int
    version: int
    position: int
    address: int
    tip: int
    first: int
    deleted: bool
    closed: bool
    schema: int
    state: State
    taken_us: int


class _Merged(NamedTuple):
    """The file, put together again: one record, so that it is there or not."""

    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPolicy:
    """When a snapshot of an aggregate is due; None for never.

    Attributes:
        every: Events since the last one.
        age_us: Time since the first event after the last one.
        load_us: What loading it took, or would take.
    """

    every: int | None = None
    age_us: int | None = None
    load_us: int | None = None

    def __post_init__(self) -> None:
        for name in ("every", "age_us", "load_us"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} is always due; give at least 1, or None for never")


class Snapshots:
    """The snapshots of one shard on the disk of one host.

    Args:
        ctx: The service that owns them.
        bears_out: Whether the log, and this code, agree with a snapshot.
        file: Name of the file.

    Attributes:
        latest: By tenant and instance, the newest durable one.
        bytes_written: What was written so far, in bytes.
    """

    def __init__(self, ctx: Context, bears_out: Callable[[Snapshot], bool], file: str = "snapshots") -> None:
        self.latest: dict[tuple[int, int], Snapshot] = {}
        self.bytes_written = 0
        self._ctx = ctx
        self._bears_out = bears_out
        self._busy: Wait | None = None
        self._file = file
        self._records = 0

    def recover(self) -> Generator[Wait, Any, int]:
        """Read them back; returns how many were passed over."""
        disk = self._ctx.disk
        records = disk.read(self._file)
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            disk.truncate(self._file, sound)
        self.latest, passed_over = {}, len(records) - sound
        for snapshot in _each(records[:sound]):
            if self._bears_out(snapshot):
                self._keep(snapshot)
            else:
                passed_over += 1
        self._records = sound
        if passed_over:
            # What was not believed today must not be believed once the log has grown past it.
            yield from self.merge()
        elif records:
            yield disk.flush(self._file)
        return passed_over

    def write(self, snapshots: Iterable[Snapshot]) -> Generator[Wait, Any, None]:
        """Make some durable; they count from then on."""
        ctx, fresh = self._ctx, list(snapshots)
        busy = yield from self._alone()
        for snapshot in fresh:
            ctx.disk.append(self._file, snapshot)
            self.bytes_written += snapshot_bytes(snapshot)
        self._records += len(fresh)
        ctx.point("N1")
        yield ctx.disk.flush(self._file)
        for snapshot in fresh:
            if self._bears_out(snapshot):  # the log may have given up its tail meanwhile
                self._keep(snapshot)
        ctx.point("N2")
        self._done(busy)

    def tidy(self) -> Generator[Wait, Any, None]:
        """Put the file together again if most of it is outdated; the log must be durable as far as its newest go."""
        if self._records > 2 * len(self.latest) + 64:
            yield from self.merge()

    def keep_up_to(self, position: int) -> Generator[Wait, Any, None]:
        """Forget, durably, what was taken after a position: the log has given up what it came from."""
        gone = [key for key, snapshot in self.latest.items() if snapshot.position > position]
        for key in gone:
            del self.latest[key]
        if gone:
            yield from self.merge()

    def replace_all(self, snapshots: Iterable[Snapshot]) -> Generator[Wait, Any, None]:
        """Hold these instead, durably: they were handed over."""
        self.latest = {(snapshot.tenant, snapshot.instance): snapshot for snapshot in snapshots}
        yield from self.merge()

    def merge(self) -> Generator[Wait, Any, None]:
        """Put the file together again without what is outdated."""
        busy = yield from self._alone()
        merged = _Merged(tuple(self.latest.values()))
        self.bytes_written += self.stored_bytes()
        self._records = len(merged.snapshots)
        yield self._ctx.disk.replace(self._file, merged)
        self._done(busy)

    def stored_bytes(self) -> int:
        """What the newest of each take, in bytes."""
        return sum(snapshot_bytes(snapshot) for snapshot in self.latest.values())

    def _alone(self) -> Generator[Wait, Any, Wait]:
        """One writer at a time: what is appended while the file is put together again would not be in it."""
        while self._busy is not None:
            yield self._busy
        self._busy = self._ctx.wait()
        return self._busy

    def _done(self, busy: Wait) -> None:
        self._busy = None
        busy.resolve()

    def _keep(self, snapshot: Snapshot) -> None:
        key = (snapshot.tenant, snapshot.instance)
        kept = self.latest.get(key)
        if kept is None or kept.version <= snapshot.version:
            self.latest[key] = snapshot


def moved_to(position: int, snapshot: Snapshot) -> Snapshot:
    """The same as of a position of another log."""
    tenant, instance, version, _, address, tip, first, deleted, closed, schema, state, taken_us = snapshot
    return Snapshot(tenant, instance, version, position, address, tip, first, deleted, closed, schema, state, taken_us)


def snapshot_bytes(snapshot: Snapshot) -> int:
    """Bytes of a snapshot on the disk: its envelope and its state's fields."""
    return 80 + wire_size(snapshot.state)


def _each(records: Iterable[Any]) -> Iterator[Snapshot]:
    for record in records:
        if record.__class__ is _Merged:
            yield from record.snapshots
        else:
            yield record
