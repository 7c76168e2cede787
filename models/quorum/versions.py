"""What a replica holds of a key: versions, and exactly which ones it has ever seen.

Every write makes a *version*, named by its *dot*: (actor, number). A cell has the versions that
nothing supersedes, siblings if there are several, and the set of all dots that it has seen, so a
version that one cell holds and another has seen without holding it is known to be superseded.

    a holds x1, has seen {x1};  b holds y1, has seen {x1, y1};  merged: y1, for b has seen x1 go

Under last writer wins one version stays, that of the highest stamp, and nothing else is remembered.

Source: dotted version vectors, Preguica, Baquero et al., PODC 2012, as sets (Almeida et al., DAIS
2014). Departure: what was seen is an exact set, a vector and the dots beyond it, since whoever
coordinates need not be a replica: a vector alone would claim dots between that it never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from sim.message import Value

__all__ = [
    "NOTHING",
    "Cell",
    "Dot",
    "Merge",
    "Plain",
    "Seen",
    "Version",
    "latest",
    "live",
    "make",
    "merge_latest",
    "merge_siblings",
    "only_tombstones",
]

#: What a version may say.
Plain = int | str | tuple[int, ...] | None


class Dot(NamedTuple):
    """The name of a version: the `number`-th that an actor made of this key, from 1."""

    actor: int
    number: int


class Version(NamedTuple):
    """One write; `stamp` orders it among others where the last writer wins, `dead` marks a tombstone."""

    dot: Dot
    stamp: int
    value: Plain | Value
    dead: bool


class Seen(NamedTuple):
    """A set of dots: of each actor all up to a count, and some beyond; both sorted."""

    upto: tuple[tuple[int, int], ...]
    also: tuple[Dot, ...]

    def holds(self, dot: Dot) -> bool:
        """Whether the dot is in the set."""
        return any(actor == dot.actor and dot.number <= count for actor, count in self.upto) or dot in self.also

    def union(self, other: Seen) -> Seen:
        """The dots of both."""
        if self == other or not (other.upto or other.also):
            return self
        if not (self.upto or self.also):
            return other
        upto = dict(self.upto)
        for actor, count in other.upto:
            upto[actor] = max(upto.get(actor, 0), count)
        return _compact(upto, (*self.also, *other.also))

    def plus(self, dot: Dot) -> Seen:
        """With one more dot."""
        return _compact(dict(self.upto), (*self.also, dot))


class Cell(NamedTuple):
    """A key at a replica: its versions by dot, and what it has seen."""

    versions: tuple[Version, ...]
    seen: Seen


#: A key that was never written.
NOTHING: Final = Cell((), Seen((), ()))
#: How two cells of a key become one; it does not matter in which order, or how often.
Merge = Callable[[Cell, Cell], Cell]


def merge_siblings(one: Cell, other: Cell) -> Cell:
    """What neither has seen superseded."""
    if one == other or not (other.versions or other.seen.upto or other.seen.also):
        return one
    kept = {version.dot: version for version in one.versions if _stays(version, other)}
    kept |= {version.dot: version for version in other.versions if _stays(version, one)}
    return Cell(tuple(kept[dot] for dot in sorted(kept)), one.seen.union(other.seen))


def merge_latest(one: Cell, other: Cell) -> Cell:
    """The version of the higher stamp; of equal stamps, the higher dot."""
    if not other.versions:
        return one
    return other if not one.versions or _rank(other) > _rank(one) else one


def make(dot: Dot, stamp: int, value: Plain | Value, *, dead: bool = False, after: Seen | None = None) -> Cell:
    """A new write as a cell; `after` is what its writer has seen, None where that does not matter."""
    seen = NOTHING.seen if after is None else after.plus(dot)
    return Cell((Version(dot, stamp, value, dead),), seen)


def live(cell: Cell) -> tuple[Version, ...]:
    """Its versions that are no tombstones."""
    return tuple(version for version in cell.versions if not version.dead)


def latest(versions: Iterable[Version]) -> Version | None:
    """The one of the highest stamp."""
    return max(versions, key=lambda version: (version.stamp, version.dot), default=None)


def only_tombstones(cell: Cell) -> bool:
    """Whether all that is left of the key is that it was deleted."""
    return bool(cell.versions) and all(version.dead for version in cell.versions)


def _stays(version: Version, other: Cell) -> bool:
    return any(version.dot == held.dot for held in other.versions) or not other.seen.holds(version.dot)


def _rank(cell: Cell) -> tuple[int, Dot]:
    version = cell.versions[0]
    return version.stamp, version.dot


def _compact(upto: dict[int, int], also: Iterable[Dot]) -> Seen:
    """Dots that follow an actor's without a gap go into its count."""
    beyond = []
    for dot in sorted(set(also)):
        count = upto.get(dot.actor, 0)
        if dot.number == count + 1:
            upto[dot.actor] = dot.number
        elif dot.number > count:
            beyond.append(dot)
    return Seen(tuple(sorted(upto.items())), tuple(beyond))
