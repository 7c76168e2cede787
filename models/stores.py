"""The store laid out under any persistence scheme: one domain, or a whole application with a scheme for each.

Operators (who change the lead, or submit again what a change of lead set aside), a subscriber, an
archive and a sequencer, where asked for, sit on the client host of the home region, out of the way
of what befalls servers (`models.groups` says where the rest is).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final, Unpack

from models.clients import Workload
from models.factories import KeptOptions, Reading, domain_of, home_of, log_policy, mix_of, noted
from models.groups import (
    OPERATOR,
    SEQUENCER,
    Group,
    backups_of,
    group_system,
    members_of,
    operator_of,
    sequence_of,
    store_name,
)
from models.keyspace.storage import groups_of
from models.layout import maker
from models.mixes import DomainMix
from models.reconcile import Operator, OperatorOptions
from models.store.group.wire import ShipOptions
from models.store.log.archive import ArchiveService
from models.store.options import MemberOptions
from models.store.publishing import Subscriber
from models.store.shard import Shard
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, at_service

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
    placement: str = "",
    tenants: int = 1,
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
    **kept: Unpack[KeptOptions],
) -> System:
    """One domain under one scheme. 0 stands for never, or for all; of `force_after_us`, any number below 0.

    Shards have their homes in the home region and their members near it, or, with a `placement`, where the key
    space of all regions puts them (`models.keyspace.storage`). Members are of a `kind`, which is no option: a
    subclass is a store that differs in that one thing.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    wanted, chosen, place = read.domain(domain), read.scheme(scheme), read.home(home)
    site_of = read.of(lambda: home_of(topology, operators, "operators")) if operators else place
    read.tenants(tenants)
    read.never_or(promote_after_us=promote_after_us, backup_every_us=backup_every_us)
    groups: tuple[Group, ...] = ()
    if wanted is not None and chosen is not None:
        around = place or topology.regions[0]  # a mistake in the one is none in the other
        groups = read.of(lambda: groups_of(topology, wanted, chosen, around, shards, placement=placement)) or ()
    ship = lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us)  # noqa: E731
    options = read.member(kept, ship=ship, gather_us=gather_us)
    read.done()
    assert wanted is not None
    assert place is not None
    assert site_of is not None
    assert options is not None
    beside = read.desk(place).location
    if archive:
        options = replace(options, log=replace(options.log, archive=at_service(beside, ARCHIVE)))
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
        placements.append(operator_of(read.desk(site_of).location, groups, promote_after_us, force_after_us))
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
        tenants=tenants,
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
    read, topology = Reading(site, workload), site.topology
    place = read.home(home)
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
    for number, (name, said) in enumerate(words.items()):
        scheme, domain = read.scheme(said), domain_of(name, workload)
        if scheme is not None and place is not None:
            laid = partial(groups_of, topology, domain, scheme, place, 1, first=number)
            groups += read.of(laid) or ()
    options = read.member({})
    read.never_or(promote_after_us=promote_after_us)
    read.done()
    assert place is not None
    assert options is not None
    placements = [placement for group in groups for placement in members_of(group, options)]
    if promote_after_us:
        placements.append(operator_of(read.desk(place).location, groups, promote_after_us, -1))
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
