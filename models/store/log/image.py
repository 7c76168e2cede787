"""A log up to a position, as what it came to: what a peer is handed in place of entries that are gone."""

from __future__ import annotations

from dataclasses import dataclass

from models.store.log.journal import Answered
from models.store.log.snapshots import Snapshot

__all__ = ["Image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Everything up to a position, as what it came to.

    Attributes:
        position: Up to where.
        snapshots: Every stream with a history there.
        window: Commands that must still be known.
    """

    position: int
    snapshots: tuple[Snapshot, ...]
    window: tuple[Answered, ...]
