"""The baselines: a hash modulo the number of nodes, and jump consistent hashing.

Both number *buckets* 0, 1, 2, ... and say which node stands behind each. Modulo moves nearly every
key when that number changes: n/(n + 1) of them at a join. Jump (Lamping and Veach, 2014) moves
1/(n + 1) and balances as well as chance can, needs no memory, and lets nobody go but the last
bucket: here the node of the last one takes the number of who left, so 2/n of the keys move (less those few
that would have come to it anyway). Neither knows weights; the rest of a preference list is the buckets that follow.

Keys move one by one all over the line, so `moved` can only answer with all of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from models.keyspace.hashed import Recalled
from models.keyspace.keys import HASH_END, Points
from models.keyspace.placement import Node, check_length, first_apart, node_mistakes, refuse
from models.store.schemes import Spread

__all__ = ["Buckets", "JumpHashing", "ModuloHashing", "jump_bucket", "jump_buckets"]

_STEP: Final = 2862933555777941757
_MASK: Final = HASH_END - 1


def jump_bucket(point: int, buckets: int) -> int:
    """The bucket of a point; Lamping and Veach's five lines, about ln(buckets) steps."""
    state, at, to = point, -1, 0
    while to < buckets:
        at = to
        state = state * _STEP + 1 & _MASK
        to = int((at + 1) * (2147483648.0 / ((state >> 33) + 1)))
    return at


def jump_buckets(points: Points, buckets: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The same for many points at once."""
    state = points.copy()
    at = np.zeros(len(points), dtype=np.int64)
    pending = np.arange(len(points))
    to = at.copy()
    while len(pending):
        at[pending] = to[pending]
        state[pending] = state[pending] * np.uint64(_STEP) + np.uint64(1)
        drawn = (state[pending] >> np.uint64(33)).astype(np.float64) + 1
        to[pending] = ((at[pending] + 1) * (2147483648.0 / drawn)).astype(np.int64)
        pending = pending[to[pending] < buckets]
    return at


_Same = TypeVar("_Same", bound="Buckets")


class Buckets(Recalled):
    """Nodes behind numbered buckets, at one version.

    Args:
        nodes: In the order of their buckets.
        spread: No two owners of a key share a failure domain of this level.
        seed: Decides the hash of keys.
        version: The epoch of this membership.

    Raises:
        ValueError: repeated nodes, none, or weights that differ; all of it at once.
    """

    __slots__ = ("_lists",)

    def __init__(self, nodes: Sequence[Node], *, spread: Spread = Spread.HOST, seed: int = 0, version: int = 1) -> None:
        mistakes = node_mistakes(nodes)
        if len({node.weight for node in nodes}) > 1:
            mistakes.append("weights differ, which buckets cannot honour; make them equal, or use a ring or rendezvous")
        if version < 1:
            mistakes.append(f"{version=} is no epoch; count from 1")
        refuse(type(self).__name__, mistakes)
        super().__init__(nodes, spread, seed, version)
        self._lists: dict[tuple[int, int], tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._members)} nodes, version {self.version})"

    @abstractmethod
    def bucket(self, point: int) -> int:
        """The bucket of a point."""

    @abstractmethod
    def buckets(self, points: Points) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """The buckets of many points."""

    @abstractmethod
    def leave(self: _Same, number: int) -> _Same:
        """The placement without a node; ValueError if it is none of them, or the last."""

    @property
    def ordered(self) -> tuple[Node, ...]:
        """The nodes in the order of their buckets."""
        return self._members

    def join(self: _Same, node: Node) -> _Same:
        """The placement with one more node, in the next bucket."""
        return self._with((*self._members, node))

    def _listed(self, key: int, n: int) -> tuple[int, ...]:
        """The node of the key's bucket, then those of the next that share no zone with an earlier one."""
        bucket = self.bucket(self.hashed(key))
        found = self._lists.get((bucket, n))
        if found is None:
            if not 1 <= n <= self._zones:
                check_length(n, self._members, self.spread)
            around = self._members[bucket:] + self._members[:bucket]
            found = self._lists[bucket, n] = first_apart(around, self.spread, n)
        return found

    def _with(self: _Same, nodes: Sequence[Node]) -> _Same:
        return type(self)(nodes, spread=self.spread, seed=self.hashed.seed, version=self.version + 1)

    def _place_of(self, number: int) -> int:
        numbers = [node.number for node in self._members]
        if number not in numbers:
            near = min(numbers, key=lambda known: (abs(known - number), known))
            raise ValueError(f"node {number} is none of {self!r}; the nearest is {near}")
        return numbers.index(number)


class ModuloHashing(Buckets):
    """A key's bucket is its hash modulo their number."""

    __slots__ = ()

    def bucket(self, point: int) -> int:
        """The bucket of a point."""
        return point % len(self._members)

    def buckets(self, points: Points) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """The buckets of many points."""
        return (points % np.uint64(len(self._members))).astype(np.int64)

    def leave(self, number: int) -> ModuloHashing:
        """The placement without a node; those after it move up."""
        at = self._place_of(number)
        return self._with(self._members[:at] + self._members[at + 1 :])


class JumpHashing(Buckets):
    """A key's bucket is where it last jumped to, as buckets were added one by one."""

    __slots__ = ()

    def bucket(self, point: int) -> int:
        """The bucket of a point."""
        return jump_bucket(point, len(self._members))

    def buckets(self, points: Points) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """The buckets of many points."""
        return jump_buckets(points, len(self._members))

    def leave(self, number: int) -> JumpHashing:
        """The placement without a node; the node of the last bucket takes its number."""
        at, kept = self._place_of(number), list(self._members)
        kept[at] = kept[-1]
        return self._with(kept[:-1])
