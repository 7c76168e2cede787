"""A new service instance while the world runs: after its delay, on a host that is up and in reach."""

from __future__ import annotations

from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, Placement, Service, Template
from sim.topology import Location, at_service
from sim.world import World
from tests.sim.test_world import A, B, crash, place, world


class Worker(Service):
    """Notes its start."""

    def __init__(self, ctx: Context, config: Any, log: list[Any]) -> None:
        super().__init__(ctx)
        self.config, self.log = config, log

    def start(self) -> None:
        self.log.append((self.ctx.now_us(), "start", self.config))


class Manager(Service):
    """Asks for workers at b at the given instants and notes what it is told."""

    def __init__(self, ctx: Context, at: Location, instants: tuple[int, ...], log: list[Any]) -> None:
        super().__init__(ctx)
        self.at, self.instants, self.log = at, instants, log

    def start(self) -> None:
        for number, instant in enumerate(self.instants):
            self.ctx.set_timer(instant, self.ask, number)

    def ask(self, number: int) -> Any:
        found = yield self.ctx.provision(self.at, "worker", number)
        self.log.append((self.ctx.now_us(), found))


def test_an_instance_that_is_named_by_its_config_is_started_once_on_a_host() -> None:
    made = world()
    log: list[Any] = []
    offered = Template(
        name="worker",
        make=lambda ctx, config: Worker(ctx, config, log),
        delay_us_min=500,
        delay_us_max=500,
        kind=Worker,
        named=lambda config: f"worker-{config // 2}",
    )
    made.offer(offered)
    at = made.topology.host(B).location
    place(made, A, "manager", lambda ctx: Manager(ctx, at, (0, 1_000, 2_000), log))
    made.run(20_000)
    first, second = at_service(at, "worker-0"), at_service(at, "worker-1")
    assert log == [(500, "start", 0), (500, first), (1_500, first), (2_500, "start", 2), (2_500, second)]


def run(*faults: Fault, instants: tuple[int, ...] = (0,), delay: tuple[int, int] = (500, 500)) -> list[Any]:
    made = world(faults=faults)
    log: list[Any] = []
    low, high = delay
    offered = Template(
        name="worker",
        make=lambda ctx, config: Worker(ctx, config, log),
        delay_us_min=low,
        delay_us_max=high,
        kind=Worker,
    )
    made.offer(offered)
    at = made.topology.host(B).location
    place(made, A, "manager", lambda ctx: Manager(ctx, at, instants, log))
    made.run(20_000)
    names = {at_service(at, f"worker@{n}"): f"worker@{n}" for n in (1, 2, 3)}
    return [tuple(names.get(item, item) if item else item for item in entry) for entry in log]


def test_an_instance_starts_after_its_delay_and_its_location_is_told() -> None:
    assert run() == [(500, "start", 0), (500, "worker@1")]


def test_instances_are_told_apart() -> None:
    assert [entry[1] for entry in run(instants=(0, 10)) if len(entry) == 2] == ["worker@1", "worker@2"]


def test_an_instance_restarts_with_its_host() -> None:
    assert run(crash("process-crash", 1_000, 500)) == [(500, "start", 0), (500, "worker@1"), (1_500, "start", 0)]


def test_a_host_that_is_down_gives_none() -> None:
    assert run(crash("process-crash", 400, 500)) == [(500, None)]


def test_who_is_cut_off_from_the_host_starts_nothing_there() -> None:
    cut = Fault(id="cut", kind="partition-one-way", targets=(A,), at=0, for_us=1_000, params={"to": (B,)})
    assert run(cut, instants=(10,)) == [(510, None)]


def test_who_is_cut_off_afterwards_started_it_and_is_not_told() -> None:
    cut = Fault(id="cut", kind="partition-one-way", targets=(B,), at=0, for_us=1_000, params={"to": (A,)})
    assert run(cut, instants=(10,)) == [(510, "start", 0), (510, None)]


def test_a_paused_host_starts_it_when_it_goes_on() -> None:
    pause = Fault(id="p", kind="host-pause", targets=(B,), at=100, for_us=900)
    assert run(pause) == [(1_000, "start", 0), (1_000, "worker@1")]


def test_a_template_that_nobody_offers_or_offers_twice_is_refused() -> None:
    made: World = world()
    place(made, A, "manager", lambda ctx: Manager(ctx, made.topology.host(B).location, (0,), []))
    with pytest.raises(ValueError, match="'worker' is no service template"):
        made.run(1_000)
    offered = Template(name="w", make=lambda ctx, config: None, delay_us_min=0, delay_us_max=0)
    again = world()
    again.offer(offered)
    with pytest.raises(ValueError, match="offered already"):
        again.offer(offered)
    with pytest.raises(ValueError, match="no range"):
        Template(name="w", make=lambda ctx, config: None, delay_us_min=2, delay_us_max=1)


def test_a_name_that_a_placed_service_bears_is_passed_over() -> None:
    made = world()
    log: list[Any] = []
    offered = Template(
        name="worker", make=lambda ctx, config: Worker(ctx, config, log), delay_us_min=5, delay_us_max=5, kind=Worker
    )
    made.offer(offered)
    at = made.topology.host(B).location
    place(made, B, "worker@2", lambda ctx: Worker(ctx, "placed", log))
    place(made, A, "manager", lambda ctx: Manager(ctx, at, (0, 10), log))
    made.run(20_000)
    told = [entry[1] for entry in log if len(entry) == 2]
    assert told == [at_service(at, "worker@1"), at_service(at, "worker@3")]


@pytest.mark.parametrize("name", ["a/b", "/", ""])
def test_a_name_that_could_share_files_with_another_or_address_nobody_is_refused(name: str) -> None:
    for make in (
        lambda: Placement(host=world().topology.host(A).location, name=name, make=Service),
        lambda: Template(name=name, make=lambda ctx, config: None, delay_us_min=0, delay_us_max=0),
    ):
        with pytest.raises(ValueError, match=r"put - in its place|is empty"):
            make()
