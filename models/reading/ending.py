"""What the read side came to, read from its services at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from models.groups import Group
from models.reading.bell import Bell
from models.reading.inline import InlineShard
from models.reading.projections import Row
from models.reading.viewing import ViewShard
from models.reading.views import head_of, view_of
from models.reading_end import ReadingEnd, ViewEnd, ViewRow
from sim.topology import Location

__all__ = ["reading_end"]


def reading_end(
    groups: Sequence[Group],
    service_of: Callable[[Location], Any],
    checkpoint: str,
    mode: str,
    bell: Location,
    due: tuple[int, ...] = (),
) -> ReadingEnd:
    """Look at whoever leads each part under the latest reign."""
    ends = []
    for group in groups:
        services = [service_of(location) for _, location in group.members]
        ready = [one for one in services if isinstance(one, InlineShard | ViewShard) and one.leads]
        if ready:
            ends.append(_end(group.shard, max(ready, key=lambda one: one.epoch)))
    heard = service_of(bell)
    return ReadingEnd(
        checkpoint=checkpoint,
        views=tuple(ends),
        missing=len(groups) - len(ends),
        live=mode == "live",
        due=due,
        rung=tuple(sorted(heard.rung.items())) if isinstance(heard, Bell) else (),
        repeated=heard.repeated if isinstance(heard, Bell) else 0,
    )


def _end(part: int, one: InlineShard | ViewShard) -> ViewEnd:
    if isinstance(one, InlineShard):
        return ViewEnd(part=part, version=1, rows=_rows(one.all_rows()), places=(), parked=(), stopped=one.stopped)
    head, _ = one.view(head_of(part))
    state, _ = one.view(view_of(head.shown, part))
    return ViewEnd(
        part=part,
        version=head.shown,
        rows=_rows(state.rows),
        places=tuple(place.position for place in state.places),
        parked=tuple((event.key, event.shard, event.position, event.reason) for event in state.parked),
        stopped=state.stopped,
        owed=len(state.owed),
        owner=state.owner,
    )


def _rows(rows: Iterable[Row]) -> tuple[ViewRow, ...]:
    return tuple(sorted(ViewRow(*row[:6]) for row in rows))
