"""The ids that a queue remembers: those of messages alone.

Every entry of a log has an id, and the store remembers each, since each is a client's. In a queue most are the
broker's own: that letters were settled, or failed, and, at least once, that they came. They
would push out those that producers come back with.
"""

from __future__ import annotations

from typing import ClassVar, Final

from models.store.log.dedup import Window
from models.store.log.journal import Answered
from models.store.log.streams import Streams

__all__ = ["OWN_IDS", "LaneStreams", "MessageWindow"]

#: Set in the ids that a broker gives itself; those of messages are smaller.
OWN_IDS: Final = 1 << 126


class MessageWindow(Window[int | Answered]):
    """The last ids of messages."""

    __slots__ = ()

    def put(self, key: int, result: int | Answered) -> None:
        """Remember one more, unless it is the broker's own."""
        if key < OWN_IDS:
            super().put(key, result)


class LaneStreams(Streams):
    """The lanes of a shard."""

    WINDOW: ClassVar[type[Window[int | Answered]]] = MessageWindow
