"""Backups: what everything came to, asked of the leader now and then, kept where no member is.

A backup is an image, as a peer is handed where the log is gone: every stream's state, and the commands that
must still be known. Restored, it brings back all that was acknowledged before it was asked for, and nothing that
came later; the entries themselves it does not hold, which is what an archive is for.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from models.addressing import OPERATION, Scope, message_type_id
from models.store.group.words import Copied, CopyQuery
from models.store.log.image import Image
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["BackupQuery", "BackupService", "Backups", "BackupsOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupQuery(Message):
    """Which is the latest backup of a shard?"""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, OPERATION, 1)
    shard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups(Message):
    """The latest backup of a shard.

    Attributes:
        asked_us: When it was asked for, by the wall clock of who keeps it: what was acknowledged before that is in it.
        copy: Everything, as what it came to; None if there is no backup.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, OPERATION, 2)
    asked_us: int
    copy: Copied | None

    def work(self) -> int:
        """As many units as there are streams."""
        return 1 if self.copy is None else self.copy.work()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsOptions:
    """What is backed up, and how often.

    Attributes:
        shards: Members by name of the shard.
        every_us: Between two backups.
        ask_us: Patience with one member.
    """

    shards: tuple[tuple[str, tuple[Location, ...]], ...]
    every_us: int
    ask_us: int = 500_000

    def __post_init__(self) -> None:
        for name in ("every_us", "ask_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")


class _Kept(NamedTuple):
    asked_us: int
    copy: Copied


class BackupService(Service):
    """Keeps the latest backup of each shard.

    Attributes:
        latest: By shard, when it was asked for, and what it holds.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"backup"})

    def __init__(self, ctx: Context, options: BackupsOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.latest: dict[str, _Kept] = {}

    def start(self) -> Generator[Wait, Any, None]:
        """Read back what an earlier life kept, then make one backup after another."""
        for shard, _ in self.options.shards:
            kept = [record for record in self.ctx.disk.read(_file(shard)) if record is not TORN]
            if kept:
                self.latest[shard] = kept[-1]
        while True:
            yield self.ctx.sleep(self.options.every_us)
            for shard, members in self.options.shards:
                yield from self._back_up(shard, members)

    def image(self, shard: str) -> Image | None:
        """The latest backup of a shard; for reports."""
        kept = self.latest.get(shard)
        if kept is None:
            return None
        return Image(position=kept.copy.position, snapshots=kept.copy.snapshots, window=kept.copy.window)

    @handles(BackupQuery)
    def on_backup_query(self, msg: BackupQuery, sender: Location) -> Backups:
        """Hand out the latest."""
        kept = self.latest.get(msg.shard)
        return Backups(asked_us=0, copy=None) if kept is None else Backups(asked_us=kept.asked_us, copy=kept.copy)

    def _back_up(self, shard: str, members: tuple[Location, ...]) -> Generator[Wait, Any, None]:
        """Ask all members; the leader answers. Two that lead are told apart by what they have."""
        asked_us = self.ctx.now_us()
        calls = [self.ctx.call(member, CopyQuery(), self.options.ask_us) for member in members]
        answers = yield self.ctx.first(calls)
        copies = [copy for _, copy in answers if copy is not None]
        if copies:
            kept = _Kept(asked_us, max(copies, key=lambda copy: copy.position))
            yield self.ctx.disk.replace(_file(shard), kept)
            self.latest[shard] = kept
            self.ctx.note("backup", kept.copy.position)


def _file(shard: str) -> str:
    return f"backup-{shard}"
