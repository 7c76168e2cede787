"""The store laid over a topology: a node on every server, and clients that read and write registers or sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from models.clients import Workload
from models.detection.words import detector_of_answers
from models.driver import Driver, DriverOptions
from models.factories import Refused, noted
from models.keyspace.placement import check_length, nodes_of, zones_of
from models.keyspace.storage import key_space
from models.quorum.coordinator import Coordinator
from models.quorum.node import Node
from models.quorum.options import Fanout, QuorumOptions, Repair, Resolve, Stamps, problems
from models.quorum.preference import Preference
from models.store.schemes import Spread
from models.store.words import spread_of
from models.system import Site, System
from sim.host import Context, Placement
from sim.topology import HostSpec, Topology, at_service

__all__ = ["Coordinators", "Holds", "coordinator_placements", "lay_out", "node_placements", "quorum"]

NODE: Final = "node"
COORDINATOR: Final = "coordinator"
_CLIENT: Final = "client"


class Coordinators(StrEnum):
    """Who carries out a client's operations."""

    CLIENT = "client"  # a service on the client's own host
    REPLICA = "replica"  # a node of its region, whether it holds the key or not
    ANY = "any"  # any node at all


class Holds(StrEnum):
    """What a key is."""

    REGISTER = "register"
    SET = "set"


def quorum(
    site: Site,
    workload: Workload,
    *,
    n: int = 3,
    r: int = 2,
    w: int = 2,
    resolve: Resolve = Resolve.LATEST,
    stamps: Stamps = Stamps.READ,
    fanout: Fanout = Fanout.ALL,
    repair: Repair = Repair.BLOCKING,
    sloppy: bool = False,
    placement: str = "rendezvous",
    coordinators: Coordinators = Coordinators.CLIENT,
    holds: Holds = Holds.REGISTER,
    deletes: float = 0.0,
    patience_us: int = 300_000,
    rounds: int = 3,
    hints: int = 1_000,
    hint_window_us: int = 10_000_000,
    handoff_every_us: int = 500_000,
    anti_entropy_every_us: int = 1_000_000,
    depth: int = 8,
    grace_us: int = 60_000_000,
    spread: str = "host",
    detector: str = "",
) -> System:
    """N replicas of every key, of which R answer a read and W a write; `deletes` is their share of the writes.

    No two replicas of a key share a failure domain of the level `spread`; further apart they stand as far as they can.
    `detector` is what must suspect a replica besides, before one that left a question unanswered is taken for silent,
    in the words of `models.detection.words`: a sloppy quorum has others stand in for it, and with fan-out to a quorum
    it is asked last. Nothing if empty.

    Raises:
        ValueError: it cannot be so, for all these reasons.
    """
    refused: list[str] = []
    watching = noted(refused, lambda: detector_of_answers(detector, max(4, patience_us))) if detector else None
    level = noted(refused, lambda: spread_of(spread))
    options = QuorumOptions(
        n=n,
        r=r,
        w=w,
        resolve=resolve,
        stamps=stamps,
        fanout=fanout,
        repair=repair,
        sloppy=sloppy,
        placement=placement,
        patience_us=patience_us,
        rounds=rounds,
        hints_max=hints,
        hint_window_us=hint_window_us,
        handoff_every_us=handoff_every_us,
        anti_entropy_every_us=anti_entropy_every_us,
        depth=depth,
        grace_us=grace_us,
    )
    if level is not None:
        options = replace(options, spread=level)
    if watching is not None:
        options = replace(options, detector=watching)
    if detector and not sloppy and fanout is Fanout.ALL:
        refused.append(
            f"{detector=} finds whom others stand in for, or who is asked last; set sloppy = true, or fanout = 'quorum'"
        )
    return lay_out(site, workload, options, coordinators=coordinators, holds=holds, deletes=deletes, refused=refused)


def lay_out(
    site: Site,
    workload: Workload,
    options: QuorumOptions,
    *,
    coordinators: Coordinators = Coordinators.CLIENT,
    holds: Holds = Holds.REGISTER,
    deletes: float = 0.0,
    sessions: int = 8,
    refused: Sequence[str] = (),
    node: type[Node] = Node,
    coordinator: type[Coordinator] = Coordinator,
) -> System:
    """The store with services of these classes; what was `refused` before is told with the rest.

    Raises:
        ValueError: it cannot be so, for these reasons.
    """
    topology = site.topology
    nodes, wrong = nodes_of(topology), [*refused]
    if options.spread is not Spread.HOST and options.n > 0:
        noted(wrong, lambda: check_length(options.n, nodes, options.spread))
    wrong += problems(options, len(nodes), zones_of(nodes, options.spread))
    if not 0 <= deletes < 1:
        wrong.append(f"{deletes=} is no share of the writes; give 0 to below 1")
    if holds is Holds.SET and options.resolve is Resolve.LATEST:
        wrong.append('members that concurrent writers add to a set would be lost; set resolve = "siblings"')
    if holds is Holds.SET and deletes:
        wrong.append(f"{deletes=}: whole sets are not deleted here; leave it out")
    if wrong:
        raise Refused(wrong)
    placements = [
        *node_placements(topology, options, node),
        *(coordinator_placements(topology, options, coordinator) if coordinators is Coordinators.CLIENT else ()),
        *_clients(topology, workload, coordinators, holds, deletes, sessions),
    ]
    return System(placements=tuple(placements), records=str(holds))


def node_placements(topology: Topology, options: QuorumOptions, kind: type[Node] = Node) -> list[Placement]:
    """A node on every server."""
    make = _maker(kind, topology, options)
    return [
        Placement(host=host.location, name=NODE, make=make(number), kind=kind)
        for number, host in enumerate(_servers(topology))
    ]


def coordinator_placements(
    topology: Topology, options: QuorumOptions, kind: type[Coordinator] = Coordinator
) -> list[Placement]:
    """A coordinator on every client host."""
    make, first = _maker(kind, topology, options), len(_servers(topology))
    clients = [host for host in topology.hosts if host.client]
    return [
        Placement(host=host.location, name=COORDINATOR, make=make(first + index), kind=kind)
        for index, host in enumerate(clients)
    ]


def _maker(
    kind: type[Coordinator], topology: Topology, options: QuorumOptions
) -> Callable[[int], Callable[[Context], Coordinator]]:
    servers = _servers(topology)
    nodes = tuple(at_service(host.location, NODE) for host in servers)
    # One for all, since it only remembers what it has worked out: a function of the key.
    by_index = {node.number: node.zone(options.spread) for node in nodes_of(topology)}
    space = key_space(topology, placement=options.placement)
    preference = Preference(space, options.n, [by_index[host.index] for host in servers])
    return lambda number: lambda ctx: kind(ctx, nodes, options, preference, number)


def _servers(topology: Topology) -> list[HostSpec]:
    return [host for host in topology.hosts if not host.client]


def _clients(
    topology: Topology, workload: Workload, coordinators: Coordinators, holds: Holds, deletes: float, sessions: int
) -> list[Placement]:
    """Drivers that share the load; each audits its coordinator and the nodes of its region."""
    servers, clients = _servers(topology), [host for host in topology.hosts if host.client]
    nodes = tuple(at_service(host.location, NODE) for host in servers)
    placed = []
    for index, host in enumerate(clients):
        near = tuple(number for number, server in enumerate(servers) if server.region == host.region) or (0,)
        asked = nodes
        if coordinators is Coordinators.CLIENT:
            # Its own coordinator is the last, so that nodes are numbered alike for all who audit.
            asked, near = (*nodes, at_service(host.location, COORDINATOR)), (len(nodes), *near)
        options = DriverOptions(
            specification=str(holds),
            replicas=asked,
            near=near,
            roaming=coordinators is Coordinators.ANY,
            retries=holds is Holds.SET,
            deletes=deletes,
            sessions=sessions,
            share=1 / len(clients),
            first_id=(index + 1) << 40 | 1,
            first_value=(index + 1) * 100_000 + 1,
        )
        placed.append(Placement(host=host.location, name=_CLIENT, make=_driver(workload, options), kind=Driver))
    return placed


def _driver(workload: Workload, options: DriverOptions) -> Callable[[Context], Any]:
    return lambda ctx: Driver(ctx, workload, options)
