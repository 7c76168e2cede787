"""A store, and beside it the control plane of its site.

Registries sit on the client host of each region, out of the way of what befalls servers; an agent is
on every server, and shares its cores and links with the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.clients import Workload
from models.control.storm import Agent, AgentOptions, Registry, RegistryOptions, Storm
from models.layout import maker
from models.stores import store
from models.system import Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service

__all__ = ["AGENT", "REGISTRY", "store_with_registry"]

REGISTRY: Final = "registry"
AGENT: Final = "agent"


def store_with_registry(
    site: Site,
    workload: Workload,
    *,
    scheme: str = "multi-persist:2/3@region",
    home: str = "",
    shards: int = 1,
    promote_after_us: int = 1_000_000,
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
    view_us: int = 1_000_000,
    storm_from_us: int = 0,
    storm_for_us: int = 0,
    storm_every_us: int = 10_000,
) -> System:
    """A bank under one scheme, and registries that gossip who is a member, one of which may storm.

    The storm is that of the home region's registry; without `storm_for` there is none.

    Raises:
        ValueError: whatever of the options makes no sense here.
    """
    topology = site.topology
    system = store(
        site,
        workload,
        scheme=scheme,
        home=home,
        shards=shards,
        promote_after_us=promote_after_us,
        heartbeat_us=heartbeat_us,
        resend_us=resend_us,
    )
    storm = None
    if storm_for_us:
        storm = Storm(from_us=storm_from_us, until_us=storm_from_us + storm_for_us, every_us=storm_every_us)
    placed = _control_plane(topology, home or topology.regions[0], view_us, storm)
    return replace(system, placements=(*system.placements, *placed))


def _control_plane(topology: Topology, stormy: str, view_us: int, storm: Storm | None) -> list[Placement]:
    hosts = {r: (topology.clients(r) or topology.servers(r))[0].location for r in topology.regions}
    registries = {region: at_service(host, REGISTRY) for region, host in hosts.items()}
    placed = []
    for region, host in hosts.items():
        servers = [server.location for server in topology.servers(region)]
        options = RegistryOptions(
            region=topology.region_number(region),
            agents=tuple(Location(at_service(server, AGENT)) for server in servers),
            peers=tuple(at for other, at in registries.items() if other != region),
            every_us=view_us,
            storm=storm if region == stormy else None,
        )
        placed.append(Placement(host=host, name=REGISTRY, make=maker(Registry, options), kind=Registry))
        told = AgentOptions(registry=registries[region])
        placed += [Placement(host=server, name=AGENT, make=maker(Agent, told), kind=Agent) for server in servers]
    return placed
