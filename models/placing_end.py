"""How the key space of a placed store ended a run, as values: who holds what, what moved, what was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["PlacingEnd", "StretchMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchMoved:
    """A stretch that went from one group to another.

    Attributes:
        begin: Its first point.
        end: One past its last.
        source: The group that had it.
        to: The group that has it since.
        released_us: When the one gave it up, by its leader's clock.
        received_us: When the other wrote that it has it, by its own.
    """

    begin: int
    end: int
    source: int
    to: int
    released_us: int
    received_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacingEnd:
    """The key space at the end.

    Attributes:
        version: Of the newest map that anybody has.
        versions: Of the maps of the servers that are up.
        moves: What went from group to group.
        twice: Pairs of groups that would both write at some point.
        unsettled: First points of the stretches that by the newest map are a group's and by its log are not.
        nodes: Who holds something by the newest map.
        decided: How many decisions of each kind the master has taken; none if it is down.
        deciders: Hosts of the masters who took them, by number, ascending.
        stale: Routes that servers refused, in their last lives.
        refreshed: Routes that clients learned in place of such.
        looked_again: Questions that were answered by a route that was learned in place of a refused one.
        point_of: Where an aggregate, of a tenant (0 if none is given), is on the line.
    """

    version: int
    versions: tuple[int, ...]
    moves: tuple[StretchMoved, ...]
    twice: tuple[tuple[int, int], ...]
    unsettled: tuple[int, ...]
    nodes: tuple[int, ...]
    decided: tuple[tuple[str, int], ...]
    deciders: tuple[int, ...]
    stale: int
    refreshed: int
    looked_again: int
    point_of: Callable[..., int] = field(compare=False)
