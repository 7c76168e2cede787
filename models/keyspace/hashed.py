"""What placements share that put keys on a line of hashes: the line itself, how long a list may be, what was asked for.

`Hashed` says where a key is and who the members are. `Recalled` adds, for schemes whose lists follow from the key
alone, that owners asked for lately are kept, as a store asks for the same aggregates again and again; and that
neighbours on the line belong to others, so that nothing is told by stretches of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from models.keyspace.keys import HASH_END, KeyHash
from models.keyspace.placement import KEPT, Moved, Node, Placement, whole_line, zones_of
from models.store.schemes import Spread

__all__ = ["Hashed", "Recalled"]


class Hashed:
    """Members at one version, and the line of hashes.

    Args:
        members: Known to be without mistakes, in the order that the scheme wants.
        spread: No two owners of a key share a failure domain of this level.
        seed: Decides every hash.
        version: The epoch of this membership.
    """

    __slots__ = ("_members", "_zones", "hashed", "spread", "version")

    def __init__(self, members: Sequence[Node], spread: Spread, seed: int, version: int) -> None:
        self.hashed = KeyHash(seed)
        self.spread, self.version = spread, version
        self._members = tuple(members)
        self._zones = zones_of(members, spread)

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes, ascending."""
        return tuple(sorted(node.number for node in self._members))

    @property
    def line(self) -> int:
        """The line is that of hashes."""
        return HASH_END

    def point(self, key: int) -> int:
        """The hash of a key."""
        return self.hashed(key)

    def longest(self) -> int:
        """As many owners as there are zones."""
        return self._zones


class Recalled(Hashed, ABC):
    """Lists that are worked out key by key, and kept."""

    __slots__ = ("_asked",)

    def __init__(self, members: Sequence[Node], spread: Spread, seed: int, version: int) -> None:
        super().__init__(members, spread, seed, version)
        self._asked: dict[tuple[int, int], tuple[int, ...]] = {}

    @abstractmethod
    def _listed(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` nodes of the key's preference list; ValueError if there are not so many zones."""

    def span(self, key: int) -> tuple[int, int]:
        """The key's point alone: its neighbours belong to others."""
        point = self.hashed(key)
        return point, point + 1

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` nodes of the key's preference list; ValueError if there are not so many zones."""
        found = self._asked.get((key, n))
        if found is None:
            if len(self._asked) >= KEPT:
                self._asked.clear()
            found = self._asked[key, n] = self._listed(key, n)
        return found

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The whole line, unless it is the same version: the keys that move are anywhere."""
        return whole_line(self, after)
