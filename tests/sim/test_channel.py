"""A channel keeps its accounts, tells everybody who waits, and carries the reason to the far end of a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.channel import END, Cause, Channel, Flow, Pipe, StageFailed, join
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement, Service, Wait
from sim.kernel import Environment
from sim.testing import FakeContext
from sim.world import World
from tests.sim.small_worlds import flat, three


def channel(capacity: int) -> tuple[Channel, Callable[[], None]]:
    """A channel, and what lets those who wait on it be told."""
    env = Environment()
    return Channel(capacity, lambda fn, *args: env.call_later(0, fn, *args)), env.run


def accounts(ch: Channel) -> dict[str, int]:
    ch.check_conservation()
    names = ("attempts", "accepted", "refused", "received", "discarded", "buffered", "blocked")
    return {name: count for name in names if (count := getattr(ch, name))}


# -- one channel -----------------------------------------------------------------------------------


def test_a_send_waits_for_room_and_a_receive_for_a_value() -> None:
    ch, tell = channel(1)
    first, second = ch.send("a"), ch.send("b")
    assert (first.value, second.done) == (True, False)
    assert ch.receive().value == "a"
    assert not second.done, "a send is answered by a call of its own, not inside the receive"
    tell()
    assert second.value is True
    assert ch.receive().value == "b"
    third = ch.receive()
    assert ch.send("c").value is True
    assert not third.done
    tell()
    assert third.value == "c"
    assert accounts(ch) == {"attempts": 3, "accepted": 3, "received": 3}


def test_the_writers_close_drains() -> None:
    ch, tell = channel(1)
    ch.send("a")
    blocked = ch.send("b")
    ch.close_write()
    assert ch.send("late").value is False
    assert not ch.over
    assert [ch.receive().value, ch.receive().value, ch.receive().value] == ["a", "b", END]
    tell()
    assert blocked.value is True, "it came before the close"
    assert ch.over
    assert accounts(ch) == {"attempts": 3, "accepted": 2, "refused": 1, "received": 2}


def test_the_readers_close_discards_and_answers_false_also_to_who_waits() -> None:
    ch, tell = channel(1)
    ch.send("a")
    blocked = ch.send("b")
    ch.close_read()
    tell()
    assert (blocked.value, ch.send("late").value, ch.receive().value) == (False, False, END)
    assert accounts(ch) == {"attempts": 3, "accepted": 1, "refused": 2, "discarded": 1}


@pytest.mark.parametrize("side", ["close_write", "close_read"])
def test_a_close_ends_every_receive_that_waits(side: str) -> None:
    ch, tell = channel(0)
    waiting = [ch.receive(), ch.receive()]
    getattr(ch, side)()
    tell()
    assert [wait.value for wait in waiting] == [END, END]


def test_the_first_failure_wins_else_the_first_close() -> None:
    ch, _ = channel(1)
    ch.close_write()
    ch.close_read()
    assert ch.cause == Cause("writer", None, 1)
    ch.close_read(Cause("disk", "full"))
    ch.close_write(Cause("network", "cut"))
    ch.close_write()
    assert ch.cause == Cause("disk", "full", 1)


def test_without_room_a_value_goes_from_hand_to_hand() -> None:
    ch, tell = channel(0)
    sent = [ch.send("a"), ch.send("b")]
    assert not any(wait.done for wait in sent)
    assert ch.receive().value == "a"
    assert (ch.buffered, ch.blocked) == (0, 1)
    tell()
    assert [wait.done for wait in sent] == [True, False]


def test_a_receive_taken_back_eats_nothing() -> None:
    ch, tell = channel(1)
    given_up, patient = ch.receive(), ch.receive()
    assert ch.withdraw(given_up)
    assert not ch.withdraw(given_up)
    ch.send("a")
    tell()
    assert (given_up.value, patient.value) == (END, "a")


def test_a_send_taken_back_is_refused() -> None:
    ch, tell = channel(1)
    ch.send("a")
    given_up = ch.send("b")
    ch.close_write()
    assert ch.withdraw(given_up)
    tell()
    assert given_up.value is False
    assert (ch.receive().value, ch.receive().value) == ("a", END)
    assert accounts(ch) == {"attempts": 2, "accepted": 1, "refused": 1, "received": 1}


@pytest.mark.parametrize("capacity", [-1, 1.5, True])
def test_a_capacity_is_a_number_of_values(capacity: Any) -> None:
    with pytest.raises(ValueError, match="capacity"):
        channel(capacity)


ACTS = st.lists(st.sampled_from(["send"] * 6 + ["receive"] * 6 + ["close_write", "close_read"]), max_size=30)
NEVER = 1_000


def oracle(capacity: int, acts: list[str]) -> dict[int, Any]:
    """What each send and receive answers, by its place among the acts; nothing if it still waits.

    A send counts if it comes before both closes. The k-th such gets through once k is below the
    capacity plus the receives so far; the j-th receive gets the j-th of them, if there is one.
    """
    read_end = acts.index("close_read") if "close_read" in acts else NEVER
    write_end = acts.index("close_write") if "close_write" in acts else NEVER
    sends = [i for i, act in enumerate(acts) if act == "send" and i < min(read_end, write_end)]
    receives = [i for i, act in enumerate(acts) if act == "receive" and i < read_end]
    answers: dict[int, Any] = {}
    for i, act in enumerate(acts):
        if act == "send" and i not in sends:
            answers[i] = False
        elif act == "send":
            k = sends.index(i)
            if k < capacity or len(receives) > k - capacity:
                answers[i] = True
            elif read_end < NEVER:
                answers[i] = False
        elif act == "receive":
            j = receives.index(i) if i in receives else NEVER
            if j < len(sends):
                answers[i] = sends[j]
            elif min(read_end, write_end) < NEVER:
                answers[i] = END
    return answers


@given(st.integers(0, 3), ACTS)
def test_any_order_of_acts_is_answered_as_the_oracle_says(capacity: int, acts: list[str]) -> None:
    ch, tell = channel(capacity)
    waits: dict[int, Wait] = {}
    for i, act in enumerate(acts):
        if act == "send":
            waits[i] = ch.send(i)
        elif act == "receive":
            waits[i] = ch.receive()
        else:
            getattr(ch, act)()
        ch.check_conservation()
    tell()
    assert {i: wait.value for i, wait in waits.items() if wait.done} == oracle(capacity, acts)
    sent = sum(acts[i] == "send" and wait.value is True for i, wait in waits.items() if wait.done)
    assert ch.accepted == sent
    if "close_read" in acts:
        assert all(wait.done for wait in waits.values())


@given(st.lists(st.tuples(st.booleans(), st.none() | st.text(max_size=1)), min_size=1))
def test_causes_are_ordered_by_failure_then_by_time(closes: list[tuple[bool, str | None]]) -> None:
    ch, _ = channel(1)
    for number, (by_writer, failure) in enumerate(closes):
        (ch.close_write if by_writer else ch.close_read)(Cause(str(number), failure))
    failures = [number for number, (_, failure) in enumerate(closes) if failure is not None]
    first = failures[0] if failures else 0
    assert ch.cause == Cause(str(first), closes[first][1], 1)


def test_the_readers_close_hands_back_what_nobody_will_read() -> None:
    ch, tell = channel(2)
    ch.send("a")
    ch.send("b")
    blocked = ch.send("c")
    assert ch.close_read() == ("a", "b")
    tell()
    assert blocked.value is False, "its sender knows, so it is not handed back"
    assert ch.close_read() == ()
    assert accounts(ch) == {"attempts": 3, "accepted": 2, "refused": 1, "discarded": 2}


def test_a_writer_with_nothing_to_send_hears_that_the_reader_closed() -> None:
    ch, tell = channel(1)
    unread = ch.unread()
    ch.close_write()
    tell()
    assert not unread.done, "the writer's own close is no news to it"
    ch.close_read(Cause("store", "full"))
    tell()
    assert unread.value == Cause("store", "full", hops=1)
    assert ch.unread().value == unread.value


# -- pipes ---------------------------------------------------------------------------------------------


def relay(source: Channel, sink: Channel) -> Flow:
    while (item := (yield source.receive())) is not END:
        if not (yield sink.send(item)):
            return


def failing_at(number: int) -> Callable[[Channel, Channel], Flow]:
    def stage(source: Channel, sink: Channel) -> Flow:
        for _ in range(number):
            item = yield source.receive()
            if item is END or not (yield sink.send(item)):
                return
        raise StageFailed("broke")

    return stage


def test_a_stage_that_waits_for_something_to_read_ends_with_the_one_that_reads_it() -> None:
    ctx = FakeContext()
    pipe = join(ctx, {"a": relay, "b": relay, "c": failing_at(0)}, capacity=1)
    ctx.advance(1)
    assert pipe.done.value == Cause("c", "broke")
    assert ctx.channels == [], "nobody had sent anything, and all have ended"


def feed(ctx: FakeContext, pipe: Pipe, items: int) -> list[Any]:
    """Write items and read what comes out, both to the end."""
    out: list[Any] = []

    def write() -> Flow:
        for item in range(items):
            if not (yield pipe.inlet.send(item)):
                return
        pipe.inlet.close_write()

    def read() -> Flow:
        while (item := (yield pipe.outlet.receive())) is not END:
            out.append(item)

    ctx.run(write)
    ctx.run(read)
    ctx.advance(1)
    return out


def no_stage_is_left_blocked(pipe: Pipe) -> bool:
    for ch in pipe.channels:
        ch.check_conservation()
    return pipe.done.done and not any(ch.blocked or ch.starved for ch in pipe.channels)


def test_what_goes_in_comes_out_in_order() -> None:
    ctx = FakeContext()
    pipe = join(ctx, {"a": relay, "b": relay, "c": relay}, capacity=2)
    assert feed(ctx, pipe, 20) == list(range(20))
    assert pipe.done.value == Cause("writer", None, 1)
    assert [ch.cause.hops for ch in pipe.channels if ch.cause] == [1, 2, 3, 4]
    assert no_stage_is_left_blocked(pipe)
    assert ctx.channels == []


@pytest.mark.parametrize("broken", range(6))
def test_a_failure_reaches_a_stage_n_away_in_n_hops(broken: int) -> None:
    ctx = FakeContext()
    stages = {f"s{number}": failing_at(1) if number == broken else relay for number in range(6)}
    pipe = join(ctx, stages, capacity=1)
    out = feed(ctx, pipe, 50)
    assert out == [0]
    assert pipe.done.value == Cause(f"s{broken}", "broke")
    # Channel i is read by stage i and written by stage i - 1: it lies that many hops from the broken one.
    hops = [broken - i + 1 if i <= broken else i - broken for i in range(7)]
    assert [ch.cause for ch in pipe.channels] == [Cause(f"s{broken}", "broke", n) for n in hops]
    assert no_stage_is_left_blocked(pipe)


def test_who_stops_reading_stops_the_whole_pipe() -> None:
    ctx = FakeContext()
    pipe = join(ctx, {"a": relay, "b": relay}, capacity=1)
    ctx.run(lambda: (yield pipe.inlet.send(0)))
    pipe.outlet.close_read(Cause("client", "gone"))
    assert feed(ctx, pipe, 5) == []
    assert pipe.inlet.send("late").value is False
    assert pipe.inlet.cause == Cause("client", "gone", 3)
    assert no_stage_is_left_blocked(pipe)


def test_a_very_long_pipe_needs_no_deep_stack() -> None:
    ctx = FakeContext()
    pipe = join(ctx, {str(number): relay for number in range(2_000)}, capacity=0)
    pipe.inlet.close_write()
    ctx.advance(1)
    assert pipe.outlet.cause == Cause("writer", None, 2_001)
    assert no_stage_is_left_blocked(pipe)


def test_a_pipe_has_a_stage() -> None:
    with pytest.raises(ValueError, match="at least one"):
        join(FakeContext(), {}, capacity=1)


@given(
    st.integers(0, 2),
    st.lists(st.none() | st.integers(0, 4), min_size=1, max_size=5),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_no_stage_is_ever_left_blocked(capacity: int, breaks: list[int | None], items: int, reads: int) -> None:
    ctx = FakeContext()
    stages = {str(i): relay if at is None else failing_at(at) for i, at in enumerate(breaks)}
    pipe = join(ctx, stages, capacity=capacity)

    def read() -> Flow:
        for _ in range(reads):
            if (yield pipe.outlet.receive()) is END:
                break
        pipe.outlet.close_read()

    ctx.run(read)
    feed_writer = feed(ctx, pipe, items)
    assert len(feed_writer) <= items
    assert no_stage_is_left_blocked(pipe)


# -- in a world ------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What the lives of one service leave behind for the test."""

    pipes: list[Pipe]
    channels: list[Channel]
    out: list[tuple[int, int]]


def pipeline(seen: Seen) -> Callable[[Context], Service]:
    class Pipeline(Service):
        """Three stages; the middle one sleeps, so that the first soon waits for it."""

        def start(self) -> Any:
            pipe = join(self.ctx, {"in": relay, "slow": self.slow, "out": relay}, capacity=1)
            seen.pipes.append(pipe)
            seen.channels.extend(pipe.channels)
            self.ctx.set_timer(0, self.read, pipe.outlet)
            for item in range(100):
                if not (yield pipe.inlet.send(item)):
                    return
            pipe.inlet.close_write()

        def slow(self, source: Channel, sink: Channel) -> Flow:
            while (item := (yield source.receive())) is not END:
                yield self.ctx.sleep(10)
                yield self.ctx.disk.flush("log")
                if not (yield sink.send(item)):
                    return

        def read(self, outlet: Channel) -> Flow:
            while (item := (yield outlet.receive())) is not END:
                seen.out.append((self.ctx.now_us(), item))

    return Pipeline


def run(crash_at_us: int | None, until_us: int) -> Seen:
    seen = Seen([], [], [])
    topology = three()
    faults = [] if crash_at_us is None else [crash(crash_at_us)]
    world = World(topology=topology, latency=flat(), hosts=HostOptions(), seed=1, faults=faults)
    world.place(Placement(host=topology.hosts[0].location, name="pipe", make=pipeline(seen)))
    world.run(until_us)
    return seen


def crash(at_us: int) -> Fault:
    return Fault(id="down", kind="process-crash", targets=("a",), at=at_us, for_us=None, params={})


def test_a_pipe_in_a_world_ends_by_itself() -> None:
    seen = run(None, 1_000_000)
    assert [item for _, item in seen.out] == list(range(100))
    assert no_stage_is_left_blocked(seen.pipes[0])


@given(st.integers(1, 300_000))
def test_a_crash_ends_every_channel_of_its_host(crash_at_us: int) -> None:
    seen = run(crash_at_us, 300_001)
    for ch in seen.channels:
        ch.check_conservation()
        assert ch.over
        assert not ch.blocked
        assert not ch.starved
        assert ch.cause is not None
    assert all(t_us < crash_at_us for t_us, _ in seen.out)
    if len(seen.out) < 100:
        died, drained = Cause("host", "crash", 1), Cause("writer", None, 1)
        assert seen.channels[0].cause in (died, drained)
