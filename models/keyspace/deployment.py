"""The placed store: one domain whose shards stand where the key space says, and move while traffic flows.

Every server of the nodes' regions runs a tablet server, the nodes at the beginning a member of each
group that the first map gives them, and one server, or an odd number of them, a master. Clients know
where servers are, and learn routes. Who joins or leaves, and when, is a plan of the master's for as
long as operators have no words of their own for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from models.addressing import Scope, pack_type
from models.clients import Workload
from models.confidence.visible.deployment import clients_of, told_to
from models.detection.words import detector_of_answers
from models.factories import KeptOptions, Reading, Refused, home_of, mix_of
from models.keyspace.client import PlacedClient
from models.keyspace.directory import Line, first_directory
from models.keyspace.keys import pack_key
from models.keyspace.layout import PlacedLayout, first_map, tablets_by_hand
from models.keyspace.mastering import MASTER, MasterOptions, Step
from models.keyspace.placement import Node, check_length, nodes_of
from models.keyspace.server import ServerOptions
from models.keyspace.shard import PlacedShard
from models.keyspace.storage import PLACEMENTS, placement_of
from models.keyspace.telling import WeighingClient, WeighingShard
from models.store.group.wire import ShipOptions
from models.store.schemes import SCHEMES, Scheme
from models.system import BANK_RECORDS, Site, System
from sim.topology import HostSpec, Topology, at_service
from sim.units import duration_us, format_us
from sim.wording import way_to

__all__ = ["PLACEMENTS", "placed_store"]


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
    tenants: int = 1,
    looks: float = 0.0,
    states: bool = False,
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
    promote_after_us: int = 1_000_000,
    force_after_us: int = -1,
    gather_us: int = 500_000,
    routes: int = 64,
    detector: str = "",
    tick_us: int = 250_000,
    found_us: int = 50_000,
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
    **kept: Unpack[KeptOptions],
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
        master: Regions or hosts of the masters, as in `a, b/c1/h1, c`: a group of their own, so an odd number, of which
            the first leads first. The first server of the first region if empty.
        partitions: Stretches at the beginning.
        tenants: Whose aggregates these are: each client asks for all of them in turns, and each has keys of its own.
        looks: Share of operations that are questions for the state of an aggregate, asked by the same routes.
        states: Whether their answers say how likely that is still so.
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
        promote_after_us: How long a group is without a leader before operators promote another; 0 for never. Only where
            more than the leader hold what is acknowledged: another might not know what it gave away.
        force_after_us: How much later they give up whoever is silent; below 0 for never.
        gather_us: How long one that is forced listens to what others have; 0 for not at all.
        routes: Routes that a client keeps.
        detector: By which a client finds owners silent and asks others first, in the words of `models.detection.words`;
            it asks them in their order if empty.
        tick_us: Between looks of servers and master.
        found_us: What starting a member takes.
        heartbeat_us: Of the shards.
        resend_us: Of the shards.
        kept: How members keep their logs.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    chosen = read.scheme(scheme) or SCHEMES[1]
    kept_domain = read.domain(domain)
    everybody = read.of(
        lambda: nodes_of(topology, home_of(topology, region, "region") if region else None)
    ) or nodes_of(topology)
    seats = read.of(lambda: _seats(topology, master))
    coming = read.of(lambda: _steps(topology, everybody, joins, joins=True)) or ()
    going = read.of(lambda: _steps(topology, everybody, leaves, joins=False)) or ()
    first = tuple(node for node in everybody if node.number not in {step.node.number for step in coming})
    read.problems += _mistakes(placement, partitions, coming, going, (split_above_per_s, merge_below_per_s, rebalance))
    enough = _looked_through(read, topology, chosen, scheme, first, coming, going)
    number = kept_domain.number if kept_domain else 1
    by_hand = read.of(lambda: tablets_by_hand(topology, tablets, first, chosen, number)) if tablets else None
    placing: Any = None
    if placement in PLACEMENTS and placement != "tablets" and enough and partitions > 0 < vnodes:
        each = range(partitions)
        placing = read.of(
            lambda: placement_of(placement, first, chosen.spread, vnodes=vnodes, salt=salt, keys=each, slots=slots)
        )
    if tablets and placement != "tablets":
        read.problems.append(f"{placement=} says where every stretch is; leave `tablets` out, or take tablets")
    deciding = read.of(
        lambda: MasterOptions(
            steps=_in_turn(coming, going),
            tick_us=max(1, tick_us),
            most_moving=max(1, moving),
            split_above=split_above_per_s,
            merge_below=merge_below_per_s,
            rebalance=rebalance,
        ),
    )
    member = read.member(
        kept,
        ship=lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us),
        scheme=replace(chosen, holders=1, copies=None),
        event_type=pack_type(Scope.SERVICE, command=False, domain=number),
        gather_us=gather_us,
    )
    patience_us = workload.attempt_timeout_us
    watching = read.of(lambda: detector_of_answers(detector, max(4, patience_us))) if detector else None
    read.never_or(promote_after_us=promote_after_us)
    read.tenants(tenants)
    if not 0 <= looks < 1:
        read.problems.append(f"{looks=} is no share that leaves commands to ask about; give a number in [0, 1)")
    if states and not looks:
        read.problems.append(
            f"{states=} is said of answers to questions, and {looks=} asks none; give looks, or leave it"
        )
    read.at_least(1, moving=moving, routes=routes, tick_us=tick_us, found_us=found_us, vnodes=vnodes)
    read.done()
    assert kept_domain is not None
    assert seats is not None
    assert deciding is not None
    assert member is not None
    line = Line(None if placement == "tablets" else salt)
    holders = None if placing is None else partial(placing.owners, n=chosen.members)
    key_of = partial(pack_key, domain=number)
    start = by_hand or first_map(holders, key_of, first, chosen, workload, partitions, tenants)
    laid = PlacedLayout(
        topology=topology,
        workload=workload,
        domain=kept_domain,
        scheme=chosen,
        member=member,
        nodes=everybody,
        kind=WeighingShard if states and kind is PlacedShard else kind,
        directory=first_directory(start, line),
        server=ServerOptions(
            masters=tuple(at_service(seat.location, MASTER) for seat in seats),
            tick_us=tick_us,
            patience_us=patience_us,
        ),
        routes=routes,
        detector=watching,
        tenants=tenants,
        looks=looks,
        asking=WeighingClient if states else PlacedClient,
        beside={"keys": max(1, workload.accounts * tenants // partitions)} if states and kind is PlacedShard else {},
    )
    placements = [*laid.members(), *laid.servers(), *laid.masters(deciding, start, placing)]
    if promote_after_us and chosen.holders > 1:
        placements += laid.operators(seats[0], promote_after_us, force_after_us)
    placements += laid.clients(mix_of(kept_domain, workload))
    system = System(
        placements=tuple(placements), ledger=laid.ledger, records=BANK_RECORDS, templates=(laid.template(found_us),)
    )
    return told_to(system, clients_of(topology)) if states else system


def _looked_through(
    read: Reading,
    topology: Topology,
    scheme: Scheme,
    words: str,
    first: Sequence[Node],
    coming: Sequence[Step],
    going: Sequence[Step],
) -> bool:
    """Whether there are nodes enough at first; what is wrong with a plan of who comes and goes is noted."""
    read.problems += (told_twice := _out_of_order(topology, coming, going))
    if not first:
        read.problems.append("every node joins later, so nobody holds anything at first; let some be there")
        return False
    enough = bool(read.of(lambda: _enough(scheme, words, first)))
    if enough and not told_twice:
        read.problems += _too_few_left(topology, scheme, first, coming, going)
    return enough


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
    if placement in PLACEMENTS and placement != "tablets" and any(moving):
        found.append(
            f"{placement=} leaves no choice of where a stretch is, so nothing is split, merged or balanced; leave "
            "`split_above`, `merge_below` and `rebalance` out, or take tablets"
        )
    return found


def _enough(scheme: Scheme, words: str, nodes: Sequence[Node]) -> bool:
    """True; ValueError where the nodes stand in too few zones for a scheme."""
    try:
        check_length(scheme.members, nodes, scheme.spread)
    except ValueError as refused:
        raise ValueError(f"scheme={words!r}: {refused}") from None
    return True


def _out_of_order(topology: Topology, coming: Sequence[Step], going: Sequence[Step]) -> list[str]:
    """Who comes or goes twice, or goes before it comes."""
    found = []
    for words, steps in (("joins", coming), ("leaves", going)):
        counts = Counter(_path(topology, step) for step in steps)
        found += [f"{words}: {path} is given {n} times; name each host once" for path, n in counts.items() if n > 1]
    joins_us = {step.node.number: step.at_us for step in coming}
    for step in going:
        from_us = joins_us.get(step.node.number)
        if from_us is not None and step.at_us <= from_us:
            told = (
                f"leaves: {_path(topology, step)} joins at {format_us(from_us)} and leaves at {format_us(step.at_us)}"
            )
            found.append(f"{told}; have it leave later, or leave it out of both")
    return found


def _too_few_left(
    topology: Topology, scheme: Scheme, first: Sequence[Node], coming: Sequence[Step], going: Sequence[Step]
) -> list[str]:
    """Where, of a plan that is in order, too few nodes are left for a scheme."""
    there = {node.number: node for node in first}
    for step in _in_turn(coming, going):
        if step.joins:
            there[step.node.number] = step.node
            continue
        del there[step.node.number]
        try:
            check_length(scheme.members, tuple(there.values()), scheme.spread)
        except ValueError as refused:
            return [f"leaves: once {_path(topology, step)} has left, {refused}, or have it stay"]
    return []


def _path(topology: Topology, step: Step) -> str:
    return topology.hosts[step.node.number].path


def _in_turn(coming: Sequence[Step], going: Sequence[Step]) -> tuple[Step, ...]:
    """A plan as a master follows it: of what is due at one instant, who comes before who goes."""
    return tuple(sorted((*coming, *going), key=lambda step: step.at_us))


def _steps(topology: Topology, nodes: Sequence[Node], plan: str, *, joins: bool) -> tuple[Step, ...]:
    """What a plan says: hosts with instants, as in `east/c1/h4@3s, east/c2/h1@5s`."""
    by_number = {node.number: node for node in nodes}
    found, mistakes = [], []
    for part in (one.strip() for one in plan.split(",") if one.strip()):
        path, at, when = part.partition("@")
        try:
            if not at:
                raise ValueError(f"it does not say when; write the instant behind it, as in {path}@3s")
            number = topology.host(path).index
            if number not in by_number:
                raise ValueError(f"{path!r} is no server that holds anything here; name another, or widen `region`")
            found.append(Step(duration_us(when), by_number[number], joins))
        except ValueError as refused:
            mistakes.append(f"{'joins' if joins else 'leaves'} {part!r}: {refused}")
    if mistakes:
        raise Refused(mistakes)
    return tuple(found)


def _seats(topology: Topology, words: str) -> tuple[HostSpec, ...]:
    """Where the masters are, the one that leads first in front."""
    found, mistakes = [], []
    names = [name.strip() for name in words.split(",")]
    for name in names:
        try:
            found.append(topology.host(name) if "/" in name else topology.servers(home_of(topology, name, "master"))[0])
        except ValueError as refused:
            mistakes.append(f"master {name!r}: {refused}")
    counts = Counter(seat.path for seat in found)
    mistakes += [f"master: {path} is given {n} times; name each host once" for path, n in counts.items() if n > 1]
    if len(names) % 2 == 0:
        told = f"{len(names) - 1} or {len(names) + 1}"
        mistakes.append(f"master: {len(names)} are an even group, which survives no more than one less; name {told}")
    if mistakes:
        raise Refused(mistakes)
    return tuple(found)
