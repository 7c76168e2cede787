"""Whatever a program does with SimPy's surface, our environment does the same as SimPy's own, instant by instant."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import pytest
import simpy
import simpy.rt
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernel import Environment

# -- programs ----------------------------------------------------------------------------------------------------------
# A program is data: what each process does, one step after the other, and how the run is driven from outside.

DELAYS = st.sampled_from([0, 0, 1, 1, 2, 3, 0.1, 0.5, 2.5])
SMALL = st.integers(0, 3)
LEAF = st.one_of(
    st.tuples(st.just("timeout"), DELAYS),
    st.tuples(st.just("event"), SMALL),
    st.tuples(st.just("process"), SMALL),
    st.tuples(st.just("store get"), SMALL),
    st.tuples(st.just("filter get"), SMALL),
    st.tuples(st.just("priority get"), SMALL),
    st.tuples(st.just("container get"), st.integers(1, 3)),
    st.tuples(st.just("store put"), SMALL),
    st.tuples(st.just("filter put"), SMALL),
    st.tuples(st.just("priority put"), SMALL),
    st.tuples(st.just("container put"), st.integers(1, 3)),
    st.tuples(st.just("spawn"), DELAYS),
)
WAIT = st.recursive(
    LEAF, lambda inner: st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, max_size=3)), max_leaves=4
)
ACT = st.one_of(
    st.tuples(st.just("succeed"), SMALL),
    st.tuples(st.just("fail"), SMALL),
    st.tuples(st.just("defuse"), SMALL),
    st.tuples(st.just("interrupt"), SMALL),
    st.tuples(st.just("raise"), SMALL),
)
USE = st.tuples(
    st.just("use"), st.sampled_from(["plain", "priority", "preemptive"]), SMALL, DELAYS, DELAYS, st.booleans()
)
STEP = st.one_of(WAIT, WAIT, USE, ACT)
PROCESS = st.tuples(st.booleans(), st.lists(STEP, max_size=6))
CONTROL = st.one_of(
    st.tuples(st.just("until"), st.sampled_from([1, 2, 0.1, 3.5, 10])),
    st.tuples(st.just("until event"), SMALL),
    st.tuples(st.just("until process"), SMALL),
    st.tuples(st.just("step"), st.integers(1, 4)),
    st.tuples(st.just("run"), st.just(0)),
)
Log = list[tuple[Any, ...]]


class Program:
    """Carries a program out in one environment and writes down everything that can be seen."""

    def __init__(self, env: Any, processes: Sequence[tuple[bool, Sequence[Any]]]) -> None:
        self.env, self.log = env, Log()
        self.events = [env.event() for _ in range(4)]
        self.stores = {"store": simpy.Store(env, 2), "filter": simpy.FilterStore(env, 2)}
        self.stores["priority"] = simpy.PriorityStore(env, 2)
        self.container = simpy.Container(env, capacity=4, init=1)
        self.resources: dict[str, Any] = {
            "plain": simpy.Resource(env),
            "priority": simpy.PriorityResource(env),
            "preemptive": simpy.PreemptiveResource(env),
        }
        self.processes: list[Any] = []
        for number, (careful, steps) in enumerate(processes):
            self.processes.append(env.process(self.carry_out(number, careful, steps)))

    def note(self, *what: object) -> None:
        shown = tuple(re.sub(r" at 0x[0-9a-f]+", "", repr(one)) for one in what)
        self.log.append((repr(self.env.now), *shown))

    def carry_out(self, number: int, careful: bool, steps: Sequence[Any]) -> Any:
        for step in steps:
            try:
                yield from self.one(number, step)
            except simpy.Interrupt as interrupt:
                self.note(number, step, "interrupted", cause_of(interrupt))
            except Exception as error:
                self.note(number, step, type(error), error.args)
                if not careful:
                    raise
        return number

    def one(self, number: int, step: Any) -> Any:
        kind, *rest = step
        if kind == "use":
            yield from self.use(number, *rest)
        elif kind == "succeed":
            self.events[rest[0]].succeed(number)
        elif kind == "fail":
            self.events[rest[0]].fail(KeyError(number, "failed"))
        elif kind == "defuse":
            self.events[rest[0]].defused = True
        elif kind == "interrupt":
            self.processes[rest[0] % len(self.processes)].interrupt(number)
        elif kind == "raise":
            raise ValueError(number, "raised")
        else:
            value = yield self.wait(number, step)
            seen = list(value.todict().values()) if hasattr(value, "todict") else value
            self.note(number, step, seen, self.env.active_process is self.processes[number])

    def use(self, number: int, which: str, priority: int, patience: float, hold: float, preempt: bool) -> Any:
        resource = self.resources[which]
        options: dict[str, Any] = {} if which == "plain" else {"priority": priority}
        if which == "preemptive":
            options["preempt"] = preempt
        with resource.request(**options) as request:
            outcome = yield request | self.env.timeout(patience)
            self.note(number, which, request in outcome, resource.count, len(resource.queue))
            if request in outcome:
                yield self.env.timeout(hold)

    def wait(self, number: int, step: Any) -> Any:
        kind, what = step
        env = self.env
        make: dict[str, Callable[[], Any]] = {
            "timeout": lambda: env.timeout(what, f"after {what}"),
            "event": lambda: self.events[what],
            "process": lambda: self.processes[what % len(self.processes)],
            "store put": lambda: self.stores["store"].put(what),
            "filter put": lambda: self.stores["filter"].put(what),
            "priority put": lambda: self.stores["priority"].put(simpy.PriorityItem(what, number)),
            "store get": self.stores["store"].get,
            "filter get": lambda: self.stores["filter"].get(lambda item: item == what),
            "priority get": self.stores["priority"].get,
            "container put": lambda: self.container.put(what),
            "container get": lambda: self.container.get(what),
            "spawn": lambda: env.process(self.child(what)),
            "all": lambda: env.all_of([self.wait(number, one) for one in what]),
            "any": lambda: env.any_of([self.wait(number, one) for one in what]),
        }
        return make[kind]()

    def child(self, delay: float) -> Any:
        yield self.env.timeout(delay)
        return f"child of {delay}"

    def drive(self, controls: Sequence[tuple[str, Any]]) -> Log:
        for kind, what in controls:
            try:
                self.note(kind, what, self.control(kind, what), self.env.peek())
            except BaseException as error:  # noqa: BLE001 - EmptySchedule and whatever a process raised
                self.note(kind, what, type(error), error.args, type(error.__cause__), self.env.peek())
        self.note("container", self.container.level, [store.items for store in self.stores.values()])
        self.note("alive", [process.is_alive for process in self.processes])
        return self.log

    def control(self, kind: str, what: Any) -> Any:
        env = self.env
        if kind == "step":
            for _ in range(what):
                env.step()
            return None
        if kind == "until":
            return env.run(until=env.now + what)
        if kind == "until event":
            return env.run(until=self.events[what])
        if kind == "until process":
            return env.run(until=self.processes[what % len(self.processes)])
        return env.run()


def cause_of(interrupt: simpy.Interrupt) -> object:
    cause = interrupt.cause
    return ("preempted", cause.usage_since) if hasattr(cause, "usage_since") else cause


@settings(max_examples=300, deadline=None)
@given(st.lists(PROCESS, min_size=1, max_size=4), st.lists(CONTROL, max_size=5))
def test_every_program_runs_as_under_simpy(processes: Any, controls: Any) -> None:
    controls = [*controls, ("run", 0), ("run", 0)]  # a crash ends a run; the next goes on
    ours = Program(Environment(), processes).drive(controls)
    assert ours == Program(simpy.Environment(), processes).drive(controls)


@settings(max_examples=60, deadline=None)
@given(st.lists(PROCESS, min_size=1, max_size=3), st.sampled_from([7, -3, 0.5, 1e9]))
def test_every_program_steps_as_it_runs(processes: Any, initial_time: float) -> None:
    """A subclass with a `step` of its own is stepped; the log is the same as that of the inlined loop."""

    class Stepping(Environment):
        steps = 0

        def step(self) -> None:
            self.steps += 1
            super().step()

    stepping = Stepping(initial_time)
    controls = [("until", 2), ("run", 0), ("run", 0)]
    assert Program(stepping, processes).drive(controls) == Program(Environment(initial_time), processes).drive(controls)
    assert stepping.steps > len(processes)


# -- what a program cannot show ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [None, 9])
def test_a_crash_is_told_by_simpys_own_frames(until: int | None) -> None:
    def tell(env: Any) -> list[str]:
        def breaks() -> Any:
            yield env.timeout(1)
            raise KeyError("lost")

        env.process(breaks())
        try:
            env.run(until)
        except KeyError as error:
            return [f"{frame.name} {frame.line}" for frame in traceback.extract_tb(error.__traceback__)]
        pytest.fail("nothing was raised")

    assert tell(Environment()) == tell(simpy.Environment())


def test_a_replaced_step_sees_every_event_of_a_run() -> None:
    """SimPy's documentation traces an environment by replacing `step` on it."""

    def traced(env: Any) -> list[tuple[Any, ...]]:
        seen: list[tuple[Any, ...]] = []

        def tracing(step: Callable[[], None]) -> Callable[[], None]:
            @wraps(step)
            def traced_step() -> None:
                if env._queue:
                    t, priority, _, event = env._queue[0]
                    seen.append((t, priority, type(event)))
                step()

            return traced_step

        env.step = tracing(env.step)
        Program(env, [(True, [("timeout", 1), ("all", [("timeout", 2), ("spawn", 1)])])]).drive([("run", 0)])
        return seen

    assert traced(Environment()) == traced(simpy.Environment())


def test_a_replaced_schedule_sees_every_event_made() -> None:
    def traced(env: Any) -> list[tuple[Any, ...]]:
        seen: list[tuple[Any, ...]] = []
        schedule = env.schedule

        def tracing(event: Any, priority: Any = 1, delay: Any = 0) -> None:
            seen.append((type(event), priority, delay))
            schedule(event, priority, delay)

        env.schedule = tracing
        Program(env, [(True, [("timeout", 1), ("store put", 2), ("succeed", 0)])]).drive([("until", 3)])
        return seen

    assert traced(Environment()) == traced(simpy.Environment())


def test_a_subclass_may_override_what_it_likes() -> None:
    class Doubling(Environment):
        def timeout(self, delay: float = 0, value: Any = None) -> Any:
            return super().timeout(2 * delay, value)

        def run(self, until: Any = None) -> Any:
            return ("ran", super().run(until))

    env = Doubling()
    assert env.run(until=env.timeout(3, "value")) == ("ran", "value")
    assert env.now == 6


def test_the_real_time_environment_is_left_alone_and_mixes_in() -> None:
    class Both(simpy.rt.RealtimeEnvironment, Environment):
        pass

    for kind in (simpy.rt.RealtimeEnvironment, Both):
        env = kind(factor=0.0001, strict=False)
        assert Program(env, [(True, [("timeout", 2), ("spawn", 3)])]).drive([("run", 0)])[-2:][0][0] == "5"


def test_direct_calls_are_made_by_a_stepping_environment_as_well() -> None:
    class Stepping(Environment):
        def step(self) -> None:
            super().step()

    env, log = Stepping(), list[str]()
    env.call_later(2, log.append, "call")
    env.call_at(2, log.append, "urgent", urgent=True)
    env.call_later(1, log.append, "withdrawn").cancel()
    env.process(Program(env, []).child(2)).callbacks.append(lambda event: log.append("process"))
    env.run()
    assert log == ["urgent", "call", "process"]


def test_a_run_goes_on_after_a_crash_beside_direct_calls() -> None:
    env, log = Environment(), list[str]()
    failing = env.event()
    failing.callbacks.append(lambda event: log.append("callback"))
    failing.fail(KeyError("lost"))
    env.call_later(0, log.append, "same instant")
    env.call_later(1, log.append, "later")
    with pytest.raises(KeyError, match="lost"):
        env.run()
    assert log == ["callback"]
    env.run()
    assert log == ["callback", "same instant", "later"]


def test_nothing_starts_at_no_instant() -> None:
    with pytest.raises(ValueError, match="no instant"):
        Environment(float("nan"))


def test_a_run_may_contain_a_run() -> None:
    def nested(env: Any) -> list[tuple[float, Any]]:
        log: list[tuple[float, Any]] = []

        def outer() -> Any:
            yield env.timeout(1)
            env.run(until=5)
            log.append((env.now, "inner done"))

        env.process(outer())
        env.process(Program(env, []).child(7)).callbacks.append(lambda event: log.append((env.now, event.value)))
        env.run()
        return log

    assert nested(Environment()) == nested(simpy.Environment())
