"""What effects and slow changes do to a link: loss, bursts, copies, disorder, delay, hold."""

from __future__ import annotations

from typing import Any

import pytest

from sim.effects import Burst
from sim.latency.courses import Step, Steps
from sim.latency.slow import SlowRule
from sim.network import CUT_AT_SEND, CUT_IN_FLIGHT, LOST
from sim.trace import TraceLevel
from tests.sim.small_worlds import Bytes, Cut, Letter, Pair, Ping, UrgentBytes, effect, flat, logged, one_way

BURST = Burst(mean_good_us=50_000, mean_bad_us=10_000)


def stream_of(world: Pair, count: int, every_us: int, src: int = 0, dst: int = 1) -> None:
    for n in range(count):
        world.env.call_at(int(world.env.now) + n * every_us, world.network.send, src, dst, Ping(n=n))


def lost_to(world: Pair, count: int) -> set[int]:
    return set(range(count)) - {n for *_, n in world.log}


def test_each_message_is_lost_with_the_chance_given_and_counted() -> None:
    world = logged()
    world.network.set_effects([], [effect(0, 1, loss=0.3)])
    stream_of(world, 2_000, 10)
    world.env.run()
    lost = world.dropped()[LOST]
    assert 2_000 * 0.3 - 5 * 20.5 < lost < 2_000 * 0.3 + 5 * 20.5  # five standard deviations
    assert len(world.log) == 2_000 - lost


def test_losses_of_two_effects_compose_and_the_end_of_one_keeps_the_other() -> None:
    world = logged()
    some, all_of_it = effect(0, 1, loss=0.2), effect(0, 1, loss=1.0)
    world.network.set_effects([], [some, all_of_it])
    stream_of(world, 50, 1)
    world.env.run()
    assert world.log == []
    world.network.set_effects([], [some])
    stream_of(world, 50, 1)
    world.env.run()
    assert 0 < world.dropped()[LOST] - 50 < 50


def test_an_effect_touches_its_own_direction_only_and_no_host_to_itself() -> None:
    world = logged()
    everyone = frozenset(range(3))
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(1, 0, Ping(n=1))
    world.network.send(0, 2, Ping(n=2))
    world.env.run()
    both = Cut(everyone, everyone)
    world.network.set_effects([], [effect(0, 1, loss=1.0).__class__(src=both.src, dst=both.dst, loss=1.0)])
    world.network.send(0, 0, Ping(n=3))
    world.env.run()
    assert [n for *_, n in world.log] == [1, 2, 3]


def test_bursts_are_a_function_of_seed_link_and_time_not_of_what_is_sent() -> None:
    def bad_instants(every_us: int, seed: int = 1, dst: int = 1) -> set[int]:
        world = logged(seed=seed)
        world.network.set_effects([], [effect(0, dst, burst=BURST)])
        count = 1_000_000 // every_us
        stream_of(world, count, every_us, dst=dst)
        world.env.run()
        return {n * every_us for n in lost_to(world, count)}

    coarse, fine = bad_instants(1_000), bad_instants(500)
    assert coarse
    assert coarse == {t_us for t_us in fine if t_us % 1_000 == 0}
    assert coarse != bad_instants(1_000, seed=2)
    assert coarse != bad_instants(1_000, dst=2)


def test_a_burst_that_begins_anew_goes_on_where_time_has_brought_it() -> None:
    def lost(again: bool) -> set[int]:
        world = logged()
        world.network.set_effects([], [effect(0, 1, burst=BURST)])
        stream_of(world, 500, 1_000)
        if again:
            world.env.call_at(200_000, world.network.set_effects, [], [])
            world.env.call_at(201_000, world.network.set_effects, [], [effect(0, 1, burst=BURST)], urgent=True)
        world.env.run()
        return lost_to(world, 500) - {200}

    assert lost(again=True) == lost(again=False)


def test_copies_have_delays_of_their_own_and_are_counted() -> None:
    world = logged(jitter=1.0)
    world.network.set_effects([], [effect(0, 1, duplicate=1.0)])
    world.network.send(0, 1, Ping(n=1))
    world.env.run()
    (first, *_), (second, *_) = world.log
    assert first != second
    totals = world.network.totals()
    assert (totals["sent"], totals["duplicated"], totals["delivered"]) == (1, 1, 2)


def test_a_connection_throws_copies_away() -> None:
    world = logged()
    world.network.set_effects([], [effect(0, 1, duplicate=1.0)])
    world.network.send(0, 1, Letter(n=1))
    world.env.run()
    assert [n for *_, n in world.log] == [1]
    assert world.network.totals()["duplicated"] == 0


def test_a_closed_link_makes_no_copies() -> None:
    world = logged()
    world.network.set_effects([one_way(0, 1)], [effect(0, 1, duplicate=1.0)])
    world.network.send(0, 1, Ping())
    assert world.dropped() == {CUT_AT_SEND: 1}
    assert world.network.totals()["duplicated"] == 0


def test_reordered_messages_are_overtaken() -> None:
    world = logged()
    world.network.set_effects([], [effect(0, 1, reorder=0.5, reorder_us=1_000)])
    stream_of(world, 100, 1)
    world.env.run()
    numbers = [n for *_, n in world.log]
    assert sorted(numbers) == list(range(100))
    assert numbers != sorted(numbers)
    assert all(100 + n <= t_us <= 1_100 + n for t_us, _, _, n in world.log)


@pytest.mark.parametrize(
    ("effects", "arrives_us"),
    [
        ([{"delay_factor": 3.0}], 300),
        ([{"delay_us": 7}], 107),
        ([{"delay_factor": 3.0}, {"delay_factor": 0.5}, {"delay_us": 7}, {"delay_us": 1}], 158),
    ],
)
def test_factors_multiply_and_additions_add(effects: list[dict[str, Any]], arrives_us: int) -> None:
    world = logged()
    world.network.set_effects([], [effect(0, 1, **what) for what in effects])
    world.network.send(0, 1, Ping())
    world.env.run()
    assert [t_us for t_us, *_ in world.log] == [arrives_us]


def test_an_effect_that_ends_leaves_nothing_behind() -> None:
    world = logged()
    world.network.send(0, 1, Ping(n=1))
    world.env.run()
    world.network.set_effects([], [effect(0, 1, delay_us=50)])
    world.network.send(0, 1, Ping(n=2))
    world.network.set_effects([], [])
    world.network.send(0, 1, Ping(n=3))
    world.env.run()
    assert [(t_us, n) for t_us, _, _, n in world.log] == [(100, 1), (200, 3), (250, 2)]
    assert all(lane.plain for lane in world.network.lanes())


# -- hold ----------------------------------------------------------------------------------


def test_what_is_held_waits_and_then_goes_on_in_order() -> None:
    world = logged(jitter=1.0)
    world.network.send(0, 1, Ping(n=0))  # under way already
    world.network.set_effects([], [effect(0, 1, hold=True)])
    for n in range(1, 20):
        world.network.send(0, 1, Ping(n=n))
    world.env.run(until=5_000)
    assert [n for *_, n in world.log] == [0]
    assert sum(world.network.in_flight().values()) == 19
    world.network.check_conservation()
    world.network.set_effects([], [])
    world.env.run()
    assert [n for *_, n in world.log] == list(range(20))
    assert all(t_us > 5_000 for t_us, _, _, n in world.log if n)


@pytest.mark.parametrize("bytes_per_s", [None, 100_000])
@pytest.mark.parametrize("cls", [Bytes, Letter])
def test_what_was_held_goes_on_in_its_order_however_delays_are_drawn(cls: type[Bytes], bytes_per_s: int | None) -> None:
    for seed in range(5):
        world = logged(seed=seed, latency=flat(rtt_us=100_000, jitter=0.5, bytes_per_s=bytes_per_s))
        world.network.set_effects([], [effect(0, 1, hold=True)])
        for n in range(10):
            world.network.send(0, 1, cls(n=n))
        world.env.run(until=50_000)
        world.network.set_effects([], [])
        world.env.run(until=50_100)
        for n in range(10, 20):
            world.network.send(0, 1, cls(n=n))
        world.network.check_conservation()
        world.env.run()
        assert [n for *_, n in world.log if n < 10] == list(range(10))
        assert len(world.log) == 20


def test_a_hold_keeps_what_waits_for_bandwidth_but_not_what_has_set_out() -> None:
    world = logged(latency=flat(bytes_per_s=1_000_000))
    for n in range(4):
        world.network.send(0, 1, Bytes(n=n, size=1_000))
    hold = effect(0, 1, hold=True)
    world.env.call_at(1_500, world.network.set_effects, [], [hold])
    world.env.call_at(1_600, world.network.send, 0, 1, Bytes(n=4, size=1_000))
    world.env.call_at(9_500, world.network.set_effects, [], [])
    world.env.call_at(10_600, world.network.set_effects, [], [hold])
    world.env.call_at(19_500, world.network.set_effects, [], [])
    world.env.run(until=15_000)
    world.network.check_conservation()
    assert sum(world.network.in_flight().values()) == 1
    world.env.run()
    assert [(t_us, n) for t_us, *_, n in world.log] == [
        (1_100, 0),
        (2_100, 1),
        (10_600, 2),
        (11_600, 3),
        (20_600, 4),
    ]


def test_a_link_is_held_while_any_effect_holds_it() -> None:
    world = logged()
    one, two = effect(0, 1, hold=True), effect(0, 1, hold=True, delay_us=1)
    world.network.set_effects([], [one, two])
    world.network.send(0, 1, Ping())
    world.network.set_effects([], [two])
    world.env.run()
    assert world.log == []
    world.network.set_effects([], [])
    world.env.run()
    assert len(world.log) == 1


def test_a_cut_takes_what_is_held() -> None:
    world = logged()
    hold = effect(0, 1, hold=True)
    world.network.set_effects([], [hold])
    world.network.send(0, 1, Ping())
    world.network.set_effects([one_way(0, 1)], [hold])
    world.network.set_effects([], [])
    world.env.run()
    assert (world.log, world.dropped()) == ([], {CUT_IN_FLIGHT: 1})
    world.network.check_conservation()


def test_held_messages_queue_by_layer_once_released() -> None:
    world = logged(latency=flat(bytes_per_s=1_000_000))
    world.network.set_effects([], [effect(0, 1, hold=True)])
    for message in (Bytes(n=1, size=10), Bytes(n=2, size=10), UrgentBytes(n=3, size=10)):
        world.network.send(0, 1, message)
    world.network.set_effects([], [])
    world.env.run()
    assert [n for *_, n in world.log] == [1, 3, 2]


# -- the slow component -----------------------------------------------------------------------


def test_slow_delay_and_loss_follow_time() -> None:
    steps = Steps((Step(at_us=1_000, delay_us=40), Step(at_us=2_000, loss=1.0), Step(at_us=3_000)))
    world = logged(latency=flat(slow_rules=(SlowRule(name="s", what=steps),)))
    for n, t_us in enumerate((500, 1_500, 2_500, 3_500)):
        world.env.call_at(t_us, world.network.send, 0, 1, Ping(n=n))
    world.env.run()
    assert [(t_us, n) for t_us, _, _, n in world.log] == [(600, 0), (1_640, 1), (3_600, 3)]
    assert world.dropped() == {LOST: 1}


def test_effects_multiply_what_the_slow_component_adds() -> None:
    rule = SlowRule(name="s", what=Steps((Step(at_us=0, delay_us=40),)))
    world = logged(latency=flat(slow_rules=(rule,)))
    world.network.set_effects([], [effect(0, 1, delay_factor=2.0, delay_us=5)])
    world.network.send(0, 1, Ping())
    world.env.run()
    assert [t_us for t_us, *_ in world.log] == [285]


# -- the trace ---------------------------------------------------------------------------------


def test_every_row_names_the_row_it_follows_from() -> None:
    world = logged(level=TraceLevel.FULL)
    world.network.set_effects([], [effect(0, 1, duplicate=1.0)])
    world.network.send(0, 1, Ping(n=1))
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Ping(n=2))
    world.network.set_effects([], [])
    world.env.run()
    trace = world.network.trace
    assert [(row.kind, row.cause) for row in trace.rows] == [
        ("send", -1),
        ("duplicate", 0),
        ("send", -1),
        ("drop", 2),
        ("deliver", 0),
        ("deliver", 1),
    ]
    assert trace.rows[3].message == (LOST, Ping(n=2))
