"""Layers in the inboxes of a host: who goes first, what a cap holds back, and one inbox for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, handles
from sim.message import Layer, Message
from sim.topology import Location, at_service
from sim.world import World
from tests.sim.small_worlds import Ping, Urgent, flat, three

A, B = "a/c1/h1", "b/c1/h1"
Plan = list[tuple[int, Message]]


class Log(Service):
    """Writes down what it handles and when."""

    def __init__(self, ctx: Context, log: list[tuple[int, int]]) -> None:
        super().__init__(ctx)
        self.log = log

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> None:
        self.log.append((self.ctx.now_us(), msg.n))

    @handles(Urgent)
    def urgent(self, msg: Urgent, sender: Location) -> None:
        self.log.append((self.ctx.now_us(), msg.n))


class Sender(Service):
    """Sends the given messages at the given instants."""

    def __init__(self, ctx: Context, to: Location, plan: Plan) -> None:
        super().__init__(ctx)
        self.to, self.plan = to, plan

    def start(self) -> None:
        for at, message in self.plan:
            self.ctx.set_timer(at, self.ctx.send, self.to, message)


def served(plan: Plan, *faults: Fault, **options: Any) -> tuple[World, list[tuple[int, int]]]:
    hosts = HostOptions(default_service_us=1_000, **options)
    world = World(topology=three(), latency=flat(), hosts=hosts, seed=1, faults=faults)
    log: list[tuple[int, int]] = []

    def place(path: str, name: str, make: Callable[[Context], Any]) -> Location:
        host = world.topology.host(path).location
        world.place(Placement(host=host, name=name, make=make))
        return at_service(host, name)

    to = place(B, "log", lambda ctx: Log(ctx, log))
    place(A, "sender", lambda ctx: Sender(ctx, to, plan))
    world.run(10_000_000)
    world.check_conservation()
    return world, log


def storm(count: int) -> Plan:
    return [(0, Urgent(n=n)) for n in range(count)]


CAPPED = {"layer_caps": ((Layer.REGION, 0.1),)}


def test_without_priority_all_wait_in_one_inbox() -> None:
    plan: Plan = [(0, Ping(n=1)), (0, Ping(n=2)), (1, Urgent(n=9))]
    assert served(plan)[1] == [(1_100, 1), (2_100, 9), (3_100, 2)]
    assert served(plan, priority=False)[1] == [(1_100, 1), (2_100, 2), (3_100, 9)]


def test_a_capped_layer_takes_its_share_and_the_lower_ones_the_rest() -> None:
    # The bucket holds a hundredth of a second of a tenth of the core: one piece of work.
    _, log = served([*storm(3), *((1, Ping(n=10 + n)) for n in range(15))], **CAPPED)
    assert [(t_us, n) for t_us, n in log if n < 10] == [(1_100, 0), (11_100, 1), (21_100, 2)]
    assert [t_us for t_us, n in log if n >= 10][:10] == [2_100 + 1_000 * k for k in range(9)] + [12_100]


def test_a_cap_holds_back_even_if_nothing_else_waits() -> None:
    world, log = served(storm(3), **CAPPED)
    assert log == [(1_100, 0), (11_100, 1), (21_100, 2)]
    assert world.counters()[B]["busy_us"] == 3_000


def test_what_a_cap_held_back_dies_with_the_process() -> None:
    crash = Fault(id="c", kind="process-crash", targets=(B,), at=5_000, for_us=1_000, params={})
    world, log = served(storm(3), crash, **CAPPED)
    assert [n for _, n in log] == [0]
    assert world.counters()[B]["lost in crash"] == 2


def test_what_a_cap_held_back_waits_for_a_pause_to_end() -> None:
    pause = Fault(id="p", kind="host-pause", targets=(B,), at=5_000, for_us=95_000, params={})
    assert served(storm(2), pause, **CAPPED)[1] == [(1_100, 0), (101_000, 1)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layer_caps": ((Layer.SERVICE, 0.5),)}, "takes what the others leave"),
        ({"layer_caps": ((Layer.REGION, 1.0),)}, "is no share of the cores"),
        ({"layer_caps": ((Layer.REGION, 0.5),), "priority": False}, "need priority"),
    ],
)
def test_caps_that_make_no_sense_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        HostOptions(**options)
