"""Faults that begin at a crash point or a note: in the middle of the code that reached it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import pytest

from sim.faults import Fault, ParamValue, Trigger, marks_of, schedule_from_json, schedule_to_json
from sim.host import Context, Placement, Service, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location, at_service
from sim.trace import TraceLevel
from sim.world import World
from tests.sim.small_worlds import Ping
from tests.sim.test_world import A, B, C, Sender, place, world


class Writer(Service):
    """Passes a point, appends, passes another, flushes, passes a third, answers with a ping."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"before", "appended", "flushed"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"done", "role=leader", "size"})

    def __init__(self, ctx: Context, log: list[Any]) -> None:
        super().__init__(ctx)
        self.log = log

    def start(self) -> None:
        self.log.append(("start", self.ctx.now_us(), self.ctx.disk.read("log")))

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> Any:
        self.ctx.point("before")
        self.ctx.disk.append("log", msg.n)
        self.ctx.point("appended")
        self.ctx.note("size", len(self.ctx.disk.read("log")))
        if msg.n == 2:
            self.ctx.note("role", "leader")
        yield self.ctx.disk.flush("log")
        self.ctx.point("flushed")
        self.ctx.note("done", msg.n)


def when(
    at: Trigger, kind: str, for_us: int | None = 1_000, *targets: str, name: str = "f", **params: ParamValue
) -> Fault:
    return Fault(id=name, kind=kind, targets=targets or ("@here",), at=at, for_us=for_us, params=params)


PINGS = ((B, 0, 1), (B, 1_000, 2), (B, 3_000, 3))


def run(*faults: Fault, pings: Sequence[tuple[str, int, int]] = PINGS, seed: int = 1) -> tuple[World, list[Any]]:
    """Writers at b and c; pings as (host, instant, n) from a, 100 us away."""
    made = world(faults=faults, seed=seed)
    log: list[Any] = []
    for host in (B, C):
        location = made.topology.host(host).location
        made.place(Placement(host=location, name="writer", make=lambda ctx: Writer(ctx, log), kind=Writer))
        plan: list[tuple[int, Message]] = [(at, Ping(n=n)) for where, at, n in pings if where == host]
        sender = partial(Sender, to=at_service(location, "writer"), plan=plan)
        place(made, A, f"sender-{host[0]}", sender)
    # By a note and not by the writer itself: code of a dead process runs on here, to no effect.
    made.on_note("done", lambda t_us, _, value: log.append(("done", t_us, value)))
    made.run(50_000)
    made.check_conservation()
    return made, [entry for entry in log if entry != ("start", 0, [])]


@pytest.mark.parametrize(
    ("point", "kind", "kept"),
    [
        ("before", "process-crash", [1]),
        ("appended", "process-crash", [1, 2]),
        ("appended", "power-loss", [1]),
        ("flushed", "power-loss", [1, 2]),
    ],
)
def test_a_crash_at_a_point_ends_the_process_right_there(point: str, kind: str, kept: list[int]) -> None:
    """The second time: what comes after the point in the code has not happened, what came before has."""
    made, log = run(when(Trigger(point=point, nth=2), kind))
    flush_us = 100 if point == "flushed" else 0
    assert log == [
        ("done", 200, 1),
        ("start", 2_100 + flush_us, kept),
        ("done", 3_200, 3),
    ]
    assert made.counters()[B]["restarts"] == 1


def test_a_tail_can_be_torn_at_a_point() -> None:
    _, log = run(when(Trigger(point="appended", nth=2), "power-loss", torn=True))
    assert log[1] == ("start", 2_100, [1, TORN])


def test_a_note_is_met_by_its_value() -> None:
    made, log = run(when(Trigger(note="role=leader"), "power-loss"))
    assert [entry[0] for entry in log] == ["done", "start", "done"]
    assert [fault.at for fault in made.injector.begun] == [1_100]


def test_a_note_is_met_by_its_name_alone_or_by_a_value_of_many() -> None:
    assert [f.at for f in run(when(Trigger(note="size", nth=2), "host-pause"))[0].injector.begun] == [1_100]
    assert [f.at for f in run(when(Trigger(note="size=3"), "host-pause"))[0].injector.begun] == [3_100]


def test_occurrences_are_counted_over_all_hosts_or_on_the_one_named() -> None:
    pings = ((B, 0, 1), (C, 500, 1), (B, 1_000, 2), (C, 1_500, 2))
    anywhere, _ = run(when(Trigger(point="before", nth=2), "process-crash"), pings=pings)
    assert [(f.at, f.targets) for f in anywhere.injector.begun] == [(600, (C,))]
    there, _ = run(when(Trigger(point="before", nth=2, host=B), "process-crash"), pings=pings)
    assert [(f.at, f.targets) for f in there.injector.begun] == [(1_100, (B,))]


def test_what_happens_before_a_trigger_counts_or_when_it_counts_no_longer_is_passed_over() -> None:
    """The point is passed at 100, 1,100 and 3,100."""

    def begun(**window: int) -> list[int | Trigger]:
        return [f.at for f in run(when(Trigger(point="before", **window), "host-pause", 10))[0].injector.begun]

    assert begun(since_us=101) == [1_100]
    assert begun(since_us=1_100) == [1_100]
    assert begun(since_us=101, nth=2) == [3_100]
    assert begun(since_us=1_101, until_us=3_101) == [3_100]
    assert begun(since_us=1_101, until_us=3_100) == []
    assert begun(until_us=3_100, nth=3) == []


def test_a_trigger_that_never_counts_is_refused() -> None:
    for window in ({"since_us": 5, "until_us": 5}, {"since_us": -1}):
        with pytest.raises(ValueError, match="since_us"):
            Trigger(point="before", **window)


def test_a_trigger_may_strike_elsewhere_and_a_cut_acts_on_what_is_sent_next() -> None:
    made, log = run(when(Trigger(point="flushed"), "partition-one-way", 2_000, A, to=(B,)))
    # From 200 to 2,200: the second ping is lost, the third is not.
    assert log == [("done", 200, 1), ("done", 3_200, 3)]
    assert made.network.totals()["dropped: cut at send"] == 1


def test_a_fault_begins_once_and_what_happened_can_be_replayed_by_time() -> None:
    faults = (
        when(Trigger(point="appended"), "process-crash", 300),
        when(Trigger(note="role=leader"), "disk-slow", None, name="g", factor=3),
    )
    made, _ = run(*faults)
    assert [fault.id for fault in made.injector.begun] == ["f", "g"]
    begun = schedule_from_json(schedule_to_json(made.injector.begun))
    assert [(f.at, f.targets) for f in begun] == [(100, (B,)), (1_100, (B,))]
    # By time a fault comes before all else at its instant, so what the point preceded is undone.
    replayed, _ = run(*begun)
    assert [f.at for f in replayed.injector.begun] == [100, 1_100]


def test_a_fault_can_begin_while_a_host_starts() -> None:
    """Two hosts restart at one instant; a point in the start of the first cuts the power of both."""

    class Early(Service):
        POINTS: ClassVar[frozenset[str]] = frozenset({"start"})

        def start(self) -> None:
            log.append((self.ctx.location, self.ctx.now_us()))
            self.ctx.point("start")
            self.ctx.send(self.ctx.location, Ping())

    crash = Fault(id="c", kind="process-crash", targets=(B, C), at=100, for_us=100)
    made = world(faults=(crash, when(Trigger(point="start", nth=3), "power-loss", 500, B, C)))
    log: list[Any] = []
    for host in (B, C):
        location = made.topology.host(host).location
        made.place(Placement(host=location, name="early", make=Early, kind=Early))
    made.run(10_000)
    made.check_conservation()
    b, c = (at_service(made.topology.host(host).location, "early") for host in (B, C))
    assert log == [(b, 0), (c, 0), (b, 200), (b, 700), (c, 700)]


def test_crash_points_show_in_a_full_trace_without_any_fault() -> None:
    made = world(trace=TraceLevel.FULL)
    location = made.topology.host(B).location
    made.place(Placement(host=location, name="writer", make=lambda ctx: Writer(ctx, []), kind=Writer))
    place(made, A, "sender", lambda ctx: Sender(ctx, at_service(location, "writer"), [(0, Ping(n=1))]))
    made.run(10_000)
    assert [row.message for row in made.trace.rows if row.kind == "point"] == ["before", "appended", "flushed"]


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        (Trigger(point="apended"), "at.point = \"apended\": nobody marks it; did you mean 'appended'?"),
        (Trigger(point="before", host=A), f'at.point = "before": nobody on {A} marks it; none is known here'),
        (Trigger(note="role=follower"), "at.note = \"role=follower\": nobody notes it; did you mean 'role=leader'?"),
        (Trigger(note="rank"), 'at.note = "rank": nobody notes it; '),
    ],
)
def test_a_trigger_that_nobody_pulls_is_refused_before_the_run(trigger: Trigger, line: str) -> None:
    with pytest.raises(ValueError, match="fault 'f': at") as refused:
        run(when(trigger, "process-crash"))
    assert line in str(refused.value)


def test_marks_of_base_classes_count() -> None:
    class Derived(Writer):
        POINTS: ClassVar[frozenset[str]] = frozenset({"own"})

    made = world()
    placement = Placement(host=made.topology.host(B).location, name="w", make=lambda ctx: None, kind=Derived)
    marks = marks_of([placement], made.topology)
    assert marks[B].points == {"before", "appended", "flushed", "own"}
    assert marks[A].points == frozenset()
    assert [marks[B].notes_like(note) for note in ("role", "role=leader", "role=x", "size", "size=7")] == [
        True,
        True,
        False,
        True,
        True,
    ]
