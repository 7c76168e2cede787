"""Observers laid over a topology, beside whatever store runs there: in every cluster one, in every region one.

The first server of a cluster holds its observer, the first of a region the region's. Pulses stay in their cluster,
reports of clusters in their region, and between regions one report goes for all hosts: of lower volume by each layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from models.confidence.delays import Delay, Erlang
from models.confidence.observing import (
    ClusterObserver,
    ObserverOptions,
    PulseOptions,
    Pulser,
    RegionObserver,
    Watching,
)
from models.confidence.priors import Hearing, Level, Priors
from models.confidence.silence import Grid
from models.confidence.tree import Subject, Tree, cluster_of, region_of
from models.detection.refusals import at_least, refuse
from sim.host import Context, Placement
from sim.topology import HostSpec, Location, Topology, at_service

__all__ = ["CLUSTER_OBSERVER", "DEFAULT_PRIORS", "PULSER", "REGION_OBSERVER", "ConfidenceOptions", "observers"]

PULSER: Final = "pulser"
CLUSTER_OBSERVER: Final = "cluster-observer"
REGION_OBSERVER: Final = "region-observer"

_DAY_US: Final = 86_400_000_000
#: A guess for those who know nothing: hosts die monthly, regions are cut off monthly, and all else is rarer.
DEFAULT_PRIORS: Final = Priors(
    levels={
        "region": Level(mtbf_us=3_000.0 * _DAY_US, mtbc_us=30.0 * _DAY_US, dead=1e-6, cut=1e-4, slow=1e-3),
        "cluster": Level(mtbf_us=300.0 * _DAY_US, mtbc_us=300.0 * _DAY_US, dead=1e-5, cut=1e-5, slow=1e-3),
        "host": Level(mtbf_us=30.0 * _DAY_US, mtbc_us=90.0 * _DAY_US, dead=1e-3, cut=1e-4, slow=1e-2),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceOptions:
    """How health is watched and told.

    Two missed in a row make a death likelier than two losses, so that one is noticed in two to three periods. Periods
    half as long notice twice as soon, and cost twice the messages; these add a twentieth at most to those of a store
    of a few commands a second for each host.

    Attributes:
        pulse_us: Between pulses of a host.
        cluster_us: Between reports of a cluster.
        region_us: Between reports of a region.
        priors: What every observer believes before evidence.
        loss: Chance that a message is lost, as is believed.
        near: Delays within a region, as is believed.
        far: Delays between regions, as is believed.
        window: Slots of silence that are weighed.
    """

    pulse_us: int = 2_000_000
    cluster_us: int = 3_000_000
    region_us: int = 5_000_000
    priors: Priors = DEFAULT_PRIORS
    loss: float = 0.001
    near: Delay = field(default=Erlang(mean_us=1_000.0))
    far: Delay = field(default=Erlang(mean_us=60_000.0, stages=4, floor_us=20_000.0))
    window: int = 12

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("pulse_us", self.pulse_us, 2),
                at_least("cluster_us", self.cluster_us, 2),
                at_least("region_us", self.region_us, 2),
                f"cluster_us={self.cluster_us} is above region_us={self.region_us}: a region would tell nothing new; "
                f"let each layer up tell less often"
                if self.cluster_us > self.region_us
                else None,
            )
        )

    def hearing(self, every_us: int, delay: Delay) -> Hearing:
        """How something is heard that tells so often."""
        return Hearing(every_us=every_us, loss=self.loss, delay=delay)


def observers(topology: Topology, options: ConfidenceOptions) -> tuple[Placement, ...]:
    """Pulses of every server but where an observer is, and an observer of every cluster and region; not of clients.

    Raises:
        ValueError: a prior for a level that is not watched, or intervals that do not fit each other.
    """
    servers = [host for region in topology.regions for host in topology.servers(region)]
    if not servers:
        raise ValueError("the topology has no server to watch; give it one")
    leads: dict[Location, HostSpec] = {}
    for host in servers:
        leads.setdefault(cluster_of(host.location), host)
        leads.setdefault(region_of(host.location), host)
    placements: list[Placement] = []
    for host in servers:
        if leads[cluster_of(host.location)] is host:
            continue  # its observer knows that it lives
        observer = at_service(leads[cluster_of(host.location)].location, CLUSTER_OBSERVER)
        pulses = PulseOptions(observers=(observer,), every_us=options.pulse_us)
        placements.append(Placement(host=host.location, name=PULSER, make=partial(_pulser, pulses), kind=Pulser))
    for name, host in leads.items():
        if name == cluster_of(host.location):
            placements.append(_cluster(name, host, servers, leads, options))
        else:
            placements.append(_region(name, host, servers, leads, options))
    return tuple(placements)


def _cluster(
    name: Location, host: HostSpec, servers: list[HostSpec], leads: dict[Location, HostSpec], options: ConfidenceOptions
) -> Placement:
    """The observer of a cluster, of which it is a part: it sees hosts fail, one by one or together."""
    heard = options.hearing(options.pulse_us, options.near)
    cluster = Subject(name=name, level="cluster")
    hosts = (
        Subject(name=one.location, level="host", within=name, hearing=heard)
        for one in servers
        if cluster_of(one.location) == name
    )
    levels = {level: options.priors.of(level) for level in ("cluster", "host")}
    watching = Watching(
        tree=Tree(subjects=(cluster, *hosts)), priors=Priors(levels=levels), grid=_grid(options.pulse_us, options)
    )
    region = at_service(leads[region_of(host.location)].location, REGION_OBSERVER)
    made = ObserverOptions(watching=watching, own=name, tells=(region,), report_us=options.cluster_us)
    return Placement(
        host=host.location, name=CLUSTER_OBSERVER, make=partial(_cluster_observer, made), kind=ClusterObserver
    )


def _region(
    name: Location, host: HostSpec, servers: list[HostSpec], leads: dict[Location, HostSpec], options: ConfidenceOptions
) -> Placement:
    """The observer of a region: it hears its clusters itself, and of other regions from their observers."""
    origins: list[tuple[Location, Location]] = []
    subjects: dict[Location, Subject] = {}
    for one in servers:
        region, cluster = region_of(one.location), cluster_of(one.location)
        away = region != name
        told_by = at_service(leads[region].location, REGION_OBSERVER)
        if region not in subjects:
            hearing = options.hearing(options.region_us, options.far) if away else None
            subjects[region] = Subject(name=region, level="region", hearing=hearing)
        if cluster not in subjects:
            hearing = options.hearing(options.cluster_us, options.near)
            subjects[cluster] = Subject(name=cluster, level="cluster", within=region, hearing=hearing)
            if away:
                origins.append((cluster, told_by))
        hearing = options.hearing(options.pulse_us, options.near)
        subjects[one.location] = Subject(name=one.location, level="host", within=cluster, hearing=hearing)
        origins.append((one.location, at_service(leads[cluster].location, CLUSTER_OBSERVER)))
    watching = Watching(
        tree=Tree(subjects=tuple(subjects.values())),
        priors=options.priors,
        grid=_grid(min(options.pulse_us, options.cluster_us), options),
        origins=tuple(origins),
    )
    others = tuple(
        at_service(lead.location, REGION_OBSERVER)
        for other, lead in leads.items()
        if other == region_of(lead.location) and other != name
    )
    made = ObserverOptions(watching=watching, own=name, tells=others, report_us=options.region_us)
    return Placement(
        host=host.location, name=REGION_OBSERVER, make=partial(_region_observer, made), kind=RegionObserver
    )


def _grid(every_us: int, options: ConfidenceOptions) -> Grid:
    return Grid(slot_us=every_us // 2, window=options.window)


def _pulser(options: PulseOptions, ctx: Context) -> Pulser:
    return Pulser(ctx, options)


def _cluster_observer(options: ObserverOptions, ctx: Context) -> ClusterObserver:
    return ClusterObserver(ctx, options)


def _region_observer(options: ObserverOptions, ctx: Context) -> RegionObserver:
    return RegionObserver(ctx, options)
