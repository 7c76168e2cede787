"""What a group's own log says of the stretches it holds: the facts of moving, and the state that they come to.

A group serves a point if, and only if, its log says that it holds it. Giving a stretch away is an
entry of the giver's log (`Released`), after which none of the stretch is written there; taking it is one of
the taker's (`Received`), behind copies of all that the giver had. The first comes to count before
the second is written, so no point is ever writable in two logs, whatever maps say and whoever is
cut off; and both logs say so for ever after.

After CockroachDB and TiKV, which put changes of ranges into the log of the range. Departure: the two
groups have no consensus in common, so between the two entries nobody holds the stretch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from models.domain import State
from models.store.log.entries import Control

__all__ = ["NO_RANGES", "RANGES", "Granted", "HandedOver", "Ranges", "Received", "Released"]

#: The stream, of the tenant `OWN`, that these facts are in.
RANGES: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges(State):
    """What a group holds.

    Attributes:
        held: Stretches as (begin, end), in order and apart.
        received: What it took, in order.
        released: What it gave away, in order.
        handed_over: Versions at which it gave something away that the taker has since.
        had: Whether it ever held anything, as far as this log goes.
    """

    held: tuple[tuple[int, int], ...] = ()
    received: tuple[Received, ...] = ()
    released: tuple[Released, ...] = ()
    handed_over: tuple[int, ...] = ()
    had: bool = False

    def holds(self, point: int) -> bool:
        """Whether a point is in what it holds."""
        return any(begin <= point < end for begin, end in self.held)

    def covers(self, begin: int, end: int) -> bool:
        """Whether a whole stretch is."""
        return any(first <= begin and end <= last for first, last in self.held)

    def gone(self, point: int) -> Released | None:
        """By which fact it gave a point away last, None if it never did."""
        return next((one for one in reversed(self.released) if one.begin <= point < one.end), None)

    def released_to(self, group: int, version: int) -> Released | None:
        """What it gave to a group at a version."""
        return next((one for one in self.released if (one.to, one.version) == (group, version)), None)

    @property
    def empty_handed(self) -> bool:
        """Whether it had something, gave it all away, and nobody needs its data any more."""
        versions = {one.version for one in self.released}
        return self.had and bool(versions) and not self.held and versions <= set(self.handed_over)


NO_RANGES: Final = Ranges()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Control):
    """The group holds a stretch that nobody held before it."""

    begin: int
    end: int
    version: int

    def after(self, state: State) -> State:
        """It is among what it holds."""
        return _with(state, self.begin, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Control):
    """The group writes no more in a stretch; another group has it from the version of the directory on.

    Attributes:
        begin: Its first point.
        end: One past its last.
        to: The other group.
        owners: The members of that.
        version: Of the directory.
        since_us: When, by the leader's clock.
    """

    begin: int
    end: int
    to: int
    owners: tuple[int, ...]
    version: int
    since_us: int = 0

    def after(self, state: State) -> State:
        """It is not among what it holds."""
        ranges = _ranges(state)
        held = []
        for begin, end in ranges.held:
            held += [one for one in ((begin, min(end, self.begin)), (max(begin, self.end), end)) if one[0] < one[1]]
        return replace(ranges, held=tuple(held), released=(*ranges.released, self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Control):
    """All that another group had of a stretch stands in this log before here; from here on this one writes in it.

    Attributes:
        begin: Its first point.
        end: One past its last.
        source: The other group.
        version: Of the directory.
        since_us: When that group gave it up, by its leader's clock.
        at_us: When this was written, by the writer's.
    """

    begin: int
    end: int
    source: int
    version: int
    since_us: int
    at_us: int = 0

    def after(self, state: State) -> State:
        """It is among what it holds."""
        ranges = _with(state, self.begin, self.end)
        return replace(ranges, received=(*ranges.received, self))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(Control):
    """The group that a stretch was given to at a version has all of it."""

    version: int

    def after(self, state: State) -> State:
        """Nobody needs its data here any more."""
        ranges = _ranges(state)
        return replace(ranges, handed_over=(*ranges.handed_over, self.version))


def _ranges(state: State) -> Ranges:
    return state if isinstance(state, Ranges) else NO_RANGES


def _with(state: State, begin: int, end: int) -> Ranges:
    ranges = _ranges(state)
    merged: list[tuple[int, int]] = []
    for one in sorted((*ranges.held, (begin, end))):
        if merged and one[0] <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], one[1]))
        else:
            merged.append(one)
    return replace(ranges, held=tuple(merged), had=True)
