"""A Merkle tree over ranges of keys, by which two replicas find where they differ.

Keys are hashed to 64 bits and a leaf is a range of those; a node is the hash of its two children,
and nothing at all hashes to 0. Who compares two trees from the root down, and goes on only below
what differs, exchanges hashes in proportion to what differs and not to what is held.

Source: Merkle, CRYPTO 1987; per-range trees of replicas as in Dynamo, SOSP 2007, section 4.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

__all__ = ["STEP", "Merkle", "position_of"]

#: Levels that one comparison goes down: sixteen hashes below each that differed.
STEP: Final = 4
_BITS: Final = 64


def position_of(key: int) -> int:
    """Where a key stands in the order of ranges, 64 bits."""
    return int.from_bytes(blake2b(key.to_bytes(8, "big", signed=True), digest_size=8).digest(), "big")


class Merkle:
    """A tree of digests by key.

    Args:
        depth: Levels below the root; there are 2 ** depth ranges.
    """

    def __init__(self, depth: int) -> None:
        assert 0 < depth <= 20, f"{depth=}: a leaf is a range of keys, of which there are at most a million"
        self.depth = depth
        self._entries: dict[int, dict[int, int]] = {}
        self._levels: list[list[int]] = [[0] * (1 << level) for level in range(depth + 1)]
        self._dirty: set[int] = set()

    def put(self, key: int, digest: int | None) -> None:
        """Say what is held of a key now; None is nothing."""
        leaf = self.leaf_of(key)
        entries = self._entries.setdefault(leaf, {})
        if digest is None:
            entries.pop(key, None)
        else:
            entries[key] = digest
        self._dirty.add(leaf)

    def leaf_of(self, key: int) -> int:
        """The range that a key belongs to."""
        return position_of(key) >> (_BITS - self.depth)

    def hashes(self, level: int, indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
        """(index, hash) of nodes of a level; the root is level 0."""
        self._settle()
        nodes = self._levels[level]
        return tuple((index, nodes[index]) for index in indices)

    def differing(self, level: int, theirs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Which of their nodes are not as here."""
        self._settle()
        nodes = self._levels[level]
        return tuple(index for index, value in theirs if nodes[index] != value)

    def below(self, level: int, indices: Iterable[int]) -> tuple[int, list[int]]:
        """The level at most `STEP` further down, and the nodes there that stand below `indices`."""
        step = min(STEP, self.depth - level)
        return level + step, [child for index in indices for child in range(index << step, (index + 1) << step)]

    def entries(self, leaves: Sequence[int]) -> dict[int, int]:
        """Digests by key of some ranges, in order."""
        return {
            key: self._entries[leaf][key] for leaf in leaves if leaf in self._entries for key in _sorted(self, leaf)
        }

    def _settle(self) -> None:
        """Bring the hashes above what has changed up to date."""
        if not self._dirty:
            return
        changed = self._dirty
        bottom = self._levels[self.depth]
        for leaf in changed:
            held = self._entries.get(leaf)
            if not held:
                self._entries.pop(leaf, None)
            bottom[leaf] = _hash(part for key in sorted(held) for part in (key, held[key])) if held else 0
        for level in range(self.depth - 1, -1, -1):
            changed = {index >> 1 for index in changed}
            nodes, children = self._levels[level], self._levels[level + 1]
            for index in changed:
                left, right = children[2 * index], children[2 * index + 1]
                nodes[index] = _hash((left, right)) if left or right else 0
        self._dirty = set()


def _sorted(tree: Merkle, leaf: int) -> list[int]:
    return sorted(tree._entries[leaf])


def _hash(parts: Iterable[int]) -> int:
    joined = b"".join([part.to_bytes(9, "big", signed=True) for part in parts])
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big")
