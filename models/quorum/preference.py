"""Which hosts hold a key, in order of preference: the first N are its replicas, the others stand in.

Hosts are ranked by a hash of key and host (rendezvous hashing), so that one host more or less moves
no key between two others. The best of each zone come first, as far as there are zones: replicas
of a key stand in different regions, and in different clusters of a region, before two share one; and
before all that in different failure domains of the level that the store spreads over.

Source: Thaler and Ravishankar, IEEE/ACM ToN 1998; preference lists over zones as in Dynamo, section 4.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from hashlib import blake2b

__all__ = ["Preference"]


class Preference:
    """The order of hosts for each key.

    Args:
        zones: By number of a host, (region, cluster).
        n: Replicas of a key.
        domains: By number of a host, the failure domain that no two replicas share, as long as there are enough; each
            host is its own if empty.
    """

    def __init__(self, zones: Sequence[tuple[str, str]], n: int, domains: Sequence[Hashable] = ()) -> None:
        self._zones = tuple(zones)
        self._domains = tuple(domains) or tuple(range(len(zones)))
        self._n = n
        self._known: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def homes(self, key: int) -> tuple[int, ...]:
        """The numbers of a key's replicas."""
        return self._order(key)[0]

    def others(self, key: int) -> tuple[int, ...]:
        """Who stands in for them, best first."""
        return self._order(key)[1]

    def _order(self, key: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        found = self._known.get(key)
        if found is None:
            ranked = sorted(range(len(self._zones)), key=lambda number: _rank(key, number))
            chosen: list[int] = []
            domains: Counter[Hashable] = Counter()
            regions: Counter[str] = Counter()
            clusters: Counter[tuple[str, str]] = Counter()
            zones, domain = self._zones, self._domains
            while ranked:
                best = min(ranked, key=lambda n: (domains[domain[n]], regions[zones[n][0]], clusters[zones[n]]))
                ranked.remove(best)
                chosen.append(best)
                domains[domain[best]] += 1
                regions[zones[best][0]] += 1
                clusters[zones[best]] += 1
            found = self._known[key] = tuple(chosen[: self._n]), tuple(chosen[self._n :])
        return found


def _rank(key: int, number: int) -> bytes:
    return blake2b(key.to_bytes(8, "big", signed=True) + number.to_bytes(8, "big"), digest_size=8).digest()
