"""The store laid out under any persistence scheme: one domain, or a whole application with a scheme for each.

Operators (who change the lead, or submit again what a change of lead set aside), a subscriber, an
archive and a sequencer, where asked for, sit on the client host of the home region, out of the way
of what befalls servers (`models.groups` says where the rest is).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from models.clients import Workload
from models.domain import Domain
from models.domains import shipped
from models.domains.bank_account import BankAccount
from models.groups import (
    OPERATOR,
    SEQUENCER,
    Group,
    backups_of,
    group_system,
    groups_of,
    members_of,
    operator_of,
    sequence_of,
    store_name,
)
from models.layout import maker, mix_of
from models.mixes import DomainMix
from models.reconcile import Operator, OperatorOptions
from models.store.group.wire import ShipOptions
from models.store.log.archive import ArchiveService
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import InDoubt, LogPolicy, MemberOptions
from models.store.publishing import Subscriber
from models.store.shard import Shard
from models.store.words import scheme_of
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service

__all__ = [
    "ARCHIVE",
    "OPERATOR",
    "RECONCILER",
    "SUBSCRIBER",
    "Group",
    "application",
    "domain_of",
    "groups_of",
    "home_of",
    "log_policy",
    "noted",
    "store",
    "store_name",
]

RECONCILER: Final = "reconciler"
SUBSCRIBER: Final = "subscriber"
ARCHIVE: Final = "archive"


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
    global_sequence: bool = False,
    promote_after_us: int = 0,
    force_after_us: int = -1,
    gather_us: int = 500_000,
    reconcile_per_s: float = 0.0,
    reconcile_delay_us: int = 1_000_000,
    operators: str = "",
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
    backup_every_us: int = 0,
) -> System:
    """One domain under one scheme. 0 stands for never, or for all; of `force_after_us`, any number below 0.

    Its members are of a `kind`, which is no option: a subclass is a store that differs in that one thing.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    log = noted(
        problems,
        lambda: log_policy(
            segment=segment,
            snapshot_every=snapshot_every,
            snapshot_age_us=snapshot_age_us,
            snapshot_load_us=snapshot_load_us,
            truncate=truncate,
            sweep=sweep,
            retain_us=retain_us,
            retain_events=retain_events,
            peer_patience=peer_patience,
            keep_every_us=keep_every_us,
        ),
    )
    ship = noted(problems, lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us))
    doubt = noted(problems, lambda: _doubt(in_doubt))
    wanted = noted(problems, lambda: domain_of(domain, workload))
    chosen = noted(problems, lambda: scheme_of(scheme))
    place = noted(problems, lambda: home_of(topology, home))
    if operators:
        noted(problems, lambda: home_of(topology, operators))
    if tenants < 1:
        problems.append(f"{tenants=} is nobody; give at least 1")
    groups: tuple[Group, ...] = ()
    if wanted is not None and chosen is not None and place is not None:
        groups = noted(problems, lambda: groups_of(topology, wanted, chosen, place, shards)) or ()
    options = noted(
        problems,
        lambda: MemberOptions(
            number=0,
            shard=0,
            home=0,
            ship=ship or ShipOptions(),
            log=log or LogPolicy(),
            window=window,
            cache=cache or None,
            store_denials=store_denials,
            in_doubt=doubt or InDoubt.BLOCK,
            doubt_us=doubt_us,
            gather_us=gather_us,
            forward_timeout_us=workload.attempt_timeout_us,
            replay_us=replay_us,
        ),
    )
    problems += _negative(promote_after_us=promote_after_us, backup_every_us=backup_every_us)
    if problems:
        raise ValueError("; ".join(problems))
    assert wanted is not None
    assert place is not None
    beside = topology.clients(place)[0].location if topology.clients(place) else topology.servers(place)[0].location
    if archive:
        options = replace(options, log=replace(log, archive=at_service(beside, ARCHIVE)))
    if global_sequence:
        options = replace(options, sequencer=at_service(beside, SEQUENCER))
    if subscriber:
        options = replace(options, subscriber=at_service(beside, SUBSCRIBER))
    placements = [placement for group in groups for placement in members_of(group, options, kind)]
    placements += _beside(beside, options)
    placements += [backups_of(beside, groups, backup_every_us)] if backup_every_us else []
    if global_sequence:
        placements += sequence_of(beside, groups)
    if promote_after_us:
        site_of = operators or place
        desk = (topology.clients(site_of) or topology.servers(site_of))[0].location
        placements.append(operator_of(desk, groups, promote_after_us, force_after_us))
    if reconcile_per_s:
        stores = tuple(location for group in groups for _, location in group.members)
        people = OperatorOptions(stores=stores, delay_us=reconcile_delay_us, rate_per_s=reconcile_per_s)
        placements.append(Placement(host=beside, name=RECONCILER, make=maker(Operator, people, wanted), kind=Operator))
    return group_system(
        topology,
        workload,
        mix_of(wanted, workload),
        groups,
        placements=placements,
        records=BANK_RECORDS,
        tenants=max(1, tenants),
        sequence_at=beside if global_sequence else None,
        backups_at=beside if backup_every_us else None,
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
    place = noted(problems, lambda: home_of(topology, home))
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
        scheme = noted(problems, lambda said=said: scheme_of(said))  # type: ignore[misc]
        if scheme is not None and place is not None:
            domain = domain_of(name, workload) if name == "bank-account" else domains[name]
            found = noted(
                problems,
                lambda d=domain, s=scheme, n=number: groups_of(topology, d, s, place, 1, first=n),  # type: ignore[misc]
            )
            groups += found or ()
    if problems:
        raise ValueError("; ".join(problems))
    assert place is not None
    options = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=workload.attempt_timeout_us)
    placements_host = topology.clients(place)
    placements = [placement for group in groups for placement in members_of(group, options)]
    if promote_after_us:
        host = (placements_host or topology.servers(place))[0].location
        placements.append(operator_of(host, groups, promote_after_us, -1))
    mix = DomainMix({group.domain.name: group.domain.number for group in groups}, workload.accounts)
    return group_system(topology, workload, mix, groups, placements=placements, records=BANK_RECORDS)


def _beside(host: Location, options: MemberOptions) -> list[Placement]:
    """The archive and the subscriber that the members were told of."""
    placed = []
    if options.log.archive is not None:
        placed.append(Placement(host=host, name=ARCHIVE, make=ArchiveService, kind=ArchiveService))
    if options.subscriber is not None:
        placed.append(Placement(host=host, name=SUBSCRIBER, make=Subscriber, kind=Subscriber))
    return placed


def _negative(**times: int) -> list[str]:
    """What is wrong with times of which 0 stands for never."""
    return [f"{name}={us} is no time; give at least 1, or 0 for never" for name, us in times.items() if us < 0]


def domain_of(name: str, workload: Workload) -> Domain[Any]:
    """A shipped domain by its name; ValueError for an unknown one."""
    if name == "bank-account":
        return BankAccount(opening_balance=workload.opening_balance)
    domains = shipped().domains
    if name not in domains:
        raise ValueError(f"domain={name!r} is none that is shipped; choose one of {', '.join(sorted(domains))}")
    return domains[name]


def home_of(topology: Topology, home: str) -> str:
    """The home region, the first where none is named; ValueError for an unknown one."""
    if not home:
        return topology.regions[0]
    if home not in topology.regions:
        raise ValueError(f"{home=} is no region here; choose one of {', '.join(topology.regions)}")
    return home


def _doubt(word: str) -> InDoubt:
    if word not in [str(one) for one in InDoubt]:
        raise ValueError(f"in_doubt={word!r} is no policy; choose one of {', '.join(InDoubt)}")
    return InDoubt(word)


def log_policy(
    *,
    segment: int,
    snapshot_every: int,
    snapshot_age_us: int,
    snapshot_load_us: int,
    truncate: bool,
    sweep: bool,
    retain_us: int,
    retain_events: int,
    peer_patience: int,
    keep_every_us: int,
) -> LogPolicy:
    """How logs are managed, in the words of scenario files, where 0 stands for never."""
    return LogPolicy(
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
    )


def noted(problems: list[str], make: Callable[[], Any]) -> Any:
    """What a callable makes; None, and one problem more, if it refuses."""
    try:
        return make()
    except ValueError as refused:
        problems.append(str(refused))
        return None
