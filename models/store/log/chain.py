"""The audit trail of a stream: each entry carries a hash over what it says and all before it.

Whoever changes, drops, inserts or moves an entry breaks the chain at that place, and the
place is named. What a store links in (`models.store.log.entries.audited`) is which request led to
which fact, at which version of the stream: the event's id, type, schema and fields. Outside are
what is known of an entry beside that: its place in the log, epoch, origin and stamps, the wall
clock `accepted_us`, what the client was `told`, the number of the global sequence; and the
tenant and the aggregate, which say whose chain it is. Copies are held against one another in all
of these, so a change at one member is found, and one that is made at every member is not.

A tail that is missing altogether cannot be seen from the rest; so an auditor
who has kept an earlier tip gives it, and it must still be on the chain. Source: Haber and
Stornetta, J. Cryptology 3 (1991), on time-stamping by linked hashes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from models.addressing import content_hash

__all__ = ["GENESIS", "ChainBroken", "Link", "check_chain", "link"]

#: The tip of an empty stream.
GENESIS: Final = 0


class Link(NamedTuple):
    """One entry as an auditor sees it.

    Attributes:
        version: In its stream, from 1.
        content: A value: everything that is audited.
        tip: The chain's hash after it, 64 bits.
    """

    version: int
    content: object
    tip: int


class ChainBroken(NamedTuple):
    """Where the trail no longer fits, and how; versions are of the stream."""

    version: int
    reason: str


def link(tip: int, version: int, content: object) -> int:
    """The chain's hash after one more entry."""
    return content_hash((tip, version, content))


def check_chain(
    entries: Iterable[Link], *, after: int = 0, tip: int = GENESIS, kept: int | None = None
) -> ChainBroken | None:
    """The first place at which a stream is not what was once written, None if it is whole.

    Args:
        entries: In order, from version `after + 1`.
        after: Version up to which entries were archived.
        tip: The chain's hash there.
        kept: A tip that an auditor has kept from before; it must be among those of the entries.
    """
    version, met = after, {tip}
    for entry in entries:
        version += 1
        if entry.version != version:
            missing = "is missing" if entry.version > version else f"is followed by {entry.version}"
            return ChainBroken(version, f"version {version} {missing}")
        tip = link(tip, version, entry.content)
        if tip != entry.tip:
            return ChainBroken(version, f"version {version} is not what was written, or what came before it was not")
        met.add(tip)
    if kept is not None and kept not in met:
        return ChainBroken(version + 1, f"the stream ends at version {version}, and what was audited later is gone")
    return None
