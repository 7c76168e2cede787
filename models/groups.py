"""Shards laid out under a scheme: where their members are, who stands beside them, where clients ask.

A domain's shards are numbered from 0, and where their members are says the key space
(`models.keyspace.storage.groups_of`). Clients ask the member in their own region first, then the home, then the
others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from models.addressing import Scope, pack_type
from models.clients import Mix, Route, Workload
from models.confidence.routing import Believed
from models.detection import Plan
from models.domain import Domain
from models.ends import ShardEnd, shard_end
from models.layout import client_placements, maker, shard_of
from models.ledger import Ledger, home_ledger
from models.mixes import DOMAIN_SHIFT
from models.sequence_end import SequenceEnd, sequence_end
from models.store.backup import BackupService, BackupsOptions
from models.store.group.operators import ShardOperator, ShardOperatorOptions
from models.store.options import MemberOptions
from models.store.schemes import Scheme
from models.store.sequence.sequencer import GlobalReader, Sequencer
from models.store.serving import Serving
from models.store.shard import Shard
from models.system import System
from sim.host import Context, Placement
from sim.topology import Location, Topology, at_service

__all__ = [
    "BACKUPS",
    "OPERATOR",
    "READER",
    "SEQUENCER",
    "Group",
    "backups_of",
    "group_system",
    "members_of",
    "operator_of",
    "sequence_of",
    "store_name",
]

OPERATOR: Final = "operator"
SEQUENCER: Final = "sequencer"
BACKUPS: Final = "backups"
READER: Final = "reader"
#: Between looks of a reader of the global sequence, and how long a transaction may stay open unasked.
_POLL_US: Final = 20_000
_OPEN_US: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One shard of one domain, laid out.

    Attributes:
        domain: What it stores.
        shard: Its number among those of the domain.
        scheme: Under which.
        hosts: Topology indices of its members' hosts, the home first.
        members: (number, location), in the same order; a member's number is its host's index and one more.
    """

    domain: Domain[Any]
    shard: int
    scheme: Scheme
    hosts: tuple[int, ...]
    members: tuple[tuple[int, Location], ...]


def store_name(domain: str, shard: int) -> str:
    """What the service of a shard is called on its hosts."""
    return f"{domain}-{shard}"


def members_of(group: Group, options: MemberOptions, kind: type[Shard] = Shard) -> list[Placement]:
    """The services of a group."""
    placed = []
    for number, location in group.members:
        mine = replace(
            options,
            number=number,
            shard=group.shard,
            peers=tuple(member for member in group.members if member[0] != number),
            home=group.members[0][0],
            scheme=group.scheme,
            event_type=pack_type(Scope.SERVICE, command=False, domain=group.domain.number),
        )
        name = store_name(group.domain.name, group.shard)
        host = Location((int(location) >> 64) << 64)
        placed.append(Placement(host=host, name=name, make=maker(kind, mine, group.domain), kind=kind))
    return placed


def sequence_of(host: Location, groups: Sequence[Group]) -> list[Placement]:
    """The sequencer of all shards, and a reader by each strategy."""
    shards = tuple(
        (
            tuple(location for _, location in group.members),
            group.scheme.holders if group.scheme.holders > 1 else len(group.members),
        )
        for group in groups
    )
    at = at_service(host, SEQUENCER)
    readers = [
        Placement(
            host=host,
            name=f"{READER}-{'hold' if holds else 'naive'}",
            make=_reader(at, holds),
            kind=GlobalReader,
        )
        for holds in (True, False)
    ]
    sequencer = Placement(
        host=host,
        name=SEQUENCER,
        make=lambda ctx: Sequencer(ctx, shards, patience_us=_OPEN_US),
        kind=Sequencer,
    )
    return [sequencer, *readers]


def operator_of(host: Location, groups: Sequence[Group], patience_us: int, force_after_us: int) -> Placement:
    """People who watch the shards; a `force_after_us` below 0 stands for never."""
    options = ShardOperatorOptions(
        shards=tuple(tuple(location for _, location in group.members) for group in groups),
        patience_us=patience_us,
        force_after_us=None if force_after_us < 0 else force_after_us,
    )
    return Placement(host=host, name=OPERATOR, make=maker(ShardOperator, options), kind=ShardOperator)


def backups_of(host: Location, groups: Sequence[Group], every_us: int) -> Placement:
    """Who keeps backups of the shards."""
    shards = tuple((_name_of(group), tuple(location for _, location in group.members)) for group in groups)
    options = BackupsOptions(shards=shards, every_us=every_us)
    return Placement(host=host, name=BACKUPS, make=maker(BackupService, options), kind=BackupService)


def group_system(
    topology: Topology,
    workload: Workload,
    mix: Mix,
    groups: Sequence[Group],
    *,
    placements: Sequence[Placement],
    records: str,
    tenants: int = 1,
    sequence_at: Location | None = None,
    backups_at: Location | None = None,
    clients: Callable[[Callable[[str], Route]], Sequence[Placement]] | None = None,
    routing: Plan | Believed | None = None,
) -> System:
    """The finished system: clients that ask the right shard, and a ledger over all members that are up.

    Where something stands before the store, `clients` makes those who ask that, given where the store would be asked.
    With `routing` clients pass over members that this detector holds to be silent by their answers, or that a rule
    passes over by what is believed of them.
    """
    by_domain: dict[int, list[Group]] = {}
    for group in groups:
        by_domain.setdefault(group.domain.number, []).append(group)
    lone = groups[0].domain.number if len(by_domain) == 1 else None
    index_of = {_name_of(group): index for index, group in enumerate(groups)}

    def group_of(aggregate: int) -> Group:
        found = by_domain[lone if lone is not None else aggregate >> DOMAIN_SHIFT]
        return found[shard_of(aggregate, len(found))] if len(found) > 1 else found[0]

    def route_of(region: str) -> Route:
        entries = {_name_of(group): _by_nearness(topology, region, group) for group in groups}
        if len(entries) == 1:
            only = entries[_name_of(groups[0])]
            return lambda aggregate: only
        return lambda aggregate: entries[_name_of(group_of(aggregate))]

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        place = lambda aggregate, tenant=0: index_of[_name_of(group_of(aggregate))]  # noqa: E731
        read = replace(_ledger(groups, service_of, tenants), place=place)
        return read if sequence_at is None else replace(read, sequence=_sequence(sequence_at, service_of))

    asking = (
        clients(route_of)
        if clients
        else client_placements(
            topology, workload, mix, lambda region, _: route_of(region), tenants=tenants, detector=routing
        )
    )
    return System(
        placements=(*placements, *asking),
        ledger=ledger,
        records=records,
        groups={_name_of(group): tuple(location for _, location in group.members) for group in groups},
        backups={} if backups_at is None else {_name_of(group): at_service(backups_at, BACKUPS) for group in groups},
    )


def _name_of(group: Group) -> str:
    return store_name(group.domain.name, group.shard)


def _by_nearness(topology: Topology, region: str, group: Group) -> tuple[Location, ...]:
    """The members in the order in which clients of a region ask them."""
    order = sorted(
        range(len(group.members)), key=lambda index: (topology.hosts[group.hosts[index]].region != region, index)
    )
    # The home before those that only hand requests on to it from just as far away.
    return tuple(group.members[index][1] for index in order)


def _ledger(groups: Sequence[Group], service_of: Callable[[Location], Any], tenants: int) -> Ledger:
    copies: list[Mapping[int, Serving]] = []
    ends: list[ShardEnd] = []
    missing = 0
    for group in groups:
        services = {number: service_of(location) for number, location in group.members}
        found = {number: one for number, one in services.items() if isinstance(one, Serving) and one.ready}
        missing += len(services) - len(found)
        copies.append(found)
        members = {(number, number - 1): one if isinstance(one, Serving) else None for number, one in services.items()}
        ends.append(shard_end(group.domain.name, group.shard, group.scheme, members, tenants=tenants))
    return replace(home_ledger(copies, tenants=tenants), missing=missing, ends=tuple(ends))


def _sequence(host: Location, service_of: Callable[[Location], Any]) -> SequenceEnd | None:
    services = [service_of(at_service(host, name)) for name in (SEQUENCER, f"{READER}-hold", f"{READER}-naive")]
    return None if None in services else sequence_end(*services)


def _reader(at: Location, holds: bool) -> Callable[[Context], GlobalReader]:
    return lambda ctx: GlobalReader(ctx, at, holds=holds, poll_us=_POLL_US)
