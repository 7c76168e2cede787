"""Rendezvous hashing: every node bids for every key, and the highest bids win.

After Thaler and Ravishankar (IEEE/ACM ToN 1998). It moves the least that can be moved, at any
position of the list and for any node that comes or goes, without virtual nodes; the price is a bid a
node and look-up, but for keys asked for lately, whose owners are kept. With unequal weights a bid is
-weight / ln(u), u uniform in (0, 1) from the hash (Schindelhauer and Schomaker, SPAA 2005), so a
node wins in proportion to its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.keyspace.hashed import Recalled
from models.keyspace.keys import HASH_END, Points, mix64, mix64_many
from models.keyspace.placement import Node, check_length, first_apart, node_mistakes, refuse
from models.store.schemes import Spread

__all__ = ["Rendezvous"]

#: The prefix whose keys are bidders; no tenant and domain are this.
_BIDDER: Final = (1 << 64) - 2


class Rendezvous(Recalled):
    """Bidders at one version.

    Args:
        nodes: In any order.
        spread: No two owners of a key share a failure domain of this level.
        seed: Decides the bids.
        version: The epoch of this membership.

    Raises:
        ValueError: repeated nodes, none, or a weight that is no share; all of it at once.
    """

    __slots__ = ("_equal", "_salts")

    def __init__(self, nodes: Sequence[Node], *, spread: Spread = Spread.HOST, seed: int = 0, version: int = 1) -> None:
        mistakes = node_mistakes(nodes)
        if version < 1:
            mistakes.append(f"{version=} is no epoch; count from 1")
        refuse("rendezvous", mistakes)
        super().__init__(sorted(nodes, key=lambda node: node.number), spread, seed, version)
        self._equal = len({node.weight for node in nodes}) == 1
        bidders = [_BIDDER << 64 | node.number for node in self._members]
        self._salts = tuple((self.hashed(bidder), node) for bidder, node in zip(bidders, self._members, strict=True))

    def __repr__(self) -> str:
        return f"Rendezvous({len(self._members)} nodes, version {self.version})"

    @property
    def members(self) -> tuple[Node, ...]:
        """The nodes with their zones and weights, ascending."""
        return self._members

    def lists(self, points: Points, n: int) -> NDArray[np.int64]:
        """The first `n` owners of many points at once, a row each; for equal weights.

        Raises:
            ValueError: weights differ, or there are not so many zones.
        """
        if not self._equal:
            raise ValueError("weights differ, and logarithms of many at once depend on the processor; ask key by key")
        check_length(n, self._members, self.spread)
        bids = np.empty((len(points), len(self._salts)), dtype=np.uint64)
        for at, (salt, _) in enumerate(self._salts):
            bids[:, at] = mix64_many(points ^ np.uint64(salt))
        numbers = np.array([node.number for node in self._members], dtype=np.int64)
        if n == 1:
            best: NDArray[np.int64] = numbers[bids.argmax(axis=1)][:, None]
            return best
        ranked = np.argsort(~bids, axis=1, kind="stable")
        if self.spread is Spread.HOST:
            first: NDArray[np.int64] = numbers[ranked[:, :n]]
            return first
        rows = [first_apart((self._members[at] for at in row), self.spread, n) for row in ranked.tolist()]
        return np.array(rows, dtype=np.int64).reshape(len(points), n)

    def join(self, node: Node) -> Rendezvous:
        """The placement with one more bidder."""
        return self._with((*self._members, node))

    def leave(self, number: int) -> Rendezvous:
        """The placement without a bidder; ValueError if it is none, or the last."""
        self._known(number)
        return self._with([node for node in self._members if node.number != number])

    def reweigh(self, number: int, weight: float) -> Rendezvous:
        """The placement in which a bidder has another weight."""
        self._known(number)
        return self._with([replace(node, weight=weight) if node.number == number else node for node in self._members])

    def _listed(self, key: int, n: int) -> tuple[int, ...]:
        """The `n` highest bidders that share no zone."""
        if not 1 <= n <= self._zones:
            check_length(n, self._members, self.spread)
        point = self.hashed(key)
        bids = [(self._bid(mix64(salt ^ point), node), node) for salt, node in self._salts]
        if n == 1:
            return (max(bids, key=lambda bid: (bid[0], -bid[1].number))[1].number,)
        bids.sort(key=lambda bid: (-bid[0], bid[1].number))
        return first_apart((node for _, node in bids), self.spread, n)

    def _bid(self, mixed: int, node: Node) -> float:
        if self._equal:
            return mixed  # as a whole number: no rounding, no logarithm
        return -node.weight / log((mixed + 0.5) / HASH_END) if mixed < HASH_END - 1024 else node.weight * 2.0**64

    def _known(self, number: int) -> None:
        if number not in self.nodes:
            near = min(self.nodes, key=lambda known: (abs(known - number), known))
            raise ValueError(f"node {number} bids nowhere in {self!r}; the nearest is {near}")

    def _with(self, nodes: Sequence[Node]) -> Rendezvous:
        return Rendezvous(nodes, spread=self.spread, seed=self.hashed.seed, version=self.version + 1)
