"""Which hosts hold a key, in order of preference: the first N are its replicas, the others stand in.

The key space ranks the hosts for each key; under rendezvous hashing, so that one host more or less moves
no key between two others. The best of each zone come first, as far as there are zones: replicas
of a key stand in different regions, and in different clusters of a region, before two share one; and
before all that in different failure domains of the level that the store spreads over. The key space's
own `spread` would refuse where zones run out; here every host is on the list, since any may stand in.

Source: preference lists over zones as in Dynamo, DeCandia et al., SOSP 2007, section 4.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from models.keyspace.storage import KeySpace, Stored

__all__ = ["Preference"]


class Preference:
    """The order of hosts for each key.

    Args:
        space: The servers, and their ranking.
        n: Replicas of a key.
        domains: By number of a host, the failure domain that no two replicas share, as long as there are enough; each
            host is its own if empty.
    """

    def __init__(self, space: KeySpace, n: int, domains: Sequence[Hashable] = ()) -> None:
        servers = [host for host in space.topology.hosts if not host.client]
        self._space, self._n = space, n
        self._numbers = {host.index: number for number, host in enumerate(servers)}
        self._zones = [(host.region, host.cluster) for host in servers]
        self._domains = tuple(domains) or tuple(range(len(servers)))
        self._known: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def homes(self, key: int) -> tuple[int, ...]:
        """The numbers of a key's replicas, servers being numbered from 0 in the topology's order."""
        return (self._known.get(key) or self._order(key))[0]

    def others(self, key: int) -> tuple[int, ...]:
        """Who stands in for them, best first."""
        return (self._known.get(key) or self._order(key))[1]

    def _order(self, key: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        holders = self._space.holders(Stored.EVENTS, key, n=len(self._zones))
        chosen = self._apart([self._numbers[host] for host in holders])
        found = self._known[key] = tuple(chosen[: self._n]), tuple(chosen[self._n :])
        return found

    def _apart(self, ranked: list[int]) -> list[int]:
        """The same hosts, each time the best of those whose failure domain and zone have the fewest so far."""
        zones, domain = self._zones, self._domains
        chosen: list[int] = []
        domains: Counter[Hashable] = Counter()
        regions: Counter[str] = Counter()
        clusters: Counter[tuple[str, str]] = Counter()
        while ranked:
            best = min(ranked, key=lambda n: (domains[domain[n]], regions[zones[n][0]], clusters[zones[n]]))
            ranked.remove(best)
            chosen.append(best)
            domains[domain[best]] += 1
            regions[zones[best][0]] += 1
            clusters[zones[best]] += 1
        return chosen
