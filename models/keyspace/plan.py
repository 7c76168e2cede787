"""What a master wants next, as pure functions of what it knows: the map, what is under way, loads, who comes and goes.

Nothing is decided twice about a stretch that is still under way: whoever holds it by the map must have
it before it goes on, so that each stretch has one giver and one taker at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from models.keyspace.master import Action, Limits, Reassign, Split, balance, evacuate, merges, split_point
from models.keyspace.tablets import TabletMap

__all__ = ["Known", "Owners", "has_its_share", "limits_of", "next_actions"]

#: The preference list of a partition, by its number, where a placement decides and not the master.
Owners = Callable[[int], tuple[int, ...]]

#: A tablet counts as this much though nobody asks for it: what is idle now need not stay so.
_IDLE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a master knows when it decides.

    Attributes:
        tablets: The map.
        settled: First points of tablets that whoever holds them has all of.
        rates: Requests a second by first point of a tablet.
        hot: How often single points were asked for, the hottest of them.
        joined: Nodes that came and have not been given their share.
        leaving: Nodes that shall hold nothing.
    """

    tablets: TabletMap
    settled: frozenset[int]
    rates: Mapping[int, float]
    hot: Mapping[int, float]
    joined: Sequence[int] = ()
    leaving: Sequence[int] = ()

    @property
    def loads(self) -> dict[int, float]:
        """Of each tablet."""
        return {one.begin: self.rates.get(one.begin, 0.0) + _IDLE for one in self.tablets.tablets}


def next_actions(
    known: Known, room: int, *, owners: Owners | None, split_above: float, merge_below: float, rebalance: bool
) -> list[Action]:
    """What to do next, at most `room` of it, each about another tablet.

    Args:
        known: What is known.
        room: How many stretches more may be under way.
        owners: Of each partition by its number, where a placement says so; None for range tablets.
        split_above: Requests a second above which a tablet is split; 0 for never.
        merge_below: Requests a second below which two neighbours are merged; 0 for never.
        rebalance: Whether leading tablets move from the busiest node to others.
    """
    wanted: list[Action] = []
    if owners is not None:
        wanted += _as_placed(known.tablets, owners)
    elif known.leaving:
        wanted += evacuate(known.tablets, known.leaving)
    else:
        if split_above:
            wanted += _splits(known, split_above)
        for node in known.joined:
            wanted += _given(known, node)
        if rebalance and not wanted and len(known.settled) == len(known.tablets.tablets):
            wanted += _relief(known)
        if merge_below and not wanted:
            wanted += merges(known.tablets, known.rates, limits_of(split_above, merge_below))
    chosen: list[Action] = []
    about: set[int] = set()
    for action in wanted:
        touched = _about(known.tablets, action)
        if len(chosen) < room and touched <= known.settled and not touched & about:
            chosen.append(action)
            about |= touched
    return chosen


def limits_of(split_above: float, merge_below: float) -> Limits:
    """What is too much and too little of requests a second; ValueError if what is merged would be split again."""
    try:
        return Limits(most=split_above or 2 * merge_below, least=merge_below)
    except ValueError:
        raise ValueError(
            f"{merge_below=} and {split_above=} a second: what is merged would be split again; give a `merge_below` "
            f"of at most {split_above / 2}, or a `split_above` of {2 * merge_below}"
        ) from None


def has_its_share(known: Known) -> frozenset[int]:
    """The nodes that joined, were given something and would be given nothing more: from then on they are as others."""
    if len(known.settled) < len(known.tablets.tablets):
        return frozenset()
    leading = {one.owners[0] for one in known.tablets.tablets}
    return frozenset(node for node in known.joined if node in leading and not _given(known, node))


def _given(known: Known, node: int) -> list[Reassign]:
    """The tablet that a newcomer is given next, none if it has its share."""
    found = balance(known.tablets, known.loads, to=node, most_moves=1)
    leaders = [one.owners[0] for one in known.tablets.tablets]
    if found or node in leaders:
        return found
    # The busiest node has one tablet, and no move makes it less busy; take from those that have several.
    several = {one.begin for one in known.tablets.tablets if leaders.count(one.owners[0]) > 1}
    return balance(
        known.tablets, {at: load for at, load in known.loads.items() if at in several}, to=node, most_moves=1
    )


def _about(tablets: TabletMap, action: Action) -> set[int]:
    """First points of the tablets that an action changes."""
    found = {tablets.at(action.at).begin}
    if not isinstance(action, Reassign | Split):
        found.add(tablets.at(action.at - 1).begin)
    return found


def _as_placed(tablets: TabletMap, owners: Owners) -> list[Action]:
    """Each partition to whom the placement gives it."""
    # By their order, which no decision changes: a first point times the count is rounded down to the one before.
    pairs = [(one, owners(partition)) for partition, one in enumerate(tablets.tablets)]
    return [Reassign(one.begin, wanted) for one, wanted in pairs if one.owners != wanted]


def _splits(known: Known, above: float) -> list[Action]:
    """Where to split what is asked for too often; a single key is left as it is."""
    found: list[Action] = []
    for one in known.tablets.tablets:
        if known.rates.get(one.begin, 0.0) > above:
            at = split_point(one, known.hot)
            if at is not None:
                found.append(Split(at))
    return found


def _relief(known: Known) -> list[Action]:
    """One move that takes a quarter more than its share from the busiest node, if there is such a node."""
    carried: dict[int, float] = dict.fromkeys(known.tablets.nodes, 0.0)
    for one in known.tablets.tablets:
        carried[one.owners[0]] += known.rates.get(one.begin, 0.0)
    mean = sum(carried.values()) / len(carried)
    if max(carried.values()) <= 1.25 * mean:
        return []
    return list(balance(known.tablets, known.loads, most_moves=1))
