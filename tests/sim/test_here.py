"""Faults aimed at `@here`: judged on every host where their trigger may fire, and met where they make sense."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from sim.faults import Fault, Marks, ParamValue, Trigger, check_schedule, check_triggers, exposure
from sim.host import HostOptions, Placement, Service
from sim.latency import uniform
from sim.topology import Topology, grid
from sim.world import World

RACKS = grid(["a", "b"], clusters=1, hosts=2, cores=1, racks=2)
NONE = grid(["a", "b"], clusters=1, hosts=2, cores=1)
CLIENT = "a/clients/client1"
POINT = Trigger(point="p")


def here(kind: str, at: Trigger = POINT, *targets: str, **params: ParamValue) -> Fault:
    return Fault(id="f", kind=kind, targets=targets or ("@here",), at=at, for_us=1_000, params=params)


def told(made: Fault, topology: Topology, *marking: str) -> list[str]:
    """What is said of it where these hosts pass the point."""
    marks = {
        h.path: Marks(points=frozenset({"p"} if h.path in marking else ()), notes=frozenset()) for h in topology.hosts
    }
    try:
        check_schedule([made], topology)
        check_triggers([made], marks, topology)
    except ValueError as refused:
        return [line.removeprefix("fault 'f': ") for line in str(refused).splitlines()]
    return []


def test_a_rack_fails_only_where_somebody_who_passes_the_point_stands_in_one() -> None:
    assert told(here("rack"), RACKS, "a/c1/h1") == []
    assert told(here("rack"), RACKS, "a/c1/h1", CLIENT) == []
    assert told(here("rack"), RACKS, CLIENT) == [
        f'targets = "@here": {CLIENT} stands in no rack; wait on a host that has one'
    ]
    assert told(here("rack", Trigger(point="p", host=CLIENT)), RACKS, CLIENT) == [
        f'targets = "@here": {CLIENT} stands in no rack; wait on a host that has one'
    ]
    assert told(here("rack"), NONE, "a/c1/h1") == [
        'targets = "@here": a/c1/h1 stands in no rack; give the topology racks'
    ]


def test_a_cut_needs_another_side_on_one_host_that_passes_the_point_and_not_on_the_first_there_is() -> None:
    cut = here("partition-partial", against=("a",))
    assert told(cut, NONE, "b/c1/h1") == []
    assert told(cut, NONE, "a/c1/h1", "b/c1/h1") == []
    assert told(cut, NONE, "a/c1/h2") == [
        'targets = ["@here"]: where that is a/c1/h2, a/c1/h2 is on both sides; name it on one side only'
    ]
    assert told(here("partition-partial", Trigger(point="p", host="a/c1/h2"), against=("a",)), NONE, "a/c1/h2") == [
        'targets = ["@here"]: where that is a/c1/h2, a/c1/h2 is on both sides; name it on one side only'
    ]


def test_what_is_wrong_on_every_host_is_told_once_in_the_words_of_the_schedule() -> None:
    assert told(
        here("partition-partial", POINT, "@here", "mars", against=("b", "venus"), speed=1), NONE, "a/c1/h1"
    ) == [
        'targets = "mars": names no host here; known: a, b',
        'params.against = "venus": names no host here; known: a, b',
        "params.speed = 1: partition-partial has no such parameter; known: against",
    ]
    assert told(here("partition-full", POINT, "@here", "*"), NONE, "a/c1/h1") == [
        'targets = ["@here", "*"]: where that is a/c1/h1, nobody is on the other side; name fewer targets'
    ]


class Passer(Service):
    """Passes the point so many microseconds after its start."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"p"})

    def __init__(self, ctx: Any, at_us: int) -> None:
        super().__init__(ctx)
        self.at_us = at_us

    def start(self) -> Any:
        yield self.ctx.sleep(self.at_us)
        self.ctx.point("p")


def begun(fault: Fault, topology: Topology, passing: dict[str, int]) -> list[tuple[Any, tuple[str, ...]]]:
    """When it began and whom it struck, where these hosts pass the point at these instants."""
    latency = uniform(list(topology.regions), between_regions_rtt_us=200)
    made = World(topology=topology, latency=latency, hosts=HostOptions(), seed=1, faults=(fault,))
    for path, at_us in passing.items():
        location = topology.host(path).location
        made.place(Placement(host=location, name="p", make=lambda ctx, at_us=at_us: Passer(ctx, at_us), kind=Passer))
    made.run(10_000)
    return [(fault.at, fault.targets) for fault in made.injector.begun]


def test_what_happens_where_the_fault_makes_no_sense_does_not_count() -> None:
    """A client comes first and has no rack; then a host of the other side, which cannot be cut off from itself."""
    passing = {CLIENT: 10, "a/c1/h2": 20, "b/c1/h1": 30}
    assert begun(here("rack"), RACKS, passing) == [(20, ("a/c1/r2",))]
    assert begun(here("rack", Trigger(point="p", nth=2)), RACKS, passing) == [(30, ("b/c1/r1",))]
    assert begun(here("partition-partial", against=("a",)), RACKS, passing) == [(30, ("b/c1/h1",))]


def test_a_slow_host_is_one_that_has_cores() -> None:
    assert told(here("host-slow", factor=2), NONE, "a/c1/h1", CLIENT) == []
    assert told(here("host-slow", factor=2), NONE, CLIENT) == [
        (
            f'targets = ["@here"]: where that is {CLIENT}, no host of it has a core to slow down; '
            "name servers; a client's work takes no core time"
        )
    ]
    strained = exposure([here("host-slow", factor=2)], NONE).strained
    assert [NONE.hosts[index].path for index in sorted(strained)] == ["a/c1/h1", "a/c1/h2", "b/c1/h1", "b/c1/h2"]
    assert begun(here("host-slow", factor=2), NONE, {CLIENT: 10, "a/c1/h1": 20}) == [(20, ("a/c1/h1",))]


@pytest.mark.parametrize("target", ["a/clients", CLIENT])
def test_a_client_cannot_be_slow_for_its_work_takes_no_time(target: str) -> None:
    slow = Fault(id="f", kind="host-slow", targets=("a/c1", target), at=5, for_us=5, params={"factor": 2})
    assert told(slow, NONE) == [
        (
            f'targets = "{target}": no host of it has a core to slow down; name servers; '
            "a client's work takes no core time"
        )
    ]
