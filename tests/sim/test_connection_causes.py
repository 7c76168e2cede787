"""In a full trace every retransmission, late arrival and reset names what it follows from."""

from __future__ import annotations

from typing import Any

from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, Template, handles
from sim.network import ConnectionOptions
from sim.topology import Location, at_service
from sim.trace import TraceLevel, TraceRow
from sim.world import World
from tests.sim.small_worlds import Letter, Ping, effect, flat, logged, one_way, three

A, B = "a/c1/h1", "b/c1/h1"
OPTIONS = ConnectionOptions(retransmit_us_min=1_000, retransmit_us_max=8_000, timeout_us=20_000)


def lineage(rows: list[TraceRow], row: TraceRow) -> list[str]:
    """The kinds of a row and of all that it follows from, back to the beginning."""
    kinds = [row.kind]
    while row.cause >= 0:
        assert rows[row.cause].t_us <= row.t_us
        row = rows[row.cause]
        kinds.append(row.kind)
    return kinds


def letters(rows: list[TraceRow], kind: str) -> dict[int, list[str]]:
    """The lineage of each letter's only row of a kind, by number."""
    found = [(row.message, row) for row in rows if row.kind == kind]
    numbers = [message.n for message, _ in found if isinstance(message, Letter)]
    assert len(numbers) == len(set(numbers)) == len(found)
    return {n: lineage(rows, row) for n, (_, row) in zip(numbers, found, strict=True)}


def test_each_transmission_follows_from_the_one_before_and_the_arrival_from_the_last() -> None:
    world = logged(level=TraceLevel.FULL, connections=OPTIONS)
    world.network.set_cuts([one_way(0, 1)])
    world.network.send(0, 1, Letter(n=1))  # tried at 0, 1 and 3 ms
    world.env.call_at(2_000, world.network.set_cuts, [])
    world.env.run()
    assert letters(list(world.network.trace.rows), "deliver") == {1: ["deliver", "retransmit", "retransmit", "send"]}


def test_an_arrival_that_waited_for_a_gap_follows_from_its_own_transmission() -> None:
    world = logged(level=TraceLevel.FULL, connections=OPTIONS)
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Letter(n=1))
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=2))
    world.env.run()
    told = letters(list(world.network.trace.rows), "deliver")
    assert told == {1: ["deliver", "retransmit", "send"], 2: ["deliver", "send"]}


class Writer(Service):
    """Sends a letter on a connection at each of the instants."""

    def __init__(self, ctx: Context, to: Location, instants: tuple[int, ...]) -> None:
        super().__init__(ctx)
        self.to, self.instants = to, instants

    def start(self) -> None:
        for n, instant in enumerate(self.instants):
            self.ctx.set_timer(instant, self.ctx.send, self.to, Letter(n=n))


class Reader(Service):
    @handles(Letter)
    def letter(self, msg: Letter, sender: Location) -> None: ...


def rows_of(*faults: Fault, instants: tuple[int, ...] = (0,), until_us: int = 200_000) -> list[TraceRow]:
    topology = three()
    world = World(
        topology=topology,
        latency=flat(),
        hosts=HostOptions(),
        seed=1,
        faults=faults,
        trace=TraceLevel.FULL,
        connections=OPTIONS,
    )
    here, there = (topology.host(path).location for path in (A, B))
    to = at_service(there, "reader")
    world.place(Placement(host=there, name="reader", make=Reader))
    world.place(Placement(host=here, name="writer", make=lambda ctx: Writer(ctx, to, instants)))
    world.run(until_us)
    return list(world.trace.rows)


def resets(rows: list[TraceRow]) -> list[tuple[str, list[str]]]:
    """How each end learnt that its connection is gone, and the lineage of that."""
    told: list[tuple[str, list[str]]] = []
    for row in rows:
        if row.kind == "reset":
            assert isinstance(row.message, tuple)
            told.append((row.message[0], lineage(rows, row)))
    return told


def struck(kind: str, target: str, at_us: int, for_us: int | None = None, **params: Any) -> Fault:
    return Fault(id=kind, kind=kind, targets=(target,), at=at_us, for_us=for_us, params=params)


def test_a_reset_by_time_out_follows_from_what_was_sent_and_the_peer_s_from_the_reset() -> None:
    # The way back is cut: all arrives, nothing is acknowledged, and the sender gives up.
    rows = rows_of(struck("partition-one-way", B, 1_000, to=(A,)), instants=(0, 2_000))
    (gave_up, at_sender), (told, at_receiver) = resets(rows)
    assert (gave_up, told) == ("timed out", "receiver told")
    assert (at_sender[:2], at_sender[-1]) == (["reset", "retransmit"], "send")
    assert at_receiver == ["reset", *at_sender]


def test_a_reset_by_a_crash_follows_from_the_crash_and_that_from_its_fault() -> None:
    assert resets(rows_of(struck("process-crash", B, 10_000))) == [("sender told", ["reset", "crash", "fault"])]
    assert resets(rows_of(struck("process-crash", A, 10_000))) == [("receiver told", ["reset", "crash", "fault"])]


def test_an_end_that_was_never_told_notices_because_of_what_silenced_the_other() -> None:
    assert resets(rows_of(struck("power-loss", A, 10_000))) == [("receiver timed out", ["reset", "crash", "fault"])]


def test_a_refusal_follows_from_the_segment_that_was_refused() -> None:
    rows = rows_of(struck("power-loss", B, 10_000, 1_000), instants=(0, 15_000))
    assert resets(rows) == [("sender told", ["reset", "send"])]
    assert letters([row for row in rows if row.t_us < 15_000], "deliver") == {0: ["deliver", "send"]}


def test_a_connection_is_replaced_because_of_the_first_segment_of_the_next() -> None:
    rows = rows_of(struck("power-loss", A, 10_000, 1_000))
    ((how, told),) = resets(rows)
    assert (how, told) == ("replaced", ["reset", "send", "restart", "heal", "fault"])


class Asker(Service):
    """Has an instance provisioned for each Ping."""

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> Any:
        found = yield self.ctx.provision(self.ctx.location, "worker", sender)
        self.ctx.send(found, Ping(n=9))


class Worker(Service):
    """Says hello to whoever it was made for, as it starts."""

    def __init__(self, ctx: Context, to: Location) -> None:
        super().__init__(ctx)
        self.to = to

    def start(self) -> None:
        self.ctx.send(self.to, Ping(n=7))


class Starter(Service):
    def __init__(self, ctx: Context, to: Location) -> None:
        super().__init__(ctx)
        self.to = to

    def start(self) -> None:
        self.ctx.send(self.to, Ping(n=1))

    @handles(Ping)
    def hello(self, msg: Ping, sender: Location) -> None: ...


def test_what_a_provisioned_instance_does_at_its_start_follows_from_who_asked_for_it() -> None:
    topology = three()
    world = World(topology=topology, latency=flat(), hosts=HostOptions(), seed=1, trace=TraceLevel.FULL)
    here, there = (topology.host(path).location for path in (A, B))
    asker = at_service(there, "asker")
    world.offer(Template(name="worker", make=Worker, delay_us_min=500, delay_us_max=500))
    world.place(Placement(host=there, name="asker", make=Asker))
    world.place(Placement(host=here, name="starter", make=lambda ctx: Starter(ctx, asker)))
    world.run(10_000)
    rows = list(world.trace.rows)
    sent = {row.message.n: row for row in rows if row.kind == "send" and isinstance(row.message, Ping)}
    assert lineage(rows, sent[7]) == ["send", "provision", "deliver", "send"]
    assert lineage(rows, sent[9]) == ["send", "provision", "deliver", "send"], "who asked goes on when it is told"
    assert [row.message for row in rows if row.kind == "provision"] == ["worker@1"]
