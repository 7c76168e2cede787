"""Witnesses that tell each other what they heard, and requests whose fates are all known."""

from __future__ import annotations

from functools import partial

import pytest

from models.confidence import Belief, Erlang, Grid, Hearing, Level, Priors, Subject, Tree
from models.confidence.observing import PulseOptions, Pulser
from models.confidence.probing import Answerer, ProbeOptions, Prober
from models.confidence.sharing import Witness, WitnessOptions
from models.confidence.words import Probe, Probed, Statement
from sim.faults import Fault
from sim.host import HostOptions, Placement
from sim.latency import uniform
from sim.message import check_message_type
from sim.topology import Location, at_service, grid, pack_location
from sim.world import World

S = 1_000_000
HEARING = Hearing(every_us=S, loss=0.01, delay=Erlang(mean_us=48_000.0, floor_us=40_000.0))


class Both:
    """A belief, and what it was told."""

    def __init__(self, belief: Belief) -> None:
        self.belief = belief
        self.told: list[tuple[Location, Location]] = []

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        self.belief.heard(subject, sent_us, at_us)

    def learn(self, evidence) -> None:  # type: ignore[no-untyped-def]
        self.told.append((evidence.origin, evidence.subject))
        self.belief.learn(evidence)


def watched(*faults: Fault) -> tuple[World, Both, Location]:
    """Three regions of a host: the first two hear the third, and tell each other."""
    topology = grid(["a", "b", "c"], clusters=1, hosts=1, cores=1, clients=0)
    latency = uniform(["a", "b", "c"], between_regions_rtt_us=80_000)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=3, faults=faults)
    far = topology.host("c/c1/h1").location
    region = Subject(name=pack_location(3, 0, 0), level="region")
    tree = Tree(subjects=(region, Subject(name=far, level="host", within=region.name, hearing=HEARING)))
    priors = Priors(levels={"region": Level(mtbc_us=300.0 * S), "host": Level(mtbf_us=300.0 * S)})
    homes = [topology.host(path).location for path in ("a/c1/h1", "b/c1/h1")]
    ear = Both(Belief(observer=homes[0], tree=tree, priors=priors, grid=Grid(slot_us=S // 2)))
    places = [at_service(home, "witness") for home in homes]
    pulses = PulseOptions(observers=tuple(places), every_us=S)
    world.place(Placement(host=far, name="pulser", make=lambda ctx: Pulser(ctx, pulses), kind=Pulser))
    for number, home in enumerate(homes):
        options = WitnessOptions(subjects=(far,), tells=(places[1 - number],), every_us=S)
        make = (lambda location, begin_us: ear) if number == 0 else None
        world.place(
            Placement(host=home, name="witness", make=partial(lambda o, m, ctx: Witness(ctx, o, m), options, make))
        )
    return world, ear, far


def test_who_is_cut_off_from_one_and_heard_by_another_is_not_believed_dead() -> None:
    cut = Fault(id="cut", kind="partition-partial", targets=("a",), at=10 * S, for_us=None, params={"against": ("c",)})
    world, ear, far = watched(cut)
    world.run(18 * S)
    answer = ear.belief.answer(far, 18 * S)
    assert answer.unreachable > 0.95
    assert answer.dead < 0.03


def test_whoever_nobody_hears_may_be_dead() -> None:
    world, ear, far = watched(Fault(id="crash", kind="process-crash", targets=("c",), at=10 * S, for_us=None))
    world.run(18 * S)
    assert ear.belief.answer(far, 18 * S).dead > 0.4


def test_a_witness_hands_on_what_it_heard_itself_and_no_more() -> None:
    world, ear, far = watched()
    world.run(12 * S)
    assert set(ear.told) == {(at_service(world.topology.host("b/c1/h1").location, "witness"), far)}


@pytest.mark.parametrize("message", [Statement, Probe, Probed])
def test_what_is_said_is_a_message(message: type) -> None:
    check_message_type(message)


def test_every_request_has_a_fate_of_its_own() -> None:
    topology = grid(["a", "b", "c"], clusters=1, hosts=1, cores=1, clients=0)
    latency = uniform(["a", "b", "c"], between_regions_rtt_us=80_000)
    faults = [
        Fault(id="cut", kind="partition-full", targets=("b",), at=5 * S, for_us=5 * S),
        Fault(id="slow", kind="link-slow", targets=("c",), at=5 * S, for_us=5 * S, params={"factor": 10.0}),
    ]
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=3, faults=faults)
    far = [topology.host(path).location for path in ("b/c1/h1", "c/c1/h1")]
    asked = [at_service(place, "answerer") for place in far]
    options = ProbeOptions(subjects=tuple(asked), at_us=(2 * S, 6 * S), again_us=100_000)
    home = topology.host("a/c1/h1").location
    world.place(Placement(host=home, name="prober", make=lambda ctx: Prober(ctx, options), kind=Prober))
    for place in far:
        world.place(Placement(host=place, name="answerer", make=Answerer, kind=Answerer))
    world.run(9 * S)
    prober = world.service_named("a/c1/h1", "prober")
    assert isinstance(prober, Prober)
    assert {key: round(us / 1_000) for key, us in prober.answered_us.items()} == {
        (0, asked[0]): 80,
        (0, asked[1]): 80,
        (1, asked[1]): 800,
    }


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"every_us=0[\s\S]*subjects is empty"):
        WitnessOptions(subjects=(), tells=(), every_us=0)
    with pytest.raises(ValueError, match=r"attempts=0[\s\S]*at_us does not ascend"):
        ProbeOptions(subjects=(Location(1),), at_us=(2, 1), attempts=0)
