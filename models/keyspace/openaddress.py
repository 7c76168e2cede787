"""Open addressing with linear probing: keys lie in a table of slots, and a slot's number says which node has it.

A key takes the first free slot at or after its hash (Peterson, 1957), so where it is depends on who
came before it, and a look-up has to probe. Knuth (TAOCP 3, 6.4) gives the mean number of probes at
load a: 1/2 (1 + 1/(1 - a)) if the key is there, 1/2 (1 + 1/(1 - a)^2) if not, as the table grows; for
tables of a size, `expected_probes`. Deleting leaves a tombstone, which probes pass and
inserts take; tombstones count as load for those who look in vain, so the table is cleaned once they
and the keys exceed its limit.

Each node has a block of slots. A node never has more keys than slots, whatever the hash does: the
excess spills to the next node. But its number of slots is fixed with the number of nodes, so the
scheme has no live membership; a change is another table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from models.keyspace.hashed import Recalled
from models.keyspace.placement import Node, check_length, first_apart, node_mistakes, refuse
from models.store.schemes import Spread

__all__ = ["SlotTable", "TableFull", "expected_probes", "knuth_probes"]

_FREE: Final = -1
_TOMBSTONE: Final = -2


class TableFull(Exception):
    """The load limit is reached: a slot more and probes would be longer than the limit allows."""


def knuth_probes(load: float) -> tuple[float, float]:
    """Mean probes of a look-up that finds and of one that does not, in the limit of large tables.

    Raises:
        ValueError: a load outside [0, 1).
    """
    if not 0 <= load < 1:
        raise ValueError(f"{load=} is no load of a table with room; give 0 to below 1")
    room = 1 / (1 - load)
    return (1 + room) / 2, (1 + room * room) / 2


def expected_probes(slots: int, keys: int) -> tuple[float, float]:
    """The same for a table of a size, exact: Knuth's (1 + Q0(m, k - 1)) / 2 and (1 + Q1(m, k)) / 2."""
    if not 0 <= keys < slots:
        raise ValueError(f"{keys=} leave no room in {slots=}; give fewer keys")
    return (1 + _q(0, slots, keys - 1)) / 2, (1 + _q(1, slots, keys)) / 2


def _q(r: int, slots: int, keys: int) -> float:
    """Knuth's Q_r(m, k), the sum over i of C(r + i, i) k/m (k-1)/m ... (k-i+1)/m."""
    total, term, i = 0.0, 1.0, 0
    while i <= max(keys, 0) and term > 1e-18 * max(total, 1.0):
        total += term
        term *= (r + i + 1) / (i + 1) * (keys - i) / slots
        i += 1
    return total


class SlotTable(Recalled):
    """Slots, and the keys in them.

    Args:
        nodes: In the order of their blocks, which are of equal length.
        slots: How many there are, at least one a node.
        limit: The share of slots that keys may take; above 0 and below 1, for a full table is probed to its end.
        spread: No two owners of a key share a failure domain of this level.
        seed: Decides the hash.
        version: The epoch of the table.

    Raises:
        ValueError: repeated nodes, none, weights that differ, too few slots, a limit that cannot be; all of it at once.
    """

    __slots__ = ("_orders", "_slots", "_tombstones", "keys", "limit")

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        slots: int,
        limit: float = 0.7,
        spread: Spread = Spread.HOST,
        seed: int = 0,
        version: int = 1,
    ) -> None:
        mistakes = node_mistakes(nodes)
        if len({node.weight for node in nodes}) > 1:
            mistakes.append("weights differ, and blocks of slots are equal; make the weights equal, or use a ring")
        if slots < max(1, len(nodes)):
            mistakes.append(f"{slots=} are fewer than one for each of {len(nodes)} nodes; give at least {len(nodes)}")
        if not 0 < limit < 1:
            mistakes.append(f"{limit=} is no share that leaves room; give above 0 and below 1, such as 0.7")
        if version < 1:
            mistakes.append(f"{version=} is no epoch; count from 1")
        refuse("slot table", mistakes)
        super().__init__(nodes, spread, seed, version)
        self.limit = limit
        self.keys = 0
        self._tombstones = 0
        self._slots = [_FREE] * slots
        self._orders: dict[tuple[int, int], tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"SlotTable({self.keys} keys in {len(self._slots)} slots on {len(self._members)} nodes)"

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: int) -> bool:
        return self.find(key)[0] is not None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Slot and key of all that is there."""
        return ((slot, key) for slot, key in enumerate(self._slots) if key >= 0)

    @property
    def load(self) -> float:
        """The share of slots that keys take."""
        return self.keys / len(self._slots)

    @property
    def tombstones(self) -> int:
        """Slots whose key was deleted."""
        return self._tombstones

    def home(self, key: int) -> int:
        """The slot at which a key's probes begin: equal stretches of the line of hashes, in their order."""
        return self.hashed(key) * len(self._slots) >> 64

    def find(self, key: int) -> tuple[int | None, int]:
        """The key's slot, or None, and how many slots were looked at."""
        slots, size = self._slots, len(self._slots)
        at = self.home(key)
        for probes in range(1, size + 1):
            held = slots[at]
            if held == key:
                return at, probes
            if held == _FREE:
                return None, probes
            at = at + 1 if at + 1 < size else 0
        return None, size

    def insert(self, key: int) -> int:
        """Put a key into the first slot that is free for it, once; returns the slot.

        Raises:
            TableFull: the load limit is reached.
            ValueError: it is no key.
        """
        if key < 0:
            raise ValueError(f"{key=} is no key; give 0 to 2**128 - 1")
        found, _ = self.find(key)
        if found is not None:
            return found
        if self.keys + 1 > self.limit * len(self._slots):
            raise TableFull(
                f"{self.keys} keys in {len(self._slots)} slots are at the limit of {self.limit}; make a table of "
                f"{2 * len(self._slots)} slots"
            )
        if self.keys + self._tombstones + 1 > self.limit * len(self._slots):
            self.clean()
        at, size = self.home(key), len(self._slots)
        while self._slots[at] >= 0:
            at = at + 1 if at + 1 < size else 0
        self._asked.clear()  # where an absent key would be has changed for some
        self._tombstones -= self._slots[at] == _TOMBSTONE
        self._slots[at] = key
        self.keys += 1
        return at

    def delete(self, key: int) -> bool:
        """Leave a tombstone in the key's place; False if it was not there."""
        at, _ = self.find(key)
        if at is None:
            return False
        self._asked.clear()
        self._slots[at] = _TOMBSTONE
        self.keys -= 1
        self._tombstones += 1
        return True

    def clean(self) -> int:
        """Take the tombstones away and put every key where it would be without; returns how many keys moved."""
        before = {key: slot for slot, key in self}
        self._slots = [_FREE] * len(self._slots)
        self._tombstones = 0
        self._asked.clear()
        moved, size = 0, len(self._slots)
        for key, slot in before.items():
            at = self.home(key)
            while self._slots[at] >= 0:
                at = at + 1 if at + 1 < size else 0
            self._slots[at] = key
            moved += at != slot
        return moved

    def _listed(self, key: int, n: int) -> tuple[int, ...]:
        """The node whose block holds the key, or would; then those of the next blocks that share no zone."""
        if not 1 <= n <= self._zones:
            check_length(n, self._members, self.spread)
        slot, probes = self.find(key)
        if slot is None:
            slot = (self.home(key) + probes - 1) % len(self._slots)
        return self._order(slot * len(self._members) // len(self._slots), n)

    def _order(self, block: int, n: int) -> tuple[int, ...]:
        found = self._orders.get((block, n))
        if found is None:
            around = self._members[block:] + self._members[:block]
            found = self._orders[block, n] = first_apart(around, self.spread, n)
        return found
