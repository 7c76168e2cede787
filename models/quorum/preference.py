"""Which hosts hold a key, in order of preference: the first N are its replicas, the others stand in.

The key space ranks the hosts for each key; under rendezvous hashing, so that one host more or less moves
no key between two others. The best of each zone come first, as far as there are zones: replicas
of a key stand in different regions, and in different clusters of a region, before two share one. The key space's
own `spread` would refuse where zones run out; here every host is on the list, since any may stand in.

Source: preference lists over zones as in Dynamo, DeCandia et al., SOSP 2007, section 4.6.
"""

from __future__ import annotations

from collections import Counter

from models.keyspace.storage import KeySpace, Stored

__all__ = ["Preference"]


class Preference:
    """The order of hosts for each key.

    Args:
        space: The servers, and their ranking.
        n: Replicas of a key.
    """

    def __init__(self, space: KeySpace, n: int) -> None:
        servers = [host for host in space.topology.hosts if not host.client]
        self._space, self._n = space, n
        self._numbers = {host.index: number for number, host in enumerate(servers)}
        self._zones = [(host.region, host.cluster) for host in servers]
        self._known: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def homes(self, key: int) -> tuple[int, ...]:
        """The numbers of a key's replicas, servers being numbered from 0 in the topology's order."""
        return self._order(key)[0]

    def others(self, key: int) -> tuple[int, ...]:
        """Who stands in for them, best first."""
        return self._order(key)[1]

    def _order(self, key: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        found = self._known.get(key)
        if found is None:
            holders = self._space.holders(Stored.EVENTS, key, n=len(self._zones))
            chosen = self._apart([self._numbers[host] for host in holders])
            found = self._known[key] = tuple(chosen[: self._n]), tuple(chosen[self._n :])
        return found

    def _apart(self, ranked: list[int]) -> list[int]:
        """The same hosts, each time the best of those whose zone has the fewest so far."""
        zones, chosen = self._zones, []
        regions: Counter[str] = Counter()
        clusters: Counter[tuple[str, str]] = Counter()
        while ranked:
            best = min(ranked, key=lambda number: (regions[zones[number][0]], clusters[zones[number]]))
            ranked.remove(best)
            chosen.append(best)
            regions[zones[best][0]] += 1
            clusters[zones[best]] += 1
        return chosen
