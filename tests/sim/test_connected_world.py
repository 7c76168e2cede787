"""Hosts that talk over connections, on links of finite bandwidth, while things go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, Task, handles
from sim.message import Message
from sim.network import CONNECTION_RESET, ConnectionOptions
from sim.topology import Location, at_service
from sim.trace import TraceLevel
from sim.world import World
from tests.sim.small_worlds import Letter, flat, three

A, B = "a/c1/h1", "b/c1/h1"
SECOND = 1_000_000


class Echo(Service):
    """Answers every letter with itself, and remembers it."""

    def __init__(self, ctx: Context, seen: list[int]) -> None:
        super().__init__(ctx)
        self.seen = seen

    @handles(Letter)
    def letter(self, msg: Letter, sender: Location) -> Message:
        self.seen.append(msg.n)
        return msg


class Caller(Service):
    """Calls every 100 ms, with a time-out of 500 ms, and writes down what came of it."""

    def __init__(self, ctx: Context, to: Location, answers: dict[int, int | None]) -> None:
        super().__init__(ctx)
        self.to, self.answers = to, answers

    def start(self) -> None:
        for n in range(50):
            self.ctx.set_timer(n * 100_000, self.ask, n)

    def ask(self, n: int) -> Task:
        answer = yield self.ctx.call(self.to, Letter(n=n), 500_000)
        self.answers[n] = None if answer is None else answer.n
        return None


def fault(kind: str, at_us: int, for_us: int | None, target: str = B, **params: Any) -> Fault:
    return Fault(id=kind, kind=kind, targets=(target,), at=at_us, for_us=for_us, params=params)


class Outcome:
    def __init__(self, *faults: Fault, level: TraceLevel = TraceLevel.OFF, **latency: Any) -> None:
        self.seen: list[int] = []
        self.answers: dict[int, int | None] = {}
        self.world = World(
            topology=three(),
            latency=replace(flat(20_000), **latency),
            hosts=HostOptions(),
            seed=1,
            faults=faults,
            trace=level,
            connections=ConnectionOptions(timeout_us=2 * SECOND),
        )
        here, there = (self.world.topology.host(path).location for path in (A, B))
        to = at_service(there, "echo")
        self.world.place(Placement(host=there, name="echo", make=lambda ctx: Echo(ctx, self.seen)))
        self.world.place(Placement(host=here, name="caller", make=lambda ctx: Caller(ctx, to, self.answers)))
        self.world.run(10 * SECOND)
        self.world.check_conservation()

    def unanswered(self) -> list[int]:
        return [n for n, answer in sorted(self.answers.items()) if answer is None]

    def dropped(self) -> int:
        return self.world.network.totals().get(f"dropped: {CONNECTION_RESET}", 0)


def test_calls_over_connections_are_answered() -> None:
    outcome = Outcome()
    assert outcome.unanswered() == []
    assert outcome.seen == list(range(50))


def test_a_call_that_timed_out_in_a_cut_may_be_handled_after_it() -> None:
    outcome = Outcome(fault("partition-full", SECOND, SECOND))
    # Sent into the cut or answered in it; the last of them met the retransmission after the heal in time.
    assert outcome.unanswered() == list(range(10, 20))
    assert outcome.seen == list(range(50))
    assert outcome.dropped() == 0
    assert outcome.world.network.resets == {}


def test_a_cut_beyond_the_connection_time_out_loses_what_was_sent_before_the_reset() -> None:
    outcome = Outcome(fault("partition-full", SECOND, int(2.55 * SECOND)))
    given_up = [n for n in range(50) if n not in outcome.seen]
    assert given_up == list(range(10, 31))  # the sender gave up two seconds after the first; then it connected anew
    assert outcome.dropped() == len(given_up)
    assert outcome.world.network.resets["timed out"] == 1


def test_after_a_process_crash_calls_are_refused_and_then_answered_by_the_next_life() -> None:
    outcome = Outcome(fault("process-crash", SECOND + 5_000, SECOND))
    assert outcome.unanswered() == list(range(10, 20))
    assert outcome.seen == [*range(10), *range(20, 50)]
    assert outcome.world.network.resets["sender told"] >= 10  # one refusal a call


def test_after_a_power_loss_the_peer_believes_until_the_next_life_refuses() -> None:
    outcome = Outcome(fault("power-loss", SECOND + 5_000, SECOND))
    # Nobody answered; the first retransmission that met the new life was refused, with all that waited behind it.
    assert outcome.unanswered() == list(range(10, 10 + outcome.dropped()))
    assert outcome.seen == [n for n in range(50) if n not in outcome.unanswered()]
    # The caller's end for answers was still open when the next life connected anew.
    assert outcome.world.network.resets == {"sender told": 1, "replaced": 1}


def test_a_paused_host_keeps_its_connections() -> None:
    outcome = Outcome(fault("host-pause", SECOND + 5_000, SECOND))
    assert outcome.seen == list(range(50))
    assert outcome.world.network.resets == {}


@pytest.mark.parametrize("kind", ["partition-full", "process-crash", "power-loss"])
def test_the_digest_is_the_same_at_every_trace_level(kind: str) -> None:
    digests = {Outcome(fault(kind, SECOND, SECOND), level=level).world.digest() for level in TraceLevel}
    assert len(digests) == 1


def test_every_row_names_an_earlier_row() -> None:
    rows = Outcome(fault("power-loss", SECOND, SECOND), level=TraceLevel.FULL).world.trace.rows
    assert all(-1 <= row.cause < row.i for row in rows)
    assert {"retransmit", "reset", "drop"} <= {row.kind for row in rows}
    befell = [row for row in rows if row.kind in ("deliver", "drop", "retransmit")]
    assert all(rows[row.cause].kind in ("send", "retransmit") for row in befell)


def met(*faults: Fault) -> list[int]:
    return [encounter.met for encounter in Outcome(*faults).world.encounters()]


def test_what_a_cut_or_a_dead_host_keeps_a_connection_from_carrying_shows_that_the_fault_fired() -> None:
    # Nothing is dropped: every segment is sent again after the heal.
    assert met(fault("partition-full", SECOND, SECOND // 2, target="b")) > [0]
    assert met(fault("power-loss", SECOND, SECOND // 2)) > [0]
    assert met(fault("process-crash", SECOND, SECOND // 2)) > [0]
    assert met(fault("partition-full", 9 * SECOND, SECOND // 2, target="b")) == [0]
