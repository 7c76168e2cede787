"""One stream in memory, and what streams and commands are known by.

Every entry that is taken changes one; `models.store.log.streams` holds them all.
"""

from __future__ import annotations

from typing import Final

from models.domain import State
from models.store.log.snapshots import Snapshot

__all__ = ["Stream", "StreamKey", "command_key", "restored"]

#: (tenant, instance).
StreamKey = tuple[int, int]
_TENANT_SHIFT: Final = 128


def command_key(tenant: int, event_id: int) -> int:
    """What the window knows a command by."""
    return tenant << _TENANT_SHIFT | event_id if tenant else event_id


class Stream:
    """One aggregate's events.

    Attributes:
        address: Of the last event; 0 if there never was one.
        version: Of the last event, 0 if there never was one.
        tip: The hash chain there.
        state: What the events came to; None if that must be loaded.
        positions: Of its entries in the log, in order.
        first: Version that readers find first.
        deleted: Whether readers find it empty.
        closed: Whether it is closed for ever.
        fresh: Events since the last snapshot was taken.
        fresh_us: When the first of them came.
    """

    __slots__ = (
        "address",
        "closed",
        "deleted",
        "first",
        "fresh",
        "fresh_us",
        "positions",
        "state",
        "tip",
        "version",
    )

    def __init__(self, state: State | None) -> None:
        self.address = 0
        self.version = 0
        self.tip = 0
        self.state = state
        self.positions: list[int] = []
        self.first = 1
        self.deleted = False
        self.closed = False
        self.fresh = 0
        self.fresh_us = 0

    @property
    def last(self) -> int:
        """Position of its last entry that is kept, 0 if none is."""
        return self.positions[-1] if self.positions else 0

    def position_of(self, version: int) -> int:
        """Position of an entry that is kept."""
        return self.positions[version - self.version - 1]


def restored(snapshot: Snapshot) -> Stream:
    """As it was when a snapshot of it was taken."""
    stream = Stream(snapshot.state)
    stream.address = snapshot.address
    stream.version = snapshot.version
    stream.tip = snapshot.tip
    stream.first = snapshot.first
    stream.deleted = snapshot.deleted
    stream.closed = snapshot.closed
    return stream
