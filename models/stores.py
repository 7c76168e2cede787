"""The store laid out under any persistence scheme: one domain, or a whole application with a scheme for each.

A domain's shards are numbered from 0; shard i of it has its home on the i-th server of the home
region, and its other members where the scheme wants them. Operators, a subscriber and an archive,
where asked for, sit on the client host of the home region (the operators of another, if told so), out of
the way of what befalls servers.
Clients ask the member in their own region first, then the home, then the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from models.addressing import Scope, pack_type
from models.clients import BankMix, Drawn, Draws, Mix, Route, Workload
from models.domain import Domain
from models.domains import shipped
from models.domains.bank_account import BankAccount
from models.domains.mixes import draw
from models.ends import ShardEnd, shard_end
from models.layout import client_placements, maker, shard_of
from models.ledger import Ledger, home_ledger
from models.store.archive import ArchiveService
from models.store.operators import ShardOperator, ShardOperatorOptions
from models.store.options import InDoubt, LogPolicy, MemberOptions
from models.store.publishing import Subscriber
from models.store.schemes import Scheme, holders_of
from models.store.shard import Shard
from models.store.snapshots import SnapshotPolicy
from models.store.wire import ShipOptions
from models.store.words import scheme_of
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service

__all__ = ["ARCHIVE", "OPERATOR", "SUBSCRIBER", "Group", "application", "groups_of", "store", "store_name"]

OPERATOR: Final = "operator"
SUBSCRIBER: Final = "subscriber"
ARCHIVE: Final = "archive"

#: Aggregates of different domains and tenants must not share a key in histories and ledgers.
_DOMAIN_SHIFT: Final = 40


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


def store(
    site: Site,
    workload: Workload,
    kind: type[Shard] = Shard,
    *,
    scheme: str = "multi-persist:2/3",
    domain: str = "bank-account",
    home: str = "",
    shards: int = 1,
    tenants: int = 1,
    store_denials: bool = True,
    window: int = 100_000,
    cache: int = 0,
    replay_us: int = 0,
    in_doubt: str = "block",
    doubt_us: int = 1_000_000,
    snapshot_every: int = 0,
    snapshot_age_us: int = 0,
    snapshot_load_us: int = 0,
    segment: int = 1_000,
    truncate: bool = False,
    sweep: bool = False,
    retain_us: int = 0,
    retain_events: int = 0,
    peer_patience: int = 100_000,
    keep_every_us: int = 1_000_000,
    archive: bool = False,
    subscriber: bool = False,
    promote_after_us: int = 0,
    force_after_us: int = -1,
    gather_us: int = 500_000,
    operators: str = "",
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
) -> System:
    """One domain under one scheme. 0 stands for never, or for all; of `force_after_us`, any number below 0.

    Its members are of a `kind`, which is no option: a subclass is a store that differs in that one thing.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    log = _read(
        problems,
        lambda: LogPolicy(
            segment=segment,
            snapshots=SnapshotPolicy(
                every=snapshot_every or None, age_us=snapshot_age_us or None, load_us=snapshot_load_us or None
            ),
            truncate=truncate,
            sweep=sweep,
            retain_us=retain_us,
            retain_events=retain_events,
            peer_patience=peer_patience,
            every_us=keep_every_us,
        ),
    )
    ship = _read(problems, lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us))
    doubt = _read(problems, lambda: _doubt(in_doubt))
    wanted = _read(problems, lambda: _domain(domain, workload))
    chosen = _read(problems, lambda: scheme_of(scheme))
    place = _read(problems, lambda: _home(topology, home))
    if operators:
        _read(problems, lambda: _home(topology, operators))
    if tenants < 1:
        problems.append(f"{tenants=} is nobody; give at least 1")
    groups: tuple[Group, ...] = ()
    if wanted is not None and chosen is not None and place is not None:
        groups = _read(problems, lambda: groups_of(topology, wanted, chosen, place, shards)) or ()
    if problems:
        raise ValueError("; ".join(problems))
    assert wanted is not None
    assert place is not None
    beside = topology.clients(place)[0].location if topology.clients(place) else topology.servers(place)[0].location
    if archive:
        log = replace(log, archive=at_service(beside, ARCHIVE))
    options = _read(
        problems,
        lambda: MemberOptions(
            number=0,
            shard=0,
            home=0,
            ship=ship,
            log=log,
            window=window,
            cache=cache or None,
            store_denials=store_denials,
            in_doubt=doubt,
            doubt_us=doubt_us,
            forward_timeout_us=workload.attempt_timeout_us,
            gather_us=gather_us,
            replay_us=replay_us,
            subscriber=at_service(beside, SUBSCRIBER) if subscriber else None,
        ),
    )
    if options is None:
        raise ValueError("; ".join(problems))
    placements = [placement for group in groups for placement in _members(group, options, kind)]
    if archive:
        placements.append(Placement(host=beside, name=ARCHIVE, make=ArchiveService, kind=ArchiveService))
    if subscriber:
        placements.append(Placement(host=beside, name=SUBSCRIBER, make=Subscriber, kind=Subscriber))
    if promote_after_us:
        place = operators or place
        desk = (topology.clients(place) or topology.servers(place))[0].location
        placements.append(_operator(desk, groups, promote_after_us, force_after_us))
    bank = isinstance(wanted, BankAccount)
    mix: Mix = BankMix(workload) if bank else _DomainMix({wanted.name: wanted.number}, workload.accounts)
    return _system(
        topology, workload, mix, groups, placements=placements, records=BANK_RECORDS, tenants=max(1, tenants)
    )


def application(
    site: Site,
    workload: Workload,
    *,
    bank_account: str = "multi-persist:2/3",
    transfer: str = "multi-persist:2/3",
    inventory: str = "multi-mem:2/3",
    seats: str = "multi-persist:2/3",
    cart: str = "local-mem+1s",
    username: str = "multi-persist:2/3",
    counter: str = "local-persist-periodic+500ms",
    profile: str = "delayed-ship@host+1s",
    home: str = "",
    promote_after_us: int = 0,
) -> System:
    """The shop: eight domains, each its own service on its own hosts under a scheme of its own.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    place = _read(problems, lambda: _home(topology, home))
    words = {
        "bank-account": bank_account,
        "transfer": transfer,
        "inventory": inventory,
        "seats": seats,
        "cart": cart,
        "username": username,
        "counter": counter,
        "profile": profile,
    }
    groups: list[Group] = []
    domains = shipped().domains
    for number, (name, said) in enumerate(words.items()):
        scheme = _read(problems, lambda said=said: scheme_of(said))  # type: ignore[misc]
        if scheme is not None and place is not None:
            domain = _domain(name, workload) if name == "bank-account" else domains[name]
            found = _read(
                problems,
                lambda d=domain, s=scheme, n=number: groups_of(topology, d, s, place, 1, first=n),  # type: ignore[misc]
            )
            groups += found or ()
    if problems:
        raise ValueError("; ".join(problems))
    assert place is not None
    options = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=workload.attempt_timeout_us)
    placements_host = topology.clients(place)
    placements = [placement for group in groups for placement in _members(group, options)]
    if promote_after_us:
        host = (placements_host or topology.servers(place))[0].location
        placements.append(_operator(host, groups, promote_after_us, -1))
    mix = _DomainMix({group.domain.name: group.domain.number for group in groups}, workload.accounts)
    return _system(topology, workload, mix, groups, placements=placements, records=BANK_RECORDS)


def groups_of(
    topology: Topology, domain: Domain[Any], scheme: Scheme, home: str, shards: int, *, first: int = 0
) -> tuple[Group, ...]:
    """Where the members of a domain's shards are; shard i has its home on server `first` + i of the region.

    Raises:
        ValueError: no shards, or a scheme that the topology cannot serve.
    """
    if shards < 1:
        raise ValueError(f"{shards=} stores nothing; give at least 1")
    servers = topology.servers(home)
    found = []
    for shard in range(shards):
        hosts = holders_of(scheme, topology, servers[(first + shard) % len(servers)].index)
        name = store_name(domain.name, shard)
        members = tuple((host + 1, at_service(topology.hosts[host].location, name)) for host in hosts)
        found.append(Group(domain=domain, shard=shard, scheme=scheme, hosts=hosts, members=members))
    return tuple(found)


def store_name(domain: str, shard: int) -> str:
    """What the service of a shard is called on its hosts."""
    return f"{domain}-{shard}"


def _members(group: Group, options: MemberOptions, kind: type[Shard] = Shard) -> list[Placement]:
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


def _operator(host: Location, groups: Sequence[Group], patience_us: int, force_after_us: int) -> Placement:
    options = ShardOperatorOptions(
        shards=tuple(tuple(location for _, location in group.members) for group in groups),
        patience_us=patience_us,
        force_after_us=None if force_after_us < 0 else force_after_us,
    )
    return Placement(host=host, name=OPERATOR, make=maker(ShardOperator, options), kind=ShardOperator)


def _system(
    topology: Topology,
    workload: Workload,
    mix: Mix,
    groups: Sequence[Group],
    *,
    placements: Sequence[Placement],
    records: str,
    tenants: int = 1,
) -> System:
    by_domain: dict[int, list[Group]] = {}
    for group in groups:
        by_domain.setdefault(group.domain.number, []).append(group)
    lone = groups[0].domain.number if len(by_domain) == 1 else None
    index_of = {_name_of(group): index for index, group in enumerate(groups)}

    def group_of(aggregate: int) -> Group:
        found = by_domain[lone if lone is not None else aggregate >> _DOMAIN_SHIFT]
        return found[shard_of(aggregate, len(found))] if len(found) > 1 else found[0]

    def route_of(region: str) -> Route:
        entries = {_name_of(group): _by_nearness(topology, region, group) for group in groups}
        return lambda aggregate: entries[_name_of(group_of(aggregate))]

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        place = lambda aggregate: index_of[_name_of(group_of(aggregate))]  # noqa: E731
        return replace(_ledger(groups, service_of, tenants), place=place)

    clients = client_placements(topology, workload, mix, route_of, tenants=tenants)
    return System(placements=(*placements, *clients), ledger=ledger, records=records)


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
    copies: list[Mapping[int, Shard]] = []
    ends: list[ShardEnd] = []
    missing = 0
    for group in groups:
        services = {number: service_of(location) for number, location in group.members}
        found = {number: one for number, one in services.items() if isinstance(one, Shard) and one.ready}
        missing += len(services) - len(found)
        copies.append(found)
        members = {(number, number - 1): one if isinstance(one, Shard) else None for number, one in services.items()}
        ends.append(shard_end(group.domain.name, group.shard, group.scheme, members, tenants=tenants))
    return replace(home_ledger(copies, tenants=tenants), missing=missing, ends=tuple(ends))


class _DomainMix:
    """Requests of one or more domains, each as likely as the others, on so many aggregates each."""

    def __init__(self, numbers: Mapping[str, int], aggregates: int) -> None:
        self._names = tuple(numbers)
        self._numbers = numbers
        self._aggregates = aggregates

    def draw(self, draws: Draws) -> Drawn:
        """One draw for the domain, four for the request."""
        name = self._names[draws.below(len(self._names))]
        aggregate, command = draw(name, draws, self._aggregates)
        key = aggregate if len(self._names) == 1 else self._numbers[name] << _DOMAIN_SHIFT | aggregate
        return Drawn(key, command, type(command).__name__.lower(), 0)


def _domain(name: str, workload: Workload) -> Domain[Any]:
    if name == "bank-account":
        return BankAccount(opening_balance=workload.opening_balance)
    domains = shipped().domains
    if name not in domains:
        raise ValueError(f"domain={name!r} is none that is shipped; choose one of {', '.join(sorted(domains))}")
    return domains[name]


def _home(topology: Topology, home: str) -> str:
    if not home:
        return topology.regions[0]
    if home not in topology.regions:
        raise ValueError(f"{home=} is no region here; choose one of {', '.join(topology.regions)}")
    return home


def _doubt(word: str) -> InDoubt:
    if word not in [str(one) for one in InDoubt]:
        raise ValueError(f"in_doubt={word!r} is no policy; choose one of {', '.join(InDoubt)}")
    return InDoubt(word)


def _read(problems: list[str], make: Callable[[], Any]) -> Any:
    """What a callable makes; None, and one problem more, if it refuses."""
    try:
        return make()
    except ValueError as refused:
        problems.append(str(refused))
        return None
