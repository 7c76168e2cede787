"""What a log keeps: one event with its envelope, and the events that are the store's own.

Two of them say that a stream was deleted. The others, `Control`, are of the shard itself: who its
members are, say, or that part of its keys went elsewhere. They stand in one stream of their own, of
the tenant `OWN`, so that log, snapshots, audit and truncation treat them as they do everything else.

An entry is immutable. Its place in its log is its *position*, its place in its stream the version
in its address; both count from 1. `tip` chains it to all earlier entries of its stream, so that
an auditor finds what was changed or is missing (`models.store.log.chain`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

from models.addressing import plain_hash
from models.domain import Event, State
from models.domain.forms import content_of
from models.store.log.chain import ChainBroken, Link, check_chain
from sim.message import wire_size

__all__ = [
    "ENVELOPE_BYTES",
    "NOTHING",
    "OWN",
    "SEEN_BYTES",
    "Closed",
    "Control",
    "Deleted",
    "Entry",
    "all_bytes",
    "audit",
    "copied",
    "entry_bytes",
    "instance_of",
    "tip_after",
    "version_of",
]

#: Bytes of an envelope on the wire and on the disk: two 16-byte numbers and nine of 8.
ENVELOPE_BYTES: Final = 104

#: Bytes of one pair of what a writer had seen.
SEEN_BYTES: Final = 16

#: The tenant of what a shard keeps of itself; clients have lower ones.
OWN: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing(State):
    """Of a shard nothing is known."""


#: What a shard's own stream comes to before its first event.
NOTHING: Final = _Nothing()

_VERSION: Final = (1 << 32) - 1
_INSTANCE: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(Event):
    """Readers find the stream empty from here on; it may be written to again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """A tombstone: the stream is empty, and closed for ever."""


class Control(Event):
    """A fact about the shard itself, in the shard's own stream."""

    def after(self, state: State) -> State:
        """What the shard's own stream comes to with it; the state before the first is `NOTHING`."""
        raise NotImplementedError


class Entry(NamedTuple):
    """One stored event with its envelope.

    The order of the first three fields is the canonical order of the merge, so that entries
    compare as they are; (origin, position) is unique within a shard of one sub-domain.

    Attributes:
        stamp_us: Hybrid logical time of the write (wall clock of the leader in unsplit designs).
        origin: Number of the member that wrote it; in a split, of the sub-domain's region.
        position: Place in its log, from 1.
        epoch: Reign under which it was written.
        tenant: Whose it is; addresses are unique within a tenancy.
        address: Packed `EventAddress`.
        event_id: The idempotency key: the command's id, or the writer's own id of an event.
        accepted_us: The writer's wall clock.
        event: The domain fact.
        told: What the client was told of the aggregate after it.
        tip: The stream's hash chain after it.
        seen: In a split, what its writer had merged: pairs of sub-domain and position, in order, its own left out.
        number: Its place in the store's global sequence, 0 if there is none.
    """

    stamp_us: int
    origin: int
    position: int
    epoch: int
    tenant: int
    address: int
    event_id: int
    accepted_us: int
    event: Event
    told: int | str | None
    tip: int
    seen: tuple[tuple[int, int], ...] = ()
    number: int = 0


def copied(entry: Entry, position: int, epoch: int) -> Entry:
    """The same event as an entry of another log: its place there, and the reign, are that log's."""
    rest = entry[4:12]
    return Entry(entry.stamp_us, entry.origin, position, epoch, *rest)


def version_of(address: int) -> int:
    """The version in a packed address."""
    return address & _VERSION


def instance_of(address: int) -> int:
    """The aggregate in a packed address."""
    return address >> 32 & _INSTANCE


def entry_bytes(entry: Entry) -> int:
    """Bytes of an entry on the disk: its envelope, its event's fields, and what its writer had seen."""
    return ENVELOPE_BYTES + wire_size(entry.event) + SEEN_BYTES * len(entry.seen)


def all_bytes(entries: Iterable[Entry]) -> int:
    """Bytes of many entries on the disk; an event that equals an earlier one is not measured again."""
    # By class and fields, since to hash or compare the events themselves runs Python code for each.
    readers: dict[type[Event], Callable[[Event], Any]] = {}
    sizes: dict[tuple[type[Event], Any], int] = {}
    total = 0
    for entry in entries:
        event = entry.event
        kind = event.__class__
        reader = readers.get(kind)
        if reader is None:
            names = [field.name for field in fields(kind)]
            reader = readers[kind] = attrgetter(*names) if names else _nothing
        what = (kind, reader(event))
        size = sizes.get(what)
        if size is None:
            size = sizes[what] = ENVELOPE_BYTES + wire_size(event)
        total += size + SEEN_BYTES * len(entry.seen)
    return total


def _nothing(event: Event) -> None:
    return None


def audit(entries: list[Entry], *, after: int = 0, tip: int = 0, kept: int | None = None) -> ChainBroken | None:
    """The first place at which a stream is not what was once written, None if it is whole.

    Args:
        entries: The stream's, in order, from version `after + 1`.
        after: Version up to which entries were truncated or archived.
        tip: The chain's hash there.
        kept: A tip that an auditor has kept from before.
    """
    links = (Link(version_of(entry.address), audited(entry.event_id, entry.event), entry.tip) for entry in entries)
    return check_chain(links, after=after, tip=tip, kept=kept)


def tip_after(tip: int, version: int, event_id: int, event: Event) -> int:
    """The chain's hash after one more entry: `chain.link` over what is `audited`, known to be plain."""
    return plain_hash((tip, version, (event_id, content_of(event))))


def audited(event_id: int, event: Event) -> tuple[Any, ...]:
    """What the chain covers of an entry: which request led to which fact."""
    return (event_id, content_of(event))
