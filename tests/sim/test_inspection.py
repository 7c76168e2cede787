"""A world that stands still can be looked into, and looking changes nothing."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, Wait, handles
from sim.inspection import FileState, HostState, TimerState, inspect_host, shown
from sim.topology import Location, at_service
from sim.trace import TraceLevel
from sim.world import World
from tests.sim.small_worlds import Ping, flat, three

A, B, C = "a/c1/h1", "b/c1/h1", "c/c1/h1"


class Part:
    def __init__(self) -> None:
        self.durable = 3
        self._hidden = 4


class Keeper(Service):
    """Holds a bit of everything that can be seen."""

    def __init__(self, ctx: Context, peer: Location) -> None:
        super().__init__(ctx)
        self.peer, self.part, self.seen, self._hidden = peer, Part(), list[int](), 1

    @property
    def backlog(self) -> int:
        return len(self.seen) + 1

    def start(self) -> Any:
        self.channel = self.ctx.channel(2)
        self.channel.send("a")
        self.ctx.set_timer(90_000, self.late)
        self.ctx.set_timer(70_000, self.late)
        self.ctx.set_timer(60_000, self.late).cancel()
        self.ctx.set_timer(0, self.asking)
        self.ctx.disk.append("log", "x")
        yield self.ctx.disk.flush("log")
        self.ctx.disk.append("log", "y")
        yield from self.waiting()

    def asking(self) -> Any:
        yield self.ctx.call(self.peer, Ping(n=9), 80_000)

    def waiting(self) -> Any:
        yield self.ctx.sleep(1_000_000)

    def late(self) -> None: ...

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> None:
        self.seen.append(msg.n)


class Sender(Service):
    def __init__(self, ctx: Context, to: Location) -> None:
        super().__init__(ctx)
        self.to = to

    def start(self) -> None:
        for n in range(4):
            self.ctx.set_timer(49_000, self.ctx.send, self.to, Ping(n=n))


def world(*faults: Fault, trace: TraceLevel = TraceLevel.OFF) -> World:
    topology = three()
    options = HostOptions(default_service_us=10_000, flush_us_min=100, flush_us_max=100)
    made = World(topology=topology, latency=flat(), hosts=options, seed=1, faults=faults, trace=trace)
    at = [at_service(host.location, "keeper") for host in topology.hosts]
    host = [spec.location for spec in topology.hosts]
    made.place(Placement(host=host[0], name="keeper", make=lambda ctx: Keeper(ctx, at[1])))
    made.place(Placement(host=host[1], name="sender", make=lambda ctx: Sender(ctx, at[0])))
    return made


def looked_at(*faults: Fault, path: str = A, trace: TraceLevel = TraceLevel.OFF) -> HostState:
    made = world(*faults, trace=trace)
    made.run(50_000)
    return inspect_host(made, path)


@pytest.mark.parametrize("trace", TraceLevel)
def test_a_host_shows_all_that_it_holds(trace: TraceLevel) -> None:
    host = looked_at(trace=trace)
    assert (host.path, host.up, host.effect, host.wall_us, host.mono_us) == (A, True, "", 50_000, 50_000)
    assert (host.cores, host.busy, host.calls) == (1, 1, 1)
    assert host.inboxes == {"region": 0, "cluster": 0, "host": 0, "service": 3}
    assert host.timers == (TimerState(due_us=70_000, what="Keeper.late"), TimerState(due_us=90_000, what="Keeper.late"))
    assert host.files == (FileState(name="keeper/log", records=2, durable=1),)
    assert [task.partition(",")[0] for task in host.tasks] == ["Keeper.start > Keeper.waiting", "Keeper.asking"]
    assert host.counters["received"] == 4
    (keeper,) = host.services
    assert (keeper.name, keeper.kind) == ("keeper", "Keeper")
    assert keeper.state["peer"] == B
    assert keeper.state["part.durable"] == "3"
    assert (keeper.state["seen"], keeper.state["backlog"]) == ("[]", "1")
    assert not [name for name in keeper.state if "_" in name or name == "ctx"]
    assert keeper.channels == ("1 of 2 buffered, 0 blocked, 0 starved, open",)


def test_a_host_that_is_down_has_its_disk_and_its_accounts() -> None:
    host = looked_at(Fault(id="x", kind="power-loss", targets=(A,), at=10_000, for_us=None))
    assert (host.up, host.busy, host.tasks, host.timers, host.services) == (False, 0, (), (), ())
    assert host.files == (FileState(name="keeper/log", records=1, durable=1),)


def test_a_struck_host_shows_its_clocks_and_what_ails_it() -> None:
    offset = Fault(id="o", kind="clock-offset", targets=(A,), at=10_000, for_us=None, params={"offset": "5ms"})
    host = looked_at(offset)
    assert (host.wall_us, host.mono_us, host.effect) == (55_000, 50_000, "clock_offset_us=5000")
    assert [timer.due_us for timer in host.timers] == [70_000, 90_000]


@pytest.mark.parametrize("trace", TraceLevel)
def test_a_paused_host_shows_what_it_has_put_aside(trace: TraceLevel) -> None:
    made = world(Fault(id="p", kind="host-pause", targets=(A,), at=48_000, for_us=200_000), trace=trace)
    made.run(100_000)
    host = inspect_host(made, A)
    assert host.frozen == (
        *(f"message from {B}: Ping(n={n})" for n in range(4)),
        "timer: Keeper.late",
        "time-out of a call",
        "timer: Keeper.late",
    )
    assert (host.calls, host.timers, host.effect) == (1, (), "paused=True")
    made.run(240_000)
    assert inspect_host(made, A).frozen == host.frozen
    made.run(260_000)
    assert inspect_host(made, A).frozen == ()


def test_a_host_restarted_in_a_pause_starts_late_and_tasks_that_go_on_are_shown() -> None:
    crash = Fault(id="c", kind="process-crash", targets=(A,), at=52_000, for_us=1_000)
    made = world(Fault(id="p", kind="host-pause", targets=(A,), at=50, for_us=200_000), crash)
    made.run(51_000)
    (flushed, asked, *_) = inspect_host(made, A).frozen
    assert flushed.startswith("task goes on: Keeper.start, line ")
    assert asked.startswith("message from ")
    made.run(60_000)
    assert inspect_host(made, A).frozen == ("start of services",)


def test_looking_changes_nothing() -> None:
    watched, left_alone = world(), world()
    for until_us in range(10_000, 200_000, 10_000):
        watched.run(until_us)
        for path in (A, B, C):
            inspect_host(watched, path)
    left_alone.run(190_000)
    assert watched.digest() == left_alone.digest()


def test_an_unknown_host_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'a/c1/h1'"):
        inspect_host(world(), "a/c1/h7")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ("x", "'x'"),
        (b"\x01", "01"),
        (TraceLevel.OFF, "'off'"),
        ((1, "a"), "(1, 'a')"),
        ([1, 2, 3], "3: [..., 2, 3]"),
        (deque([1]), "[1]"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset(range(9)), "9: {0, 1, 2, 3, ...}"),
        ({"k": (1,), "l": {}}, "{'k': (1), 'l': {}}"),
        (Ping(n=3), "Ping(n=3)"),
        (TimerState(due_us=1, what="w"), "TimerState(due_us=1, what='w')"),
        (Part(), "Part"),
        (Wait(), "Wait"),
        ("x" * 200, "'" + "x" * 96 + "..."),
    ],
)
def test_values_are_shown_briefly_and_without_addresses(value: Any, text: str) -> None:
    assert shown(value) == text
