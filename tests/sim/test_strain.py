"""A host that stands still or limps: everything late, nothing lost, work done at the pace of its time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.faults import Fault
from sim.host import Context, Service
from sim.message import Message
from sim.world import World
from tests.sim.small_worlds import Ping, Urgent
from tests.sim.test_world import A, Answer, Answerer, Asker, B, Log, Sender, place, world


def strain(kind: str, at: int, for_us: int | None, name: str = "f", target: str = B, **params: float) -> Fault:
    return Fault(id=name, kind=kind, targets=(target,), at=at, for_us=for_us, params=params)


def served(
    plan: list[tuple[int, Message]], *faults: Fault, service_us: int = 50, inbox_limit: int = 1_000
) -> tuple[World, list[tuple[int, int]]]:
    made = world(service_us=service_us, inbox_limit=inbox_limit, faults=faults)
    log: list[tuple[int, int]] = []
    to = place(made, B, "log", lambda ctx: Log(ctx, log))
    place(made, A, "sender", lambda ctx: Sender(ctx, to, plan))
    made.run(1_000_000)
    made.check_conservation()
    return made, log


def test_a_slow_host_needs_its_factor() -> None:
    made, log = served([(0, Ping(n=1)), (0, Ping(n=2))], strain("host-slow", 0, None, factor=3))
    assert log == [(250, 1), (400, 2)]
    assert made.counters()[B]["busy_us"] == 300


def test_work_under_way_goes_on_at_the_new_pace() -> None:
    # 100 us of flight, 20 of work, then 30 left at a fifth of the pace until 10 of them are done.
    made, log = served([(0, Ping(n=1))], strain("host-slow", 120, 50, factor=5))
    assert log == [(100 + 20 + 50 + 20, 1)]
    assert made.counters()[B]["busy_us"] == 90


def test_overlapping_slowdowns_multiply() -> None:
    faults = (strain("host-slow", 0, None, "f", factor=2), strain("host-slow", 0, None, "g", factor=3))
    assert served([(0, Ping(n=1))], *faults)[1] == [(400, 1)]


def test_a_paused_host_handles_late_what_reached_it_in_order() -> None:
    plan: list[tuple[int, Message]] = [(0, Ping(n=1)), (60, Ping(n=2)), (70, Urgent(n=3)), (2_000, Ping(n=4))]
    made, log = served(plan, strain("host-pause", 150, 850), service_us=10)
    # The first was served before; the pause ends at 1,000.
    assert log == [(110, 1), (1_010, 2), (1_020, 3), (2_110, 4)]
    assert made.counters()[B]["delayed"] == 2


def test_work_on_a_core_stands_still_and_is_finished_afterwards() -> None:
    made, log = served([(0, Ping(n=1))], strain("host-pause", 120, 1_000))
    assert log == [(1_150, 1)]
    assert made.counters()[B]["busy_us"] == 50


def test_a_pause_of_a_free_host_delays_what_needs_no_core() -> None:
    _, log = served([(0, Ping(n=1))], strain("host-pause", 50, 1_000), service_us=0)
    assert log == [(1_050, 1)]


def test_a_pause_overflows_inboxes_only_when_it_ends() -> None:
    made, log = served([(0, Ping(n=n)) for n in range(5)], strain("host-pause", 50, 1_000), inbox_limit=2)
    assert [n for _, n in log] == [0, 1, 2]
    assert made.counters()[B]["overflowed"] == 2


class Ticker(Service):
    """Ticks every 100 us, by a timer and by a sleep."""

    def __init__(self, ctx: Context, log: list[tuple[int, str]]) -> None:
        super().__init__(ctx)
        self.log = log

    def start(self) -> Any:
        self.ctx.set_timer(250, self.log_it, "timer")
        for _ in range(4):
            yield self.ctx.sleep(100)
            self.log_it("sleep")

    def log_it(self, what: str) -> None:
        self.log.append((self.ctx.now_us(), what))


def ticks(*faults: Fault) -> list[tuple[int, str]]:
    made = world(faults=faults)
    log: list[tuple[int, str]] = []
    place(made, B, "ticker", lambda ctx: Ticker(ctx, log))
    made.run(10_000)
    return log


def test_timers_of_a_paused_host_are_late_and_in_order() -> None:
    assert ticks(strain("host-pause", 150, 850)) == [
        (100, "sleep"),
        (1_000, "sleep"),
        (1_000, "timer"),
        (1_100, "sleep"),
        (1_200, "sleep"),
    ]


def test_a_host_paused_from_the_beginning_starts_late() -> None:
    made = world(faults=(strain("process-crash", 10, 10, "c"), strain("host-pause", 15, 985)))
    log: list[tuple[int, str]] = []
    place(made, B, "ticker", lambda ctx: Ticker(ctx, log))
    made.run(10_000)
    assert log[0] == (1_100, "sleep")
    assert made.counters()[B]["restarts"] == 1


def test_overlapping_pauses_last_until_the_last_one_ends() -> None:
    faults = (strain("host-pause", 150, 300, "f"), strain("host-pause", 200, 800, "g"))
    assert ticks(*faults)[1] == (1_000, "sleep")
    adjoining = (strain("host-pause", 150, 300, "f"), strain("host-pause", 450, 550, "g"))
    assert ticks(*adjoining)[1] == (1_000, "sleep")


def test_a_crash_takes_what_a_pause_kept() -> None:
    plan: list[tuple[int, Message]] = [(0, Ping(n=1)), (10, Ping(n=2))]
    made, log = served(plan, strain("host-pause", 50, 500), strain("process-crash", 300, 100, "c"))
    assert log == []
    assert made.counters()[B]["lost in crash"] == 2


def test_a_reply_that_reached_a_paused_host_before_the_time_out_counts() -> None:
    made, log = world(faults=(strain("host-pause", 150, 5_000, target=A),)), list[Any]()
    to = place(made, B, "answerer", Answerer)
    place(made, A, "asker", lambda ctx: Asker(ctx, to, log))
    made.run(20_000)
    assert log[0] == (5_150, Answer(n=0))


def test_only_hosts_that_can_be_strained_carry_the_machinery() -> None:
    made = world(faults=(strain("host-pause", 150, 300),))
    assert [machine.strained for machine in made.machines] == [False, True, False]


_PACES = st.lists(
    st.tuples(st.sampled_from(["host-slow", "host-pause"]), st.integers(0, 900), st.integers(1, 300)), max_size=5
)


@settings(deadline=None, max_examples=60)
@given(_PACES, st.lists(st.integers(0, 1_000), min_size=1, max_size=8))
def test_work_takes_the_core_time_that_the_pace_of_each_microsecond_gives(
    paces: list[tuple[str, int, int]], arrivals: list[int]
) -> None:
    """Oracle: one core, served in order, doing 1, 1/2, 1/4, ... or no unit of work in each microsecond."""
    faults = tuple(
        strain(kind, at, lasts, f"f{n}", **({"factor": 2} if kind == "host-slow" else {}))
        for n, (kind, at, lasts) in enumerate(paces)
    )
    _, log = served([(at, Ping(n=n)) for n, at in enumerate(sorted(arrivals))], *faults)

    def pace(tick: int) -> float:
        live = [kind for kind, at, lasts in paces if at <= tick < at + lasts]
        return 0.0 if "host-pause" in live else 0.5 ** len(live)

    tick, expected = 0, []
    for at in sorted(arrivals):
        tick, left = max(tick, at + 100), 50.0
        while left > 0:
            left -= pace(tick)
            tick += 1
        while pace(tick) == 0:  # a pause acts first at its instant: work that ends right then is done after it
            tick += 1
        expected.append(tick)
    assert [n for _, n in log] == list(range(len(arrivals)))
    # A duration is rounded to whole microseconds whenever the pace changes, half a one each time.
    slack = len(arrivals) * (1 + 2 * len(paces))
    assert [t for t, _ in log] == pytest.approx(expected, abs=slack)
