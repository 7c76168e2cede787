"""Who holds which stretch of the key space now, and from whom it comes: the one table that all storage is found by.

A *directory* is what a placement comes to where shards stand behind it. Each stretch of the line is
held by one replication group, a shard whose members are on the owners' hosts and whose first owner
leads. Under range tablets the line is that of the keys; under every other scheme it is that of their
hashes, cut once into equal partitions, each of which is placed as one key is (Dynamo's strategy 3,
DeCandia et al., SOSP 2007, 6.2): a change of membership then moves whole partitions.

A stretch that has just changed hands names its *sources*: the groups that have the data until its
holder has taken them over. Who finds the holder not ready asks there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.keyspace.keys import HASH_BITS, KEY_BITS, KEY_END, KeyHash
from models.keyspace.master import Action, Merge, Reassign, Split
from models.keyspace.placement import Moved, Placement, whole_line
from models.keyspace.tablets import TabletMap
from sim.wording import Refused

__all__ = ["Directory", "Held", "Line", "Source", "directory_mistakes", "first_directory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A group that has the data of a stretch.

    Attributes:
        begin: Its first point.
        end: One past its last.
        group: The group's number.
        owners: Its members, the leader first.
    """

    begin: int
    end: int
    group: int
    owners: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A stretch of the line and the group that holds it.

    Attributes:
        begin: Its first point.
        end: One past its last.
        group: The group's number.
        owners: Its members, the leader first.
        version: Of the directory in which the stretch became what it is.
        sources: Who has the data of parts that the group does not have yet.
    """

    begin: int
    end: int
    group: int
    owners: tuple[int, ...]
    version: int
    sources: tuple[Source, ...] = ()

    def as_source(self) -> Source:
        """The stretch as another's source."""
        return Source(begin=self.begin, end=self.end, group=self.group, owners=self.owners)


class Line:
    """Where keys are on the line: they themselves, or their hashes, drawn out to as many bits.

    Args:
        seed: Of the hash; None for the keys themselves.
    """

    __slots__ = ("_hash", "seed")

    def __init__(self, seed: int | None) -> None:
        self.seed = seed
        self._hash = None if seed is None else KeyHash(seed)

    def __call__(self, key: int) -> int:
        """The point of a key."""
        return key if self._hash is None else self._hash(key) << KEY_BITS - HASH_BITS


class Directory:
    """Who holds what, at one version; a placement like any other.

    Args:
        held: In the order of the line, without gap or overlap.
        line: Where keys are on it.
        version: The epoch.

    Raises:
        ValueError: a gap, an overlap, a stretch without owners; all of it at once.
    """

    __slots__ = ("_begins", "held", "on_line", "version")

    def __init__(self, held: Sequence[Held], line: Line, version: int) -> None:
        mistakes = directory_mistakes(held)
        if mistakes:
            raise Refused(mistakes)
        self.held = tuple(held)
        self.on_line = line
        self.version = version
        self._begins = [one.begin for one in self.held]

    def __repr__(self) -> str:
        return f"Directory({len(self.held)} stretches, version {self.version})"

    @property
    def nodes(self) -> tuple[int, ...]:
        """Everybody who holds something, ascending."""
        return tuple(sorted({number for one in self.held for number in one.owners}))

    @property
    def line(self) -> int:
        """One past the last point."""
        return KEY_END

    def point(self, key: int) -> int:
        """Where a key is on the line."""
        return self.on_line(key)

    def at(self, point: int) -> Held:
        """The stretch that holds a point."""
        return self.held[bisect_right(self._begins, point) - 1]

    def span(self, key: int) -> tuple[int, int]:
        """The stretch of a key."""
        one = self.at(self.on_line(key))
        return one.begin, one.end

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` owners of a key; ValueError for more than its stretch has."""
        owners = self.at(self.on_line(key)).owners
        if not 1 <= n <= len(owners):
            raise ValueError(f"{n=} owners of a stretch that has {len(owners)}; give 1 to {len(owners)}")
        return owners[:n]

    def longest(self) -> int:
        """As many owners as every stretch has."""
        return min(len(one.owners) for one in self.held)

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The stretches whose first `n` owners differ."""
        if not isinstance(after, Directory):
            return whole_line(self, after)
        cuts = sorted({one.begin for two in (self, after) for one in two.held})
        pairs = [
            Moved(begin, end, self.at(begin).owners[:n], after.at(begin).owners[:n])
            for begin, end in zip(cuts, [*cuts[1:], KEY_END], strict=True)
        ]
        return tuple(one for one in pairs if one.before != one.after)

    def groups_at(self, number: int) -> dict[int, tuple[int, ...]]:
        """The groups that a node must have a member of, with their owners: of what it holds, and of what it leaves."""
        found = {one.group: one.owners for one in self.held if number in one.owners}
        for one in self.held:
            found.update((source.group, source.owners) for source in one.sources if number in source.owners)
        return dict(sorted(found.items()))

    def after(self, tablets: TabletMap, action: Action) -> Directory:
        """The directory after a decision, given the map that it led to: new owners are a new group.

        A group's number is the version at which it came to be, so no two groups ever share one.
        """
        version = tablets.version
        before = {one.begin: one for one in self.held}
        held = []
        for tablet in tablets.tablets:
            one = before.get(tablet.begin)
            if tablet.version < version:
                assert one is not None, f"{tablet} is new and bears an old version"
                held.append(one)
                continue
            made = Held(begin=tablet.begin, end=tablet.end, group=version, owners=tablet.owners, version=version)
            held.append(_changed(self, made, action))
        return Directory(held, self.on_line, version)

    def at_version(self, version: int) -> Directory:
        """The same under a later version, of a change that concerned no stretch."""
        return Directory(self.held, self.on_line, version)


def _changed(before: Directory, made: Held, action: Action) -> Held:
    """A stretch that a decision is about, with the group that holds it and those that it comes from.

    Nothing is decided about what has not arrived, so whatever it came from before has no part in it.
    """
    old = before.at(made.begin)
    group: int = old.group
    sources: tuple[Source, ...] = ()
    if isinstance(action, Reassign):
        group, sources = made.group, (old.as_source(),)
    elif isinstance(action, Split) and made.begin == action.at:
        whole = Source(begin=made.begin, end=made.end, group=old.group, owners=old.owners)
        group, sources = made.group, (whole,)
    elif isinstance(action, Merge):
        # A group of its own, on the same hosts: one that holds something is never made to hold anything in its place.
        group, sources = made.group, (old.as_source(), before.at(action.at).as_source())
    return Held(begin=made.begin, end=made.end, group=group, owners=made.owners, version=made.version, sources=sources)


def first_directory(tablets: TabletMap, line: Line) -> Directory:
    """The directory of a first map: its tablets are groups 1, 2, ... in order, and come from nobody.

    The map's version is at least as high as that, so that groups that come to be later have other numbers.
    """
    assert tablets.version >= len(tablets.tablets), f"{tablets} would give a later group an earlier one's number"
    return Directory(
        [
            Held(begin=one.begin, end=one.end, group=number, owners=one.owners, version=tablets.version)
            for number, one in enumerate(tablets.tablets, 1)
        ],
        line,
        tablets.version,
    )


def directory_mistakes(held: Iterable[Held]) -> list[str]:
    """What is wrong with a table, all of it."""
    mistakes, at = [], 0
    for one in held:
        if one.begin != at:
            what = "nobody holds" if one.begin > at else "two hold"
            mistakes.append(f"{what} {min(at, one.begin):#x} to {max(at, one.begin):#x}; begin the next at {at:#x}")
        if not one.owners:
            mistakes.append(f"{one.begin:#x} to {one.end:#x} has no owner; give at least 1")
        at = one.end
    if at != KEY_END:
        mistakes.append(f"the last stretch ends at {at:#x}; end it at {KEY_END:#x}")
    return mistakes
