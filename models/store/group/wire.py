"""What members say to each other while the log is shipped, and how patiently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.addressing import REPLICATION, Scope, message_type_id
from models.store.group.lineage import Reign
from models.store.log.entries import ENVELOPE_BYTES, SEEN_BYTES, Entry
from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot
from sim.message import Message
from sim.wording import Refused

__all__ = ["Install", "Ship", "ShipAck", "ShipOptions"]

#: Bytes of an entry on the wire: its envelope, and an event of a few numbers.
_ENTRY_BYTES: Final = ENVELOPE_BYTES + 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship(Message):
    """A run of entries of one shard, possibly empty.

    Attributes:
        source: Number of the member that ships.
        shard: Whose log.
        reigns: The source's lineage (empty where the leader never changes).
        first: Position of the first entry, or of the next one to come if there are none.
        entries: In order, without a gap.
        promise_us: See the module.
        probe: Whether the source does not know where the receiver stands and asks.
        committed: Up to where the log is as safe as its scheme promises.
        upto: Up to where the source could have shipped.
        session: The receiver's, as far as the source knows; 0 for unknown.
        challenge: To be echoed.
        released: Up to where nobody outside needs the log any more: published, numbers told.
        everywhere: Up to where all have the log whom its head is kept for; 0 where it is kept for good.
        said: In a split, of a quiet source: a position of its log, and pairs of sub-domain and position that all its
            entries beyond will have seen.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 1)
    source: int
    shard: int
    reigns: tuple[Reign, ...]
    first: int
    entries: tuple[Entry, ...]
    promise_us: int
    probe: bool
    committed: int = 0
    upto: int = 0
    session: int = 0
    challenge: int = 0
    released: int = 0
    everywhere: int = 0
    said: tuple[int, tuple[tuple[int, int], ...]] = (0, ())

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A sum that need not look into the entries."""
        # In a split the entries of a sub-domain all say as much of what was seen.
        seen = SEEN_BYTES * len(self.entries[0].seen) if self.entries else 0
        said = SEEN_BYTES * len(self.said[1])
        return 160 + 24 * len(self.reigns) + said + (_ENTRY_BYTES + seen) * len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipAck(Message):
    """All entries up to `upto` have arrived, and lie where the scheme wants them; `source` says whose."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 2)
    receiver: int
    shard: int
    epoch: int
    session: int
    upto: int
    challenge: int = 0
    source: int = 0

    def wire_bytes(self) -> int:
        """A header and six numbers."""
        return 112


@dataclass(frozen=True, slots=True, kw_only=True)
class Install(Message):
    """In place of entries that the source no longer has: what they came to.

    Attributes:
        source: As in `Ship`, and the five after `window`.
        position: Everything up to here is in `snapshots` and `window`.
        snapshots: Every stream with a history up to there.
        window: Commands up to there that must still be known.
        released: Up to where nobody outside needed the log any more, as in `Ship`: beyond, somebody was not told yet.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 3)
    source: int
    shard: int
    reigns: tuple[Reign, ...]
    position: int
    snapshots: tuple[Snapshot, ...]
    window: tuple[Answered, ...]
    committed: int
    upto: int
    session: int
    challenge: int
    released: int = 0

    def work(self) -> int:
        """As many units as there are streams."""
        return len(self.snapshots) or 1

    def wire_bytes(self) -> int:
        """A sum that need not look into them."""
        return 160 + 24 * len(self.reigns) + 160 * len(self.snapshots) + 40 * len(self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipOptions:
    """How a shard ships.

    Attributes:
        batch: Most entries in a message.
        window: Most entries under way to one peer.
        resend_us: Silence after which unacknowledged entries are sent again, doubled for each
            attempt without progress; above the longest round trip and one `heartbeat_us`, by
            which a receiver may delay its acknowledgement.
        resend_us_max: Bound of the doubling.
        heartbeat_us: A peer that was sent nothing for so long is sent an empty batch.
        held: Most batches that a receiver keeps beyond a gap.
    """

    batch: int = 200
    window: int = 2_000
    resend_us: int = 500_000
    resend_us_max: int = 4_000_000
    heartbeat_us: int = 200_000
    held: int = 32

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} ships nothing; give at least 1"
            for name in ("batch", "resend_us", "heartbeat_us", "held")
            if getattr(self, name) < 1
        ]
        if self.window < self.batch:
            wrong.append(f"window={self.window} holds no batch of {self.batch}; raise it")
        if self.resend_us_max < self.resend_us:
            wrong.append(f"resend_us={self.resend_us} is above resend_us_max={self.resend_us_max}; lower it")
        if wrong:
            raise Refused(wrong)
