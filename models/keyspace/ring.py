"""A consistent-hash ring with virtual nodes, weights and preference lists apart by zone.

After Karger et al. (STOC 1997) and Dynamo (DeCandia et al., SOSP 2007, its strategy 1): a node has
virtual nodes at pseudo-random positions, a key belongs to the first at or after its own, and the
list goes on clockwise, skipping whoever shares a failure domain with somebody on it.

A look-up is a hash, a table of where each stretch of the ring begins, and a bisection of what is
left, one or two positions; then the list of that interval, worked out for all intervals at once at
the first use of a length and kept as a tuple from the first use of the interval. That takes about a
microsecond; the keys asked for lately are kept with their lists, as a store asks for the same
aggregates again and again, and take a tenth of one. Where one zone
holds most positions its neighbours' keys crowd onto the few outside: that is the scheme's nature, so
weigh zones alike or spread less.

The share of a node among n with v virtual nodes each is Beta(v, v(n - 1)): mean 1/n, and the squared
coefficient of variation is (n - 1) / (nv + 1), so 1/v of the load's variance goes with each (`variation_of`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.keyspace.hashed import Hashed
from models.keyspace.keys import FIRST, HASH_END, MASK, SECOND, Points
from models.keyspace.placement import KEPT, Moved, Node, Placement, check_length, node_mistakes, refuse, whole_line
from models.store.schemes import Spread

__all__ = ["Ring", "variation_of"]

Indices = NDArray[np.int32]

#: The prefix whose keys are virtual nodes; no tenant and domain are all ones.
_VIRTUAL: Final = (1 << 64) - 1
_STEP: Final = np.uint64(0xD1342543DE82EF95)
#: Rounds of skipping one position before the rest is looked up zone by zone.
_ROUNDS: Final = 64
_FEW: Final = 1 << 16
_MOST_POSITIONS: Final = 1 << 27


def variation_of(nodes: int, vnodes: int) -> float:
    """The coefficient of variation of a node's share, of equal nodes with `vnodes` virtual nodes each."""
    return sqrt((nodes - 1) / (nodes * vnodes + 1))


class Ring(Hashed):
    """The ring at one version.

    Args:
        nodes: Its members, in any order.
        vnodes: Virtual nodes of a node of weight 1; others have theirs in proportion, at least one.
        spread: No two owners of a key share a failure domain of this level.
        seed: Decides the positions and the hash of keys.
        version: The epoch of this membership.

    Raises:
        ValueError: repeated nodes, none, a weight that is no share, no virtual nodes; all of it at once.
    """

    __slots__ = (
        "_asked",
        "_bounds",
        "_flat",
        "_known",
        "_lists",
        "_numbers",
        "_owner",
        "_points",
        "_salt",
        "_shift",
        "_starts",
        "_table",
        "_width",
        "vnodes",
    )

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        vnodes: int = 256,
        spread: Spread = Spread.HOST,
        seed: int = 0,
        version: int = 1,
    ) -> None:
        mistakes = node_mistakes(nodes)
        if vnodes < 1:
            mistakes.append(f"{vnodes=} leaves nodes without a place; give at least 1, 256 for a balance within 6 %")
        if version < 1:
            mistakes.append(f"{version=} is no epoch; count from 1")
        if not mistakes and sum(max(1.0, vnodes * node.weight) for node in nodes) > _MOST_POSITIONS:
            mistakes.append(f"{vnodes=} by weight make more than {_MOST_POSITIONS} positions; lower either")
        refuse("ring", mistakes)
        # Input order decides nothing, not even between two virtual nodes at one position.
        super().__init__(sorted(nodes, key=lambda node: node.number), spread, seed, version)
        self._salt = self.hashed.salt
        self.vnodes = vnodes
        self._numbers = np.array([node.number for node in self._members], dtype=np.int64)
        self._points, self._owner = self._positions()
        self._bounds = array("Q", self._points.tobytes())
        # Few positions in a bucket spare the bisection; a large ring has no memory for many buckets.
        bits = len(self._points).bit_length() + (3 if len(self._points) < _FEW else 0)
        self._shift = 64 - bits
        starts = np.searchsorted(self._points >> np.uint64(self._shift), np.arange((1 << bits) + 1, dtype=np.uint64))
        self._starts = array("I", starts.astype(np.uint32).tobytes())
        self._known = self._numbers.tolist()
        self._flat = array("i")
        self._table: Indices = self._owner[:, None]
        self._width = 0
        self._lists: dict[int, list[tuple[int, ...] | None]] = {}
        self._asked: dict[int, dict[int, tuple[int, ...]]] = {}

    def __repr__(self) -> str:
        return f"Ring({len(self._members)} nodes, {len(self._points)} positions, version {self.version})"

    @property
    def members(self) -> tuple[Node, ...]:
        """The members with their zones and weights, ascending."""
        return self._members

    def span(self, key: int) -> tuple[int, int]:
        """The interval between two positions that holds the key; the last one is cut at the line's end."""
        point = self.hashed(key)
        at, bounds = self._interval(point), self._bounds
        if at == 0 and point > bounds[0]:
            return bounds[-1] + 1, HASH_END
        return (bounds[at - 1] + 1 if at else 0), bounds[at] + 1

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` nodes clockwise that share no zone; ValueError if there are not so many zones."""
        try:
            found = self._asked[n].get(key)
            if found is not None:
                return found
            lists = self._lists[n]
        except KeyError:
            lists = self._prepare(n)
        if key >> 64:
            mixed = self.hashed(key)
        else:  # written out: the call alone would be a third of the look-up
            mixed = key + self._salt & MASK
            mixed = (mixed ^ mixed >> 30) * FIRST & MASK
            mixed = (mixed ^ mixed >> 27) * SECOND & MASK
            mixed ^= mixed >> 31
        starts, bucket = self._starts, mixed >> self._shift
        at, end = starts[bucket], starts[bucket + 1]
        if at != end:
            at = bisect_left(self._bounds, mixed, at, end)
        found = lists[at]
        if found is None:
            row = at % (len(lists) - 1) * self._width
            found = lists[at] = tuple([self._known[index] for index in self._flat[row : row + n]])
        asked = self._asked[n]
        if len(asked) >= KEPT:
            asked.clear()
        asked[key] = found
        return found

    def lists(self, points: Points, n: int) -> NDArray[np.int64]:
        """The first `n` owners of many points at once, a row each."""
        self._prepare(n)
        at = np.searchsorted(self._points, points) % len(self._points)
        found: NDArray[np.int64] = self._numbers[self._table[at, :n]]
        return found

    def shares(self) -> dict[int, float]:
        """The share of the line of which each node is the first owner."""
        widths = np.diff(self._points, prepend=self._points[-1:])  # modulo 2**64, so the first wraps
        weighed = np.bincount(self._owner, widths.astype(np.float64) / HASH_END, len(self._members))
        if len(self._points) == 1:
            weighed[:] = 1.0
        return dict(zip(self.nodes, weighed.tolist(), strict=True))

    def join(self, node: Node) -> Ring:
        """The ring with one more member; about 1/n of the keys move, all of them to it."""
        return self._with((*self._members, node))

    def leave(self, number: int) -> Ring:
        """The ring without a member; only what it owned moves.

        Raises:
            ValueError: it is no member, or the last.
        """
        self._require(number)
        return self._with([node for node in self._members if node.number != number])

    def reweigh(self, number: int, weight: float) -> Ring:
        """The ring in which a member has another weight; it keeps those of its positions that remain."""
        self._require(number)
        return self._with([replace(node, weight=weight) if node.number == number else node for node in self._members])

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The stretches whose first `n` owners differ, exact and as long as they can be."""
        if not isinstance(after, Ring) or after.hashed != self.hashed:
            return whole_line(self, after)
        ends = np.union1d(self._points, after.points)
        old, new = self.lists(ends, n), after.lists(ends, n)
        # Past the last position the line goes on with what follows the first.
        ends, old, new = np.append(ends, np.uint64(HASH_END - 1)), np.vstack((old, old[:1])), np.vstack((new, new[:1]))
        return tuple(_runs(ends, old, new))

    @property
    def points(self) -> Points:
        """The positions, ascending."""
        return self._points

    def _with(self, nodes: Sequence[Node]) -> Ring:
        return Ring(nodes, vnodes=self.vnodes, spread=self.spread, seed=self.hashed.seed, version=self.version + 1)

    def _require(self, number: int) -> None:
        if number not in self.nodes:
            near = min(self.nodes, key=lambda known: (abs(known - number), known))
            raise ValueError(f"node {number} is no member of {self!r}; the nearest is {near}")

    def _interval(self, point: int) -> int:
        bucket = point >> self._shift
        at = bisect_left(self._bounds, point, self._starts[bucket], self._starts[bucket + 1])
        return at if at < len(self._bounds) else 0

    def _positions(self) -> tuple[Points, Indices]:
        """Positions in order, and whose each is."""
        counts = np.array([max(1, round(self.vnodes * node.weight)) for node in self._members], dtype=np.int64)
        owner = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        each = np.arange(len(owner), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        bases = self.hashed.instances(self._numbers.astype(np.uint64), _VIRTUAL)
        points = self.hashed.instances(bases[owner] + each.astype(np.uint64) * _STEP, _VIRTUAL)
        order = np.argsort(points, kind="stable")
        return points[order], owner[order]

    def _prepare(self, n: int) -> list[tuple[int, ...] | None]:
        """Work out the lists of a length for all intervals."""
        if n not in self._lists:
            if not 1 <= n <= self._zones:
                check_length(n, self._members, self.spread)
            if n > self._width:
                # Once as a plain array, for single look-ups; numpy sees the same memory.
                self._flat, self._width = array("i", self._preferences(n).tobytes()), n
                self._table = np.frombuffer(self._flat, dtype=np.int32).reshape(-1, n)
            # One more than there are intervals: past the last position comes the first.
            self._asked[n] = {}
            self._lists[n] = [None] * (len(self._points) + 1)
        return self._lists[n]

    def _preferences(self, n: int) -> Indices:
        known: dict[Any, int] = {}
        zone_of = np.array([known.setdefault(node.zone(self.spread), len(known)) for node in self._members], np.int32)
        zone = zone_of[self._owner]
        size = len(zone)
        table = np.empty((size, n), dtype=np.int32)
        zones = np.empty((n, size), dtype=np.int32)
        at = np.arange(size)
        table[:, 0], zones[0] = self._owner, zone
        for rank in range(1, n):
            at = (at + 1) % size
            pending = at_clash = np.arange(size)
            for _ in range(_ROUNDS):
                clash = (zones[:rank, pending] == zone[at[pending]]).any(axis=0)
                pending = pending[clash]
                if not len(pending):
                    break
                at[pending] = (at[pending] + 1) % size
            else:
                at_clash = pending
                at[at_clash] = _next_apart(zone, zones[:rank, at_clash], at[at_clash])
            table[:, rank], zones[rank] = self._owner[at], zone[at]
        return table


def _next_apart(zone: Indices, taken: Indices, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of a few positions the next one, itself included, in a zone that is not taken."""
    size = len(zone)
    nearest = np.full(len(at), size, dtype=np.int64)
    for number in range(int(zone.max()) + 1):
        places = np.flatnonzero(zone == number)
        index = np.searchsorted(places, at)
        away = np.where(index < len(places), places[index % len(places)], places[0] + size) - at
        free = ~(taken == number).any(axis=0)
        nearest = np.where(free, np.minimum(nearest, away), nearest)
    found: NDArray[np.int64] = (at + nearest) % size
    return found


def _runs(ends: Points, old: NDArray[np.int64], new: NDArray[np.int64]) -> list[Moved]:
    """Neighbouring stretches that moved alike, as one; `ends` are last points, inclusive."""
    differing = np.flatnonzero((old != new).any(axis=1))
    found: list[Moved] = []
    for at in differing.tolist():
        begin = int(ends[at - 1]) + 1 if at else 0
        end = int(ends[at]) + 1
        before, after = tuple(old[at].tolist()), tuple(new[at].tolist())
        if begin == end:
            continue
        if found and found[-1].end == begin and found[-1].before == before and found[-1].after == after:
            begin = found.pop().begin
        found.append(Moved(begin, end, before, after))
    return found
