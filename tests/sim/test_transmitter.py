"""Finite bandwidth: who goes next, when, and how fast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.bucket import Bucket
from sim.message import Layer
from sim.network import CUT_IN_FLIGHT, SENDER_DOWN
from tests.sim.small_worlds import Bytes, Letter, Pair, UrgentBytes, effect, flat, logged, one_way

# At 1 MB/s a byte takes a microsecond; propagation is 100 us.
MEGABYTE = 1_000_000


def slow_link(bytes_per_s: int = MEGABYTE, *, capped: int | None = None) -> Pair:
    caps = {} if capped is None else {Layer.REGION: capped}
    return logged(latency=flat(bytes_per_s=bytes_per_s, caps=caps))


def arrivals(world: Pair) -> list[tuple[int, int]]:
    return [(t_us, n) for t_us, _, _, n in world.log]


def test_a_message_takes_its_transmission_and_then_its_propagation() -> None:
    world = slow_link()
    world.network.send(0, 1, Bytes(size=40))
    assert len(world.env._queue) == 1  # an idle transmitter has no entry of its own
    world.env.run()
    assert arrivals(world) == [(140, 0)]


def test_messages_leave_one_after_another() -> None:
    world = slow_link()
    for n in range(3):
        world.network.send(0, 1, Bytes(n=n, size=50))
    assert sum(world.network.in_flight().values()) == 3
    world.env.run()
    assert arrivals(world) == [(150, 0), (200, 1), (250, 2)]


def test_a_link_slows_only_itself() -> None:
    world = slow_link()
    for dst in (1, 2):
        world.network.send(0, dst, Bytes(size=50))
    world.network.send(1, 0, Bytes(size=50))
    world.env.run()
    assert [t_us for t_us, *_ in world.log] == [150, 150, 150]


@pytest.mark.parametrize("cls", [Bytes, Letter])
def test_what_waits_for_bandwidth_is_lost_with_the_power_of_its_host(cls: type[Bytes]) -> None:
    world = slow_link()
    for n in range(5):
        world.network.send(0, 1, cls(n=n, size=1_000))
    world.env.call_at(1_500, world.network.attach, 0, None)
    world.env.run(until=1_600)
    world.network.check_conservation()
    world.env.run(until=100_000_000)
    assert arrivals(world) == [(1_100, 0), (2_100, 1)], "what is on the wire arrives"
    assert world.dropped() == {SENDER_DOWN: 3}


def test_what_a_dead_process_handed_to_its_system_is_sent() -> None:
    world = slow_link()
    for n in range(3):
        world.network.send(0, 1, Bytes(n=n, size=1_000))
    world.network.attach(0, None, refuses=True)
    world.env.run()
    assert len(world.log) == 3


def test_a_higher_layer_goes_first_but_interrupts_nothing() -> None:
    world = slow_link()
    for n in range(3):
        world.network.send(0, 1, Bytes(n=n, size=100))
    world.env.call_at(50, world.network.send, 0, 1, UrgentBytes(n=9, size=10))
    world.env.call_at(60, world.network.send, 0, 1, UrgentBytes(n=10, size=10))
    world.env.run()
    assert arrivals(world) == [(200, 0), (210, 9), (220, 10), (320, 1), (420, 2)]


def test_transmissions_shorter_than_a_microsecond_add_up_exactly() -> None:
    world = slow_link(3 * MEGABYTE)
    for n in range(30):
        world.network.send(0, 1, Bytes(n=n, size=1))
    world.env.run()
    # The k-th has left after k/3 us; arrivals round up, and no rounding is carried on.
    assert arrivals(world) == [(100 + -(-(n + 1) // 3), n) for n in range(30)]


def test_a_message_that_finds_the_link_idle_again_starts_afresh() -> None:
    world = slow_link()
    world.network.send(0, 1, Bytes(n=1, size=50))
    world.env.call_at(50, world.network.send, 0, 1, Bytes(n=2, size=50))
    world.env.call_at(500, world.network.send, 0, 1, Bytes(n=3, size=50))
    world.env.run()
    assert arrivals(world) == [(150, 1), (200, 2), (650, 3)]


def test_whoever_comes_just_as_the_link_becomes_free_overtakes_no_equal() -> None:
    world = slow_link()
    world.env.call_at(100, world.network.send, 0, 1, Bytes(n=3, size=10))
    for n in (1, 2):
        world.network.send(0, 1, Bytes(n=n, size=100))
    world.env.run()
    assert arrivals(world) == [(200, 1), (300, 2), (310, 3)]


def test_less_bandwidth_slows_what_has_not_begun() -> None:
    world = slow_link()
    for n in range(3):
        world.network.send(0, 1, Bytes(n=n, size=100))
    world.env.call_at(50, world.network.set_effects, [], [effect(0, 1, bandwidth_factor=0.5)])
    world.env.call_at(250, world.network.set_effects, [], [])
    world.env.run()
    assert arrivals(world) == [(200, 0), (400, 1), (500, 2)]


def test_two_narrowings_multiply_and_the_end_of_one_keeps_the_other() -> None:
    world = slow_link()
    half, fifth = effect(0, 1, bandwidth_factor=0.5), effect(0, 1, bandwidth_factor=0.2)
    world.network.set_effects([], [half, fifth])
    world.network.send(0, 1, Bytes(n=1, size=10))
    world.env.call_at(1_000, world.network.set_effects, [], [fifth])
    world.env.call_at(1_000, world.network.send, 0, 1, Bytes(n=2, size=10))
    world.env.run()
    assert arrivals(world) == [(200, 1), (1_150, 2)]


def test_a_cut_empties_the_queue() -> None:
    world = slow_link()
    for n in range(4):
        world.network.send(0, 1, Bytes(n=n, size=100))
    world.env.call_at(150, world.network.set_cuts, [one_way(0, 1)])
    world.env.call_at(151, world.network.set_cuts, [])
    world.env.call_at(300, world.network.send, 0, 1, Bytes(n=9, size=100))
    world.env.run()
    assert arrivals(world) == [(500, 9)]
    assert world.dropped() == {CUT_IN_FLIGHT: 4}
    world.network.check_conservation()


def test_segments_of_a_connection_queue_like_everything_else() -> None:
    world = slow_link()
    for n in range(2):
        world.network.send(0, 1, Letter(n=n, size=100))
    world.network.send(0, 1, UrgentBytes(n=9, size=100))
    world.env.run(until=1_000)
    assert arrivals(world) == [(200, 0), (300, 9), (400, 1)]


def test_a_capped_layer_leaves_the_rest_to_those_below() -> None:
    # The cap lets 2,000 bytes through at once (a hundredth of a second's) and then 0.2 bytes a microsecond.
    world = slow_link(capped=200_000)
    for n in range(100):
        world.network.send(0, 1, UrgentBytes(n=n, size=100))
        world.network.send(0, 1, Bytes(n=1_000 + n, size=100))
    world.env.run(until=10_101)
    urgent = [t_us for t_us, n in arrivals(world) if n < 1_000]
    assert len(world.log) == 100  # the link was never idle
    assert urgent[:20] == [200 + 100 * n for n in range(20)]  # the bucket goes first, then the cap decides:
    assert len(urgent) == (2_000 + 9_900 // 5) // 100  # the last of the hundred begins at 9,900 us


def test_without_the_cap_the_higher_layer_starves_the_lower() -> None:
    world = slow_link()
    world.network.send(0, 1, Bytes(n=1_000, size=100))
    for n in range(99):
        world.network.send(0, 1, UrgentBytes(n=n, size=100))
        world.network.send(0, 1, Bytes(n=1_001 + n, size=100))
    world.env.run(until=10_101)
    assert [n for _, n in arrivals(world)] == [1_000, *range(99)]


def test_a_cap_holds_on_an_idle_link_too() -> None:
    world = slow_link(capped=100_000)
    for n in range(30):
        world.network.send(0, 1, UrgentBytes(n=n, size=100))
    world.env.run()
    assert arrivals(world)[:10] == [(200 + 100 * n, n) for n in range(10)]  # the bucket holds 1,000 bytes
    assert arrivals(world)[-1] == (30_000 - 10_000 + 200, 29)  # and from then on the cap decides


def test_a_message_that_arrives_while_a_capped_one_waits_goes_at_once() -> None:
    world = slow_link(capped=100_000)
    for n in range(12):
        world.network.send(0, 1, UrgentBytes(n=n, size=100))
    world.env.call_at(1_500, world.network.send, 0, 1, Bytes(n=99, size=100))
    world.env.run()
    assert (1_700, 99) in arrivals(world)


def test_a_message_larger_than_the_bucket_waits_until_that_is_full_and_leaves_a_debt() -> None:
    bucket = Bucket(1_000)  # holds 10 bytes
    assert bucket.ready_us(50, 0) == 0
    bucket.take(50, 0)
    assert bucket.ready_us(1, 0) == 41_000
    assert bucket.ready_us(50, 0) == 50_000


@pytest.mark.parametrize("rate", [0, -1, 1.5])
def test_a_cap_that_makes_no_sense_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="no rate cap"):
        Bucket(rate)


def test_bytes_are_counted_where_they_matter() -> None:
    world = slow_link()
    world.network.send(0, 1, Bytes(size=70))
    world.network.send(0, 1, UrgentBytes(size=30))
    assert {layer: totals.bytes for layer, totals in world.network.by_layer().items()} == {
        Layer.SERVICE: 70,
        Layer.REGION: 30,
    }
    unlimited = logged()
    unlimited.network.send(0, 1, Bytes(size=70))
    assert "bytes" not in unlimited.network.totals()


def test_a_link_without_priority_has_one_queue_for_all() -> None:
    world = logged(latency=replace(flat(bytes_per_s=MEGABYTE), priority=False))
    for n in range(2):
        world.network.send(0, 1, Bytes(n=n, size=100))
    world.env.call_at(50, world.network.send, 0, 1, UrgentBytes(n=9, size=10))
    world.env.run()
    assert arrivals(world) == [(200, 0), (300, 1), (310, 9)]


def test_caps_without_priority_are_refused() -> None:
    with pytest.raises(ValueError, match="layer_caps need priority"):
        replace(flat(bytes_per_s=MEGABYTE, caps={Layer.REGION: 5}), priority=False)
