"""Groups in a world: the dead are found and told of, the living refute, and who does badly accuses late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from models.detection.swim import MEMBERLIST_LAN, MEMBERLIST_LOCAL, SWIM, Member, Order, SwimOptions, members
from models.detection.swim.words import State
from sim.faults import Fault
from sim.host import HostOptions
from sim.latency import uniform
from sim.topology import grid
from sim.world import World

S = 1_000_000
RANDOM = replace(SWIM, order=Order.RANDOM)


def group(options: SwimOptions, *faults: Fault, size: int = 8, seed: int = 1) -> World:
    topology = grid(["a"], clusters=1, hosts=size, cores=1, clients=0)
    latency = uniform(["a"], between_regions_rtt_us=2_000, within_cluster_rtt_us=2_000, jitter=0.1)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=seed, faults=faults)
    for placement in members([host.location for host in topology.hosts], options):
        world.place(placement)
    return world


def fault(kind: str, at_us: int, for_us: int | None, *hosts: int, **params: object) -> Fault:
    targets = tuple(f"a/c1/h{host}" for host in hosts)
    return Fault(id=f"{kind}{at_us}", kind=kind, targets=targets, at=at_us, for_us=for_us, params=params)  # type: ignore[arg-type]


def all_of(world: World) -> list[Member]:
    found = [world.service_named(host.path, "member") for host in world.topology.hosts]
    return [member for member in found if isinstance(member, Member)]


def states(world: World, subject: int) -> Sequence[State]:
    """What all but the subject, counted from 1, hold it to be."""
    return [member.state_of(subject - 1) for number, member in enumerate(all_of(world), 1) if number != subject]


@pytest.mark.parametrize("options", [SWIM, RANDOM, MEMBERLIST_LAN, MEMBERLIST_LOCAL])
def test_in_peace_nobody_is_ever_suspected(options: SwimOptions) -> None:
    world = group(options)
    world.run(60 * S)
    world.check_conservation()
    assert all(not member.doubts and not member.transitions for member in all_of(world))


@pytest.mark.parametrize("options", [SWIM, RANDOM, MEMBERLIST_LAN, replace(SWIM, suspicion=False)])
def test_all_learn_that_one_died_and_that_it_is_back(options: SwimOptions) -> None:
    world = group(options, fault("process-crash", 10 * S, 60 * S, 3))
    world.run(69 * S)
    assert [member.state_of(2) for member in all_of(world)] == [State.DEAD] * 7
    assert all([change.suspected for change in member.transitions] == [True] for member in all_of(world))
    world.run(130 * S)
    assert all([change.suspected for change in member.transitions] == [True, False] for member in all_of(world)[3:])


def test_one_that_comes_back_refutes_what_was_said_of_its_last_life() -> None:
    world = group(MEMBERLIST_LAN, fault("process-crash", 10 * S, 60 * S, 3))
    world.run(120 * S)
    assert set(states(world, 3)) == {State.ALIVE}
    assert all_of(world)[2].incarnation >= 1


@pytest.mark.parametrize("seed", range(6))
def test_the_first_to_suspect_is_the_first_to_have_probed(seed: int) -> None:
    crash_us = 10 * S + 137_000
    world = group(replace(RANDOM, indirect=1), fault("process-crash", crash_us, None, 3), seed=seed)
    world.run(40 * S)
    others = [member for member in all_of(world) if member.ctx.location != world.topology.hosts[2].location]
    first = min(at_us for member in others for at_us, subject in member.probes if subject == 2 and at_us >= crash_us)
    assert min(member.doubts[0].t_us for member in others) == first + S


def test_a_member_that_one_other_cannot_reach_is_probed_by_way_of_others() -> None:
    cut = fault("link-lossy", 5 * S, None, 1, to=("a/c1/h2",), loss=1.0)
    world = group(MEMBERLIST_LAN, cut)
    world.run(60 * S)
    assert all(not member.transitions for member in all_of(world))
    direct = group(replace(MEMBERLIST_LAN, indirect=0, nacks=False, fallback=False), cut)
    direct.run(60 * S)
    assert any(member.doubts for member in all_of(direct))


def test_a_suspect_that_lives_refutes_in_time() -> None:
    # For a second nothing reaches it, so that somebody begins to suspect.
    world = group(replace(MEMBERLIST_LAN, fallback=False), fault("host-pause", 10 * S, 3 * S, 4), size=12)
    world.run(60 * S)
    assert any(member.doubts for member in all_of(world))
    assert all(not member.transitions for member in all_of(world))
    assert set(states(world, 4)) == {State.ALIVE}
    assert all_of(world)[3].incarnation >= 1


def test_one_that_hears_nobody_takes_more_time_before_it_accuses() -> None:
    lost = fault("link-lossy", 5 * S, None, 1, loss=1.0)
    aware = group(MEMBERLIST_LAN, lost)
    unaware = group(replace(MEMBERLIST_LAN, awareness_max=1, nacks=False, suspicion_max_mult=1), lost)
    for world in (aware, unaware):
        world.run(30 * S)
    assert all_of(aware)[0].awareness == 7
    wrongly = [sum(change.suspected for change in all_of(world)[0].transitions) for world in (aware, unaware)]
    assert wrongly[0] < wrongly[1]


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody to probe"):
        group(SWIM, size=1).run(1)
