"""Storage tiers of one host: page cache and device, and what each crash leaves of them.

`append` reaches the operating system's page cache at once, so it survives the death of the
process; only a finished `flush` puts it on the device, so that it survives a power loss. The
heap tier is the services' own memory. A host has one device and one flush runs on it at a
time: whoever asks meanwhile shares the next one, which is what group commit is.

Faults reach the device as three facts that hold while they live: flushes take longer, flushes
*lie* (they are acknowledged, and the data stay in a volatile cache below until an honest flush
of anything takes them along), and the disk is *full*. Losing the disk is an event: everything
on it is gone, and whoever had it open keeps getting `DiskLost`, also once it was replaced,
because a process that goes on as if nothing had happened would mix its memory with an empty
disk. A new life of the process finds the new disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from sim.message import check_value

__all__ = ["TORN", "Device", "Disk", "DiskError", "DiskFull", "DiskLost", "Torn"]


class DiskError(Exception):
    """The disk refuses. A service that does not handle it dies of it, as a process would."""


class DiskFull(DiskError):
    """There is no room for another record; what is there can be read, flushed and truncated."""


class DiskLost(DiskError):
    """The device is gone with all it held."""


class Torn:
    """The type of `TORN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "TORN"

    def __copy__(self) -> Torn:
        return self

    def __deepcopy__(self, memo: object) -> Torn:
        return self


#: Reads in place of a record whose write was cut short by a power loss.
TORN: Final = Torn()


class _Wait(Protocol):
    def resolve(self, value: Any = None) -> None: ...


class _Request:
    """Somebody who waits for the device.

    Attributes:
        wait: Told when it is done; None once the process that asked is dead.
        name: The file.
        upto: How many records of it are meant, as they are counted now.
        replacement: What is to stand in their place, None for a plain flush.
    """

    __slots__ = ("name", "replacement", "upto", "wait")

    def __init__(self, wait: _Wait, name: str, upto: int, replacement: tuple[Any, ...] | None) -> None:
        self.wait: _Wait | None = wait
        self.name = name
        self.upto = upto
        self.replacement = replacement


class _File:
    """One file: what the page cache shows, and what the device would show after a power loss."""

    __slots__ = ("cache", "claimed", "common", "device")

    def __init__(self) -> None:
        self.cache: list[Any] = []
        self.device: list[Any] = []
        #: Length of the prefix on which both agree.
        self.common = 0
        #: Length of the prefix that a lying flush acknowledged.
        self.claimed = 0

    def sync(self, upto: int) -> None:
        """Make the first `upto` records of the cache the content of the device."""
        upto = min(upto, len(self.cache))
        del self.device[self.common :]
        self.device.extend(self.cache[self.common : upto])
        self.common = upto

    def put(self, records: Sequence[Any], instead: int) -> None:
        """Let the page cache show `records` in place of the first `instead`."""
        self.cache = [*records, *self.cache[instead:]]
        self.common = self.claimed = 0

    def reread(self) -> None:
        """Show what the device holds, after a power loss."""
        self.cache = list(self.device)
        self.common = len(self.device)
        self.claimed = 0


class Device:
    """The disk of one host, shared by its services.

    Args:
        flush_us: Draws the duration of one flush, microseconds.
        call_later: The kernel's; a power loss or crash orphans flushes under way.
        met: Told by name what a fault did, as evidence.
        tell: Resolves the wait of a living process with a value; at once, where none is given.

    Attributes:
        slow_factor: Multiplies the duration of flushes that begin from now on. One under way keeps
            the duration that it began with: the device has already been given it.
        lies: Whether flushes that end from now on are acknowledged and not done.
        full: Whether there is no room for new records.
        lost: Whether there is no disk at the moment.
        flushes: How many began.
        flush_busy_us: What they took, microseconds.
        lied: How many were acknowledged and not done.
        refused: How often a service was told that the disk is full or lost.
        values: Classes of records that were found to be values.
        files: By name, those that hold something.
    """

    def __init__(
        self,
        flush_us: Callable[[], int],
        call_later: Callable[..., object],
        tell: Callable[[Any, int], object] | None = None,
        met: Callable[[str], object] | None = None,
    ) -> None:
        self._flush_us = flush_us
        self._call_later = call_later
        self.files: dict[str, _File] = {}
        self._tell = tell or (lambda wait, durable: wait.resolve(durable))
        self._met = met or (lambda what: None)
        self._waiting: list[_Request] = []
        self._batch: list[_Request] = []
        self._flushing = False
        self._power = 0
        self._lied_to: dict[str, None] = {}
        self.generation = 0
        self.slow_factor = 1.0
        self.lies = False
        self.full = False
        self.lost = False
        self.flushes = 0
        self.flush_busy_us = 0
        self.lied = 0
        self.refused = 0
        self.values: set[type] = set()

    def file(self, name: str) -> _File:
        """The file of that name, empty if it was never written."""
        return self.files.get(name) or self.files.setdefault(name, _File())

    def request(self, wait: _Wait, name: str, replacement: tuple[Any, ...] | None = None) -> None:
        """Resolve `wait` when what the file holds now (or the replacement) is on the device."""
        self._waiting.append(_Request(wait, name, len(self.file(name).cache), replacement))
        if not self._flushing:
            self._begin()

    def _begin(self) -> None:
        self._batch, self._waiting = self._waiting, []
        self._flushing = True
        took_us = self._flush_us()
        if self.slow_factor != 1.0:
            took_us = round(took_us * self.slow_factor)
            self._met("slow flushes")
        self.flushes += 1
        self.flush_busy_us += took_us
        self._call_later(took_us, self._end, self._power)

    def _end(self, power: int) -> None:
        if power != self._power:
            return  # the power went during the flush: nothing of it reached the device
        self._flushing = False
        batch = self._batch
        if self.lies:
            self._pretend(batch)
        else:
            for request in batch:
                if request.replacement is not None:
                    self._put(request)
                file = self.file(request.name)
                file.sync(max(request.upto, file.common))
            if self._lied_to:
                self._make_good()
        if self._waiting:
            self._begin()
        for request in batch:
            file = self.file(request.name)
            if request.wait is not None:
                self._tell(request.wait, max(file.common, file.claimed))
            if not (file.cache or file.device):
                # An empty file is as good as none; a log of many segments leaves many.
                self.files.pop(request.name, None)

    def _put(self, request: _Request) -> None:
        """Put a replacement in place; what was appended since it was asked for comes after it."""
        if request.replacement is None:
            return
        instead, put = request.upto, len(request.replacement)
        self.file(request.name).put(request.replacement, instead)
        request.replacement, request.upto = None, put
        for other in (*self._batch, *self._waiting):
            if other.name == request.name and other is not request:
                other.upto = put + max(0, other.upto - instead)

    def _pretend(self, batch: Iterable[_Request]) -> None:
        """Acknowledge a flush that leaves everything in the volatile cache."""
        self.lied += 1
        for request in batch:
            self._put(request)
            file = self.file(request.name)
            file.claimed = max(file.claimed, min(request.upto, len(file.cache)))
            self._lied_to[request.name] = None

    def _make_good(self) -> None:
        """An honest flush empties the volatile cache: what was claimed before is now true."""
        for name in self._lied_to:
            file = self.file(name)
            file.sync(max(file.claimed, file.common))
            file.claimed = 0
        self._lied_to.clear()

    def process_crash(self) -> None:
        """Forget who waited; cache and device keep what they hold."""
        # A flush under way belongs to the kernel of the host and finishes; a replacement was a
        # temporary file of the dead process, which is no longer there to rename it.
        self._waiting.clear()
        for request in self._batch:
            request.wait = request.replacement = None

    def power_loss(self, *, torn: bool) -> None:
        """Lose the cache; with `torn`, the first record not flushed reads as `TORN`."""
        self._stop()
        for file in self.files.values():
            tail = torn and len(file.cache) > file.common == len(file.device)
            if tail:
                file.device.append(TORN)
            file.reread()

    def lose(self) -> bool:
        """Lose everything; returns whether a flush was asked for, which now never ends."""
        asked = self._flushing or bool(self._waiting)
        self._stop()
        self.files.clear()
        self.generation += 1
        self.lost = True
        return asked

    def replace(self) -> None:
        """Put an empty disk in place of the lost one."""
        self.lost = False

    def _stop(self) -> None:
        self._power += 1
        self._flushing = False
        self._waiting.clear()
        self._batch = []
        self._lied_to.clear()

    def cut(self, name: str, keep: int) -> None:
        """Keep the first `keep` records of a file; what comes to stand behind them is new."""
        file = self.file(name)
        del file.cache[keep:]
        file.common = min(file.common, keep)
        file.claimed = min(file.claimed, keep)
        for request in (*self._batch, *self._waiting):
            if request.name == name:
                request.upto = min(request.upto, keep)

    def contents(self) -> Iterable[tuple[str, Sequence[Any]]]:
        """Every file as the page cache shows it, by name."""
        return [(name, self.files[name].cache) for name in sorted(self.files)]


class Disk:
    """The files of one service: what a model sees of the device.

    Records are values; a file is a sequence of them. Reading costs no time: what a read
    should cost is part of the service time of the message that asks for it. Once the process
    that opened it is dead (`close`), it shows empty files and takes nothing.
    """

    __slots__ = ("_device", "_generation", "_make_wait", "_prefix")

    def __init__(self, device: Device, prefix: str, make_wait: Callable[[], Any]) -> None:
        self._device = device
        self._generation = device.generation
        self._prefix = prefix
        self._make_wait = make_wait

    def close(self) -> None:
        """Detach from the device: what a dead process still tries reaches nothing."""
        self._device = Device(lambda: 0, lambda *_: None)
        self._generation = self._device.generation

    def append(self, file: str, record: Any) -> int:
        """Add a record to the page cache; returns its index in the file.

        Raises:
            DiskFull: there is no room.
            DiskLost: the device is gone, as in every other method.
            TypeError: the record is no value, so that memory could change the disk.
        """
        device = self._device
        if device.lost or device.full or device.generation != self._generation:
            self._there(room=True)
        if record.__class__ not in device.values:
            check_value(record, device.values)
        name = self._prefix + file
        cache = (device.files.get(name) or device.file(name)).cache
        cache.append(record)
        return len(cache) - 1

    def extend(self, file: str, records: Sequence[Any]) -> None:
        """As `append` for each of them: all, or none where the disk refuses."""
        device = self._there(room=True)
        if not device.values.issuperset(map(type, records)):
            for record in records:
                check_value(record, device.values)
        device.file(self._prefix + file).cache.extend(records)

    def flush(self, file: str) -> Any:
        """A Wait for the device to hold what the file holds now; yields its durable length."""
        device = self._there()
        wait = self._make_wait()
        device.request(wait, self._prefix + file)
        return wait

    def read(self, file: str, start: int = 0) -> list[Any]:
        """The records from index `start` on; a record cut short reads as `TORN`."""
        return self._there().file(self._prefix + file).cache[start:]

    def replace(self, file: str, record: Any) -> Any:
        """A Wait for `record` to stand in place of what the file holds now, durably.

        Until then the file holds the old records; what is appended meanwhile comes after the
        new one. If the process dies first, the old ones stay.

        Raises:
            DiskFull: there is no room for the new file beside the old.
            TypeError: the record is no value.
        """
        device = self._there(room=True)
        check_value(record, device.values)
        wait = self._make_wait()
        device.request(wait, self._prefix + file, (record,))
        return wait

    def truncate(self, file: str, keep: int) -> None:
        """Keep the first `keep` records; until a flush, a power loss brings the rest back."""
        device, name = self._there(), self._prefix + file
        length = len(device.file(name).cache)
        if not 0 <= keep <= length:
            raise ValueError(f"{keep=} is outside 0..{length}, the length of {file!r}")
        device.cut(name, keep)

    def _there(self, *, room: bool = False) -> Device:
        """The device, if it is the one that was opened and takes what is asked of it."""
        device = self._device
        if device.lost or device.generation != self._generation:
            device.refused += 1
            raise DiskLost(f"{self._prefix} lost its disk")
        if room and device.full:
            device.refused += 1
            raise DiskFull(f"{self._prefix} has no room left on its disk")
        return device
