"""A host's clocks against a sum of microseconds, and timers that run on them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock import MILLION, HostClock
from sim.faults import Fault
from sim.host import Context, Service, handles
from sim.kernel import Environment
from sim.topology import Location
from sim.world import World
from tests.sim.small_worlds import Ping
from tests.sim.test_world import A, B, place, world


def test_a_clock_left_alone_shows_the_time() -> None:
    env = Environment()
    clock = HostClock(env)
    env.run(until=12_345)
    assert (clock.mono_us(), clock.wall_us()) == (12_345, 12_345)


def test_a_drift_is_gained_while_it_lasts_and_kept() -> None:
    env = Environment()
    clock = HostClock(env)
    env.call_at(1_000, lambda: clock.set(rate=MILLION + 100_000, offset_us=0))
    env.call_at(2_000, lambda: clock.set(rate=MILLION, offset_us=0))
    shown = []
    for t in (1_000, 1_500, 2_000, 3_000):
        env.call_at(t, lambda: shown.append((clock.mono_us(), clock.wall_us())))
    env.run()
    assert shown == [(1_000, 1_000), (1_550, 1_550), (2_100, 2_100), (3_100, 3_100)]


def test_an_offset_moves_the_wall_clock_alone_and_never_below_zero() -> None:
    env = Environment()
    clock = HostClock(env)
    env.run(until=100)
    clock.set(rate=MILLION, offset_us=-30)
    assert (clock.mono_us(), clock.wall_us()) == (100, 70)
    clock.set(rate=MILLION, offset_us=-300)
    assert (clock.mono_us(), clock.wall_us()) == (100, 0)


def test_a_pending_timer_follows_a_change_of_rate() -> None:
    env = Environment()
    clock = HostClock(env)
    fired: list[int] = []
    clock.call_later(1_000, lambda: fired.append(int(env.now)))
    env.call_at(500, lambda: clock.set(rate=MILLION // 2, offset_us=0))  # half of the rest takes twice as long
    env.run()
    assert fired == [1_500]


def test_a_timer_can_be_withdrawn_and_refuses_what_is_no_delay() -> None:
    env = Environment()
    clock = HostClock(env)
    fired: list[str] = []
    timer = clock.call_later(10, fired.append, "no")
    clock.call_later(20, fired.append, "yes")
    timer.cancel()
    timer.cancel()
    env.run(until=15)
    clock.forget_timers()
    env.run(until=100)
    assert (fired, timer.active) == ([], False)
    with pytest.raises(ValueError, match="whole number"):
        clock.call_later(-1, fired.append, "never")


_CHANGES = st.lists(st.tuples(st.integers(1, 400), st.integers(-100_000, 100_000), st.integers(-50, 50)), max_size=6)


@settings(deadline=None)
@given(_CHANGES, st.lists(st.integers(0, 2_000), max_size=8))
def test_clocks_agree_with_a_sum_and_timers_with_the_clock(
    changes: list[tuple[int, int, int]], delays: list[int]
) -> None:
    """Oracle: the monotonic clock is a sum over true microseconds; a timer is due when it first shows its time."""
    env = Environment()
    clock = HostClock(env)
    fired: dict[int, int] = {}
    for number, delay in enumerate(delays):
        clock.call_later(delay, lambda number=number: fired.__setitem__(number, int(env.now)))
    t = 0
    plan: dict[int, int] = {}
    for gap, ppm, offset in changes:
        t += gap
        plan[t] = MILLION + ppm
        env.call_at(t, lambda ppm=ppm, offset=offset: clock.set(rate=MILLION + ppm, offset_us=offset), urgent=True)
    rate, since, base = MILLION, 0, 0
    readings = []
    for tick in range(4_000):
        if tick in plan and plan[tick] != rate:
            base, since = base + (tick - since) * rate // MILLION, tick
            rate = plan[tick]
        readings.append(base + (tick - since) * rate // MILLION)
    env.run(until=3_999)
    assert readings == sorted(readings), "a monotonic clock never goes back"
    for number, delay in enumerate(delays):
        due = next(tick for tick, shown in enumerate(readings) if shown >= delay)
        assert fired[number] == due


class Watch(Service):
    """Notes both clocks of its host, true time beside them, whenever a message comes."""

    def __init__(self, ctx: Context, made: World, log: list[tuple[int, int, int]]) -> None:
        super().__init__(ctx)
        self.made, self.log = made, log

    def start(self) -> None:
        for at in (1_000, 5_000, 9_000):
            self.ctx.set_timer(at, self._look)

    def _look(self) -> None:
        self.log.append((int(self.made.env.now), self.ctx.now_us(), self.ctx.mono_us()))

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> None:
        self._look()


class Patient(Service):
    """Calls three times for 900 us of its own clock, and notes the true time after each."""

    def __init__(self, ctx: Context, to: Location, made: World, log: list[int]) -> None:
        super().__init__(ctx)
        self.to, self.made, self.log = to, made, log

    def start(self) -> Any:
        for n in range(3):
            answer = yield self.ctx.call(self.to, Ping(n=n), 900)
            assert answer is None
            self.log.append(int(self.made.env.now))


def clock_fault(kind: str, at: int, for_us: int | None, **params: str | int) -> Fault:
    return Fault(id=f"{kind}{at}", kind=kind, targets=(B,), at=at, for_us=for_us, params=params)


def watched(*faults: Fault) -> list[tuple[int, int, int]]:
    made = world(faults=faults)
    log: list[tuple[int, int, int]] = []
    place(made, B, "watch", lambda ctx: Watch(ctx, made, log))
    made.run(100_000)
    return log


def test_the_context_of_a_host_shows_its_own_clocks() -> None:
    log = watched(
        clock_fault("clock-offset", 2_000, 4_000, offset="500us"), clock_fault("clock-jump", 8_000, None, by="-3ms")
    )
    assert log == [(1_000, 1_000, 1_000), (5_000, 5_500, 5_000), (9_000, 6_000, 9_000)]


def test_timers_run_on_the_monotonic_clock() -> None:
    assert watched(clock_fault("clock-drift", 0, None, ppm=-100_000)) == [
        (1_112, 1_000, 1_000),
        (5_556, 5_000, 5_000),
        (10_000, 9_000, 9_000),
    ]


def test_a_call_on_a_slow_clock_waits_longer() -> None:
    made = world(faults=(Fault(id="f", kind="clock-drift", targets=(A,), at=0, for_us=None, params={"ppm": -100_000}),))
    log: list[int] = []
    nobody = place(made, B, "watch", lambda ctx: Watch(ctx, made, []))
    place(made, A, "asker", lambda ctx: Patient(ctx, nobody, made, log))
    made.run(100_000)
    assert [int(t) for t in log] == [1_000, 2_000, 3_000]
    assert made.machines[0].clock is not None
    assert made.machines[1].clock is None, "a host that no fault touches pays for nothing"
