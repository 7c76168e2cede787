"""Aggregates in a leaderless store laid over a topology, and what such a run came to.

Every region has a replica of every aggregate, and a majority of them answers a read and a write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from models.addressing import Scope, mint, pack_type
from models.clients import Workload
from models.domains.bank_account import BankAccount, Deposited, Withdrawn
from models.factories import Reading
from models.keyspace.placement import nodes_of
from models.keyspace.storage import key_space
from models.layout import STORE, RegionLayout, shard_of
from models.ledger import EventKind, FinalEvent, Ledger, Status
from models.quorum.aggregates import AggregateNode, Decided, Image
from models.quorum.options import QuorumOptions
from models.quorum.preference import Preference
from models.quorum.versions import Dot, Version
from models.store.group.wire import ShipOptions
from models.store.schemes import Spread
from models.system import BANK_RECORDS, Site, System
from sim.host import Context, Placement
from sim.topology import Location, Topology, at_service

__all__ = ["leaderless", "leaderless_ledger"]

_NOBODY: Final = "no note says so"


def leaderless(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    patience_us: int = 250_000,
    rounds: int = 2,
    anti_entropy_every_us: int = 1_000_000,
) -> System:
    """A leaderless quorum across regions, the last writer wins: whole aggregates are read, changed and written back.

    A coordinator asks `rounds` times and waits for `patience` each; together that is best below a client's own, who
    then is told that nothing happened in place of being left to wonder.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    wanted, regions = read.domain(domain), len(topology.regions)
    read.at_least(1, patience_us=patience_us, rounds=rounds)
    read.never_or(anti_entropy_every_us=anti_entropy_every_us)
    read.done()
    assert wanted is not None
    layout = RegionLayout(topology, workload, ShipOptions(), domain=wanted)
    most = regions // 2 + 1
    options = QuorumOptions(
        n=regions,
        r=most,
        w=most,
        spread=Spread.REGION,
        patience_us=patience_us,
        rounds=rounds,
        anti_entropy_every_us=anti_entropy_every_us,
        hint_window_us=60_000_000,
    )
    servers = [host for host in topology.hosts if not host.client]
    nodes = tuple(at_service(host.location, STORE) for host in servers)
    preference = _preference(topology, options)

    def make(number: int) -> Callable[[Context], Any]:
        return lambda ctx: AggregateNode(ctx, nodes, options, preference, number, wanted)

    placements = [
        Placement(host=host.location, name=STORE, make=make(number), kind=AggregateNode)
        for number, host in enumerate(servers)
    ]
    return System(
        placements=(*placements, *layout.clients()),
        stores=layout.store_locations,
        entry=layout.entry,
        ledger=lambda service_of: _read(layout, service_of),
        records=BANK_RECORDS,
    )


def _preference(topology: Topology, options: QuorumOptions) -> Preference:
    by_index = {node.number: node.zone(options.spread) for node in nodes_of(topology)}
    space = key_space(topology, placement=options.placement)
    return Preference(space, options.n, [by_index[host.index] for host in topology.hosts if not host.client])


def _read(layout: RegionLayout, service_of: Callable[[Location], Any]) -> Ledger:
    found: dict[int, list[AggregateNode]] = {}
    missing = 0
    for region, number in layout.numbers.items():
        for location in layout.store_locations[region]:
            node = service_of(location)
            if isinstance(node, AggregateNode) and node.whole:
                found.setdefault(number, []).append(node)
            else:
                missing += 1
    return replace(leaderless_ledger(found, layout.shards), missing=missing)


def leaderless_ledger(nodes: Mapping[int, Sequence[AggregateNode]], shards: int) -> Ledger:
    """The ledger of a leaderless store.

    What the winning version was made from counts, back to the first; whatever else was decided was overwritten.

    Args:
        nodes: By region number, those that are up at the end.
        shards: How many servers a region has, which decides whom its clients ask.
    """
    winners: dict[int, Version] = {}
    views: dict[int, dict[int, int | str | None]] = {number: {} for number in nodes}
    decided: dict[int, dict[Dot, tuple[Decided, int]]] = {}
    told = None
    for number, here in nodes.items():
        for node in here:
            told = node.domain.told
            for key, cell in node.cells.items():
                version = cell.versions[0]
                held = winners.get(key)
                if held is None or (version.stamp, version.dot) > (held.stamp, held.dot):
                    winners[key] = version
                if node.number in node.preference.homes(key):
                    assert isinstance(version.value, Image)
                    views[number][key] = told(version.value.state)
            for one in node.decided:
                decided.setdefault(one.aggregate, {})[one.dot] = one, number
    event_type = 0
    for here in nodes.values():
        for node in here:
            event_type = pack_type(Scope.SERVICE, command=False, domain=node.domain.number)
    final = {
        key: _in_order(key, made, winners.get(key), shard_of(key, shards), event_type)
        for key, made in sorted(decided.items())
    }
    return Ledger(
        final=final,
        balances={number: dict(sorted(view.items())) for number, view in sorted(views.items())},
        divergent=(),
        conflicts=0,
        watermark=_NOBODY,
    )


def _in_order(
    key: int, made: Mapping[Dot, tuple[Decided, int]], winner: Version | None, shard: int, event_type: int
) -> tuple[FinalEvent, ...]:
    """The winner's ancestors, oldest first, then what was overwritten."""
    chain: list[Dot] = []
    dot = None if winner is None else winner.dot
    while dot is not None and dot in made:
        chain.append(dot)
        dot = made[dot][0].parent
    chain.reverse()
    kept = set(chain)
    others = sorted((one.stamp, dot) for dot, (one, _) in made.items() if dot not in kept)
    ordered = [(dot, Status.MERGED) for dot in chain] + [(dot, Status.SUPERSEDED) for _, dot in others]
    return tuple(
        _final(made[dot][0], made[dot][1], status, shard, mint(event_type, key, place))
        for place, (dot, status) in enumerate(ordered, start=1)
    )


def _final(one: Decided, region: int, status: Status, shard: int, address: int) -> FinalEvent:
    kind, amount, event = EventKind.OTHER, 0, one.event
    if isinstance(event, Deposited | Withdrawn):
        kind = EventKind.DEPOSITED if isinstance(event, Deposited) else EventKind.WITHDRAWN
        amount = event.amount
    return FinalEvent(
        one.aggregate,
        one.command_id,
        kind,
        amount,
        one.accepted_us,
        region,
        shard,
        one.stamp,
        status,
        address,
        told=one.told,
        event=event,
    )
