"""What a service does late, after a timer, a flush, a hand-over or a pause, names the message that asked for it."""

from __future__ import annotations

from typing import Any

import pytest

from sim.channel import END, Channel, Flow
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, handles
from sim.topology import Location, at_service
from sim.trace import TraceLevel, TraceRow
from sim.world import World
from tests.sim.small_worlds import Ping, Urgent, flat, three

A, B, C = 0, 1, 2
WAYS = ("at once", "timer", "timer of a timer", "sleep", "flush", "replace", "own wait", "channel", "first")


class Doer(Service):
    """Answers Ping `n` with Urgent `n`, in the n-th way."""

    def __init__(self, ctx: Context, back: Location) -> None:
        super().__init__(ctx)
        self.back = back

    def start(self) -> None:
        self.pipe = self.ctx.channel(10)
        self.ctx.set_timer(0, self.drain, self.pipe)

    def drain(self, pipe: Channel) -> Flow:
        while (n := (yield pipe.receive())) is not END:
            self.answer(n)

    def answer(self, n: int) -> None:
        self.ctx.send(self.back, Urgent(n=n))

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> Any:
        return self.carry_out(msg.n, WAYS[msg.n % len(WAYS)])

    def carry_out(self, n: int, way: str) -> Any:
        ctx = self.ctx
        if way == "timer":
            ctx.set_timer(5_000, self.answer, n)
            return
        if way == "timer of a timer":
            ctx.set_timer(50, ctx.set_timer, 50, self.answer, n)
            return
        if way == "channel":
            yield self.pipe.send(n)
            return
        if way == "sleep":
            yield ctx.sleep(500)
        elif way == "flush":
            ctx.disk.append("log", n)
            yield ctx.disk.flush("log")
        elif way == "replace":
            yield ctx.disk.replace("state", n)
        elif way == "own wait":
            wait = ctx.wait()
            ctx.disk.flush("log").when_done(wait.resolve)
            yield wait
        elif way == "first":
            yield ctx.first([ctx.sleep(30), ctx.disk.flush("log"), ctx.call(self.back, Ping(), 400)], need=3)
        self.answer(n)


class Asker(Service):
    """Sends Pings in one burst, so that flushes are shared, and once more later."""

    def __init__(self, ctx: Context, to: Location, count: int) -> None:
        super().__init__(ctx)
        self.to, self.count = to, count

    def start(self) -> None:
        for n in range(self.count):
            self.ctx.send(self.to, Ping(n=n))
            self.ctx.set_timer(10_000 + n, self.ctx.send, self.to, Ping(n=n + self.count))


def run(*faults: Fault, until_us: int = 100_000) -> list[TraceRow]:
    topology = three()
    options = HostOptions(default_service_us=10)
    world = World(topology=topology, latency=flat(), hosts=options, seed=1, faults=faults, trace=TraceLevel.FULL)
    here, there = (at_service(topology.hosts[host].location, "s") for host in (A, B))
    count = 2 * len(WAYS)
    world.place(Placement(host=topology.hosts[A].location, name="s", make=lambda ctx: Asker(ctx, there, count)))
    world.place(Placement(host=topology.hosts[B].location, name="s", make=lambda ctx: Doer(ctx, here)))
    world.run(until_us)
    world.check_conservation()
    return list(world.trace.rows)


def pause(at_us: int, for_us: int) -> Fault:
    return Fault(id="pause", kind="host-pause", targets=("b/c1/h1",), at=at_us, for_us=for_us)


def crash(fault_id: str, target: str, at_us: int, for_us: int) -> Fault:
    return Fault(id=fault_id, kind="process-crash", targets=(target,), at=at_us, for_us=for_us)


@pytest.mark.parametrize("faults", [(), (pause(200, 3_000),)], ids=["calm", "paused"])
def test_every_answer_follows_from_its_question(faults: tuple[Fault, ...]) -> None:
    rows = run(*faults)
    answers = [row for row in rows if row.kind == "send" and isinstance(row.message, Urgent)]
    assert len(answers) == 4 * len(WAYS)
    for answer in answers:
        woke = rows[answer.cause]
        assert woke.kind == "deliver", woke
        assert isinstance(woke.message, Ping)
        assert woke.message.n == answer.message.n, "shared flushes keep their askers apart"  # type: ignore[attr-defined]


def test_what_a_host_suffers_follows_from_the_fault_that_struck_it() -> None:
    rows = run(crash("one", "b/c1/h1", 500, 1_000), crash("two", "c/c1/h1", 500, 1_000))
    followed = [
        (row.kind, row.src, rows[row.cause].kind, rows[row.cause].message) for row in rows if row.dst < 0 <= row.src
    ]
    assert followed == [
        ("crash", B, "fault", "one"),
        ("crash", C, "fault", "two"),
        ("restart", B, "heal", "one"),
        ("restart", C, "heal", "two"),
    ]
    assert [rows[row.cause].message for row in rows if row.kind == "heal"] == ["one", "two"]


def test_a_process_that_died_of_its_disk_is_restarted_because_of_that() -> None:
    rows = run(Fault(id="gone", kind="disk-loss", targets=("b/c1/h1",), at=500, for_us=1_000), until_us=3_000_000)
    followed = [(row.kind, rows[row.cause].kind) for row in rows if row.kind in ("perish", "restart")]
    assert followed[:2] == [("perish", "fault"), ("restart", "perish")]


def test_what_a_service_does_as_it_starts_again_follows_from_the_restart() -> None:
    rows = run(crash("one", "a/c1/h1", 20_000, 1_000))
    first = next(row for row in rows if row.t_us == 21_000 and row.kind == "send")
    assert rows[first.cause].kind == "restart"
