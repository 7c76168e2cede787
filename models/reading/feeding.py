"""A shard that can be read from a position on: its committed log, in order, for whoever asks.

Any member that is ready answers, a follower too: what it takes for committed counts under its lineage,
which it tells. One that has less than the reader shows its last entry, so its answer begins before the place
that was asked about, and a reader that does not look goes back in time (etcd#15271). A log whose head is gone
begins behind `base`; the reader is told, since nothing may be skipped in silence.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.addressing import READING, Scope, message_type_id
from models.domain import Domain
from models.keyspace.keys import HASH_END, MASK, KeyHash
from models.store.group.lineage import Reign
from models.store.holding import Holding
from models.store.log.entries import ENVELOPE_BYTES, OWN, Entry, instance_of, version_of
from models.store.options import MemberOptions
from models.store.shard import Shard
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["FedShard", "Feeding", "Fetch", "Fetched", "Pull", "Pulled", "within"]

#: An envelope and a small event.
_ENTRY_BYTES: Final = ENVELOPE_BYTES + 16
_HEADER_BYTES: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull(Message):
    """A reader asks for what is committed beyond a position.

    Attributes:
        after: The position.
        limit: Entries looked at, at most.
        begin: First point of the line of hashes whose keys are wanted.
        end: One past the last.
        keys: The only aggregates that are wanted; empty for all.
        wait_us: How long to wait for news where there are none.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READING, 1, command=True)
    after: int
    limit: int
    begin: int = 0
    end: int = HASH_END
    keys: frozenset[int] = frozenset()
    wait_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled(Message):
    """What was found.

    Attributes:
        shard: Whose log.
        reigns: Its lineage.
        led: Whether the member takes itself for the leader, so that `committed` is all there is.
        after: Position behind which the answer begins: that which was asked for, or less.
        upto: Position up to which the log was looked at.
        committed: Up to where the member knows the log to be committed.
        base: Position behind which the log begins.
        entries: Those that are wanted, in order.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READING, 2)
    shard: int
    reigns: tuple[Reign, ...]
    led: bool
    after: int
    upto: int
    committed: int
    base: int
    entries: tuple[Entry, ...]

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A header and entries of a common size: to measure each would cost more than to send it."""
        return _HEADER_BYTES + _ENTRY_BYTES * len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Message):
    """A reader of the global sequence asks for the events at addresses of one tenant each."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READING, 3, command=True)
    addresses: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Message):
    """Those of them that are committed here."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READING, 4)
    entries: tuple[Entry, ...]

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1

    def wire_bytes(self) -> int:
        """As of what was pulled."""
        return _HEADER_BYTES + _ENTRY_BYTES * len(self.entries)


class Feeding(Holding):
    """The side of a shard that readers see."""

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], **more: Any) -> None:
        super().__init__(ctx, options, domain, **more)
        self._on_line = KeyHash()

    @handles(Pull)
    def on_pull(self, msg: Pull, sender: Location) -> Any:
        """Hand out what is committed; wait a while where that is nothing new."""
        if not self.ready:
            return None
        if msg.wait_us and msg.after >= self.committed:
            return self._pull_later(msg)
        return self._pulled(msg)

    def _pull_later(self, msg: Pull) -> Generator[Wait, Any, Pulled | None]:
        if not self.damaged:
            yield within(self.ctx, self._commitment(self.committed + 1), msg.wait_us)
        return self._pulled(msg) if self.ready else None

    def _pulled(self, msg: Pull) -> Pulled:
        journal, base, committed = self.journal, self.journal.base.position, self.committed
        # Who has less than the reader shows the end of what it has; who takes that for news goes back in time.
        after = msg.after if msg.after <= committed else max(0, committed - 1)
        start = max(after, base)
        seen = journal.after(start, min(msg.limit, committed - start)) if committed > start else []
        return Pulled(
            shard=self.options.shard,
            reigns=self.reigns,
            led=self.leads,
            after=after,
            upto=start + len(seen),
            committed=committed,
            base=base,
            entries=self._wanted(seen, msg),
        )

    def _wanted(self, seen: list[Entry], msg: Pull) -> tuple[Entry, ...]:
        """Those in the stretch, or of the aggregates, that a reader asks for; never the shard's own."""
        if msg.keys:
            return tuple([one for one in seen if one.tenant != OWN and instance_of(one.address) in msg.keys])
        if msg.begin == 0 and msg.end == HASH_END:
            return tuple([one for one in seen if one.tenant != OWN])
        on_line, begin, end = self._on_line, msg.begin, msg.end
        # `instance_of`, written out: this looks at every entry for every reader.
        return tuple([one for one in seen if one.tenant != OWN and begin <= on_line(one.address >> 32 & MASK) < end])

    @handles(Fetch)
    def on_fetch_events(self, msg: Fetch, sender: Location) -> Fetched | None:
        """Hand out events by address, as far as they are committed."""
        if not self.ready:
            return None
        found = []
        for tenant, address in msg.addresses:
            kept = self.streams.entries_of((tenant, instance_of(address)), version_of(address) - 1)
            if kept and kept[0].address == address and kept[0].position <= self.committed:
                found.append(kept[0])
        return Fetched(entries=tuple(found))


class FedShard(Feeding, Shard):
    """One member of one shard that readers may follow; arguments as for a replica."""


def within(ctx: Context, wait: Wait, us: int) -> Wait:
    """A wait that ends with another, or after so long; a sleep yields None, so it would not end a wait for either."""
    done = ctx.wait()
    wait.when_done(lambda _: done.resolve(True))
    ctx.set_timer(us, done.resolve, True)
    return done
