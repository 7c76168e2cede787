"""What a pause puts aside takes place in its order, and what dies meanwhile does not take place at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, Service, Template, handles
from sim.message import Message
from sim.topology import Location
from tests.sim.small_worlds import Ping
from tests.sim.test_strain import strain
from tests.sim.test_world import A, B, Sender, crash, place, world

Said = list[tuple[int, Any]]
OWN = Fault(id="own", kind="clock-offset", targets=(B,), at=0, for_us=None, params={"offset": "5ms"})


class Teller(Service):
    """Does as it is told at its start, and writes down what it says and when."""

    def __init__(self, ctx: Context, said: Said, begin: Callable[[Teller], Any]) -> None:
        super().__init__(ctx)
        self.said, self.begin = said, begin

    def start(self) -> Any:
        return self.begin(self)

    def say(self, what: Any) -> None:
        self.said.append((self.ctx.mono_us(), what))

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> Message:
        self.say("ping")
        self.timer.cancel()
        return msg


def said_by(begin: Callable[[Teller], Any], *faults: Fault, until_us: int = 10_000) -> Said:
    """What the teller at B says, who is sent a Ping at 1,000."""
    made = world(faults=faults)
    said: Said = []
    to = place(made, B, "teller", lambda ctx: Teller(ctx, said, begin))
    place(made, A, "sender", lambda ctx: Sender(ctx, to, [(900, Ping())]))
    made.run(until_us)
    made.check_conservation()
    return said


@pytest.mark.parametrize("others", [(), (OWN,)], ids=["true clocks", "own clocks"])
def test_a_heartbeat_that_came_first_withdraws_the_time_out_though_both_are_late(others: tuple[Fault, ...]) -> None:
    def begin(teller: Teller) -> None:
        teller.timer = teller.ctx.set_timer(2_000, teller.say, "suspect")

    assert said_by(begin, strain("host-pause", 500, 3_000), *others) == [(3_500, "ping")]
    assert said_by(begin, strain("host-pause", 500, 1_000), *others) == [(1_500, "ping")]
    late = strain("host-pause", 1_500, 3_000)
    assert said_by(begin, late, *others) == [(1_000, "ping")], "withdrawn before it was due"


def test_a_time_out_that_came_first_is_not_withdrawn() -> None:
    def begin(teller: Teller) -> None:
        teller.timer = teller.ctx.set_timer(800, teller.say, "suspect")

    assert said_by(begin, strain("host-pause", 500, 3_000)) == [(3_500, "suspect"), (3_500, "ping")]


@pytest.mark.parametrize("others", [(), (OWN,)], ids=["true clocks", "own clocks"])
def test_waits_that_ended_in_a_pause_are_known_in_the_order_in_which_they_ended(others: tuple[Fault, ...]) -> None:
    made = world(faults=(strain("host-pause", 130, 2_000), *others))
    said: Said = []

    def asks(teller: Teller) -> Any:
        ctx = teller.ctx
        answered = ctx.call(echo, Ping(), 9_000)  # the reply arrives at 200
        yield ctx.sleep(120)
        found = yield ctx.first([ctx.sleep(130), ctx.disk.flush("log"), answered], need=3)
        teller.say([index for index, _ in found])

    def idle(teller: Teller) -> None:
        teller.timer = teller.ctx.set_timer(0, teller.say, "go")

    echo = place(made, A, "echo", lambda ctx: Teller(ctx, [], idle))
    place(made, B, "teller", lambda ctx: Teller(ctx, said, asks))
    made.run(10_000)
    assert said == [(2_130, [2, 1, 0])]


def test_what_a_wait_calls_is_called_late_after_a_pause_and_never_after_death() -> None:
    def begin(teller: Teller) -> None:
        teller.timer = teller.ctx.set_timer(0, teller.say, "go")
        teller.ctx.sleep(2_000).when_done(lambda _: teller.say("slept"))
        teller.ctx.disk.replace("f", 1).when_done(lambda _: teller.say("replaced"))

    calm = [(0, "go"), (100, "replaced"), (1_000, "ping"), (2_000, "slept")]
    assert said_by(begin) == calm
    assert said_by(begin, strain("host-pause", 1_500, 3_000)) == [*calm[:-1], (4_500, "slept")]
    for kind in ("process-crash", "power-loss"):
        assert said_by(begin, crash(kind, 50, None)) == calm[:1]
        assert said_by(begin, crash(kind, 50, None), OWN) == calm[:1]


def provisioned(*faults: Fault) -> list[Any]:
    made = world(faults=faults)
    log: list[Any] = []
    made.offer(Template(name="w", make=lambda ctx, config: log.append("made"), delay_us_min=500, delay_us_max=500))
    there = made.topology.host(B).location

    def begin(teller: Teller) -> Any:
        found = yield teller.ctx.provision(there, "w")
        log.append((teller.ctx.mono_us(), found is not None))

    place(made, A, "asker", lambda ctx: Teller(ctx, [], begin))
    made.run(10_000)
    return log


def test_a_paused_host_says_where_an_instance_is_when_it_goes_on() -> None:
    assert provisioned(strain("host-pause", 100, 2_000)) == ["made", (2_100, True)]


def test_a_host_that_dies_in_its_pause_gives_none_and_the_asker_is_told() -> None:
    assert provisioned(strain("host-pause", 100, 2_000), crash("power-loss", 1_000, None)) == [(1_000, False)]


def test_a_new_instance_and_its_asker_share_nothing_that_either_could_change() -> None:
    made = world()
    made.offer(Template(name="w", make=lambda ctx, config: None, delay_us_min=0, delay_us_max=0))
    there = made.topology.host(B).location
    place(made, A, "asker", lambda ctx: Teller(ctx, [], lambda teller: ctx.provision(there, "w", {"shared": 1})))
    with pytest.raises(TypeError, match="dict"):
        made.run(1_000)
