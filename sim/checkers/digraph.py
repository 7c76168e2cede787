"""Directed graphs as lists of successors: an order of them, or a shortest ring that forbids one."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

__all__ = ["Edges", "shortest_cycle", "topological"]

#: By node, the nodes that come after it.
Edges: TypeAlias = "list[list[int]]"


def topological(edges: Edges) -> list[int]:
    """Nodes in an order of their edges; without those that lie on a cycle or after one (Kahn, 1962)."""
    incoming = [0] * len(edges)
    for after in edges:
        for node in after:
            incoming[node] += 1
    order = [node for node, count in enumerate(incoming) if count == 0]
    for node in order:  # it grows
        for other in edges[node]:
            incoming[other] -= 1
            if incoming[other] == 0:
                order.append(other)
    return order


def shortest_cycle(edges: Edges) -> list[int]:
    """The nodes of a cycle that none is shorter than, in its order; [] if there is none.

    One breadth-first search from each node that may lie on a cycle.
    """
    best: list[int] = []
    free = set(topological(edges))
    for start in range(len(edges)):
        if start not in free and len(best) != 1:
            found = _back_to(start, edges, free, len(best))
            best = found or best
    return best


def _back_to(start: int, edges: Edges, free: set[int], below: int) -> list[int]:
    """The shortest way from a node to itself, if it has fewer than `below` nodes (0: any); else []."""
    came: dict[int, int] = {}
    depth = {start: 1}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        if below and depth[node] >= below:
            return []
        for other in edges[node]:
            if other == start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if other not in depth and other not in free:
                came[other], depth[other] = node, depth[node] + 1
                waiting.append(other)
    return []
