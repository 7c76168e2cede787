"""How a placed store ended a run: for each aggregate the group that has it, and the ledger over all groups.

Stretches have moved, so an aggregate's events stand in several logs: in that of the group that holds it, whole,
and in those that held it before, up to where they gave it away. What counts is the first. Where a
stretch was given away and not taken yet, it is the giver's: nobody can have written since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from models.ends import ShardEnd, shard_end
from models.keyspace.directory import Directory
from models.keyspace.keys import pack_key
from models.keyspace.ranges import NO_RANGES, Ranges
from models.keyspace.shard import PlacedShard
from models.ledger import Ledger, home_ledger
from models.placing_end import StretchMoved
from models.store.group.lineage import reached
from models.store.schemes import Scheme
from sim.topology import Location

__all__ = ["Ended", "find_groups", "key_points", "moves_of", "placed_ledger", "unsettled", "writable_twice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One group at the end.

    Attributes:
        group: Its number.
        owners: The nodes of its members.
        members: By node, its member; None where the host is down.
        ranges: What its log says that it holds, as the best of its members knows.
    """

    group: int
    owners: tuple[int, ...]
    members: Mapping[int, PlacedShard | None]
    ranges: Ranges


def find_groups(
    nodes: Iterable[int],
    newest: Directory,
    locate: Callable[[int, int], Location],
    service_of: Callable[[Location], Any],
) -> list[Ended]:
    """Every group with a member that is up, and every other that holds something by the newest map.

    Args:
        nodes: All nodes.
        newest: That map; no group has a higher number than its version.
        locate: Where the member of a group on a node is.
        service_of: What runs there.
    """
    found = []
    holding = {held.group: held.owners for held in newest.held}
    for group in range(1, newest.version + 1):
        services = {node: service_of(locate(group, node)) for node in nodes}
        members = {node: one for node, one in services.items() if isinstance(one, PlacedShard)}
        if members:
            some = next(iter(members.values()))
            numbers = sorted({some.options.number, *(number for number, _ in some.options.peers)})
            owners = tuple(number - 1 for number in numbers)
            best = max(members.values(), key=_rank)
            all_members = {node: members.get(node) for node in owners}
            found.append(Ended(group=group, owners=owners, members=all_members, ranges=best.ranges))
        elif group in holding:
            silent: dict[int, PlacedShard | None] = dict.fromkeys(holding[group])
            found.append(Ended(group=group, owners=holding[group], members=silent, ranges=NO_RANGES))
    return found


def placed_ledger(
    groups: Sequence[Ended], point_of: Callable[..., int], domain: str, scheme: Scheme, tenants: int = 1
) -> Ledger:
    """The ledger over all groups.

    Args:
        groups: All of them.
        point_of: Where an aggregate, of a tenant, is on the line.
        domain: Name of what is stored.
        scheme: Under which.
        tenants: Whose commands they are.
    """
    place = _placing(groups, point_of)
    ready = [
        {node + 1: one for node, one in group.members.items() if one is not None and one.ready} for group in groups
    ]
    read = home_ledger(ready, tenants=tenants)
    views: dict[int, dict[int, int | str | None]] = {}
    by_number = {group.group: group for group in groups}
    ends: list[ShardEnd] = []
    for index, group in enumerate(groups):
        for number, member in ready[index].items():
            mine = {account: told for account, told in member.told().items() if place(account) == index}
            views.setdefault(number, {}).update(mine)
        members = {(node + 1, node): one for node, one in group.members.items()}
        former = tuple(sorted(_former(group.group, by_number, set()) - set(group.owners)))
        ends.append(replace(shard_end(domain, group.group, scheme, members, tenants=tenants), former=former))
    final = {
        account: tuple(e for e in read.final[account] if e.shard == place(account, e.tenant)) for account in read.final
    }
    return replace(
        read,
        final=final,
        balances={number: dict(sorted(views[number].items())) for number in sorted(views)},
        missing=sum(len(group.members) for group in groups) - sum(len(one) for one in ready),
        ends=tuple(ends),
        place=place,
    )


def writable_twice(groups: Sequence[Ended]) -> list[tuple[int, int]]:
    """Pairs of groups that both have a leader who would write at some point."""
    stretches = sorted(
        (begin, end, group.group)
        for group in groups
        for member in group.members.values()
        if member is not None and member.leads
        for begin, end in member.ranges.held
    )
    return [(one[2], other[2]) for one, other in pairwise(stretches) if other[0] < one[1] and one[2] != other[2]]


def unsettled(directory: Directory, groups: Sequence[Ended]) -> list[int]:
    """First points of the stretches that by the map are a group's and by its log are not."""
    by_number = {group.group: group.ranges for group in groups}
    return [
        held.begin
        for held in directory.held
        if held.group not in by_number or not by_number[held.group].covers(held.begin, held.end)
    ]


def moves_of(groups: Sequence[Ended]) -> list[StretchMoved]:
    """What went from group to group, by their logs."""
    return [
        StretchMoved(
            begin=fact.begin,
            end=fact.end,
            source=fact.source,
            to=group.group,
            released_us=fact.since_us,
            received_us=fact.at_us,
        )
        for group in groups
        for fact in group.ranges.received
    ]


def _former(group: int, groups: Mapping[int, Ended], seen: set[int]) -> set[int]:
    """The nodes of all groups from which a group's stretches came, near or far."""
    found: set[int] = set()
    for source in sorted({fact.source for fact in groups[group].ranges.received} - seen):
        seen.add(source)
        if source in groups:
            found |= set(groups[source].owners) | _former(source, groups, seen)
    return found


def _placing(groups: Sequence[Ended], point_of: Callable[..., int]) -> Callable[..., int]:
    """The index of the group that an aggregate of a tenant belongs to."""

    def place(aggregate: int, tenant: int = 0) -> int:
        point = point_of(aggregate, tenant)
        holding = [index for index, group in enumerate(groups) if group.ranges.holds(point)]
        if holding:
            return holding[-1]
        # Whoever gave it away last: the decision with the highest version.
        given = [
            (gone.version, index)
            for index, group in enumerate(groups)
            if (gone := group.ranges.gone(point)) is not None
        ]
        return max(given)[1] if given else 0

    return place


def key_points(on_line: Callable[[int], int], domain: int) -> Callable[..., int]:
    """Where the aggregates of a domain are on a line, those of tenant 0 unless another is named."""
    return lambda aggregate, tenant=0: on_line(pack_key(aggregate, domain=domain, tenant=tenant))


def _rank(member: PlacedShard) -> tuple[bool, int, int]:
    length = member.journal.length
    return member.ready, reached(member.reigns, length) if member.reigns else 0, length
