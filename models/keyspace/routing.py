"""Routes that clients keep, and how a server finds one stale.

A client asks by a *route*: the owners of a stretch of the line, under a version. The server judges it
by its own routing table (`judge`):

- its owners are what they were: the request is served, even if versions differ, since most changes
  concern others' keys, and refusing all clients at each would be a storm of refreshes;
- they are not, and the server's table is newer: `StaleRoute`, with the version to refresh to;
- they are not, and the *route* is newer: `Behind`; the server must catch up before it serves, and
  the client asks another owner meanwhile. It must not serve, or a node that lost a key while cut off
  would go on acknowledging writes that nobody looks for there.

The whole list must agree and not just the server's place on it: a quorum that is taken from two lists
need not overlap.

That is for servers that know of a key's place by their table alone. A tablet server goes by it where no
member on its host may hold the key. A member knows better than any table: what its group holds and
has given away stands in the group's log, so whoever came by a stale route that still leads to a member is
served as long as the key is there, and is told the way once it has gone (`NotHere`).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.keyspace.placement import Placement

__all__ = ["Behind", "Route", "RouteCache", "Served", "StaleRoute", "judge", "route_of"]


class Route(NamedTuple):
    """Who owned a stretch of the line under a version.

    Attributes:
        version: Of the routing table that it was read from.
        owners: The preference list, the coordinator first.
        begin: First point of the stretch over which the list is the same.
        end: One past its last.
    """

    version: int
    owners: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Served:
    """The server is among the owners, as the route says."""


@dataclass(frozen=True, slots=True)
class StaleRoute:
    """The route is older than the server's table and no longer right; refresh to this version or later."""

    version: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The server's table, of this version, is older than the route, and says otherwise; it has to catch up."""

    version: int


def route_of(placement: Placement, key: int, n: int) -> Route:
    """The route to a key."""
    begin, end = placement.span(key)
    return Route(placement.version, placement.owners(key, n), begin, end)


def judge(placement: Placement, server: int, key: int, route: Route) -> Served | StaleRoute | Behind:
    """What a server answers to who came by a route.

    Args:
        placement: The server's own routing table, which may be old too.
        server: Its number.
        key: What it is asked about.
        route: How the client came to ask it.
    """
    n = len(route.owners)
    owners = placement.owners(key, n) if 0 < n <= placement.longest() else ()
    if owners == route.owners and server in owners:
        return Served()
    if placement.version < route.version:
        return Behind(placement.version)
    return StaleRoute(placement.version)


class RouteCache:
    """The routes that a client keeps, by stretches that do not overlap; the longest unused goes first.

    Args:
        limit: How many, at least 1.

    Attributes:
        version: The latest version that any route or refusal spoke of.
        hits: Look-ups that found a route.
        misses: Those that did not.
        stale: Routes that a server refused.
    """

    __slots__ = ("_begins", "_routes", "hits", "limit", "misses", "stale", "version")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"{limit=} keeps no route; give at least 1")
        self.limit = limit
        self.version = 0
        self.hits = self.misses = self.stale = 0
        self._routes: OrderedDict[int, Route] = OrderedDict()
        self._begins: list[int] = []

    def __len__(self) -> int:
        return len(self._begins)

    def find(self, point: int) -> Route | None:
        """The route of the stretch that holds a point, if it is kept."""
        at = bisect_right(self._begins, point) - 1
        if at >= 0:
            route = self._routes[self._begins[at]]
            if point < route.end:
                self.hits += 1
                self._routes.move_to_end(route.begin)
                return route
        self.misses += 1
        return None

    def learn(self, route: Route) -> None:
        """Keep a route in place of older ones that it overlaps; one that overlaps a newer one is passed over.

        Raises:
            ValueError: it is of no stretch.
        """
        if route.begin >= route.end:
            raise ValueError(f"{route} holds no point; end it past its begin")
        rivals = self._overlapping(route)
        if any(rival.version > route.version for rival in rivals):
            return  # two answers crossed, and the later one is here already
        for rival in rivals:
            self._drop(rival)
        self.version = max(self.version, route.version)
        self._routes[route.begin] = route
        insort(self._begins, route.begin)
        if len(self._begins) > self.limit:
            self._drop(next(iter(self._routes.values())))

    def refused(self, point: int, answer: StaleRoute) -> None:
        """Drop the route that a server refused; others are kept until they are refused themselves."""
        self.version = max(self.version, answer.version)
        at = bisect_right(self._begins, point) - 1
        if at >= 0:
            route = self._routes[self._begins[at]]
            # What was learned since the request was sent is not what was refused.
            if point < route.end and route.version <= answer.version:
                self.stale += 1
                self._drop(route)

    def routes(self) -> Sequence[Route]:
        """All that is kept, in the order of the line."""
        return [self._routes[begin] for begin in self._begins]

    def _overlapping(self, route: Route) -> list[Route]:
        at = max(0, bisect_right(self._begins, route.begin) - 1)
        found = []
        while at < len(self._begins) and self._begins[at] < route.end:
            rival = self._routes[self._begins[at]]
            if rival.end > route.begin:
                found.append(rival)
            at += 1
        return found

    def _drop(self, route: Route) -> None:
        del self._routes[route.begin]
        del self._begins[bisect_right(self._begins, route.begin) - 1]
