"""The archive: where segments go before a store drops them, slow to read and kept for ever.

It belongs to no shard and decides nothing: it writes down what it is handed, once, and says so when
that is durable. Events of one place that are handed over twice (a crash came before the store heard)
are kept once; unequal ones at one place are both kept, for an auditor to see.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

from models.addressing import ARCHIVE, Scope, message_type_id
from models.store.log.entries import Entry
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Archive", "ArchiveService", "Archived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive(Message):
    """Keep these entries of a shard."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, ARCHIVE, 1, command=True)
    source: int
    shard: int
    entries: tuple[Entry, ...]

    def work(self) -> int:
        """As many units as there are entries."""
        return len(self.entries) or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived(Message):
    """They are durable."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, ARCHIVE, 2)
    shard: int
    upto: int


class ArchiveService(Service):
    """Keeps what it is handed.

    Attributes:
        entries: By shard, what it keeps, in order of arrival.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.entries: dict[int, list[Entry]] = {}
        self._known: set[tuple[int, int, int, int]] = set()

    def start(self) -> None:
        """Read back what an earlier life kept."""
        for record in self.ctx.disk.read("archive"):
            if record is not TORN:
                self._keep(*record)

    @handles(Archive)
    def on_archive(self, msg: Archive, sender: Location) -> Generator[Wait, Any, Archived]:
        """Write down what is new, durably."""
        for entry in msg.entries:
            if (msg.shard, entry.position, entry.epoch, entry.tip) not in self._known:
                self._keep(msg.shard, entry)
                self.ctx.disk.append("archive", (msg.shard, entry))
        yield self.ctx.disk.flush("archive")
        return Archived(shard=msg.shard, upto=msg.entries[-1].position)

    def _keep(self, shard: int, entry: Entry) -> None:
        self._known.add((shard, entry.position, entry.epoch, entry.tip))
        self.entries.setdefault(shard, []).append(entry)
