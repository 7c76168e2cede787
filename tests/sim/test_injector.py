"""Live faults become cuts, crashes and restarts; overlapping ones compose."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.chance import Chance
from sim.faults import CrashKind, Cut, Fault, Injector, ParamValue
from sim.kernel import Environment
from sim.topology import Topology, grid

# One region a letter, one server each, no clients: the index of a host is that of its letter.
ABC = grid(["a", "b", "c"], clusters=1, hosts=1, cores=1, clients=0)


class Clock:
    """A scheduler that runs what it was given in order of time."""

    def __init__(self) -> None:
        self.now_us = 0
        self._calls: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._made = 0

    def call_at(self, t_us: int, fn: Callable[..., object], *args: Any, urgent: bool = False) -> None:
        assert urgent, "faults precede everything else at their instant"
        self._made += 1
        heappush(self._calls, (t_us, self._made, fn, args))

    def run(self) -> None:
        while self._calls:
            self.now_us, _, fn, args = heappop(self._calls)
            fn(*args)


def run(faults: Iterable[Fault], topology: Topology = ABC) -> list[tuple[Any, ...]]:
    """Everything an injector does with `faults`, as (instant, what, ...)."""
    clock = Clock()
    log: list[tuple[Any, ...]] = []
    Injector(
        clock,
        topology,
        tuple(faults),
        chance=Chance(1),
        set_network=lambda cuts, effects: log.append((clock.now_us, "cuts", *(links(cuts)))),
        set_host=lambda host, effect: log.append((clock.now_us, "effect", host, effect)),
        crash=lambda host, kind, torn: log.append((clock.now_us, "crash", host, kind.value, torn)),
        restart=lambda host: log.append((clock.now_us, "restart", host)),
        log=lambda kind, fault: log.append((clock.now_us, kind, fault.id)),
    )
    clock.run()
    return log


def links(cuts: Iterable[Cut]) -> list[str]:
    """The closed links as texts such as `ab`: what a sends to b is lost."""
    return sorted({"abc"[src] + "abc"[dst] for cut in cuts for src in cut.src for dst in cut.dst})


names = count()


def fault(kind: str, at: int, for_us: int | None, *targets: str, name: str = "", **params: ParamValue) -> Fault:
    return Fault(id=name or f"f{next(names)}", kind=kind, targets=targets, at=at, for_us=for_us, params=params)


def effects(faults: Iterable[Fault]) -> list[tuple[Any, ...]]:
    return [entry for entry in run(faults) if entry[1] not in ("fault", "heal")]


def test_a_partition_begins_and_heals() -> None:
    assert run([fault("partition-full", 10, 5, "a", name="cut")]) == [
        (10, "fault", "cut"),
        (10, "cuts", "ab", "ac", "ba", "ca"),
        (15, "heal", "cut"),
        (15, "cuts"),
    ]


def test_healing_one_partition_keeps_the_other() -> None:
    first = fault("partition-partial", 0, 10, "a", against=("b",))
    second = fault("partition-full", 5, 10, "a")
    assert effects([first, second]) == [
        (0, "cuts", "ab", "ba"),
        (5, "cuts", "ab", "ac", "ba", "ca"),
        (10, "cuts", "ab", "ac", "ba", "ca"),
        (15, "cuts"),
    ]


def test_a_one_way_cut_leaves_the_way_back_open() -> None:
    assert effects([fault("partition-one-way", 1, 1, "a", to=("c",))]) == [(1, "cuts", "ac"), (2, "cuts")]


def test_a_partition_without_an_end_never_heals() -> None:
    assert effects([fault("partition-full", 1, None, "a")]) == [(1, "cuts", "ab", "ac", "ba", "ca")]


def test_a_crashed_host_restarts_when_its_crash_ends() -> None:
    assert effects([fault("process-crash", 10, 5, "b")]) == [
        (10, "crash", 1, "process-crash", False),
        (15, "restart", 1),
    ]


def test_a_host_under_two_crashes_restarts_after_the_last() -> None:
    faults = [fault("process-crash", 0, 10, "a"), fault("process-crash", 5, 10, "a", "b")]
    assert effects(faults) == [
        (0, "crash", 0, "process-crash", False),
        (5, "crash", 1, "process-crash", False),
        (15, "restart", 0),
        (15, "restart", 1),
    ]


def test_a_power_loss_on_a_crashed_host_still_takes_its_page_cache() -> None:
    faults = [fault("process-crash", 0, 10, "a"), fault("power-loss", 5, 2, "a", torn=True)]
    assert effects(faults) == [
        (0, "crash", 0, "process-crash", False),
        (5, "crash", 0, "power-loss", True),
        (10, "restart", 0),
    ]


def test_a_crash_of_a_powerless_host_changes_nothing_but_its_restart() -> None:
    faults = [fault("power-loss", 0, 10, "a"), fault("process-crash", 5, 10, "a"), fault("power-loss", 6, 1, "a")]
    assert effects(faults) == [(0, "crash", 0, "power-loss", False), (15, "restart", 0)]


def test_two_crashes_at_one_instant_are_the_worse_one() -> None:
    faults = [
        fault("process-crash", 0, 4, "a"),
        fault("power-loss", 0, 4, "a", torn=True),
        fault("power-loss", 0, 4, "a"),
    ]
    assert effects(faults) == [(0, "crash", 0, "power-loss", True), (4, "restart", 0)]


def test_a_crash_that_begins_as_another_ends_leaves_no_gap() -> None:
    faults = [fault("process-crash", 0, 5, "a"), fault("process-crash", 5, 5, "a")]
    assert effects(faults) == [(0, "crash", 0, "process-crash", False), (10, "restart", 0)]


def test_heals_are_told_before_faults_and_cuts_before_restarts() -> None:
    faults = [
        fault("partition-full", 5, 5, "c", name="later"),
        fault("process-crash", 0, 5, "a", name="crash"),
        fault("partition-full", 0, 5, "b", name="cut"),
    ]
    assert [entry[:3] for entry in run(faults) if entry[0] == 5] == [
        (5, "heal", "crash"),
        (5, "heal", "cut"),
        (5, "fault", "later"),
        (5, "cuts", "ac"),
        (5, "restart", 0),
    ]


def test_a_schedule_that_does_not_fit_is_refused_before_the_start() -> None:
    with pytest.raises(ValueError, match="did you mean"):
        run([fault("partition-full", 0, 1, "A")])


def test_on_the_kernel_faults_act_before_anything_else_at_their_instant() -> None:
    env = Environment()
    log: list[str] = []
    env.call_at(10, log.append, "message")
    Injector(
        env,
        ABC,
        [fault("partition-full", 10, 5, "a")],
        chance=Chance(1),
        set_network=lambda cuts, effects: log.append("cut" if cuts else "open"),
        set_host=lambda host, effect: None,
        crash=lambda host, kind, torn: None,
        restart=lambda host: None,
        log=lambda kind, fault: None,
    )
    env.call_at(15, log.append, "message")
    env.run(20)
    assert log == ["cut", "message", "open", "message"]


_times = st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(1, 8)))
_cuts = st.one_of(
    st.builds(lambda w: fault("partition-full", *w, "a"), _times),
    st.builds(lambda w: fault("partition-partial", *w, "a", against=("b",)), _times),
    st.builds(lambda w: fault("partition-partial", *w, "b", against=("a", "c")), _times),
    st.builds(lambda w: fault("partition-one-way", *w, "a", to=("b",)), _times),
    st.builds(lambda w: fault("partition-one-way", *w, "b", to=("a",)), _times),
    st.builds(lambda w: fault("partition-one-way", *w, "c"), _times),
)
# What each kind of cut above does to the two links between a and b.
_A_TO_B = {("partition-full", "a"), ("partition-partial", "a"), ("partition-partial", "b"), ("partition-one-way", "a")}
_B_TO_A = {("partition-full", "a"), ("partition-partial", "a"), ("partition-partial", "b"), ("partition-one-way", "b")}


@settings(max_examples=150, deadline=None)
@given(st.lists(_cuts, max_size=6))
def test_overlapping_cuts_agree_with_two_booleans(faults: list[Fault]) -> None:
    """The oracle knows nothing of sets: at each tick it asks each fault about each direction."""
    seen: dict[int, tuple[bool, bool]] = {}
    for entry in effects(faults):
        seen[entry[0]] = ("ab" in entry[2:], "ba" in entry[2:])
    closed = (False, False)
    for tick in range(24):
        closed = seen.get(tick, closed)
        live = [
            (f.kind, f.targets[0])
            for f in faults
            if isinstance(f.at, int) and f.at <= tick and (f.for_us is None or tick < f.at + f.for_us)
        ]
        assert closed == (any(f in _A_TO_B for f in live), any(f in _B_TO_A for f in live))


_crashes = st.builds(
    lambda kind, w, targets: fault(kind, *w, *targets),
    st.sampled_from([CrashKind.PROCESS_CRASH.value, CrashKind.POWER_LOSS.value]),
    _times,
    st.sampled_from([("a",), ("b",), ("a", "b"), ("*",)]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_crashes, max_size=6))
def test_a_host_is_down_exactly_while_a_crash_covers_it(faults: list[Fault]) -> None:
    log = effects(faults)
    down: set[int] = set()
    for tick in range(24):
        for _, what, host, *_ in (entry for entry in log if entry[0] == tick):
            assert what == "crash" or host in down, "restarted a host that was up"
            (down.add if what == "crash" else down.discard)(host)
        covered = {
            index
            for f in faults
            if isinstance(f.at, int) and f.at <= tick and (f.for_us is None or tick < f.at + f.for_us)
            for target in f.targets
            for index in ABC.select(target)
        }
        assert down == covered
