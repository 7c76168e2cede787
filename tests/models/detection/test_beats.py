"""Heartbeats over the simulated network: who is suspected when a host dies, is cut off, or the watcher stood still."""

from __future__ import annotations

import pytest

from models.addressing import Scope
from models.detection import Cassandra, Fixed, NfdE, Plan
from models.detection.beats import Beater, BeatOptions, Watcher, WatchOptions
from sim.faults import Fault
from sim.host import HostOptions, Placement
from sim.latency import uniform
from sim.message import Layer, check_message_type
from sim.topology import at_service, grid
from sim.world import World

ETA = 100_000
WATCHED = "a/c1/h2"


def world_of(plan: Plan, *faults: Fault, scope: Scope = Scope.HOST, look_us: int = 0, guard_us: int = 0) -> World:
    """Host h1 watches h2 and h3."""
    topology = grid(["a"], clusters=1, hosts=3, cores=1, clients=0)
    latency = uniform(["a"], between_regions_rtt_us=2_000, within_cluster_rtt_us=2_000)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=1, faults=faults)
    first, *others = (host.location for host in topology.hosts)
    watcher, subjects = at_service(first, "watcher"), tuple(at_service(other, "beater") for other in others)
    watch = WatchOptions(subjects=subjects, plan=plan, look_us=look_us, guard_us=guard_us)
    world.place(Placement(host=first, name="watcher", make=lambda ctx: Watcher(ctx, watch), kind=Watcher))
    beat = BeatOptions(watchers=(watcher,), eta_us=ETA, scope=scope)
    for other in others:
        world.place(Placement(host=other, name="beater", make=lambda ctx: Beater(ctx, beat)))
    return world


def changes(world: World) -> list[tuple[int, int, bool]]:
    """(instant, subject's host, suspected)."""
    watcher = world.service_named("a/c1/h1", "watcher")
    assert isinstance(watcher, Watcher)
    return [(c.t_us, world.topology.index_of(c.subject), c.suspected) for c in watcher.transitions]


def fault(kind: str, at_us: int, for_us: int, *targets: str, **params: str) -> Fault:
    return Fault(id="it", kind=kind, targets=targets or (WATCHED,), at=at_us, for_us=for_us, params=params)


@pytest.mark.parametrize("scope", [Scope.HOST, Scope.CLUSTER, Scope.REGION])
def test_a_crash_is_noticed_a_time_out_after_the_last_beat_and_its_end_by_the_first(scope: Scope) -> None:
    world = world_of(Fixed(timeout_us=250_000), fault("process-crash", 1_050_000, 1_000_000), scope=scope)
    world.run(4_000_000)
    assert changes(world) == [(1_251_000, 1, True), (2_051_000, 1, False)]
    assert set(world.network.by_type()) == {f"{scope.name.title()}Beat"}


def test_a_new_life_begins_to_count_anew() -> None:
    plan = NfdE(eta_us=ETA, alpha_us=20_000, window=4)
    world = world_of(plan, fault("process-crash", 1_050_000, 1_033_000))
    world.run(4_000_000)
    assert changes(world) == [(1_121_000, 1, True), (2_084_000, 1, False)]


def test_a_watcher_that_looks_now_and_then_convicts_when_it_looks() -> None:
    plan = Cassandra(threshold=1.0, initial_us=ETA)
    world = world_of(plan, fault("process-crash", 1_050_000, 1_000_000), look_us=500_000)
    world.run(4_000_000)
    assert changes(world) == [(1_500_000, 1, True), (2_051_000, 1, False)]


def test_a_paused_watcher_convicts_everybody_unless_it_is_guarded() -> None:
    plan, pause = Cassandra(threshold=1.0, initial_us=ETA), fault("host-pause", 1_150_000, 2_000_000, "a/c1/h1")
    naive = world_of(plan, pause, look_us=300_000)
    guarded = world_of(plan, pause, look_us=300_000, guard_us=600_000)
    for world in (naive, guarded):
        world.run(6_000_000)
    assert {subject for _, subject, suspected in changes(naive) if suspected} == {1, 2}
    assert changes(guarded) == []


def test_a_guard_without_looks_is_refused() -> None:
    with pytest.raises(ValueError, match="guard_us=5 needs looks"):
        WatchOptions(subjects=(), plan=Fixed(timeout_us=1), guard_us=5)
    with pytest.raises(ValueError, match="has no heart"):
        BeatOptions(watchers=(), eta_us=1, scope=Scope.SERVICE)


def test_beats_travel_in_the_layer_of_what_they_are_the_heart_of() -> None:
    from models.detection.beats import ClusterBeat, HostBeat, RegionBeat

    layers = [check_message_type(kind) for kind in (HostBeat, ClusterBeat, RegionBeat)]
    assert layers == [Layer.HOST, Layer.CLUSTER, Layer.REGION]
