"""Log shipping: each durable entry of a shard reaches its peers, in order, without a gap.

One `Outbound` for each peer sends entries as soon as they are durable, in batches, up to a
window; what is not acknowledged is sent again from the first missing entry on, with back-off
while nothing moves. One `Inbound` for each source takes entries in order, drops what it has,
holds what came too early (a bounded number), and acknowledges cumulatively. An acknowledgement
bears the receiver's *session*, one more after each restart: within a session it only grows, and
only a newer session may take it back. Both classes are pure but for the sends and the clock.

Every message also says up to where the source's log is complete: the *promise*, a time that no
entry beyond those before `first` + len(entries) will be stamped at or below. It counts only
once all of them have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from models.addressing import REPLICATION, Scope, message_type_id
from models.eventlog import Entry
from sim.host import Context, Wait
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Inbound", "Outbound", "Reign", "Ship", "ShipAck", "ShipOptions", "next_session"]

#: Bytes of an entry on the wire: its envelope of eight numbers, and an event of about 60 bytes.
_ENTRY_BYTES = 132


class Reign(NamedTuple):
    """From which position on a home wrote the log: entries beyond `start` bear `epoch`."""

    epoch: int
    region: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship(Message):
    """A run of entries of one shard, possibly empty.

    Attributes:
        source: Number of the region that ships.
        shard: Whose log.
        reigns: The source's lineage (empty where the home never moves).
        first: Position of the first entry, or of the next one to come if there are none.
        entries: In order, without a gap.
        promise_us: See the module.
        probe: Whether the source does not know where the receiver stands and asks.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 1)
    source: int
    shard: int
    reigns: tuple[Reign, ...]
    first: int
    entries: tuple[Entry, ...]
    promise_us: int
    probe: bool

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A sum that need not look into the entries."""
        return 128 + 24 * len(self.reigns) + _ENTRY_BYTES * len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipAck(Message):
    """All entries up to `upto` have arrived (and are durable, where the design says so)."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 2)
    receiver: int
    shard: int
    epoch: int
    session: int
    upto: int


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
        for name in ("batch", "resend_us", "heartbeat_us", "held"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} ships nothing; give at least 1")
        if self.window < self.batch:
            raise ValueError(f"{self.window=} holds no batch of {self.batch}; raise it")
        if self.resend_us_max < self.resend_us:
            raise ValueError(f"{self.resend_us_max=} is below {self.resend_us=}; raise it")


class Outbound:
    """The sending side towards one peer.

    Args:
        ctx: The service that ships.
        peer: Where to.
        options: How.
        entries: The log, read in place; `durable` says how much of it may be shipped.
        durable: Number of entries that may be shipped now.
        promise: The promise that holds when everything durable has arrived.
        header: (source, shard) of every message.

    Attributes:
        acked: What the peer has, None until it told us in this life.
        reigns: Lineage to send along.
    """

    def __init__(
        self,
        ctx: Context,
        peer: Location,
        options: ShipOptions,
        *,
        entries: Callable[[], list[Entry]],
        durable: Callable[[], int],
        promise: Callable[[], int],
        header: tuple[int, int],
    ) -> None:
        self.acked: int | None = None
        self.reigns: tuple[Reign, ...] = ()
        self._ctx = ctx
        self._peer = peer
        self._options = options
        self._entries = entries
        self._durable = durable
        self._promise = promise
        self._source, self._shard = header
        self._sent = 0
        self._session = -1
        self._sent_us = -options.heartbeat_us
        self._moved_us = 0
        self._patience_us = options.resend_us

    @property
    def unacknowledged(self) -> int:
        """How many durable entries the peer is not known to have."""
        return self._durable() - (self.acked or 0)

    def push(self) -> None:
        """Send what is durable and not yet sent, as far as the window goes."""
        acked = self.acked
        if acked is None:
            return
        options = self._options
        end = min(self._durable(), acked + options.window)
        if self._sent == acked < end:
            self._moved_us = self._ctx.mono_us()  # the wait for an answer begins now
        while self._sent < end:
            last = min(end, self._sent + options.batch)
            self._send(self._sent + 1, last)
            self._sent = last

    def tick(self) -> None:
        """Send again what stays unanswered; else a heartbeat if the line was quiet."""
        now = self._ctx.mono_us()
        acked = self.acked
        if acked is not None and self._sent > acked and now - self._moved_us >= self._patience_us:
            self._patience_us = min(2 * self._patience_us, self._options.resend_us_max)
            self._resend(now)
        elif now - self._sent_us >= self._options.heartbeat_us:
            self._send(self._durable() + 1, self._durable())

    def acknowledged(self, session: int, upto: int) -> bool:
        """Take an acknowledgement; returns whether `acked` changed. Old sessions are ignored."""
        if session < self._session:
            return False
        now = self._ctx.mono_us()
        # The peer may hold more than we have (a suffix that it has yet to give up).
        upto = min(upto, self._durable())
        if session > self._session or self.acked is None:
            self._session = session
            self.acked = self._sent = upto
        elif upto > self.acked:
            self.acked = upto
            self._sent = max(self._sent, upto)
        else:
            # It lives and lacks what we sent: no need to sit out the back-off, yet one repeat a
            # round trip is enough, however many such answers a lost batch provokes.
            if upto == self.acked < self._sent and now - self._moved_us >= self._options.resend_us:
                self._resend(now)
            return False
        self._moved_us = now
        self._patience_us = self._options.resend_us
        self.push()
        return True

    def restart(self) -> None:
        """Forget where the peer stands and ask (the log under us was replaced)."""
        self.acked = None
        self._sent = 0

    def _resend(self, now: int) -> None:
        """One batch from the first missing entry: a probe, while nothing is known to get through."""
        assert self.acked is not None
        self._moved_us = now
        last = min(self._sent, self.acked + self._options.batch)
        self._sent = last
        self._send(self.acked + 1, last)

    def _send(self, first: int, last: int) -> None:
        entries = self._entries()
        batch = tuple(entries[first - 1 : last])
        # Up to an entry that is not the last durable one, its own stamp is all that is certain.
        promise_us = self._promise() if last >= self._durable() else batch[-1].stamp_us
        self._sent_us = self._ctx.mono_us()
        self._ctx.send(
            self._peer,
            Ship(
                source=self._source,
                shard=self._shard,
                reigns=self.reigns,
                first=first,
                entries=batch,
                promise_us=promise_us,
                probe=self.acked is None,
            ),
        )


class Inbound:
    """The receiving side from one source.

    Args:
        received: How many entries of the source are here already.
        promise_us: A promise of the source that they cover.
        held: Most batches to keep beyond a gap.

    Attributes:
        received: Entries here without a gap.
        promise_us: Largest promise covered by them.
    """

    def __init__(self, received: int = 0, promise_us: int = 0, *, held: int = 32) -> None:
        self.received = received
        self.promise_us = promise_us
        self._limit = held
        self._held: dict[int, Ship] = {}

    def take(self, ship: Ship) -> tuple[Entry, ...]:
        """The entries that became contiguous with this batch, in order; often just its own."""
        if ship.first > self.received + 1:
            self._hold(ship)
            return ()
        ready = self._accept(ship)
        while self._held and (first := min(self._held)) <= self.received + 1:
            ready += self._accept(self._held.pop(first))
        return ready

    def is_expected(self, ship: Ship) -> bool:
        """Whether the source sends just what is due and knows it; else it should hear at once."""
        return ship.first == self.received + 1 and not ship.probe

    def _hold(self, ship: Ship) -> None:
        """Keep a batch beyond a gap, if there is room and no longer one begins at its place."""
        kept = self._held.get(ship.first)
        room = len(self._held) < self._limit if kept is None else len(kept.entries) < len(ship.entries)
        if ship.entries and room:
            self._held[ship.first] = ship

    def _accept(self, ship: Ship) -> tuple[Entry, ...]:
        """Take what is new of a batch that leaves no gap."""
        end = ship.first + len(ship.entries) - 1
        fresh: tuple[Entry, ...] = ()
        if end > self.received:
            fresh = ship.entries[self.received + 1 - ship.first :]
            self.received = end
        self.promise_us = max(self.promise_us, ship.promise_us)
        return fresh


def next_session(ctx: Context, file: str = "session") -> Generator[Wait, Any, int]:
    """The number of this life of the service: one more than any earlier life's, durably."""
    earlier = [record for record in ctx.disk.read(file) if record is not TORN]
    session: int = max(earlier, default=0) + 1
    yield ctx.disk.replace(file, session)
    return session
