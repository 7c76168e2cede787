"""Near home: every partition is led by a server of one region, in turn, and held by those nearest to that.

What a store comes to that knows its region and trusts no hash: partition i has its home on the i-th server of the
region, and its other holders are the nearest that are far enough apart (`models.store.schemes.holders_of`). A
membership is the topology's, so nobody joins or leaves: this is where storage is that nobody told to lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from models.keyspace.keys import KEY_END, unpack_key
from models.keyspace.placement import Moved, Placement, nodes_of, refuse, whole_line, zones_of
from models.store.schemes import Scheme, holders_of
from sim.topology import Topology

__all__ = ["NearHome"]


class NearHome:
    """Partitions by their numbers, on a region's servers in turn.

    Args:
        topology: Whose servers there are.
        home: The region where leaders are.
        scheme: How far apart holders are.
        first: On which of the region's servers partition 0 is led.
        among: The indices of the hosts that may hold anything; None for all servers.

    Raises:
        ValueError: a region that is none, or without a server that may hold anything.
    """

    __slots__ = ("_among", "_first", "_homes", "_nodes", "_scheme", "_topology", "version")

    def __init__(
        self, topology: Topology, home: str, scheme: Scheme, *, first: int = 0, among: Collection[int] | None = None
    ) -> None:
        self._topology, self._scheme, self._first, self.version = topology, scheme, first, 1
        self._among = None if among is None else frozenset(among)
        self._nodes = tuple(one for one in nodes_of(topology) if among is None or one.number in among)
        held = {node.number for node in self._nodes}
        self._homes = tuple(host.index for host in topology.servers(home) if host.index in held)
        refuse("near home", [] if self._homes else [f"{home=} has no server that may lead; give it one"])

    def __repr__(self) -> str:
        return f"NearHome({len(self._homes)} homes, {len(self._nodes)} nodes)"

    @property
    def nodes(self) -> tuple[int, ...]:
        """All servers, ascending."""
        return tuple(sorted(node.number for node in self._nodes))

    @property
    def line(self) -> int:
        """The line is that of keys."""
        return KEY_END

    def point(self, key: int) -> int:
        """The key itself."""
        return key

    def span(self, key: int) -> tuple[int, int]:
        """The key alone: the next partition is led by another."""
        return key, key + 1

    def longest(self) -> int:
        """As many owners as there are zones."""
        return zones_of(self._nodes, self._scheme.spread)

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The partition's home, then the nearest that are far enough apart.

        Raises:
            ValueError: no owner asked for, or more than there are zones.
        """
        if n < 1:
            raise ValueError(f"{n=} asks for no owner; give at least 1")
        _, _, partition = unpack_key(key)
        home = self._homes[(self._first + partition) % len(self._homes)]
        return holders_of(replace(self._scheme, holders=1, copies=n), self._topology, home, self._among)

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The whole line, unless it is the same version."""
        return whole_line(self, after)
