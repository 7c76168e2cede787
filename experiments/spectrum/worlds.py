"""A store split along region lines, under load, and beside it one observer who decides, and two that bear witness.

Three regions of two clusters of two hosts; clients write to the shards of their own region, which ship to the others.
Every host pulses to a witness in each region, and these tell each other what they heard. What the observer in the first
region hears is written down as it comes, so that every provider is given just that. At each instant of decision it
asks the four hosts that decisions are about, all at once, and so the fate of every choice is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.spectrum.troubles import REGIONS, drawn
from models.clients import Workload
from models.confidence import Erlang, Evidence, Grid, Hearing, Subject, Tree
from models.confidence.observing import PulseOptions, Pulser
from models.confidence.probing import Answerer, ProbeOptions, Prober
from models.confidence.sharing import Witness, WitnessOptions
from models.confidence.tree import region_of
from models.deployment import region_split
from models.split import SplitShard
from models.system import Site
from sim.chance import Chance
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement
from sim.latency import uniform
from sim.network import ConnectionOptions
from sim.topology import Location, Topology, at_service, grid, pack_location
from sim.world import World

__all__ = [
    "BEAT_US",
    "GRID",
    "HEARING",
    "INSTANTS",
    "LAG_US",
    "NEAR",
    "ONE",
    "OTHER",
    "SUBJECTS",
    "THIRD",
    "UNTIL_US",
    "WARM_UP_US",
    "WRITES_PER_S",
    "Heard",
    "Staged",
    "Told",
    "staged",
    "tree_of_all",
]

_S: Final = 1_000_000
BEAT_US: Final = _S
WARM_UP_US: Final = 8 * _S
#: Before the first decision troubles come for half a minute, so that who learns has something to learn from.
_FIRST_US: Final = 36 * _S
UNTIL_US: Final = 100 * _S
#: Mean time between instants of decision.
_EVERY_US: Final = 1_200_000
INSTANTS: Final = 48
LOSS: Final = 0.03
_ROUND_TRIP_US: Final = 80_000
_JITTER: Final = 0.2
_WITNESS: Final = "witness"
_ANSWERER: Final = "answerer"
_PROBER: Final = "prober"
_OBSERVER: Final = "a/c1/h1"
#: A region's witness; the leader that decisions are about stands elsewhere.
_WITNESSES: Final = (_OBSERVER, "b/c2/h2", "c/c2/h2")
NEAR: Final = "a/c2/h1"
ONE: Final = "b/c1/h1"
OTHER: Final = "b/c2/h1"
THIRD: Final = "c/c1/h1"
SUBJECTS: Final = (NEAR, ONE, OTHER, THIRD)
GRID: Final = Grid(slot_us=BEAT_US // 2, window=16)
HEARING: Final = Hearing(
    every_us=BEAT_US, loss=LOSS, delay=Erlang(mean_us=_ROUND_TRIP_US / 2 * (1 + _JITTER), floor_us=_ROUND_TRIP_US / 2)
)
_NEAR_HEARING: Final = Hearing(every_us=BEAT_US, loss=LOSS, delay=Erlang(mean_us=2_000.0))
#: Aggregates are wanted alike, so that every shard is written to as often.
_LOAD: Final = Workload(rate_per_s=1.8, accounts=400, zipf_exponent=0.0, ends_us=UNTIL_US - 4 * _S)
#: Of one shard of one region, and from a write to the copy.
WRITES_PER_S: Final = 1.8 / 3 / 4
LAG_US: Final = 130_000.0


class Heard(NamedTuple):
    """A pulse that came."""

    at_us: int
    subject: Location
    sent_us: int


class Told(NamedTuple):
    """What another witness told."""

    at_us: int
    evidence: Evidence


class Notebook:
    """An ear that writes down what comes, in order."""

    def __init__(self) -> None:
        self.lines: list[Heard | Told] = []
        self._clock: Callable[[], int] = int

    def at(self, clock: Callable[[], int]) -> Notebook:
        """Itself, from now on by this clock."""
        self._clock = clock
        return self

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        """A pulse came."""
        self.lines.append(Heard(at_us, subject, sent_us))

    def learn(self, evidence: Evidence) -> None:
        """Another told."""
        self.lines.append(Told(self._clock(), evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A world that is ready to run.

    Attributes:
        world: Not yet run.
        faults: What will befall it.
        instants_us: When something is to be decided.
        notebook: What the observer hears, as it comes.
        places: By path, the locations of the four that decisions are about.
        witnesses: By region, who bears witness there.
    """

    world: World
    faults: tuple[Fault, ...]
    instants_us: tuple[int, ...]
    notebook: Notebook
    places: Mapping[str, Location]
    witnesses: Mapping[Location, Location]

    def answered_us(self) -> Mapping[tuple[int, Location], int]:
        """By number of the instant and host, after how long it answered; of those that did not, nothing."""
        prober = self.world.service_named(_OBSERVER, _PROBER)
        assert isinstance(prober, Prober)
        names = {at_service(place, _ANSWERER): place for place in self.places.values()}
        return {(number, names[subject]): us for (number, subject), us in prober.answered_us.items()}

    def missing(self, owner: str, known: int) -> tuple[int, int]:
        """Of a shard that a host owns: how many writes it has, `known` while it is down, and how many came here."""
        index = self.world.topology.servers(owner[0]).index(self.world.topology.host(owner))
        here = self._store(self.world.topology.servers("a")[index].path)
        there = self._store(owner)
        number = REGIONS.index(owner[0]) + 1
        came = 0 if here is None else len(here.hearing.after(number, 0))
        return (known if there is None else max(known, there.log.length)), came

    def _store(self, path: str) -> SplitShard | None:
        found = self.world.service_named(path, "store")
        assert found is None or isinstance(found, SplitShard)
        return found


def staged(scenario: str, seed: int) -> Staged:
    """A world of a scenario."""
    topology = grid(REGIONS, clusters=2, hosts=2, cores=1, clients=1)
    faults = drawn(scenario, seed, WARM_UP_US, UNTIL_US - 8 * _S)
    lossy = Fault(id="loss", kind="link-lossy", targets=("*",), at=0, for_us=None, params={"loss": LOSS, "to": ("*",)})
    world = World(
        topology=topology,
        latency=uniform(REGIONS, between_regions_rtt_us=_ROUND_TRIP_US, jitter=_JITTER),
        hosts=HostOptions(),
        seed=seed,
        faults=(lossy, *faults),
        # Else a connection would stay silent after a heal for as long as the cut had lasted.
        connections=ConnectionOptions(retransmit_us_max=_S),
    )
    for placement in region_split(Site(topology), _LOAD, heartbeat_us=_S).placements:
        world.place(placement)
    notebook = Notebook()
    instants_us = _instants(seed)
    places = MappingProxyType({path: topology.host(path).location for path in SUBJECTS})
    homes = tuple(topology.host(path).location for path in _WITNESSES)
    witnesses = MappingProxyType({region_of(home): at_service(home, _WITNESS) for home in homes})
    _watch(world, topology, notebook)
    probes = ProbeOptions(
        subjects=tuple(at_service(place, _ANSWERER) for place in places.values()),
        at_us=instants_us,
        again_us=150_000,
        attempts=5,
    )
    observer = topology.host(_OBSERVER).location
    world.place(Placement(host=observer, name=_PROBER, make=partial(_prober, probes), kind=Prober))
    for place in places.values():
        world.place(Placement(host=place, name=_ANSWERER, make=Answerer, kind=Answerer))
    return Staged(
        world=world, faults=faults, instants_us=instants_us, notebook=notebook, places=places, witnesses=witnesses
    )


def _instants(seed: int) -> tuple[int, ...]:
    """Poisson, so that no heartbeat keeps step with decisions."""
    draws = Chance(seed).generator("instants")
    found: list[int] = []
    at_us = _FIRST_US
    while len(found) < INSTANTS:
        at_us += 1 + int(float(draws.exponential(_EVERY_US)))
        if at_us >= UNTIL_US - 3 * _S:
            break
        found.append(at_us)
    return tuple(found)


def _watch(world: World, topology: Topology, notebook: Notebook) -> None:
    servers = tuple(host.location for region in REGIONS for host in topology.servers(region))
    homes = tuple(topology.host(path).location for path in _WITNESSES)
    witnesses = tuple(at_service(home, _WITNESS) for home in homes)
    pulses = PulseOptions(observers=witnesses, every_us=BEAT_US)
    for host in servers:
        world.place(Placement(host=host, name="pulser", make=partial(_pulser, pulses), kind=Pulser))
    for number, home in enumerate(homes):
        tells = tuple(other for other in witnesses if other != witnesses[number])
        subjects = tuple(host for host in servers if host != home)
        options = WitnessOptions(subjects=subjects, tells=tells, every_us=BEAT_US)
        make = partial(_witness, options, notebook if number == 0 else None)
        world.place(Placement(host=home, name=_WITNESS, make=make, kind=Witness))


def tree_of_all(*, far: Hearing = HEARING, near: Hearing = _NEAR_HEARING) -> Tree:
    """Everything as the observer in the first region sees it: its own region cannot be cut off from it."""
    topology = grid(REGIONS, clusters=2, hosts=2, cores=1, clients=1)
    own = topology.host(_OBSERVER)
    subjects: dict[Location, Subject] = {}
    for region in REGIONS:
        for host in topology.servers(region):
            if host.cluster == own.cluster and region == own.region:
                continue
            number = topology.region_number(region)
            top = pack_location(number, 0, 0)
            cluster = pack_location(number, int(host.cluster[1:]), 0)
            away = region != own.region
            if away:
                subjects.setdefault(top, Subject(name=top, level="region"))
            subjects.setdefault(cluster, Subject(name=cluster, level="cluster", within=top if away else None))
            hearing = far if away else near
            subjects[host.location] = Subject(name=host.location, level="host", within=cluster, hearing=hearing)
    return Tree(subjects=tuple(subjects.values()))


def _pulser(options: PulseOptions, ctx: Context) -> Pulser:
    return Pulser(ctx, options)


def _prober(options: ProbeOptions, ctx: Context) -> Prober:
    return Prober(ctx, options)


def _witness(options: WitnessOptions, notebook: Notebook | None, ctx: Context) -> Witness:
    return Witness(ctx, options, None if notebook is None else lambda location, begin_us: notebook.at(ctx.now_us))
