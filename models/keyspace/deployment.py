"""The placed store: one domain whose shards stand where the key space says, and move while traffic flows.

Every server of the nodes' regions runs a tablet server, the nodes at the beginning a member of each
group that the first map gives them, and one server the master. Clients know where servers are, and
learn routes. Who joins or leaves, and when, is a plan of the master's for as long as operators
have no words of their own for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from models.addressing import Scope, pack_type
from models.clients import BankMix, Mix, Workload
from models.domain import Domain
from models.domains import shipped
from models.domains.bank_account import BankAccount
from models.keyspace.directory import Line, first_directory
from models.keyspace.layout import PlacedLayout, first_map, placement_of, tablets_by_hand
from models.keyspace.mastering import MASTER, Master, MasterOptions, Step
from models.keyspace.placement import Node, check_length, nodes_of
from models.keyspace.server import ServerOptions
from models.keyspace.shard import PlacedShard
from models.mixes import DomainMix
from models.store.group.wire import ShipOptions
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.schemes import SCHEMES, Scheme
from models.store.words import scheme_of
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement as Placed
from sim.topology import HostSpec, Topology, at_service
from sim.units import duration_us
from sim.wording import way_to

__all__ = ["PLACEMENTS", "placed_store"]

#: What a store can be placed by.
PLACEMENTS: Final = ("tablets", "ring", "rendezvous", "jump", "modulo", "slots")


def placed_store(
    site: Site,
    workload: Workload,
    kind: type[PlacedShard] = PlacedShard,
    *,
    placement: str = "tablets",
    scheme: str = "multi-persist:2/3",
    domain: str = "bank-account",
    region: str = "",
    master: str = "",
    partitions: int = 8,
    tablets: str = "",
    vnodes: int = 64,
    slots: int = 0,
    salt: int = 0,
    joins: str = "",
    leaves: str = "",
    moving: int = 2,
    split_above_per_s: float = 0.0,
    merge_below_per_s: float = 0.0,
    rebalance: bool = False,
    window: int = 100_000,
    cache: int = 0,
    store_denials: bool = True,
    snapshot_every: int = 0,
    segment: int = 1_000,
    promote_after_us: int = 1_000_000,
    routes: int = 64,
    tick_us: int = 250_000,
    found_us: int = 50_000,
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
) -> System:
    """One domain under one scheme, placed; 0 stands for never, or for all.

    Members are of a `kind`, which is no option: a subclass is a store that differs in that one thing.

    Args:
        site: Where.
        workload: What clients do.
        kind: What members are.
        placement: One of `PLACEMENTS`.
        scheme: Its holders and spread decide how long the preference list is and how far apart.
        domain: What is stored.
        region: Whose servers hold it; those of all regions if empty.
        master: Region or host of the master; the first server of the first region if empty.
        partitions: Stretches at the beginning.
        tablets: The first ones by hand: stretches of aggregates with the hosts of each, the leader first, as in
            `0-16 a/c1/h1 a/c1/h2, 16-end a/c1/h2 a/c1/h3`; dealt out evenly if empty.
        vnodes: Virtual nodes on a ring.
        slots: Of open addressing; twice the partitions if 0.
        salt: Decides every hash.
        joins: Hosts that hold nothing at first, each with the instant at which it may: `east/c1/h4@3s`.
        leaves: Hosts that shall hold nothing from an instant on.
        moving: Stretches that may be under way at once.
        split_above_per_s: Requests a second above which a tablet is split.
        merge_below_per_s: Requests a second below which two neighbours are merged.
        rebalance: Whether the master takes leading tablets from the busiest node.
        window: Commands remembered.
        cache: States in memory.
        store_denials: Whether a denied command leaves an event.
        snapshot_every: Events between snapshots.
        segment: Entries in a file.
        promote_after_us: How long a group is without a leader before operators promote another; 0 for never. Only where
            more than the leader hold what is acknowledged: another might not know what it gave away.
        routes: Routes that a client keeps.
        tick_us: Between looks of servers and master.
        found_us: What starting a member takes.
        heartbeat_us: Of the shards.
        resend_us: Of the shards.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    chosen: Scheme = _read(problems, lambda: scheme_of(scheme)) or SCHEMES[1]
    kept = _read(problems, lambda: _domain(domain, workload)) or BankAccount(opening_balance=workload.opening_balance)
    everybody = _read(problems, lambda: nodes_of(topology, _region(topology, region))) or nodes_of(topology)
    seat = _read(problems, lambda: _seat(topology, master))
    coming = _read(problems, lambda: _steps(topology, everybody, joins, joins=True)) or ()
    going = _read(problems, lambda: _steps(topology, everybody, leaves, joins=False)) or ()
    first = tuple(node for node in everybody if node.number not in {step.node.number for step in coming})
    problems += _mistakes(placement, partitions, coming, going, (split_above_per_s, merge_below_per_s, rebalance))
    n = chosen.members
    if not first:
        problems.append("every node joins later, so nobody holds anything at first; let some be there")
    else:
        _read(problems, lambda: check_length(n, first, chosen.spread))
    by_hand = _read(problems, lambda: tablets_by_hand(topology, tablets, first, chosen, kept)) if tablets else None
    if tablets and placement != "tablets":
        problems.append(f"{placement=} says where every stretch is; leave `tablets` out, or take tablets")
    deciding = _read(
        problems,
        lambda: MasterOptions(
            steps=tuple(sorted((*coming, *going), key=lambda step: step.at_us)),
            tick_us=tick_us,
            most_moving=moving,
            split_above=split_above_per_s,
            merge_below=merge_below_per_s,
            rebalance=rebalance,
        ),
    )
    member = _read(
        problems,
        lambda: MemberOptions(
            number=0,
            shard=0,
            home=0,
            scheme=replace(chosen, holders=1, copies=None),
            event_type=pack_type(Scope.SERVICE, command=False, domain=kept.number),
            ship=ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us),
            log=LogPolicy(segment=segment, snapshots=SnapshotPolicy(every=snapshot_every or None)),
            window=window,
            cache=cache or None,
            store_denials=store_denials,
            forward_timeout_us=workload.attempt_timeout_us,
        ),
    )
    if promote_after_us < 0:
        problems.append(f"{promote_after_us=} is no time; give at least 1, or 0 for never")
    for name, value in (("routes", routes), ("tick", tick_us), ("found", found_us), ("vnodes", vnodes)):
        if value < 1:
            problems.append(f"{name}={value} is none; give at least 1")
    if problems:
        raise ValueError("; ".join(problems))
    assert seat is not None
    assert deciding is not None
    assert member is not None
    line = Line(None if placement == "tablets" else salt)
    placing = (
        None if placement == "tablets" else placement_of(placement, first, chosen, partitions, vnodes, slots, salt)
    )
    start = by_hand or first_map(placing, first, chosen, workload, kept, partitions)
    laid = PlacedLayout(
        topology=topology,
        workload=workload,
        domain=kept,
        scheme=chosen,
        member=member,
        nodes=everybody,
        kind=kind,
        directory=first_directory(start, line),
        server=ServerOptions(
            master=at_service(seat.location, MASTER), tick_us=tick_us, patience_us=workload.attempt_timeout_us
        ),
        routes=routes,
    )
    membership: Any = placing
    by_number = {node.number: node for node in everybody}
    placements = [
        *laid.members(),
        *laid.servers(),
        Placed(
            host=seat.location,
            name=MASTER,
            make=lambda ctx: Master(ctx, start, line, deciding, by_number, n, membership),
            kind=Master,
        ),
        *(laid.operators(seat, promote_after_us) if promote_after_us and chosen.holders > 1 else ()),
        *laid.clients(_mix(kept, workload)),
    ]
    return System(
        placements=tuple(placements), ledger=laid.ledger, records=BANK_RECORDS, templates=(laid.template(found_us),)
    )


def _mistakes(
    placement: str,
    partitions: int,
    coming: Sequence[Step],
    going: Sequence[Step],
    moving: tuple[float, float, bool],
) -> list[str]:
    """What is wrong with a placement and what is asked of it, all of it."""
    found = []
    if placement not in PLACEMENTS:
        found.append(f"{placement=} is none; {way_to(placement, PLACEMENTS)}")
    if partitions < 1:
        found.append(f"{partitions=} hold nothing; give at least 1")
    if placement == "slots" and (coming or going):
        who = ", ".join(f"node {step.node.number}" for step in (*coming, *going))
        found.append(
            f"{who} cannot join or leave: open addressing places by a table of slots, which no membership changes "
            "while it is in use; leave `joins` and `leaves` out, or take a ring"
        )
    if placement != "tablets" and any(moving):
        found.append(
            f"{placement=} leaves no choice of where a stretch is, so nothing is split, merged or balanced; leave "
            "`split_above`, `merge_below` and `rebalance` out, or take tablets"
        )
    return found


def _steps(topology: Topology, nodes: Sequence[Node], plan: str, *, joins: bool) -> tuple[Step, ...]:
    """What a plan says: hosts with instants, as in `east/c1/h4@3s, east/c2/h1@5s`."""
    by_number = {node.number: node for node in nodes}
    found, mistakes = [], []
    for part in (one.strip() for one in plan.split(",") if one.strip()):
        path, _, when = part.partition("@")
        try:
            number = topology.host(path).index
            if number not in by_number:
                raise ValueError(f"{path!r} is no server that holds anything here; name another, or widen `region`")
            found.append(Step(duration_us(when), by_number[number], joins))
        except ValueError as refused:
            mistakes.append(f"{'joins' if joins else 'leaves'} {part!r}: {refused}")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return tuple(found)


def _seat(topology: Topology, master: str) -> HostSpec:
    """Where the master is."""
    if "/" in master:
        return topology.host(master)
    place = _region(topology, master) or topology.regions[0]
    return topology.servers(place)[0]


def _region(topology: Topology, region: str) -> str | None:
    if region and region not in topology.regions:
        raise ValueError(f"{region!r} is no region here; {way_to(region, topology.regions)}")
    return region or None


def _domain(name: str, workload: Workload) -> Domain[Any]:
    if name == "bank-account":
        return BankAccount(opening_balance=workload.opening_balance)
    domains = shipped().domains
    if name not in domains:
        raise ValueError(f"domain={name!r} is none that is shipped; {way_to(name, domains)}")
    return domains[name]


def _mix(domain: Domain[Any], workload: Workload) -> Mix:
    if domain.name == "bank-account":
        return BankMix(workload)
    return DomainMix({domain.name: domain.number}, workload.accounts)


def _read(problems: list[str], make: Callable[[], Any]) -> Any:
    """What a callable makes; None, and one problem more, if it refuses."""
    try:
        return make()
    except ValueError as refused:
        problems.append(str(refused))
        return None
