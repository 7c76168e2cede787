"""Hosts in a world: capacity, waiting, and what dies with the process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.faults import Fault
from sim.history import Kind, Operation
from sim.host import Context, HostOptions, Placement, Service, Wait, handles
from sim.message import Message
from sim.topology import Location, at_service
from sim.trace import TraceLevel
from sim.world import World
from tests.sim.small_worlds import Ping, Urgent, flat, three

A, B, C = ("a/c1/h1", "b/c1/h1", "c/c1/h1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Message):
    type_id: ClassVar[int] = 0x1000_0003
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Message):
    type_id: ClassVar[int] = 0x1000_0004
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Message):
    type_id: ClassVar[int] = 0x1000_0005
    n: int

    def work(self) -> int:
        return self.n


def world(
    *,
    service_us: int = 0,
    inbox_limit: int = 1000,
    faults: tuple[Fault, ...] = (),
    seed: int = 1,
    trace: TraceLevel = TraceLevel.OFF,
) -> World:
    options = HostOptions(inbox_limit=inbox_limit, default_service_us=service_us, flush_us_min=100, flush_us_max=100)
    return World(topology=three(), latency=flat(), hosts=options, seed=seed, faults=faults, trace=trace)


def place(world: World, path: str, name: str, make: Callable[[Context], Any]) -> Location:
    host = world.topology.host(path).location
    world.place(Placement(host=host, name=name, make=make))
    return at_service(host, name)


def crash(kind: str, at: int, for_us: int | None, target: str = B, **params: bool) -> Fault:
    return Fault(id=kind, kind=kind, targets=(target,), at=at, for_us=for_us, params=params)


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

    @handles(Batch)
    def batch(self, msg: Batch, sender: Location) -> None:
        self.log.append((self.ctx.now_us(), msg.n))


class Sender(Service):
    """Sends the given messages at the given instants."""

    def __init__(self, ctx: Context, to: Location, plan: list[tuple[int, Message]]) -> None:
        super().__init__(ctx)
        self.to, self.plan = to, plan

    def start(self) -> None:
        for at, message in self.plan:
            self.ctx.set_timer(at, self.ctx.send, self.to, message)


def served(plan: list[tuple[int, Message]], **options: int) -> tuple[World, list[tuple[int, int]]]:
    made = world(**options)  # type: ignore[arg-type]
    log: list[tuple[int, int]] = []
    to = place(made, B, "log", lambda ctx: Log(ctx, log))
    place(made, A, "sender", lambda ctx: Sender(ctx, to, plan))
    made.run(1_000_000)
    made.check_conservation()
    return made, log


def test_a_core_serves_one_message_at_a_time() -> None:
    made, log = served([(0, Ping(n=1)), (0, Ping(n=2)), (500, Ping(n=3))], service_us=50)
    assert log == [(150, 1), (200, 2), (650, 3)]
    assert made.counters()[B]["busy_us"] == 150
    assert made.utilisation()[B] == 150 / 1_000_000


@pytest.mark.parametrize(
    "slow", [(), (Fault(id="s", kind="host-slow", targets=(B,), at=500_000, for_us=None, params={"factor": 2}),)]
)
def test_only_core_time_that_was_spent_is_utilisation(slow: tuple[Fault, ...]) -> None:
    def after(until_us: int, *faults: Fault) -> tuple[float, int]:
        made = world(service_us=10_000, faults=(*slow, *faults))
        to = place(made, B, "log", lambda ctx: Log(ctx, []))
        place(made, A, "sender", lambda ctx: Sender(ctx, to, [(0, Ping(n=1)), (0, Ping(n=2))]))
        made.run(until_us)
        return made.utilisation()[B], made.counters()[B]["busy_us"]

    assert after(2_000)[0] == 1_900 / 2_000  # the first arrives at 100
    assert after(20_100) == (20_000 / 20_100, 20_000)
    assert after(4_000, crash("power-loss", 1_100, None)) == (1_000 / 4_000, 1_000)
    assert after(4_000, crash("process-crash", 1_100, 100)) == (1_000 / 4_000, 1_000)


def test_a_batch_costs_its_length() -> None:
    _, log = served([(0, Batch(n=4)), (0, Batch(n=1))], service_us=50)
    assert log == [(300, 4), (350, 1)]


def test_a_higher_layer_overtakes_in_the_inbox() -> None:
    plan: list[tuple[int, Message]] = [(0, Ping(n=1)), (0, Ping(n=2)), (1, Urgent(n=9))]
    assert served(plan, service_us=50)[1] == [(150, 1), (200, 9), (250, 2)]


def test_an_inbox_that_is_full_refuses_and_counts() -> None:
    made, log = served([(0, Ping(n=n)) for n in range(5)], service_us=50, inbox_limit=2)
    assert [n for _, n in log] == [0, 1, 2]
    assert made.counters()[B]["overflowed"] == 2


def test_a_message_for_no_service_is_counted() -> None:
    made = world()
    to = at_service(made.topology.host(B).location, "nobody")
    place(made, A, "sender", lambda ctx: Sender(ctx, to, [(0, Ping())]))
    made.run(1000)
    assert made.counters()[B]["unknown"] == 1
    made.check_conservation()


class Asker(Service):
    """Calls and writes down what came of it."""

    def __init__(self, ctx: Context, to: Location, log: list[Any], timeout_us: int = 1_000) -> None:
        super().__init__(ctx)
        self.to, self.log, self.timeout_us = to, log, timeout_us

    def start(self) -> Any:
        for n in range(3):
            answer = yield self.ctx.call(self.to, Ask(n=n), self.timeout_us)
            self.log.append((self.ctx.now_us(), answer))


class Answerer(Service):
    """Answers 0 at once, 1 after a sleep, 2 never."""

    @handles(Ask)
    def ask(self, msg: Ask, sender: Location) -> Any:
        if msg.n == 0:
            return Answer(n=0)
        return self.later(msg)

    def later(self, msg: Ask) -> Any:
        yield self.ctx.sleep(30)
        if msg.n == 1:
            return Answer(n=1)
        yield Wait()
        raise AssertionError("nobody resolves that")


def test_a_call_yields_the_reply_or_none_on_time_out() -> None:
    made, log = world(), list[Any]()
    to = place(made, B, "answerer", Answerer)
    place(made, A, "asker", lambda ctx: Asker(ctx, to, log))
    made.run(10_000)
    assert log == [(200, Answer(n=0)), (430, Answer(n=1)), (1_430, None)]


class Racer(Service):
    """Waits for the first two of three."""

    def __init__(self, ctx: Context, log: list[Any]) -> None:
        super().__init__(ctx)
        self.log = log

    def start(self) -> Any:
        waits = [self.ctx.wait() for _ in range(3)]
        self.ctx.set_timer(10, waits[2].resolve, "c")
        self.ctx.set_timer(20, waits[0].resolve, None)
        self.ctx.set_timer(30, waits[1].resolve, "b")
        done = yield self.ctx.first(waits, need=2)
        self.log.append((self.ctx.now_us(), done))
        done = yield self.ctx.first([waits[0]])
        self.log.append((self.ctx.now_us(), done))


def test_first_counts_only_values_and_gives_up_when_all_are_done() -> None:
    made, log = world(), list[Any]()
    place(made, A, "racer", lambda ctx: Racer(ctx, log))
    made.run(100)
    assert log == [(30, ((2, "c"), (0, None), (1, "b"))), (30, ((0, None),))]


class Keeper(Service):
    """Holds a heap counter, an appended file and a flushed file; writes at 0."""

    def __init__(self, ctx: Context, log: list[Any]) -> None:
        super().__init__(ctx)
        self.heap, self.log = 0, log

    def start(self) -> Any:
        found = tuple(len(self.ctx.disk.read(name)) for name in ("appended", "flushed"))
        self.log.append((self.ctx.now_us(), self.heap, *found))
        if self.ctx.now_us():
            return
        self.heap = 1
        self.ctx.disk.append("flushed", "x")
        yield self.ctx.disk.flush("flushed")
        self.ctx.disk.append("appended", "y")
        self.ctx.set_timer(5_000, self.log.append, "a dead timer fired")
        try:
            yield self.ctx.sleep(6_000)
            self.log.append("a dead task went on")
        finally:
            self.ctx.disk.append("flushed", "from the grave")
            self.ctx.send(self.ctx.location, Ping())


@pytest.mark.parametrize(
    ("kind", "left"),
    [("process-crash", (0, 1, 1)), ("power-loss", (0, 0, 1))],
)
def test_each_crash_loses_its_tiers_and_timers_and_tasks_die(kind: str, left: tuple[int, int, int]) -> None:
    made, log = world(faults=(crash(kind, 1_000, 500),)), list[Any]()
    place(made, B, "keeper", lambda ctx: Keeper(ctx, log))
    made.run(20_000)
    assert log == [(0, 0, 0, 0), (1_500, *left)]
    assert made.counters()[B]["restarts"] == 1
    made.check_conservation()


def test_what_waits_in_the_inbox_dies_with_the_process() -> None:
    made = world(service_us=400, faults=(crash("process-crash", 300, 100),))
    log: list[tuple[int, int]] = []
    to = place(made, B, "log", lambda ctx: Log(ctx, log))
    plan: list[tuple[int, Message]] = [(0, Ping(n=1)), (0, Ping(n=2)), (250, Ping(n=3)), (400, Ping(n=4))]
    place(made, A, "sender", lambda ctx: Sender(ctx, to, plan))
    made.run(20_000)
    assert log == [(900, 4)]
    assert made.counters()[B]["lost in crash"] == 2
    assert made.network.totals()["dropped: host down"] == 1
    made.check_conservation()


def test_a_late_reply_to_a_former_life_wakes_nobody() -> None:
    made, log = world(faults=(crash("process-crash", 150, 20, target=A),)), list[Any]()
    to = place(made, B, "answerer", Answerer)
    place(made, A, "asker", lambda ctx: Asker(ctx, to, log))
    made.run(10_000)
    assert log == [(370, Answer(n=0)), (600, Answer(n=1)), (1_600, None)]


class Chatter(Service):
    """Keeps asking everyone, flushes, notes and records: something of everything."""

    def __init__(self, ctx: Context, peers: tuple[Location, ...]) -> None:
        super().__init__(ctx)
        self.peers, self.n = peers, 0

    def start(self) -> None:
        self.ctx.set_timer(int(self.ctx.rng("gap").exponential(300.0)), self.chat)

    def chat(self) -> Any:
        self.start()
        self.n += 1
        op = self.n
        self.ctx.record(Operation(op=op, kind=Kind.INVOKE, f="ask", key="k", value=op))
        answers = yield self.ctx.first([self.ctx.call(p, Ask(n=op), 700) for p in self.peers], need=2)
        good = sum(answer is not None for _, answer in answers)
        self.ctx.disk.append("log", (op, good))
        yield self.ctx.disk.flush("log")
        self.ctx.note("answered", good)
        self.ctx.record(Operation(op=op, kind=Kind.OK if good == 2 else Kind.INFO, f="ask", key="k", value=op))

    @handles(Ask)
    def ask(self, msg: Ask, sender: Location) -> Answer:
        return Answer(n=msg.n)


FAULTS = (
    Fault(id="cut", kind="partition-full", targets=("a",), at=20_000, for_us=20_000),
    Fault(id="one", kind="partition-one-way", targets=("b",), at=30_000, for_us=20_000),
    crash("process-crash", 45_000, 5_000),
    crash("power-loss", 47_000, 20_000, torn=True),
)


def chatter(seed: int, trace: TraceLevel = TraceLevel.OFF, faults: tuple[Fault, ...] = FAULTS) -> World:
    made = world(service_us=20, faults=faults, seed=seed, trace=trace)
    peers = tuple(at_service(host.location, "chat") for host in made.topology.hosts)
    for host in made.topology.hosts:
        place(made, host.path, "chat", lambda ctx: Chatter(ctx, peers))
    made.run(100_000)
    made.check_conservation()
    return made


def test_a_seed_gives_the_same_digest_at_every_trace_level_and_another_seed_another() -> None:
    digests = {level: chatter(1, level).digest() for level in TraceLevel}
    assert len(set(digests.values())) == 1
    assert chatter(2).digest() != digests[TraceLevel.OFF]


def test_the_digest_sees_faults() -> None:
    assert chatter(1, faults=()).digest() != chatter(1).digest()


SCRIPT = "from tests.sim.test_world import chatter; print(chatter(1).digest())"


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_digest_does_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == chatter(1).digest()


def test_every_row_of_a_full_trace_names_an_earlier_cause() -> None:
    rows = chatter(1, TraceLevel.FULL).trace.rows
    assert {row.kind for row in rows} >= {"send", "deliver", "drop", "crash", "restart", "fault", "heal", "note"}
    assert all(-1 <= row.cause < row.i for row in rows)
    delivered = [row for row in rows if row.kind == "deliver"]
    assert all(rows[row.cause].kind == "send" and rows[row.cause].message == row.message for row in delivered)


def test_two_worlds_in_one_process_share_nothing() -> None:
    alone = chatter(1).digest()
    first, second = (world(service_us=20, seed=1, faults=FAULTS) for _ in range(2))
    for made in (first, second):
        peers = tuple(at_service(host.location, "chat") for host in made.topology.hosts)
        for host in made.topology.hosts:
            place(made, host.path, "chat", lambda ctx, peers=peers: Chatter(ctx, peers))
    for until in range(10_000, 100_001, 10_000):
        first.run(until)
        second.run(until)
    assert first.digest() == second.digest() == alone


@given(st.integers(0, 2**32), st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(1, 90_000)), max_size=4))
@settings(max_examples=15, deadline=None)
def test_hosts_account_for_every_message_under_random_crashes(seed: int, crashes: list[tuple[str, int]]) -> None:
    faults = tuple(
        Fault(id=str(n), kind=("process-crash", "power-loss")[n % 2], targets=(host,), at=at, for_us=5_000)
        for n, (host, at) in enumerate(crashes)
    )
    chatter(seed, faults=faults)


def test_a_service_name_is_taken_once_a_host() -> None:
    made = world()
    place(made, A, "log", lambda ctx: Log(ctx, []))
    with pytest.raises(ValueError, match="already"):
        place(made, A, "log", lambda ctx: Log(ctx, []))


@pytest.mark.parametrize("until_us", [1_500.0, float("nan"), True])
def test_a_world_runs_in_whole_microseconds(until_us: Any) -> None:
    with pytest.raises(ValueError, match="is no whole number; a world runs in whole microseconds"):
        world().run(until_us)
