"""Storage tiers of one host: page cache and device, and what each crash leaves of them.

`append` reaches the operating system's page cache at once, so it survives the death of the
process; only a finished `flush` puts it on the device, so that it survives a power loss. The
heap tier is the services' own memory. A host has one device and one flush runs on it at a
time: whoever asks meanwhile shares the next one, which is what group commit is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

__all__ = ["TORN", "Device", "Disk", "Torn"]


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


class _File:
    """One file: what the page cache shows, and what the device would show after a power loss."""

    __slots__ = ("cache", "common", "device")

    def __init__(self) -> None:
        self.cache: list[Any] = []
        self.device: list[Any] = []
        #: Length of the prefix on which both agree.
        self.common = 0

    def sync(self, upto: int) -> None:
        """Make the first `upto` records of the cache the content of the device."""
        upto = min(upto, len(self.cache))
        del self.device[self.common :]
        self.device.extend(self.cache[self.common : upto])
        self.common = upto


class Device:
    """The disk of one host, shared by its services.

    Args:
        flush_us: Draws the duration of one flush, microseconds.
        call_later: The kernel's; a power loss or crash orphans flushes under way.
    """

    def __init__(
        self,
        flush_us: Callable[[], int],
        call_later: Callable[..., object],
    ) -> None:
        self._flush_us = flush_us
        self._call_later = call_later
        self._files: dict[str, _File] = {}
        self._waiting: list[tuple[_Wait, str, int, Any]] = []
        self._flushing = False
        self._power = 0
        self.flushes = 0
        self.flush_busy_us = 0

    def file(self, name: str) -> _File:
        """The file of that name, empty if it was never written."""
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = _File()
        return found

    def request(self, wait: _Wait, name: str, replacement: Any = None) -> None:
        """Resolve `wait` when what the file holds now (or the replacement) is on the device."""
        self._waiting.append((wait, name, len(self.file(name).cache), replacement))
        if not self._flushing:
            self._begin()

    def _begin(self) -> None:
        batch, self._waiting = self._waiting, []
        self._flushing = True
        took_us = self._flush_us()
        self.flushes += 1
        self.flush_busy_us += took_us
        self._call_later(took_us, self._end, batch, self._power)

    def _end(self, batch: list[tuple[_Wait, str, int, Any]], power: int) -> None:
        if power != self._power:
            return  # the power went during the flush: nothing of it reached the device
        self._flushing = False
        for _, name, upto, replacement in batch:
            file = self.file(name)
            if replacement is None:
                file.sync(max(upto, file.common))
            else:
                file.cache = list(replacement)
                file.common = 0
                file.sync(len(file.cache))
        if self._waiting:
            self._begin()
        for wait, name, _, _ in batch:
            wait.resolve(self.file(name).common)

    def process_crash(self) -> None:
        """Forget who waited; cache and device keep what they hold."""
        # A flush under way belongs to the kernel of the host and finishes; a replacement not
        # yet handed to it was a temporary file of the dead process.
        self._waiting.clear()

    def power_loss(self, *, torn: bool) -> None:
        """Lose the cache; with `torn`, the first record not flushed reads as `TORN`."""
        self._power += 1
        self._flushing = False
        self._waiting.clear()
        for file in self._files.values():
            tail = torn and len(file.cache) > file.common == len(file.device)
            if tail:
                file.device.append(TORN)
            file.cache = list(file.device)
            file.common = len(file.device)

    def contents(self) -> Iterable[tuple[str, Sequence[Any]]]:
        """Every file as the page cache shows it, by name."""
        return [(name, self._files[name].cache) for name in sorted(self._files)]


class Disk:
    """The files of one service: what a model sees of the device.

    Records are values; a file is a sequence of them. Reading costs no time: what a read
    should cost is part of the service time of the message that asks for it. Once the process
    that opened it is dead (`close`), it shows empty files and takes nothing.
    """

    __slots__ = ("_device", "_make_wait", "_prefix")

    def __init__(self, device: Device, prefix: str, make_wait: Callable[[], Any]) -> None:
        self._device = device
        self._prefix = prefix
        self._make_wait = make_wait

    def close(self) -> None:
        """Detach from the device: what a dead process still tries reaches nothing."""
        self._device = Device(lambda: 0, lambda *_: None)

    def append(self, file: str, record: Any) -> int:
        """Add a record to the page cache; returns its index in the file."""
        cache = self._device.file(self._prefix + file).cache
        cache.append(record)
        return len(cache) - 1

    def flush(self, file: str) -> Any:
        """A Wait for the device to hold what the file holds now; yields its durable length."""
        wait = self._make_wait()
        self._device.request(wait, self._prefix + file)
        return wait

    def read(self, file: str, start: int = 0) -> list[Any]:
        """The records from index `start` on; a record cut short reads as `TORN`."""
        return self._device.file(self._prefix + file).cache[start:]

    def replace(self, file: str, record: Any) -> Any:
        """A Wait for the file to hold just `record`, durably; before that it holds the old."""
        wait = self._make_wait()
        self._device.request(wait, self._prefix + file, (record,))
        return wait

    def truncate(self, file: str, keep: int) -> None:
        """Keep the first `keep` records; until a flush, a power loss brings the rest back."""
        kept = self._device.file(self._prefix + file)
        if not 0 <= keep <= len(kept.cache):
            raise ValueError(f"{keep=} is outside 0..{len(kept.cache)}, the length of {file!r}")
        del kept.cache[keep:]
        kept.common = min(kept.common, keep)
