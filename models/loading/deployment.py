"""A store with stateless handlers in front of it: clients ask the handlers of their region, and those ask the leader.

Every server runs a handler, and the last server of each region keeps snapshots for its handlers; the leader is in
the home region, so that for the others a look-up is a long way off and a snapshot near. An aggregate's commands go to
one handler of each region, to the others as it is silent: so regions contend, and handlers of one region do not
until one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from models.clients import BankMix, Drawn, Draws, Mix, Route, Workload
from models.domains.bank_account import BankAccount
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import client_placements, maker, shard_of
from models.ledger import Ledger
from models.loading.believing import loading_of
from models.loading.handler import Handler
from models.loading.keeper import SnapshotKeeper
from models.loading.options import LoadingOptions, Strategy, strategy_of
from models.loading_end import LoadingEnd, loading_end
from models.mixes import requests_of
from models.store.log.entries import Entry, version_of
from models.store.options import MemberOptions
from models.store.shard import Shard
from models.store.words import scheme_of
from models.stores import domain_of, home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused

__all__ = ["HANDLER", "KEEPER", "loaded_store"]

HANDLER: Final = "handler"
KEEPER: Final = "keeper"


def loaded_store(
    site: Site,
    workload: Workload,
    kind: type[Handler] = Handler,
    *,
    strategy: str = "speculative",
    scheme: str = "multi-persist:2/3",
    domain: str = "bank-account",
    home: str = "",
    shards: int = 1,
    cache: int = 0,
    snapshot_every: int = 5,
    work_us: int = 20_000,
    replay_us: int = 100,
    ask_us: int = 400_000,
    attempts: int = 6,
    shared: float = 1.0,
    optimistic_below: float = 0.3,
    consistent_above: float = 0.9,
    weight: float = 0.2,
    others_per_s: float = 0.5,
    promote_after_us: int = 0,
) -> System:
    """One domain under one scheme, decided by handlers. Of `cache`, `snapshot_every` and `promote_after` 0 is none.

    The clients of a region ask for aggregates that others ask for too in a share `shared` of their commands, and else
    for as many that only they ask for: so regions contend no more than they are told to.

    A `strategy` goes by its name, or is chosen for each command by how likely the snapshot at hand is the newest:
    `belief:` and the words of a rule (`models.confidence.providing`), with `others_per_s` what is believed at first of
    how often others write to an aggregate.

    Handlers are of a `kind`, which is no option: a subclass is one that differs in that one thing.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    before = len(problems)
    rule = noted(problems, lambda: loading_of(strategy, others_per_s))
    how = Strategy.ADAPTIVE if rule else None
    if rule is None and len(problems) == before:
        how = noted(problems, lambda: strategy_of(strategy))
    wanted = noted(problems, lambda: domain_of(domain, workload))
    chosen = noted(problems, lambda: scheme_of(scheme))
    place = noted(problems, lambda: home_of(topology, home))
    if not 0 <= shared <= 1:
        problems.append(f"{shared=} is no share; give a number in [0, 1]")
    if promote_after_us < 0:
        problems.append(f"{promote_after_us=} is no time; give at least 1, or 0 for never")
    groups: tuple[Group, ...] = ()
    if wanted is not None and chosen is not None and place is not None:
        groups = noted(problems, lambda: groups_of(topology, wanted, chosen, place, shards)) or ()
    somebody = (Location(at_service(topology.hosts[0].location, KEEPER)),)
    options = noted(
        problems,
        lambda: LoadingOptions(
            strategy=how or strategy_of("consistent"),
            members=tuple(tuple(at for _, at in group.members) for group in groups) or (somebody,),
            keeper=somebody[0] if snapshot_every else None,
            cache=cache,
            snapshot_every=snapshot_every,
            work_us=work_us,
            replay_us=replay_us,
            ask_us=ask_us,
            attempts=attempts,
            optimistic_below=optimistic_below,
            consistent_above=consistent_above,
            weight=weight,
            rule=rule,
            others_per_s=others_per_s,
        ),
    )
    if problems:
        raise Refused(problems)
    assert wanted is not None
    assert place is not None
    member = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=ask_us)
    placements = [placement for group in groups for placement in members_of(group, member)]
    placements += _handlers(topology, options, wanted, kind)
    if promote_after_us:
        desk = (topology.clients(place) or topology.servers(place))[0].location
        placements.append(operator_of(desk, groups, promote_after_us, -1))
    bank = isinstance(wanted, BankAccount)
    mix: Mix = BankMix(workload) if bank else requests_of(wanted, workload.accounts)

    def clients(route_of: Callable[[str], Route]) -> Sequence[Placement]:
        return _clients(topology, workload, mix, shared)

    system = group_system(topology, workload, mix, groups, placements=placements, records=BANK_RECORDS, clients=clients)
    read = system.ledger
    assert read is not None

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        return replace(read(service_of), loading=_end(topology, groups, service_of))

    return replace(system, ledger=ledger)


class _Apart:
    """Requests of one region, some of them to aggregates that no other region asks for."""

    def __init__(self, mix: Mix, shared: float, offset: int) -> None:
        self._mix = mix
        self._shared = shared
        self._offset = offset

    def draw(self, draws: Draws) -> Drawn:
        """One draw more than the request takes."""
        drawn = self._mix.draw(draws)
        apart = draws.random() >= self._shared
        if not apart:
            return drawn
        return Drawn(drawn.aggregate + self._offset, drawn.command, drawn.f, drawn.value, drawn.tenant)


def _clients(topology: Topology, workload: Workload, mix: Mix, shared: float) -> list[Placement]:
    placed = []
    for number, region in enumerate(topology.regions):
        apart = _Apart(mix, shared, (number + 1) * workload.accounts)
        mine = {host.location for host in topology.clients(region)}
        everybody = client_placements(topology, workload, apart, lambda one, _: _route(topology, one))
        placed += [placement for placement in everybody if placement.host in mine]
    return placed


def _handlers(topology: Topology, options: LoadingOptions, domain: Any, kind: type[Handler]) -> list[Placement]:
    placed = []
    for region in topology.regions:
        servers = topology.servers(region)
        keeper = at_service(servers[-1].location, KEEPER)
        mine = replace(options, keeper=keeper if options.snapshot_every else None)
        for server in servers:
            made = maker(kind, mine, domain)
            placed.append(Placement(host=server.location, name=HANDLER, make=made, kind=kind))
        if options.snapshot_every:
            made = maker(SnapshotKeeper, domain)
            placed.append(Placement(host=servers[-1].location, name=KEEPER, make=made, kind=SnapshotKeeper))
    return placed


def _route(topology: Topology, region: str) -> Route:
    """The handlers of a region, an aggregate's own first."""
    handlers = [at_service(server.location, HANDLER) for server in topology.servers(region)]
    turned = [tuple(handlers[first:] + handlers[:first]) for first in range(len(handlers))]
    return lambda aggregate: turned[shard_of(aggregate, len(turned))]


def _end(topology: Topology, groups: Sequence[Group], service_of: Callable[[Location], Any]) -> LoadingEnd:
    handlers, images = [], []
    for region in topology.regions:
        for server in topology.servers(region):
            handler = service_of(at_service(server.location, HANDLER))
            if isinstance(handler, Handler):
                handlers.append(handler)
                images += [(f"{server.path}/{HANDLER}", *pair) for pair in handler.memory.images().items()]
            keeper = service_of(at_service(server.location, KEEPER))
            if isinstance(keeper, SnapshotKeeper):
                images += [(f"{server.path}/{KEEPER}", *pair) for pair in keeper.images().items()]
    told = [(who, key[1], image.version, image.tip, image.state) for who, key, image in images]
    return loading_end(handlers, told, _streams(groups, service_of), groups[0].domain)


def _streams(groups: Sequence[Group], service_of: Callable[[Location], Any]) -> dict[int, tuple[Entry, ...]]:
    """By aggregate, the stream in the log of whoever leads last."""
    found: dict[int, tuple[Entry, ...]] = {}
    for group in groups:
        members = [service_of(location) for _, location in group.members]
        ready = [member for member in members if isinstance(member, Shard) and member.ready]
        if not ready:
            continue
        leader = max(ready, key=lambda one: (one.epoch, one.leads, one.journal.length))
        for key in sorted(leader.streams):
            entries = tuple(leader.streams.entries_of(key))
            if key[0] == 0 and entries and version_of(entries[0].address) == 1:
                found[key[1]] = entries
    return found
