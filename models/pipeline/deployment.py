"""A store with API servers in front of it, on one host each or on two.

There is one on the first server of each region. Where the pipe goes on to a second host, that is the last server of
the home region, near to the store's leader, for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from models.clients import BankMix, Client, Mix, Route, Workload
from models.domain import Domain
from models.domains.bank_account import BankAccount
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import CLIENT, maker
from models.ledger import Ledger
from models.mixes import requests_of
from models.pipeline.client import ApiClient
from models.pipeline.far import FarServer
from models.pipeline.joining import Generation, OneWay
from models.pipeline.options import PipelineOptions, token_of
from models.pipeline.plan import Plan, plan_of
from models.pipeline.server import ApiServer
from models.pipeline_end import PipelineEnd, ServerEnd
from models.store.options import MemberOptions
from models.store.words import scheme_of
from models.stores import domain_of, home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Context, Placement
from sim.topology import HostSpec, Location, Topology, at_service
from sim.wording import Refused

__all__ = ["API", "FAR", "api_store"]

API: Final = "api"
FAR: Final = "api-far"
_STAGES: Final = "accept:32 authenticate:16*2 validate:16*2 route:16 execute:16*8 reply:16*2"
_FLOW: Final = "accept > authenticate > validate > route > execute > reply"
_CLOSES: Final = ("both", "downstream")
#: The API servers and the clients of one site share it.
_SECRET: Final = 0x5EC2E7


def api_store(
    site: Site,
    workload: Workload,
    near: type[ApiServer] = ApiServer,
    far: type[FarServer] = FarServer,
    pipe: type[Generation] = Generation,
    *,
    stages: str = _STAGES,
    flow: str = _FLOW,
    away: str = "",
    bounded: bool = True,
    closes: str = "both",
    full: str = "refuse",
    stage_us: int = 200,
    ask_us: int = 400_000,
    lease_us: int = 1_000_000,
    beat_us: int = 200_000,
    respawn_us: int = 50_000,
    fails: str = "",
    fails_every_us: int = 0,
    stranger_every: int = 0,
    scheme: str = "multi-persist:2/3",
    domain: str = "bank-account",
    home: str = "",
    shards: int = 1,
    promote_after_us: int = 0,
) -> System:
    """One domain under one scheme, asked through API servers; `models.pipeline.plan` says how stages are written.

    What its servers and pipes are of is no option: a subclass is one that differs in that one thing.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    plan = noted(problems, lambda: plan_of(stages, flow, away))
    wanted = noted(problems, lambda: domain_of(domain, workload))
    chosen = noted(problems, lambda: scheme_of(scheme))
    place = noted(problems, lambda: home_of(topology, home))
    if closes not in _CLOSES:
        problems.append(f"{closes=} is no way that closes travel; choose one of {', '.join(_CLOSES)}")
    for name, number in (("promote_after_us", promote_after_us), ("stranger_every", stranger_every)):
        if number < 0:
            problems.append(f"{name}={number} is negative; give at least 1, or 0 for never")
    groups: tuple[Group, ...] = ()
    if wanted is not None and chosen is not None and place is not None:
        groups = noted(problems, lambda: groups_of(topology, wanted, chosen, place, shards)) or ()
    second = at_service(topology.servers(place or topology.regions[0])[-1].location, FAR)
    options = noted(
        problems,
        lambda: PipelineOptions(
            plan=_plan(plan, bounded),
            members=tuple(tuple(at for _, at in group.members) for group in groups) or ((second,),),
            far=second if away else None,
            full=full,
            pipe=OneWay if closes == "downstream" else pipe,
            stage_us=stage_us,
            ask_us=ask_us,
            lease_us=lease_us,
            beat_us=beat_us,
            respawn_us=respawn_us,
            secret=_SECRET,
            fails=fails,
            fails_every_us=fails_every_us,
        ),
    )
    if problems:
        raise Refused(problems)
    assert wanted is not None
    assert place is not None
    member = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=ask_us)
    placements = [placement for group in groups for placement in members_of(group, member)]
    placements += _servers(topology, options, wanted, near, far)
    if promote_after_us:
        desk = (topology.clients(place) or topology.servers(place))[0].location
        placements.append(operator_of(desk, groups, promote_after_us, -1))
    bank = isinstance(wanted, BankAccount)
    mix: Mix = BankMix(workload) if bank else requests_of(wanted, workload.accounts)

    def clients(route_of: Callable[[str], Route]) -> Sequence[Placement]:
        return _clients(topology, workload, mix, stranger_every)

    system = group_system(topology, workload, mix, groups, placements=placements, records=BANK_RECORDS, clients=clients)
    read = system.ledger
    assert read is not None

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        return replace(read(service_of), pipeline=_end(topology, service_of))

    return replace(system, ledger=ledger)


def _plan(plan: Plan | None, bounded: bool) -> Plan:
    made = plan or plan_of(_STAGES, _FLOW)
    return made if bounded else made.unbounded()


def _servers(
    topology: Topology,
    options: PipelineOptions,
    domain: Domain[Any],
    near: type[ApiServer],
    far: type[FarServer],
) -> list[Placement]:
    placed = [
        Placement(host=topology.servers(region)[0].location, name=API, make=maker(near, options, domain), kind=near)
        for region in topology.regions
    ]
    if options.far is not None:
        host = topology.hosts[topology.index_of(Location((int(options.far) >> 64) << 64))]
        placed.append(Placement(host=host.location, name=FAR, make=maker(far, options, domain), kind=far))
    return placed


def _clients(topology: Topology, workload: Workload, mix: Mix, stranger_every: int) -> list[Placement]:
    """As `models.layout.client_placements`, with a user each; a region's own server comes first."""
    placed = []
    for region in topology.regions:
        order = [region, *(other for other in topology.regions if other != region)]
        servers = tuple(at_service(topology.servers(one)[0].location, API) for one in order)
        hosts = topology.clients(region)
        for index, host in enumerate(hosts):
            make = _maker(topology, workload, mix, servers, host, index, len(hosts), stranger_every)
            placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=Client))
    return placed


def _maker(
    topology: Topology,
    workload: Workload,
    mix: Mix,
    servers: tuple[Location, ...],
    host: HostSpec,
    index: int,
    hosts: int,
    stranger_every: int,
) -> Callable[[Context], ApiClient]:
    return lambda ctx: ApiClient(
        ctx,
        workload,
        share=1 / (len(topology.regions) * hosts),
        first_id=topology.region_number(host.region) << 48 | index << 40 | 1,
        route=lambda aggregate: servers,
        mix=mix,
        user=host.index,
        token=token_of(_SECRET, host.index),
        stranger_every=stranger_every,
    )


def _end(topology: Topology, service_of: Callable[[Location], Any]) -> PipelineEnd:
    servers: list[ServerEnd] = []
    told: Counter[str] = Counter()
    for host in topology.hosts:
        client = service_of(at_service(host.location, CLIENT))
        if isinstance(client, ApiClient):
            told.update(client.told)
        for name in (API, FAR):
            service = service_of(at_service(host.location, name))
            if isinstance(service, ApiServer | FarServer):
                servers.append(_server_end(host.path, service))
    return PipelineEnd(servers=tuple(servers), told=dict(sorted(told.items())))


def _server_end(path: str, service: ApiServer | FarServer) -> ServerEnd:
    for pipe in service.generations:
        for channel in pipe.channels:
            channel.check_conservation()
    return ServerEnd(
        host=path,
        far=isinstance(service, FarServer),
        counts=dict(sorted(service.counts.items())),
        held=tuple(service.held()),
        longest=max((pipe.longest for pipe in service.generations), default=0),
        dropped=sum(pipe.dropped for pipe in service.generations),
    )
