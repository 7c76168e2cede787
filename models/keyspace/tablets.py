"""Range tablets: the keys in their own order, cut into stretches that have owners, as one immutable value.

After Bigtable (Chang et al., OSDI 2006). A map covers every key once: no two tablets overlap, and
there is no gap; a map that does not is refused. Splitting, merging and reassigning make another map
with the next version. A tablet keeps the version at which it last changed, so a client's route to
one that nobody touched stays good while the map's version goes on.

Who decides to split or move is in `master`; here is only what a decision does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace

from models.keyspace.keys import KEY_END
from models.keyspace.placement import Moved, Node, Placement, node_mistakes, refuse, whole_line, zones_of
from models.store.schemes import Spread

__all__ = ["Tablet", "TabletMap", "tablet_mistakes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tablet:
    """A stretch of the keys.

    Attributes:
        begin: Its first key.
        end: One past its last.
        owners: Who holds it, the coordinator first.
        version: Of the map in which it became what it is.
    """

    begin: int
    end: int
    owners: tuple[int, ...]
    version: int = 1

    def __str__(self) -> str:
        return f"tablet {self.begin:#x} to {self.end:#x}"


def tablet_mistakes(tablets: Sequence[Tablet], nodes: Sequence[Node], spread: Spread, end: int = KEY_END) -> list[str]:
    """What is wrong with a map, all of it, each with the nearest that would be right."""
    mistakes = node_mistakes(nodes)
    if not tablets:
        return [*mistakes, f"there are no tablets; begin with one of all keys, 0 to {end:#x}"]
    by_number = {node.number: node for node in nodes}
    at = 0
    for tablet in sorted(tablets, key=lambda one: (one.begin, one.end)):
        if tablet.begin >= tablet.end:
            mistakes.append(f"{tablet} holds no key; leave it out, or end it at {tablet.begin + 1:#x} or later")
            continue
        if tablet.begin > at:
            mistakes.append(f"no tablet holds {at:#x} to {tablet.begin:#x}; begin the next at {at:#x}")
        elif tablet.begin < at:
            until = min(at, tablet.end)
            mistakes.append(f"two tablets hold {tablet.begin:#x} to {until:#x}; begin the second at {at:#x}")
        at = max(at, tablet.end)
        mistakes += _owner_mistakes(tablet, by_number, spread)
    if at < end:
        mistakes.append(f"no tablet holds {at:#x} to {end:#x}; end the last at {end:#x}")
    elif at > end:
        mistakes.append(f"a tablet ends at {at:#x}, past the last key; end it at {end:#x}")
    return mistakes


class TabletMap:
    """Who holds which stretch, at one version.

    Args:
        tablets: Covering all keys once; in any order.
        nodes: Who may hold tablets.
        spread: No two owners of a tablet share a failure domain of this level.
        version: The epoch of this map.

    Raises:
        ValueError: a gap, an overlap, an owner that is unknown, repeated or too near another; all of it at once.
    """

    __slots__ = ("_begins", "_members", "spread", "tablets", "version")

    def __init__(
        self, tablets: Iterable[Tablet], nodes: Sequence[Node], *, spread: Spread = Spread.HOST, version: int = 1
    ) -> None:
        given = tuple(tablets)
        mistakes = tablet_mistakes(given, nodes, spread)
        if version < 1:
            mistakes.append(f"{version=} is no epoch; count from 1")
        refuse("tablets", mistakes)
        self._make(tuple(sorted(given, key=lambda one: one.begin)), nodes, spread, version)

    def _make(self, tablets: tuple[Tablet, ...], nodes: Sequence[Node], spread: Spread, version: int) -> None:
        self.tablets, self.spread, self.version = tablets, spread, version
        self._members = tuple(sorted(nodes, key=lambda node: node.number))
        self._begins = [tablet.begin for tablet in tablets]

    def __repr__(self) -> str:
        return f"TabletMap({len(self.tablets)} tablets on {len(self._members)} nodes, version {self.version})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TabletMap):
            return NotImplemented
        return (self.version, self.spread, self.tablets, self._members) == (
            other.version,
            other.spread,
            other.tablets,
            other.members,
        )

    def __hash__(self) -> int:
        return hash((self.version, self.tablets))

    @property
    def nodes(self) -> tuple[int, ...]:
        """Who may hold tablets, ascending."""
        return tuple(node.number for node in self._members)

    @property
    def members(self) -> tuple[Node, ...]:
        """The same with their zones and weights."""
        return self._members

    @property
    def line(self) -> int:
        """The line is that of the keys themselves."""
        return KEY_END

    def point(self, key: int) -> int:
        """The key itself."""
        return key

    def span(self, key: int) -> tuple[int, int]:
        """The key's tablet."""
        tablet = self.at(key)
        return tablet.begin, tablet.end

    def longest(self) -> int:
        """As many owners as every tablet has."""
        return min(len(tablet.owners) for tablet in self.tablets)

    def at(self, key: int) -> Tablet:
        """The tablet that holds a key; ValueError for what is no key."""
        if not 0 <= key < KEY_END:
            raise ValueError(f"{key=} is no key; give 0 to 2**128 - 1")
        return self.tablets[bisect_right(self._begins, key) - 1]

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` owners of the key's tablet."""
        owners = self.tablets[bisect_right(self._begins, key) - 1].owners
        if n == len(owners):
            return owners
        if not 1 <= n < len(owners):
            raise ValueError(
                f"{n=} owners of {self.at(key)}, which has {len(owners)}; give 1 to {len(owners)}, or reassign it to "
                f"more: {zones_of(self._members, self.spread)} can be had"
            )
        return owners[:n]

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The stretches whose first `n` owners differ, exact and as long as they can be."""
        if not isinstance(after, TabletMap):
            return whole_line(self, after)
        cuts = sorted({tablet.begin for one in (self, after) for tablet in one.tablets})
        found: list[Moved] = []
        for begin, end in zip(cuts, [*cuts[1:], KEY_END], strict=True):
            old, new = self.owners(begin, n), after.owners(begin, n)
            if old == new:
                continue
            if found and (found[-1].end, found[-1].before, found[-1].after) == (begin, old, new):
                begin = found.pop().begin
            found.append(Moved(begin, end, old, new))
        return tuple(found)

    def split(self, at: int) -> TabletMap:
        """The map in which a tablet begins at `at`.

        Raises:
            ValueError: one does already, or it is no key.
        """
        tablet = self.at(at)
        if tablet.begin == at:
            raise ValueError(f"{tablet} begins at {at:#x} already; split it at {at + 1:#x} to {tablet.end - 1:#x}")
        halves = (replace(tablet, end=at), replace(tablet, begin=at))
        return self._with(self._index(tablet.begin), 1, halves)

    def merge(self, at: int) -> TabletMap:
        """The map in which the tablet that begins at `at` is one with the tablet before it.

        Raises:
            ValueError: none begins there, it is the first, or the two have other owners.
        """
        index = self._index(at)
        if index == 0:
            raise ValueError(f"{self.tablets[0]} is the first and has none before it; name one of the others")
        left, right = self.tablets[index - 1 : index + 1]
        if left.owners != right.owners:
            raise ValueError(
                f"{left} has owners {left.owners} and {right} has {right.owners}; reassign one of them first"
            )
        return self._with(index - 1, 2, (replace(left, end=right.end),))

    def reassign(self, at: int, owners: Sequence[int]) -> TabletMap:
        """The map in which the tablet that begins at `at` has other owners.

        Raises:
            ValueError: none begins there, or the owners are none, repeated, unknown or too near to each other.
        """
        index = self._index(at)
        tablet = replace(self.tablets[index], owners=tuple(owners))
        refuse("tablets", _owner_mistakes(tablet, {node.number: node for node in self._members}, self.spread))
        return self._with(index, 1, (tablet,))

    def join(self, node: Node) -> TabletMap:
        """The map with one more node, which holds nothing yet: nothing moves until the master reassigns."""
        refuse("tablets", node_mistakes((*self._members, node)))
        made = self._with(0, 0, ())
        made._make(made.tablets, (*self._members, node), self.spread, made.version)
        return made

    def leave(self, number: int) -> TabletMap:
        """The map without a node; ValueError if it is none, or still holds a tablet."""
        held = [tablet for tablet in self.tablets if number in tablet.owners]
        if number not in self.nodes or held:
            why = f"still holds {len(held)} tablets; reassign them first" if held else f"is none of {self.nodes}"
            raise ValueError(f"node {number} {why}")
        made = self._with(0, 0, ())
        made._make(made.tablets, [node for node in self._members if node.number != number], self.spread, made.version)
        return made

    def _index(self, begin: int) -> int:
        """Where the tablet that begins there is; ValueError if none does."""
        tablet = self.at(begin)
        if tablet.begin != begin:
            raise ValueError(f"no tablet begins at {begin:#x}; the one that holds it begins at {tablet.begin:#x}")
        return bisect_right(self._begins, begin) - 1

    def _with(self, index: int, count: int, tablets: Sequence[Tablet]) -> TabletMap:
        """The next version, in which `count` tablets gave way to others; nothing is checked."""
        version = self.version + 1
        fresh = tuple(replace(tablet, version=version) for tablet in tablets)
        made = copy(self)  # no checks again: they would make a plan of many splits quadratic
        made._make((*self.tablets[:index], *fresh, *self.tablets[index + count :]), self._members, self.spread, version)
        return made


def _owner_mistakes(tablet: Tablet, nodes: dict[int, Node], spread: Spread) -> list[str]:
    if not tablet.owners:
        return [f"{tablet} has no owner; give at least 1"]
    mistakes = []
    zones: dict[tuple[object, ...], int] = {}
    for number in tablet.owners:
        node = nodes.get(number)
        if node is None:
            near = min(nodes, key=lambda known: (abs(known - number), known), default=None)
            mistakes.append(f"{tablet} is held by {number}, which is no node here; the nearest is {near}")
            continue
        zone = node.zone(spread)
        if zone in zones and tablet.owners.count(number) == 1:
            level = spread.name.lower()
            mistakes.append(f"{tablet} is held by {zones[zone]} and {number} of one {level}; take them from two")
        elif zone in zones:
            told = f"{tablet} is held by {number} twice; name it once"
            mistakes += [] if told in mistakes else [told]
        zones.setdefault(zone, number)
    return mistakes
