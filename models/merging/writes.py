"""What goes into a merge, and what comes out of it, as values.

In goes a *write*: an event of one sub-domain with its place in the canonical order and in its stream, and
what its writer had seen. Out come facts about writes, never new events of the sub-domains: a merge that fed on
its own output would not end. A write is *merged* (its effect counts), *superseded* (it does not, and here is why),
or *compensated* (it was acknowledged, does not count, and whoever was told yes is owed something). *Opened* and
*resolved* are about what people must decide. Nothing that is accepted goes without one of these: no silent drop.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from models.addressing import plain_hash
from models.domain import Event

__all__ = [
    "Compensated",
    "Merged",
    "Opened",
    "Output",
    "Resolved",
    "Superseded",
    "Write",
    "compensation_key",
    "precedes",
    "seen_of",
]

_INSTANCE: Final = (1 << 64) - 1


class Write(NamedTuple):
    """One event of a sub-domain.

    The order of the first three fields is the canonical order: it respects causality, since a writer stamps
    above all that it has seen, and it is the same wherever it is computed.

    Attributes:
        stamp_us: Hybrid logical time.
        origin: Number of the sub-domain.
        position: Place in its stream, from 1 without a gap.
        address: Packed `EventAddress`.
        event: The fact.
        event_id: Of the request that led to it.
        seen: What its writer had merged: pairs of sub-domain and position, in order; its own is left out.
    """

    stamp_us: int
    origin: int
    position: int
    address: int
    event: Event
    event_id: int = 0
    seen: tuple[tuple[int, int], ...] = ()

    @property
    def instance(self) -> int:
        """The aggregate that it is of."""
        return self.address >> 32 & _INSTANCE  # as `instance_of`; asked so often that the call would count


class Merged(NamedTuple):
    """A write took its final place with its effect."""

    address: int


class Superseded(NamedTuple):
    """A write's effect does not count, for a reason; `by` is the write that has its place, 0 if none has."""

    address: int
    by: int
    reason: str


class Compensated(NamedTuple):
    """A write was taken back, or its harm made good, once: the key is the same wherever it is derived.

    `event_id` says whose request it was; `event` is what the merge itself adds to the history to make good, None where
    taking back does.
    """

    address: int
    key: int
    event_id: int
    event: Event | None = None


class Opened(NamedTuple):
    """Writes that somebody must choose between; the key is the conflict's."""

    key: int
    addresses: tuple[int, ...]


class Resolved(NamedTuple):
    """A conflict is over, by a write whose writer had seen all of it."""

    key: int
    by: int


Output: TypeAlias = Merged | Superseded | Compensated | Opened | Resolved


def precedes(first: Write, second: Write) -> bool:
    """Whether the second's writer had seen the first: a fact of the writes, whoever asks and whenever."""
    if first.origin == second.origin:
        return first.position < second.position
    return first.position <= seen_of(second, first.origin)


def seen_of(write: Write, origin: int) -> int:
    """Up to which position a write's author had seen a sub-domain."""
    if origin == write.origin:
        return write.position
    for number, position in write.seen:
        if number == origin:
            return position
    return 0


def compensation_key(policy: str, addresses: tuple[int, ...]) -> int:
    """The identity of a compensation or a conflict, from the policy and the writes that it is about."""
    return plain_hash((policy, *sorted(addresses)))
