"""Datagrams, cuts and the law of conservation."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.network import CUT_AT_SEND, CUT_IN_FLIGHT, HOST_DOWN
from sim.trace import TraceLevel
from tests.sim.small_worlds import Cut, Ping, logged, one_way

LEVELS = pytest.mark.parametrize("level", [TraceLevel.OFF, TraceLevel.FULL])


@LEVELS
def test_a_datagram_arrives_after_the_one_way_delay(level: TraceLevel) -> None:
    world = logged(level=level)
    world.network.send(0, 1, Ping(n=7))
    world.env.run()
    assert world.log == [(100, 0, 1, 7)]
    world.network.check_conservation()


@LEVELS
def test_a_cut_takes_what_is_sent_and_what_is_under_way(level: TraceLevel) -> None:
    world = logged(level=level)
    world.network.send(0, 1, Ping(n=1))  # under way when the cut begins
    world.env.call_at(50, world.network.set_cuts, [one_way(0, 1)])
    world.env.call_at(60, world.network.send, 0, 1, Ping(n=2))  # sent into the cut
    world.env.call_at(60, world.network.send, 1, 0, Ping(n=3))  # the other way is open
    world.env.call_at(70, world.network.set_cuts, [])
    world.env.call_at(80, world.network.send, 0, 1, Ping(n=4))
    world.env.run()
    assert world.log == [(160, 1, 0, 3), (180, 0, 1, 4)]
    assert world.dropped() == {CUT_IN_FLIGHT: 1, CUT_AT_SEND: 1}
    world.network.check_conservation()


@LEVELS
def test_a_cut_that_begins_and_heals_within_one_flight_still_takes_it(level: TraceLevel) -> None:
    world = logged(level=level)
    world.network.send(0, 1, Ping())
    world.env.call_at(40, world.network.set_cuts, [one_way(0, 1)])
    world.env.call_at(41, world.network.set_cuts, [])
    world.env.run()
    assert world.log == []
    assert world.dropped() == {CUT_IN_FLIGHT: 1}


def test_a_cut_at_the_instant_of_landing_takes_the_message() -> None:
    world = logged()
    world.network.send(0, 1, Ping())
    world.env.call_at(100, world.network.set_cuts, [one_way(0, 1)], urgent=True)
    world.env.run()
    assert world.log == []


def test_adding_a_second_cut_does_not_take_a_message_twice_nor_reopen_the_first() -> None:
    world = logged()
    both = Cut(frozenset({0}), frozenset({1, 2}))
    world.network.set_cuts([one_way(0, 1)])
    world.network.set_cuts([one_way(0, 1), both])
    world.network.set_cuts([one_way(0, 1)])
    world.network.send(0, 1, Ping(n=1))
    world.network.send(0, 2, Ping(n=2))
    world.env.run()
    assert world.log == [(100, 0, 2, 2)]


ACTIONS = ("cut ab", "cut ba", "heal ab", "heal ba", "send ab", "send ba")


@pytest.mark.parametrize("first", ACTIONS)
def test_one_way_cuts_agree_with_two_booleans_over_every_order_of_six_actions(first: str) -> None:
    for order in permutations(ACTIONS):
        if order[0] != first:
            continue
        world, closed, expected = logged(), dict.fromkeys(("ab", "ba"), False), list[tuple[int, int]]()
        for action in order:
            verb, way = action.split()
            if verb == "send":
                world.network.send("ab".index(way[0]), "ab".index(way[1]), Ping())
                if not closed[way]:
                    expected.append(("ab".index(way[0]), "ab".index(way[1])))
                world.env.run()  # land before the next action: flights across cuts are tested above
            else:
                closed[way] = verb == "cut"
                world.network.set_cuts([one_way("ab".index(w[0]), "ab".index(w[1])) for w in ("ab", "ba") if closed[w]])
        assert [(src, dst) for _, src, dst, _ in world.log] == expected, order


def test_a_host_that_is_down_takes_nothing() -> None:
    world = logged()
    world.network.send(0, 1, Ping())
    world.network.attach(1, None)
    world.env.run()
    assert (world.log, world.dropped()) == ([], {HOST_DOWN: 1})


def test_a_host_reaches_itself_across_any_cut() -> None:
    world = logged()
    everyone = frozenset(range(3))
    world.network.set_cuts([Cut(everyone, everyone)])
    world.network.send(0, 0, Ping())
    world.env.run()
    assert len(world.log) == 1


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.one_of(
            st.tuples(st.just("send"), st.integers(0, 2), st.integers(0, 2)),
            st.tuples(st.just("cut"), st.integers(0, 2), st.integers(0, 2)),
            st.tuples(st.just("heal"), st.integers(0, 2), st.integers(0, 2)),
            st.tuples(st.just("down"), st.integers(0, 2), st.just(0)),
        ),
    ),
    max_size=40,
)


@given(STEPS, st.booleans())
def test_no_message_vanishes_uncounted_under_any_schedule(
    steps: list[tuple[int, tuple[str, int, int]]], full: bool
) -> None:
    world = logged(jitter=0.5, level=TraceLevel.FULL if full else TraceLevel.OFF)
    network, cuts, sends = world.network, dict[tuple[int, int], Cut](), 0
    for pause, (verb, a, b) in steps:
        if verb == "send":
            sends += 1
            network.send(a, b, Ping())
        elif verb == "down":
            network.attach(a, None)
        elif verb == "cut":
            cuts[a, b] = one_way(a, b)
        else:
            cuts.pop((a, b), None)
        network.set_cuts(list(cuts.values()))
        network.check_conservation()
        if pause:
            world.env.run(until=int(world.env.now) + pause)
    world.env.run()
    network.check_conservation()
    totals = network.totals()
    assert totals["in flight"] == 0
    assert sends == totals["sent"] == totals["delivered"] + sum(world.dropped().values())
    assert totals["delivered"] == len(world.log)


def test_the_trace_level_changes_no_delivery() -> None:
    logs = []
    for level in (TraceLevel.OFF, TraceLevel.FULL):
        world = logged(jitter=0.3, level=level)
        for n in range(50):
            world.env.call_at(7 * n, world.network.send, n % 3, (n + 1) % 3, Ping(n=n))
        world.env.call_at(111, world.network.set_cuts, [one_way(0, 1)])
        world.env.run()
        logs.append(world.log)
    assert logs[0] == logs[1]


def test_an_accounting_error_would_be_seen() -> None:
    world = logged()
    world.network.send(0, 1, Ping())
    next(world.network.lanes()).sent += 1
    with pytest.raises(AssertionError, match="in flight"):
        world.network.check_conservation()
