"""Beliefs on hosts: what observers of clusters and regions say of a host, a cluster and a region in trouble."""

from __future__ import annotations

import pytest

from models.confidence import ConfidenceOptions, Level, Priors, observers
from models.confidence.deployment import CLUSTER_OBSERVER, REGION_OBSERVER
from models.confidence.observing import ClusterObserver, RegionObserver
from models.confidence.words import ClusterReport, Consult, Opinion, Pulse, RegionReport
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service
from sim.latency import uniform
from sim.message import Layer, check_message_type
from sim.topology import Location, at_service, grid
from sim.world import World

S = 1_000_000
FAR = "a/c1/h1"
PRIORS = Priors(
    levels={
        "region": Level(mtbf_us=1e6 * S, mtbc_us=1e5 * S, cut=1e-4),
        "cluster": Level(mtbf_us=1e6 * S, dead=1e-5),
        "host": Level(mtbf_us=1e5 * S, mtbc_us=1e6 * S, dead=1e-3),
    }
)
#: Twice as often as by default, so that short runs do.
QUICK = ConfidenceOptions(pulse_us=S, cluster_us=3 * S // 2, region_us=3 * S, priors=PRIORS)


def world_of(*faults: Fault, asks: Location | None = None) -> World:
    """Two regions of two clusters of three hosts."""
    topology = grid(["a", "b"], clusters=2, hosts=3, cores=1, clients=0)
    latency = uniform(["a", "b"], between_regions_rtt_us=80_000)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=1, faults=faults)
    for placement in observers(topology, QUICK):
        world.place(placement)
    if asks is not None:
        world.place(Placement(host=topology.host("a/c2/h3").location, name="asker", make=lambda ctx: Asker(ctx, asks)))
    return world


class Asker(Service):
    """Consults the observer of its region once."""

    def __init__(self, ctx: Context, subject: Location) -> None:
        super().__init__(ctx)
        self.subject = subject
        self.opinion: Opinion | None = None

    def start(self) -> None:
        self.ctx.set_timer(20 * S, self.ask)

    def ask(self):  # type: ignore[no-untyped-def]
        region = at_service(grid(["a"], clusters=1, hosts=1, cores=1).host(FAR).location, REGION_OBSERVER)
        self.opinion = yield self.ctx.call(region, Consult(self.subject), 5 * S)


def region_observer(world: World, path: str = FAR) -> RegionObserver:
    found = world.service_named(path, REGION_OBSERVER)
    assert isinstance(found, RegionObserver)
    return found


def fault(kind: str, *targets: str, at: int = 10 * S) -> Fault:
    return Fault(id="trouble", kind=kind, targets=targets, at=at, for_us=None)


def test_where_nothing_is_wrong_every_host_is_believed_up() -> None:
    world = world_of()
    world.run(20 * S)
    belief = region_observer(world).belief
    for host in world.topology.hosts:
        assert belief.answer(host.location, 20 * S).up > 0.999


def test_a_dead_host_far_away_is_blamed_itself() -> None:
    world = world_of(fault("process-crash", "b/c2/h2"))
    world.run(25 * S)
    dead, neighbour = (world.topology.host(path).location for path in ("b/c2/h2", "b/c2/h3"))
    belief = region_observer(world).belief
    answer = belief.answer(dead, 25 * S)
    assert answer.dead > 0.85
    assert answer.blamed(dead) > 0.99
    assert belief.answer(neighbour, 25 * S).up > 0.999


def test_a_region_cut_off_is_unreachable_and_its_hosts_are_not_blamed() -> None:
    world = world_of(fault("partition-full", "b"))
    world.run(25 * S)
    far = world.topology.host("b/c2/h2").location
    answer = region_observer(world).belief.answer(far, 25 * S)
    assert answer.unreachable > 0.85
    assert answer.blames[0].chance > 0.99
    assert answer.blamed(far) < 0.01


def test_what_is_cut_off_from_one_is_up_for_another() -> None:
    """Reachability is directed: the region that is cut off knows its own hosts well."""
    world = world_of(fault("partition-full", "b"))
    world.run(25 * S)
    host = world.topology.host("b/c2/h2").location
    assert region_observer(world, "b/c1/h1").belief.answer(host, 25 * S).up > 0.999


def test_a_cluster_observer_tells_one_host_from_its_cluster() -> None:
    world = world_of(fault("process-crash", "b/c2/h2"))
    world.run(20 * S)
    observer = world.service_named("b/c2/h1", CLUSTER_OBSERVER)
    assert isinstance(observer, ClusterObserver)
    news = observer.news()
    assert [name for name, _ in news.exceptions] == [world.topology.host("b/c2/h2").location]


def test_an_answer_says_what_it_rests_on_and_how_old_that_is() -> None:
    subject = world_of().topology.host("b/c2/h2").location
    world = world_of(fault("partition-full", "b"), asks=subject)
    world.run(30 * S)
    asker = world.service_named("a/c2/h3", "asker")
    assert isinstance(asker, Asker)
    assert asker.opinion is not None
    answer = asker.opinion.answer
    assert answer is not None
    assert answer.age_us is not None
    assert answer.age_us >= 10 * S
    (evidence,) = answer.basis
    assert evidence.origin == at_service(world.topology.host("b/c2/h1").location, CLUSTER_OBSERVER)
    assert evidence.sent_us is not None
    assert evidence.sent_us < 11 * S


def test_who_does_not_watch_a_subject_has_no_opinion() -> None:
    world = world_of(asks=Location(7))
    world.run(22 * S)
    asker = world.service_named("a/c2/h3", "asker")
    assert isinstance(asker, Asker)
    assert asker.opinion == Opinion(None)


@pytest.mark.parametrize(
    ("message", "layer"),
    [
        (Pulse, Layer.HOST),
        (ClusterReport, Layer.CLUSTER),
        (RegionReport, Layer.REGION),
        (Consult, Layer.SERVICE),
        (Opinion, Layer.SERVICE),
    ],
)
def test_each_layer_has_messages_of_its_own(message: type, layer: Layer) -> None:
    assert check_message_type(message) is layer


def test_who_observes_needs_no_pulses_of_its_own_host() -> None:
    world = world_of()
    world.run(10 * S)
    assert world.service_named("b/c2/h1", "pulser") is None
    observer = world.service_named("b/c2/h1", CLUSTER_OBSERVER)
    assert isinstance(observer, ClusterObserver)
    assert observer.news().exceptions == ()


def test_each_layer_up_sends_less() -> None:
    world = world_of()
    world.run(30 * S)
    layers = world.network.by_layer()
    assert 0 < layers[Layer.REGION].sent < layers[Layer.CLUSTER].sent < layers[Layer.HOST].sent


@pytest.mark.parametrize("host", ["a/c2/h1", "b/c1/h1", "b/c2/h1", "b/c2/h2"])
def test_a_clock_that_is_ahead_stops_nobody(host: str) -> None:
    ahead = Fault(id="ahead", kind="clock-offset", targets=(host,), at=5 * S, for_us=None, params={"offset": "700ms"})
    world = world_of(ahead)
    world.run(25 * S)
    belief = region_observer(world).belief
    for one in world.topology.hosts:
        assert belief.answer(one.location, 25 * S).down < 0.01


def test_a_region_observer_that_restarts_knows_again_who_is_down() -> None:
    crash = Fault(id="again", kind="process-crash", targets=("a/c1/h1",), at=20 * S, for_us=2 * S)
    world = world_of(fault("process-crash", "b/c2/h2", at=5 * S), crash)
    world.run(40 * S)
    belief = region_observer(world).belief
    down, up = (world.topology.host(path).location for path in ("b/c2/h2", "b/c2/h3"))
    assert belief.answer(down, 40 * S).dead > 0.85
    assert belief.answer(up, 40 * S).up > 0.99
