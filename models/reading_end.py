"""How the read side ended a run: every view as its group has it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["ReadingEnd", "ViewEnd", "ViewRow"]


class ViewRow(NamedTuple):
    """A row, as judges need it; fields as in `models.reading.projections.Row`."""

    key: int
    version: int
    event_id: int
    value: int
    applied: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewEnd:
    """One part of the read side.

    Attributes:
        part: A segment, or a shard that projects inline.
        version: Of the projection that is shown.
        rows: By key.
        places: By shard, how far its log went in.
        parked: (key, shard, position, reason), in order.
        stopped: Why it stands still; empty if it does not.
        owed: Announcements that nobody has heard yet.
        owner: The number of the consumer that owns it; 0 for nobody.
    """

    part: int
    version: int
    rows: tuple[ViewRow, ...]
    places: tuple[int, ...]
    parked: tuple[tuple[int, int, int, str], ...]
    stopped: str
    owed: int = 0
    owner: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingEnd:
    """The whole read side.

    Attributes:
        checkpoint: How places were saved.
        views: By part; those whose group had a member that was up.
        missing: Parts of which nobody could tell.
        rung: Pairs of event and the version of the projection that first announced it.
        repeated: Announcements of what was known already.
        band: Cents that a band is wide, which is what accounts are asked for by; 0 if nobody does.
        by_log: Whether places are positions of logs, not of a global sequence.
        due: By part, who should own it in the end; empty where the number of consumers never changes.
        live: Whether views are live, so that nothing is kept that could be judged at the end.
    """

    checkpoint: str
    views: tuple[ViewEnd, ...]
    missing: int
    live: bool = False
    due: tuple[int, ...] = ()
    rung: tuple[tuple[int, int], ...] = ()
    repeated: int = 0
    band: int = 0
    by_log: bool = True
