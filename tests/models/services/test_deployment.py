"""A service laid out: what the topology must have, and what a short run of the whole comes to."""

from __future__ import annotations

from typing import Any

import pytest

from models.clients import Workload
from models.factories import Refused
from models.services import service
from models.services.client import ServiceClient
from models.services.scheduler import Scheduler
from models.services.watcher import Watcher
from models.system import Site, System
from sim.faults import Fault
from sim.history import Kind
from sim.host import HostOptions
from sim.latency import uniform
from sim.topology import grid
from sim.world import World

SITE = Site(grid(("east", "north", "west"), clusters=1, hosts=2, cores=1, clients=1))
LOAD = Workload(
    rate_per_s=30, begins_us=1_000_000, ends_us=9_000_000, deadline_us=2_000_000, attempt_timeout_us=300_000
)
DELAYS = uniform(SITE.topology.regions, between_regions_rtt_us=10_000)
QUICK: dict[str, Any] = {"spread": "region", "delay_us": 200_000, "target_per_s": 100.0, "reserved": 1, "per_host": 1}


def laid_out(**more: Any) -> System:
    return service(SITE, LOAD, **{**QUICK, "most": 3, **more})


def run(*faults: Fault, **more: Any) -> tuple[World, System, dict[str, list[int]]]:
    """Twelve seconds, and when what was noted."""
    system = laid_out(**more)
    options = HostOptions(service_us=(("Serve", 1_000),))
    world = World(topology=SITE.topology, latency=DELAYS, hosts=options, seed=3, faults=faults)
    noted: dict[str, list[int]] = {}
    for name in ("replaced", "registry", "deposed", "assigned"):
        world.on_note(name, lambda t_us, location, value, name=name: noted.setdefault(name, []).append(t_us))
    for placement in system.placements:
        world.place(placement)
    for template in system.templates:
        world.offer(template)
    world.run(12_000_000)
    world.check_conservation()
    return world, system, noted


def fault(kind: str, target: str, at_us: int, for_us: int | None) -> Fault:
    return Fault(id=kind, kind=kind, targets=(target,), at=at_us, for_us=for_us)


def end_of(world: World, system: System) -> Any:
    assert system.ledger is not None
    return system.ledger(world.service).services


def served(world: World, from_us: int) -> float:
    pairs = [pair for pair in world.history.pairs() if pair[0].t_us >= from_us]
    return sum(done is not None and done.kind is Kind.OK for _, done in pairs) / len(pairs)


def test_a_host_that_dies_is_replaced_and_the_service_is_whole() -> None:
    world, system, noted = run(fault("process-crash", "north/c1/h2", 3_000_000, None))
    end = end_of(world, system)
    assert len(noted["replaced"]) == 1
    assert [seat.epoch for seat in end.live] == [1, 2]
    assert set(end.running) == set(end.live)
    assert served(world, 5_000_000) == 1.0


def test_one_that_was_only_cut_off_finds_out_that_it_was_replaced() -> None:
    world, system, noted = run(fault("partition-full", "north/c1/h2", 3_000_000, 4_000_000))
    end = end_of(world, system)
    assert [seat.slot for seat in end.over] == [1]
    assert noted["deposed"][0] >= 7_000_000
    assert set(end.running) == set(end.live)
    assert [epoch for epoch, _ in end.acts[1]] == sorted(epoch for epoch, _ in end.acts[1])


def test_while_the_scheduler_is_cut_off_nobody_is_replaced_and_the_rest_is_served() -> None:
    # With two servers in a region the third role shares the first one's host.
    cut = fault("partition-full", "east/c1/h1", 2_000_000, 5_000_000)
    world, system, noted = run(cut, fault("process-crash", "north/c1/h2", 3_000_000, None))
    assert noted["replaced"][0] >= 7_000_000
    assert noted["registry"][0] < 3_500_000
    assert set(end_of(world, system).running) == set(end_of(world, system).live)


def test_instances_are_added_where_the_load_wants_them() -> None:
    world, system, _ = run(least=1, target_per_s=12.0)
    assert len(end_of(world, system).live) == 3


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"most": 4}, "most=4 instances on 3 hosts of 1 each: there is room for 3; give most=3"),
        ({"reserved": 2}, "reserve fewer than 2 servers"),
        ({"least": 4}, "comes to more than most=3"),
        ({"lease_us": 100_000}, "is over before a lost heartbeat"),
        ({"watchers": 2}, "watchers=2: an even group survives no more failures than one of one less; give 1 or 3"),
        ({"schedulers": 7}, "schedulers=7 on 6 servers"),
        ({"ratio": 0.0}, "ratio=0.0 allows no retry, ever"),
        ({"delay_spread": 1.0}, "no share of the delay"),
        ({"members": 2}, "an even group"),
    ],
)
def test_what_the_topology_lacks_or_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        laid_out(**wrong)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        laid_out(most=9, lease_us=1, watchers=2, ratio=0.0, members=99, preserve=0.0)
    parts = [
        "lease_us=1 ",
        "preserve=0.0 ",
        "ratio=0.0 ",
        "room for 3",
        "watchers=2",
        "99 members, each in another region: there is room for 3",
    ]
    assert [part in line for part, line in zip(parts, refused.value.problems, strict=True)] == [True] * len(parts)


def test_roles_have_servers_of_their_own_where_there_are_enough() -> None:
    wide = Site(grid(("east", "north"), clusters=1, hosts=5, cores=1, clients=1))
    system = service(wide, LOAD, **{**QUICK, "reserved": 4, "most": 2, "spread": "host"})
    hosts = {kind: {one.host for one in system.placements if one.kind is kind} for kind in (Scheduler, Watcher)}
    assert not hosts[Scheduler] & hosts[Watcher]
    assert sum(one.kind is ServiceClient for one in system.placements) == 2
