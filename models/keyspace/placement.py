"""The one interface to the key space: which nodes own a key, under which version, and what moves between two.

A placement is a value: membership changes make another one with the next version. Its keys lie on a
line (of hashes, or of the keys themselves) at their `point`; a `span` is a stretch of the line over
which the preference list is the same, which is what a client may cache and a server hands over.

Nodes are whole numbers, such as a host's index. No two owners of a key share a failure domain of
the level that the placement spreads over (`Spread`), as Dynamo's preference lists skip positions
(DeCandia et al., SOSP 2007, 4.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple, Protocol

from models.store.schemes import Spread
from sim.topology import Topology

__all__ = [
    "KEPT",
    "Moved",
    "Node",
    "Placement",
    "check_length",
    "first_apart",
    "node_mistakes",
    "nodes_of",
    "refuse",
    "share_moved",
    "whole_line",
    "zones_of",
]


#: Keys that a placement keeps the owners of, at 100 to 200 bytes each, before it forgets them all.
KEPT: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something that owns keys.

    Attributes:
        number: Unique in the placement.
        weight: Its share of the keys relative to others', above 0.
        region: Name of its region; nodes that give none share one.
        cluster: Name of its cluster, unique within the region.
        rack: Name of its rack, unique within the cluster; None for a rack of its own.
    """

    number: int
    weight: float = 1.0
    region: str = ""
    cluster: str = ""
    rack: str | None = None

    def zone(self, spread: Spread) -> tuple[object, ...]:
        """The failure domain it stands in at a level."""
        if spread is Spread.REGION:
            return (self.region,)
        if spread is Spread.CLUSTER:
            return (self.region, self.cluster)
        if spread is Spread.RACK and self.rack is not None:
            return (self.region, self.cluster, self.rack)
        return (self.number,)


class Moved(NamedTuple):
    """A stretch of the line whose preference list changed, end exclusive.

    Attributes:
        begin: Its first point.
        end: One past its last.
        before: Who owned it.
        after: Who owns it now. Both are empty where the scheme cannot tell by stretches: every key inside must then
            be asked for by itself, which is what modulo hashing costs its operators.
    """

    begin: int
    end: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def told(self) -> bool:
        """Whether all keys inside moved, and alike."""
        return bool(self.after)

    @property
    def gaining(self) -> tuple[int, ...]:
        """Who must be sent the data."""
        return tuple(node for node in self.after if node not in self.before)

    @property
    def losing(self) -> tuple[int, ...]:
        """Who may drop it once those have it."""
        return tuple(node for node in self.before if node not in self.after)


class Placement(Protocol):
    """A scheme at one version; total: every key has owners."""

    @property
    def version(self) -> int:
        """The epoch of the routing table, from 1."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """Everybody who may own keys, ascending."""

    @property
    def line(self) -> int:
        """One past the last point of the line."""

    def point(self, key: int) -> int:
        """Where a key is on the line."""

    def span(self, key: int) -> tuple[int, int]:
        """A stretch of the line around a key, end exclusive, over which every list of owners is the same."""

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` nodes of the key's preference list, the coordinator first.

        Raises:
            ValueError: a list longer than the zones allow.
        """

    def longest(self) -> int:
        """How long a preference list may be: the zones that hold nodes."""

    def moved(self, after: Placement, n: int) -> tuple[Moved, ...]:
        """The stretches outside which no key's first `n` owners differ in `after`; in order and apart."""


def whole_line(before: Placement, after: Placement) -> tuple[Moved, ...]:
    """What a scheme answers that cannot tell by stretches which keys moved."""
    return () if before.version == after.version else (Moved(0, before.line, (), ()),)


def share_moved(moved: Sequence[Moved], line: int) -> Fraction | None:
    """The share of the line that moved, exact; None if some stretch does not tell."""
    if not all(one.told for one in moved):
        return None
    return Fraction(sum(one.end - one.begin for one in moved), line)


def nodes_of(topology: Topology, region: str | None = None, weight: float = 1.0) -> tuple[Node, ...]:
    """The servers of a topology, or of one of its regions, as nodes that bear the hosts' indices."""
    regions = topology.regions if region is None else (region,)
    return tuple(
        Node(number=host.index, weight=weight, region=host.region, cluster=host.cluster, rack=host.rack)
        for name in regions
        for host in topology.servers(name)
    )


def first_apart(candidates: Iterable[Node], spread: Spread, n: int) -> tuple[int, ...]:
    """The first `n` of the candidates that share no failure domain; fewer if they run out."""
    chosen: list[int] = []
    taken = set()
    for node in candidates:
        zone = node.zone(spread)
        if zone not in taken:
            taken.add(zone)
            chosen.append(node.number)
            if len(chosen) == n:
                break
    return tuple(chosen)


def zones_of(nodes: Iterable[Node], spread: Spread) -> int:
    """How many failure domains of a level hold nodes."""
    return len({node.zone(spread) for node in nodes})


def check_length(n: int, nodes: Sequence[Node], spread: Spread) -> None:
    """Refuse a preference list that cannot be.

    Raises:
        ValueError: no owner asked for, or more than there are zones; it names the nearest that can.
    """
    if n < 1:
        raise ValueError(f"{n=} asks for no owner; give at least 1")
    zones = zones_of(nodes, spread)
    if n > zones:
        level = spread.name.lower()
        ways = [f"ask for at most {zones}"]
        ways += [f"spread over {s.name.lower()}s" for s in _narrower(spread) if zones_of(nodes, s) >= n][:1]
        ways += [f"add {n - zones} {level}{'s' if n - zones > 1 else ''}"]
        raise ValueError(
            f"{n=} owners, each in another {level}, are more than the {zones} that hold nodes; {', or '.join(ways)}"
        )


def node_mistakes(nodes: Sequence[Node]) -> list[str]:
    """What is wrong with a membership, all of it."""
    if not nodes:
        return ["there are no nodes, so no key has an owner; give at least 1"]
    numbers = [node.number for node in nodes]
    twice = sorted({number for number in numbers if numbers.count(number) > 1}) if _repeats(numbers) else []
    mistakes = [f"node {number} is given {numbers.count(number)} times; name each once" for number in twice]
    mistakes += [
        f"node {node.number} has number {node.number}; nodes are numbered from 0" for node in nodes if node.number < 0
    ]
    mistakes += [
        f"node {node.number} has weight {node.weight}; give a finite number above 0, or leave the node out"
        for node in nodes
        if not 0 < node.weight < float("inf")
    ]
    return mistakes


def refuse(what: str, mistakes: Sequence[str]) -> None:
    """Raise one ValueError that tells all mistakes, one a line, if there is one."""
    if mistakes:
        raise ValueError("\n".join(f"{what}: {mistake}" for mistake in mistakes))


def _repeats(numbers: Sequence[int]) -> bool:
    return len(set(numbers)) < len(numbers)


def _narrower(spread: Spread) -> list[Spread]:
    """The levels below one, the widest first."""
    return [level for level in sorted(Spread, reverse=True) if level < spread]
