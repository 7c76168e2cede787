"""What a tablet master decides: where to split, what to merge, who holds what; pure functions of a map and loads.

Whoever runs them may be cut off or deposed, so a decision names the version of the map that it was
taken on, and `apply` finds it void if a tablet that it is about has changed since (`Superseded`). So
one plan of many decisions goes through, and of two masters who disagree on a tablet the second is
not obeyed. Bigtable keeps masters apart by a lock service; here the log of decisions is what must
be agreed upon, and a decision is small enough to be an entry of it.

A key hotter than its tablet's share gets a tablet of its own (`split_point`), which then can be given
to a node that does little else. No split makes one key's load less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from models.keyspace.keys import KEY_END
from models.keyspace.placement import Node, check_length, first_apart
from models.keyspace.tablets import Tablet, TabletMap
from models.store.schemes import Spread

__all__ = [
    "Decision",
    "Limits",
    "Merge",
    "Reassign",
    "Split",
    "Superseded",
    "apply",
    "balance",
    "evacuate",
    "even_tablets",
    "merges",
    "split_point",
    "splits",
]

#: A key with this share of its tablet's load gets a tablet of its own.
_HOT: Final = 0.5

Weights = Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a tablet is too much or too little.

    Attributes:
        most: Load or size above which it is split.
        least: Load or size below which it may be merged with its neighbour; at most half of `most`, or what was
            merged would be split again.
    """

    most: float
    least: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most / 2 or not self.most > 0:
            raise ValueError(
                f"least={self.least} and most={self.most}: what is merged would be split again; give a `most` above 0 "
                f"and a `least` of 0 to {self.most / 2 if self.most > 0 else 0}"
            )


@dataclass(frozen=True, slots=True)
class Split:
    """A tablet shall begin at `at`."""

    at: int


@dataclass(frozen=True, slots=True)
class Merge:
    """The tablet that begins at `at` shall be one with that before it."""

    at: int


@dataclass(frozen=True, slots=True)
class Reassign:
    """The tablet that begins at `at` shall have these owners."""

    at: int
    owners: tuple[int, ...]


Action = Split | Merge | Reassign


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something that a master decided, on the map of a version."""

    version: int
    action: Action


@dataclass(frozen=True, slots=True)
class Superseded:
    """A tablet has changed, at this version, since the decision was taken; so it changes nothing."""

    version: int


def apply(tablets: TabletMap, decision: Decision) -> TabletMap | Superseded:
    """The map after a decision, or what makes it void."""
    action = decision.action
    about = [tablets.at(action.at)]
    if isinstance(action, Merge) and action.at > 0:
        about.append(tablets.at(action.at - 1))
    latest = max(tablet.version for tablet in about)
    if latest > decision.version:
        return Superseded(latest)
    if isinstance(action, Split):
        return tablets.split(action.at)
    if isinstance(action, Merge):
        return tablets.merge(action.at)
    return tablets.reassign(action.at, action.owners)


def even_tablets(
    cuts: Sequence[int], nodes: Sequence[Node], n: int, *, spread: Spread = Spread.HOST, version: int = 1
) -> TabletMap:
    """A first map: tablets between the cuts, dealt out so that every node holds as many as its weight says.

    Raises:
        ValueError: cuts that are no keys, or more owners asked for than there are zones.
    """
    check_length(n, nodes, spread)
    begins = sorted({0, *cuts})
    held = dict.fromkeys(sorted(node.number for node in nodes), 0.0)
    tablets = []
    for begin, end in zip(begins, [*begins[1:], KEY_END], strict=True):
        owners = first_apart(_by_load(nodes, held), spread, n)
        for rank, number in enumerate(owners):
            # Leading is what weighs; the rest only sees to it that copies are spread as well.
            held[number] += 1.0 if rank == 0 else 1e-3
        tablets.append(Tablet(begin=begin, end=end, owners=owners, version=version))
    return TabletMap(tablets, nodes, spread=spread, version=version)


def split_point(tablet: Tablet, weights: Weights) -> int | None:
    """Where to split a tablet so that the halves weigh as nearly the same as they can.

    A key that weighs half of it or more is cut off on one side, and by the next split on the other.

    Args:
        tablet: Which.
        weights: Load or size by key, or by a sample of them; others than the tablet's are passed over.

    Returns:
        The first key of the second half; None if nothing can be parted: a single key, or no weight.
    """
    inside = sorted((key, weight) for key, weight in weights.items() if tablet.begin <= key < tablet.end and weight > 0)
    total = sum(weight for _, weight in inside)
    if not inside or tablet.end - tablet.begin < 2:
        return None
    hot = max(inside, key=lambda one: (one[1], -one[0]))
    if hot[1] >= _HOT * total:
        return hot[0] if hot[0] > tablet.begin else hot[0] + 1
    best, passed = tablet.begin, 0.0
    nearest = total
    for (_, weight), (following, _) in pairwise(inside):
        passed += weight
        if abs(total - 2 * passed) < nearest:
            best, nearest = following, abs(total - 2 * passed)
    return best if best > tablet.begin else None


def splits(tablets: TabletMap, weights: Weights, limits: Limits) -> TabletMap:
    """The map after all splits that the limits ask for, one after another; single keys are left as they are."""
    by_key = sorted(weights.items())
    done: list[Tablet] = []
    at = 0
    version = tablets.version
    for tablet in tablets.tablets:
        first = at
        while at < len(by_key) and by_key[at][0] < tablet.end:
            at += 1
        pending = [(tablet, dict(by_key[first:at]))]
        while pending:
            one, inside = pending.pop()
            cut = split_point(one, inside) if sum(inside.values()) > limits.most else None
            if cut is None:
                done.append(one)
                continue
            version += 1
            right = {key: weight for key, weight in inside.items() if key >= cut}
            left = {key: weight for key, weight in inside.items() if key < cut}
            pending += [
                (replace(one, begin=cut, version=version), right),
                (replace(one, end=cut, version=version), left),
            ]
    return TabletMap(done, tablets.members, spread=tablets.spread, version=version)


def merges(tablets: TabletMap, loads: Mapping[int, float], limits: Limits) -> list[Merge]:
    """Neighbours with the same owners that together weigh less than `least`; each tablet is in one pair at most.

    Args:
        tablets: The map.
        loads: Of each tablet by its `begin`; 0 where it is not given.
        limits: See there.
    """
    found = []
    taken = False
    for left, right in pairwise(tablets.tablets):
        light = loads.get(left.begin, 0.0) + loads.get(right.begin, 0.0) < limits.least
        taken = not taken and light and left.owners == right.owners
        if taken:
            found.append(Merge(right.begin))
    return found


def balance(
    tablets: TabletMap, loads: Mapping[int, float], *, to: int | None = None, most_moves: int | None = None
) -> list[Reassign]:
    """The fewest moves of leading tablets, greedily, that even out what nodes carry by weight.

    Each takes the tablet that helps most from the busiest node and gives it to the idlest that may hold it; it ends
    where none would make the busiest less busy.

    Args:
        tablets: The map.
        loads: Of each tablet by its `begin`; 0 where it is not given.
        to: Give to this node alone, such as a newcomer, so that nothing moves among the others; None for any.
        most_moves: Stop after so many; None for no limit.
    """
    carried = dict.fromkeys(tablets.nodes, 0.0)
    held: dict[int, dict[int, Tablet]] = {number: {} for number in tablets.nodes}
    for tablet in tablets.tablets:
        carried[tablet.owners[0]] += loads.get(tablet.begin, 0.0)
        held[tablet.owners[0]][tablet.begin] = tablet
    by_number = {node.number: node for node in tablets.members}
    moves: dict[int, Reassign] = {}
    while most_moves is None or len(moves) < most_moves:
        found = _best_move(tablets.spread, by_number, carried, held, loads, to)
        if found is None:
            break
        begin, source, owners = found
        load = loads.get(begin, 0.0)
        carried[source] -= load
        carried[owners[0]] += load
        held[owners[0]][begin] = replace(held[source].pop(begin), owners=owners)
        moves[begin] = Reassign(begin, owners)
    return list(moves.values())


def evacuate(tablets: TabletMap, leaving: Sequence[int]) -> list[Reassign]:
    """For each tablet that a leaving node holds, the owners it shall have: the others stay, in their order.

    Raises:
        ValueError: those who stay do not stand in enough zones.
    """
    staying = [node for node in tablets.members if node.number not in leaving]
    held = {node.number: 0.0 for node in staying}
    for tablet in tablets.tablets:
        if tablet.owners[0] in held:
            held[tablet.owners[0]] += 1.0
    by_number = {node.number: node for node in staying}
    moves = []
    for tablet in tablets.tablets:
        if not set(tablet.owners) & set(leaving):
            continue
        n = len(tablet.owners)
        check_length(n, staying, tablets.spread)
        kept = [by_number[number] for number in tablet.owners if number in by_number]
        owners = list(first_apart([*kept, *_by_load(staying, held)], tablets.spread, n))
        if tablet.owners[0] not in by_number:
            held[owners[0]] += 1.0
        else:
            held[owners[-1]] += 1e-3
        moves.append(Reassign(tablet.begin, tuple(owners)))
    return moves


def _by_load(nodes: Sequence[Node], held: Mapping[int, float]) -> list[Node]:
    """The nodes by what they hold in proportion to their weight, the least first."""
    return sorted(nodes, key=lambda node: (held[node.number] / node.weight, node.number))


def _best_move(
    spread: Spread,
    nodes: Mapping[int, Node],
    carried: Mapping[int, float],
    held: Mapping[int, Mapping[int, Tablet]],
    loads: Mapping[int, float],
    to: int | None,
) -> tuple[int, int, tuple[int, ...]] | None:
    """Begin, old coordinator and new owners of the move that lowers the busiest node most; None if none does."""
    relative = {number: carried[number] / nodes[number].weight for number in carried}
    source = max(relative, key=lambda number: (relative[number], -number))
    idlest_first = sorted(relative, key=lambda number: (relative[number], number))
    for target in idlest_first if to is None else [to]:
        if target == source:
            return None
        best: tuple[float, int, tuple[int, ...]] | None = None
        for begin, tablet in held[source].items():
            load = loads.get(begin, 0.0)
            peak = max((carried[source] - load) / nodes[source].weight, (carried[target] + load) / nodes[target].weight)
            if load <= 0 or peak >= relative[source] or (best is not None and (peak, begin) >= best[:2]):
                continue
            owners = _led_by(target, tablet, nodes, spread)
            if owners is not None:
                best = (peak, begin, owners)
        if best is not None:
            return best[1], source, best[2]
    return None


def _led_by(target: int, tablet: Tablet, nodes: Mapping[int, Node], spread: Spread) -> tuple[int, ...] | None:
    """The tablet's owners with another in front, for the coordinator or for who shares the new one's zone."""
    if target in tablet.owners:  # it has the data: the two change places
        return (target, *(number for number in tablet.owners if number != target))
    zone = nodes[target].zone(spread)
    rivals = [number for number in tablet.owners if nodes[number].zone(spread) == zone]
    gone = rivals[0] if rivals else tablet.owners[0]
    return (target, *(number for number in tablet.owners if number != gone))
