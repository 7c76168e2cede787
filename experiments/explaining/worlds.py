"""Worlds in which regions are cut off and hosts crash, at rates that are known, before an observer in another region.

Regions watch 1 to 4 hosts each, in turn. What befalls them is drawn from the run's seed, alike for every teller, and
lasts: nothing heals within a run. In `silent-before` it was there before anybody listened, and no heartbeat is lost, so
the closed form of explaining away holds as it stands; in `silent-since` it comes at any time, and heartbeats are lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from types import MappingProxyType
from typing import Final

from models.confidence import Erlang, Grid, Hearing, Level, Priors, Subject, Tree
from models.confidence.observing import ClusterObserver, ObserverOptions, PulseOptions, Pulser, Watching
from sim.chance import Chance
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement
from sim.latency import uniform
from sim.topology import HostSpec, Location, at_service, grid, pack_location
from sim.world import World

__all__ = ["BEFORE", "CALM", "EVERY_US", "GRID", "SCENARIOS", "SINCE", "Setting", "Watched", "setting_of", "watched"]

BEFORE: Final = "silent-before"
SINCE: Final = "silent-since"
CALM: Final = "nothing-fails"
SCENARIOS: Final = (BEFORE, SINCE, CALM)

EVERY_US: Final = 1_000_000
REGIONS: Final = 16
MOST_HOSTS: Final = 4
_HOME: Final = "home"
_ROUND_TRIP_US: Final = 40_000
#: Mean of the jitter that uniform latency adds, and what the observer takes delays to be.
_JITTER: Final = 0.2
_FOREVER_US: Final = 10**12
GRID: Final = Grid(slot_us=EVERY_US // 2, window=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scenario is.

    Attributes:
        priors: The rates from which its faults are drawn, and which a teller with right priors believes.
        loss: Of heartbeats.
        asked_us: When every teller is asked.
    """

    priors: Priors
    loss: float
    asked_us: tuple[int, ...]


_SINCE: Final = Priors(
    levels={"region": Level(mtbc_us=150.0 * EVERY_US), "host": Level(mtbf_us=60.0 * EVERY_US)},
)
_SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        BEFORE: Setting(
            priors=Priors(levels={"region": Level(cut=0.1), "host": Level(dead=0.2)}),
            loss=0.0,
            asked_us=(4 * EVERY_US,),
        ),
        SINCE: Setting(priors=_SINCE, loss=0.1, asked_us=tuple(n * EVERY_US for n in (6, 11, 16))),
        CALM: Setting(priors=_SINCE, loss=0.1, asked_us=tuple(n * EVERY_US for n in (6, 11, 16))),
    }
)


def setting_of(scenario: str) -> Setting:
    """What a scenario is; KeyError if there is none of that name."""
    return _SETTINGS[scenario]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A world that is ready to run, and what will befall whom in it.

    Attributes:
        world: Not yet run.
        tree: Whom the observer watches: regions and their hosts.
        hosts: By region's name, its hosts.
        struck_us: When a region is cut off or a host crashes, by name; of those that are not, nothing.
    """

    world: World
    tree: Tree
    hosts: Mapping[Location, tuple[Location, ...]]
    struck_us: Mapping[Location, int]

    @property
    def observer(self) -> ClusterObserver:
        """Who watches."""
        found = self.world.service_named(f"{_HOME}/c1/h1", "observer")
        assert isinstance(found, ClusterObserver)
        return found


def watched(scenario: str, seed: int, priors: Priors, hearing: Hearing) -> Watched:
    """A world of a scenario, with an observer that believes these priors and hears so."""
    setting = setting_of(scenario)
    names = [f"r{number:02d}" for number in range(1, REGIONS + 1)]
    topology = grid([_HOME, *names], clusters=1, hosts=MOST_HOSTS, cores=0, clients=0)
    chance = Chance(seed)
    draws = chance.generator(f"fates/{scenario}")
    end_us = max(setting.asked_us)
    specs: dict[Location, tuple[HostSpec, ...]] = {}
    struck: dict[Location, int] = {}
    faults: list[Fault] = []
    for number, name in enumerate(names):
        some = topology.servers(name)[: number % MOST_HOSTS + 1]
        region = pack_location(topology.region_number(name), 0, 0)
        specs[region] = some
        for place, path, level, kind in (
            (region, name, setting.priors.of("region"), "partition-full"),
            *((host.location, host.path, setting.priors.of("host"), "process-crash") for host in some),
        ):
            # Draws are made for everyone, in every scenario, so that none depends on another's.
            at_us = _struck_us(level, float(draws.random()), float(draws.exponential(1.0)))
            if scenario != CALM and at_us < end_us:
                struck[place] = int(at_us)
                faults.append(Fault(id=path, kind=kind, targets=(path,), at=int(at_us), for_us=None))
    if setting.loss:
        faults.append(
            Fault(id="loss", kind="link-lossy", targets=(_HOME,), at=0, for_us=None, params={"loss": setting.loss})
        )
    latency = uniform([_HOME, *names], between_regions_rtt_us=_ROUND_TRIP_US, jitter=_JITTER)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=seed, faults=faults)
    tree = _tree(specs, hearing)
    home = topology.servers(_HOME)[0]
    watching = Watching(tree=tree, priors=priors, grid=GRID)
    options = ObserverOptions(watching=watching, own=home.location, tells=(), report_us=_FOREVER_US)
    world.place(Placement(host=home.location, name="observer", make=partial(_observer, options), kind=ClusterObserver))
    pulses = PulseOptions(observers=(at_service(home.location, "observer"),), every_us=EVERY_US)
    for hosts in specs.values():
        for host in hosts:
            world.place(Placement(host=host.location, name="pulser", make=partial(_pulser, pulses), kind=Pulser))
    return Watched(
        world=world,
        tree=tree,
        hosts={region: tuple(host.location for host in hosts) for region, hosts in specs.items()},
        struck_us=struck,
    )


def hearing_of(scenario: str) -> Hearing:
    """How the observer hears, as it really is but for the form of the jitter."""
    one_way_us = _ROUND_TRIP_US / 2
    delay = Erlang(mean_us=one_way_us * (1 + _JITTER), floor_us=one_way_us)
    return Hearing(every_us=EVERY_US, loss=setting_of(scenario).loss, delay=delay)


def _struck_us(level: Level, uniform_draw: float, exponential_draw: float) -> float:
    """When a fate comes: at once with the prior's chance, or after an exponential time."""
    if uniform_draw < level.dead + level.cut:
        return 0.0
    rate = 1 / level.mtbf_us + 1 / level.mtbc_us
    return exponential_draw / rate if rate else inf


def _tree(specs: Mapping[Location, tuple[HostSpec, ...]], hearing: Hearing) -> Tree:
    subjects: list[Subject] = []
    for region, hosts in specs.items():
        subjects.append(Subject(name=region, level="region"))
        subjects += (Subject(name=host.location, level="host", within=region, hearing=hearing) for host in hosts)
    return Tree(subjects=tuple(subjects))


def _observer(options: ObserverOptions, ctx: Context) -> ClusterObserver:
    return ClusterObserver(ctx, options)


def _pulser(options: PulseOptions, ctx: Context) -> Pulser:
    return Pulser(ctx, options)
