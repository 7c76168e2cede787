"""The event log of one shard: append-only, with expected versions, flushed in groups.

An entry is immutable, and its place is its position, counted from 1. What the page cache holds
is *appended*; what the device holds is *durable*, and only that is acknowledged or shipped.
All that ask for a flush while one is under way share the next: the device does the grouping.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from models.bank import BankEvent
from sim.host import Context, Wait
from sim.storage import TORN

__all__ = ["Entry", "EventLog", "WrongExpectedVersion"]


class Entry(NamedTuple):
    """One stored event with its envelope.

    The order of the first three fields is the canonical order of the merge, so that entries
    compare as they are; (region, position) is unique within a shard, so no comparison goes on.

    Attributes:
        stamp_us: Hybrid logical time of the write (wall clock of the home in unsplit designs).
        region: Number of the region that wrote it.
        position: Place in the log of the shard that wrote it, from 1.
        epoch: Reign under which it was written.
        address: Packed `EventAddress`.
        accepted_us: The writer's wall clock.
        event: The domain fact.
        balance: The account's balance after it, as its writer saw it.
        parent: Address of the event that `balance` was computed from, 0 if none or not kept.
    """

    stamp_us: int
    region: int
    position: int
    epoch: int
    address: int
    accepted_us: int
    event: BankEvent
    balance: int
    parent: int = 0


class WrongExpectedVersion(NamedTuple):
    """An append was refused: the aggregate has moved on, or is not as far as the writer thought."""

    account: int
    expected: int
    current: int


class EventLog:
    """A shard's entries on the disk of one host, with a copy in memory to read from.

    Args:
        ctx: The service that owns it.
        file: Name of the file.

    Attributes:
        entries: What the page cache holds; position p is at index p - 1. Read only.
        durable: Number of entries on the device, as far as this life knows.
        on_durable: Called once after each advance of `durable`, before any waiter goes on.
    """

    def __init__(self, ctx: Context, file: str = "log") -> None:
        self.entries: list[Entry] = []
        self.durable = 0
        self.on_durable: Callable[[], object] = _nothing
        self._disk = ctx.disk
        self._file = file
        self._versions: dict[int, int] = {}
        self._reign = 0

    def recover(self) -> Generator[Wait, Any, None]:
        """Read the log back after a start: drop a torn tail, make the rest durable.

        Entries that outlived the process in the page cache may not be on the device yet, and
        the service is about to act on them; so the flush comes first.
        """
        records = self._disk.read(self._file)
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            self._disk.truncate(self._file, sound)
        self.entries = records[:sound]
        self._recount()
        if sound or records:
            yield self._disk.flush(self._file)
        self.durable = sound

    def version(self, account: int) -> int:
        """How many entries the account has, 0 if none."""
        return self._versions.get(account, 0)

    def append(self, entry: Entry, expected_version: int) -> WrongExpectedVersion | None:
        """Append the account's next entry; its position must be the log's next.

        Returns:
            None, or the refusal as a value: then nothing was written.
        """
        account = entry.event.account
        current = self._versions.get(account, 0)
        if current != expected_version:
            return WrongExpectedVersion(account, expected_version, current)
        assert entry.position == len(self.entries) + 1, f"{entry} would leave a gap or overwrite"
        self._versions[account] = current + 1
        self.entries.append(entry)
        self._disk.append(self._file, entry)
        return None

    def durable_at(self, position: int) -> Generator[Wait, Any, bool]:
        """Wait until the first `position` entries are durable; False if that no longer counts."""
        reign = self._reign
        while self.durable < position:
            durable = yield self._disk.flush(self._file)
            if self._reign != reign:
                return False
            if durable > self.durable:
                self.durable = durable
                self.on_durable()
        return True

    def dismiss(self) -> None:
        """Tell all who wait for an entry to be durable that it no longer counts."""
        self._reign += 1

    def truncate(self, keep: int) -> Generator[Wait, Any, list[Entry]]:
        """Durably keep the first `keep` entries only; returns the removed suffix.

        Who waits for an entry to be durable is dismissed.
        """
        self.dismiss()
        removed = self.entries[keep:]
        if not removed:
            return removed
        del self.entries[keep:]
        self._recount()
        self.durable = min(self.durable, keep)
        self._disk.truncate(self._file, keep)
        yield self._disk.flush(self._file)
        self.durable = keep
        return removed

    def _recount(self) -> None:
        self._versions.clear()
        for entry in self.entries:
            account = entry.event.account
            self._versions[account] = self._versions.get(account, 0) + 1


def _nothing() -> None:
    """Nobody listens."""
