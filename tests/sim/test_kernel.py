"""Direct calls keep SimPy's order, and what is no number or no delay is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
import simpy

from sim.kernel import Environment


def test_calls_and_events_share_one_order() -> None:
    env, log = Environment(), list[tuple[int, str]]()

    def process() -> Any:
        yield env.timeout(5)
        log.append((int(env.now), "process"))

    env.call_later(5, lambda: log.append((int(env.now), "called first")))
    env.process(process())
    env.call_at(5, lambda: log.append((int(env.now), "urgent")), urgent=True)
    env.call_later(3, lambda: log.append((int(env.now), "earlier")))
    env.run()
    assert log == [(3, "earlier"), (5, "urgent"), (5, "called first"), (5, "process")]


def test_a_run_ends_before_its_horizon_even_for_urgent_calls() -> None:
    env, log = Environment(), list[int]()
    env.call_at(9, log.append, 9)
    env.call_at(10, log.append, 10, urgent=True)
    env.run(until=10)
    assert (log, env.now) == ([9], 10)
    env.run(until=11)
    assert log == [9, 10]


def test_a_withdrawn_timer_never_fires_and_peek_does_not_see_it() -> None:
    env, log = Environment(), list[int]()
    timer = env.call_later(1, log.append, 1)
    env.call_later(2, log.append, 2)
    timer.cancel()
    timer.cancel()
    assert not timer.active
    assert env.peek() == 2
    env.step()
    assert log == [2]
    assert env.peek() == math.inf
    with pytest.raises(simpy.core.EmptySchedule):
        env.step()


def test_a_timer_may_cancel_another_at_its_own_instant() -> None:
    env, log = Environment(), list[str]()
    second = env.call_later(1, log.append, "second")
    first = env.call_at(1, second.cancel, urgent=True)
    env.run()
    assert log == []
    assert not first.active


@pytest.mark.parametrize("delay", [-1, 1.0, True, math.nan])
def test_the_labs_calls_insist_on_whole_microseconds(delay: Any) -> None:
    with pytest.raises(ValueError, match="whole number of microseconds"):
        Environment().call_later(delay, print)


def test_the_past_is_refused() -> None:
    env = Environment()
    env.run(until=5)
    with pytest.raises(ValueError, match="from now"):
        env.call_at(4, print)


@pytest.mark.parametrize("delay", [-1, -0.5, math.nan])
def test_simpys_calls_refuse_nan_and_negative_delays(delay: float) -> None:
    env = Environment()
    with pytest.raises(ValueError, match="delay"):
        env.timeout(delay)
    with pytest.raises(ValueError, match="delay"):
        env.schedule(env.event(), delay=delay)


def test_nan_is_no_horizon() -> None:
    with pytest.raises(ValueError, match="until"):
        Environment().run(until=math.nan)


def test_an_unhandled_failure_ends_the_run_with_its_cause() -> None:
    env = Environment()

    def breaks() -> Any:
        yield env.timeout(1)
        raise KeyError("lost")

    env.process(breaks())
    with pytest.raises(KeyError, match="lost") as caught:
        env.run()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_call_that_raises_ends_the_run_where_it_stood() -> None:
    env = Environment()
    env.call_later(3, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        env.run()
    assert env.now == 3
