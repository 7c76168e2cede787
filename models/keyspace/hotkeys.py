"""Hot keys: finding them in bounded memory, and what a scheme can do about one.

No scheme makes one key's load less by placing it: whoever owns it carries all of it. What is left:

| relief | tablets | ring, rendezvous, jump, modulo, open addressing |
|---|---|---|
| a place apart from other keys | split to a tablet of the one key, give it to an idle node | none: the hash places it |
| fewer other keys on its node | reassign the neighbours | lower the node's weight (ring, rendezvous only) |

Spread reads leave the coordinator's order: a client that must read its own writes names the version it
needs, or asks the coordinator. Writes stay where they are under every scheme.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from models.keyspace.tablets import TabletMap

__all__ = ["Hot", "SpaceSaving", "isolate"]


class Hot(NamedTuple):
    """A key that was counted.

    Attributes:
        key: Which.
        times: At most this often it was seen.
        error: And at least `times` less this.
    """

    key: int
    times: int
    error: int


class SpaceSaving:
    """The most frequent keys of a stream, by a bounded number of counters.

    After Metwally, Agrawal and El Abbadi (ICDT 2005): a key without a counter takes over the least one and goes on
    counting from there. Of N keys seen and m counters, every key that came more than N/m times has a counter, and no
    count is more than N/m too high nor ever too low. Counters of equal count hang together, so a key costs the
    same whatever m is; of those, the one that has been there longest is taken over first.

    Args:
        counters: How many, at least 1.
    """

    __slots__ = ("_buckets", "_counts", "_errors", "_least", "counters", "seen")

    def __init__(self, counters: int) -> None:
        if counters < 1:
            raise ValueError(f"{counters=} can count no key; give at least 1, 100 to find what has 1 % of the load")
        self.counters = counters
        self.seen = 0
        self._counts: dict[int, int] = {}
        self._errors: dict[int, int] = {}
        # By count, the keys that have it, in the order in which they came to it.
        self._buckets: dict[int, dict[int, None]] = {}
        self._least = 0

    def __len__(self) -> int:
        return len(self._counts)

    def saw(self, key: int) -> None:
        """Count a key."""
        self.seen += 1
        count = self._counts.get(key)
        if count is not None:
            self._leave(key, count)
        elif len(self._counts) < self.counters:
            count = 0
            self._errors[key] = 0
            self._least = 0  # until the key is in the bucket of 1, below
        else:
            count = self._least
            evicted = next(iter(self._buckets[count]))
            self._leave(evicted, count)
            del self._counts[evicted], self._errors[evicted]
            self._errors[key] = count
        self._counts[key] = count + 1
        self._buckets.setdefault(count + 1, {})[key] = None
        if self._least == count and not self._buckets.get(count):
            self._least = count + 1

    def hottest(self, k: int) -> list[Hot]:
        """The `k` highest counts, the highest first, by key where they are equal."""
        ranked = sorted(self._counts, key=lambda key: (-self._counts[key], key))
        return [Hot(key, self._counts[key], self._errors[key]) for key in ranked[:k]]

    def above(self, share: float) -> list[Hot]:
        """The keys that surely had more than this share of all that was seen, the highest first."""
        return [hot for hot in self.hottest(len(self)) if hot.times - hot.error > share * self.seen]

    def _leave(self, key: int, count: int) -> None:
        bucket = self._buckets[count]
        del bucket[key]
        if not bucket:
            del self._buckets[count]


def isolate(tablets: TabletMap, keys: Iterable[int]) -> TabletMap:
    """The map in which each of the keys has a tablet of its own; its owners are as before, until it is reassigned."""
    for key in sorted(set(keys)):
        for cut in (key, key + 1):
            if cut < tablets.line and tablets.at(cut).begin != cut:
                tablets = tablets.split(cut)
    return tablets
