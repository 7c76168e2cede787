"""Connections: order, retransmission, resets, and ends that believe in what is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.message import Layer, Message
from sim.network import CONNECTION_RESET, ConnectionOptions, ConnectionView
from sim.trace import TraceLevel
from tests.sim.small_worlds import Letter, Pair, Ping, Urgent, UrgentLetter, effect, flat, logged, one_way

# The one-way delay is 100 us; a lost segment goes again after 1, 2, 4, 8, 8, ... ms.
PATIENT = ConnectionOptions(retransmit_us_min=1_000, retransmit_us_max=8_000, timeout_us=1_000_000)
IMPATIENT = ConnectionOptions(retransmit_us_min=1_000, retransmit_us_max=8_000, timeout_us=20_000)
BOTH_WAYS = [one_way(0, 1), one_way(1, 0)]


def patient(**how: Any) -> Pair:
    return logged(connections=PATIENT, **how)


def impatient(**how: Any) -> Pair:
    return logged(connections=IMPATIENT, **how)


def arrivals(world: Pair) -> list[tuple[int, int]]:
    return [(t_us, n) for t_us, _, _, n in world.log]


def only(world: Pair) -> ConnectionView:
    (view,) = world.network.connections()
    return view


def run_to(world: Pair, t_us: int) -> None:
    world.env.run(until=t_us)
    world.network.check_conservation()


# -- order and retransmission ------------------------------------------------------------------


def test_a_message_arrives_after_the_one_way_delay_and_costs_one_entry() -> None:
    world = patient()
    world.network.send(0, 1, Letter(n=1))
    world.network.send(0, 1, Letter(n=2))
    assert len(world.env._queue) == 3  # two landings, and one watch over the connection
    world.env.run()
    assert arrivals(world) == [(100, 1), (100, 2)]
    assert world.network.totals()["retransmitted"] == 0


def test_a_class_that_is_named_travels_on_connections_though_it_is_a_datagram() -> None:
    world = logged(connections=replace(PATIENT, carried=frozenset({"Ping"})))
    world.network.set_effects([], [effect(0, 1, loss=0.5)])
    for n in range(50):
        world.network.send(0, 1, Ping(n=n))
        world.network.send(0, 1, Urgent(n=n))
    world.env.run()
    arrived = {kind: sums.delivered for kind, sums in world.network.by_type().items()}
    assert arrived["Ping"] == 50
    assert arrived["Urgent"] < 50
    assert only(world).layer is Layer.SERVICE


def test_messages_arrive_in_order_though_their_delays_differ() -> None:
    world = patient(jitter=1.0)
    for n in range(200):
        world.env.call_at(5 * n, world.network.send, 0, 1, Letter(n=n))
    world.env.run()
    assert [n for _, n in arrivals(world)] == list(range(200))


@pytest.mark.parametrize("loss", [0.1, 0.5])
def test_order_holds_and_nothing_is_lost_under_loss_and_reordering(loss: float) -> None:
    world = patient(jitter=1.0)
    both = [effect(a, b, loss=loss, reorder=0.5, reorder_us=2_000) for a, b in ((0, 1), (1, 0))]
    world.network.set_effects([], both)
    for n in range(200):
        world.env.call_at(50 * n, world.network.send, 0, 1, Letter(n=n))
    world.env.run()
    assert [n for _, n in arrivals(world)] == list(range(200))
    assert world.network.totals()["retransmitted"] > 200 * loss / 2
    assert world.dropped() == {}


def test_what_is_sent_into_a_cut_arrives_after_the_heal_at_the_next_attempt() -> None:
    world = patient()
    world.network.set_cuts(BOTH_WAYS)
    world.network.send(0, 1, Letter(n=1))  # tried at 0, 1, 3, 7 and 15 ms
    world.env.call_at(500, world.network.send, 0, 1, Letter(n=2))
    world.env.call_at(8_000, world.network.set_cuts, [])
    run_to(world, 2_000)
    assert sum(world.network.in_flight().values()) == 2
    world.env.run()
    assert arrivals(world) == [(15_100, 1), (15_100, 2)]
    assert next(world.network.lanes()).retransmitted == 8


def test_what_is_under_way_when_a_cut_begins_is_sent_again() -> None:
    world = patient()
    world.network.send(0, 1, Letter(n=1))
    world.env.call_at(50, world.network.set_cuts, BOTH_WAYS)
    world.env.call_at(60, world.network.set_cuts, [])
    world.env.run()
    assert arrivals(world) == [(1_100, 1)]


def test_patience_starts_afresh_after_an_acknowledgement() -> None:
    world = patient()
    world.network.set_cuts(BOTH_WAYS)
    world.network.send(0, 1, Letter(n=1))
    world.env.call_at(5_000, world.network.set_cuts, [])  # arrives at 7,100
    world.env.call_at(10_000, world.network.set_cuts, BOTH_WAYS)
    world.env.call_at(10_100, world.network.send, 0, 1, Letter(n=2))
    world.env.call_at(10_200, world.network.set_cuts, [])
    world.env.run()
    assert arrivals(world) == [(7_100, 1), (11_200, 2)]


def test_a_lost_segment_holds_up_those_behind_it() -> None:
    world = patient()
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Letter(n=1))
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=2))
    run_to(world, 500)
    assert (arrivals(world), only(world).early, only(world).unacknowledged) == ([], 1, 2)
    world.env.run()
    assert arrivals(world) == [(1_100, 1), (1_100, 2)]


def test_layers_have_connections_of_their_own() -> None:
    world = patient()
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Letter(n=1))
    world.network.set_effects([], [])
    world.network.send(0, 1, UrgentLetter(n=2))
    world.env.run()
    assert arrivals(world) == [(100, 2), (1_100, 1)]
    assert [view.layer for view in world.network.connections()] == [Layer.REGION, Layer.SERVICE]


def test_datagrams_do_not_wait_for_connections() -> None:
    world = patient()
    world.network.set_cuts([one_way(0, 1)])
    world.network.send(0, 1, Letter(n=1))
    world.network.set_cuts([])
    world.network.send(0, 1, Ping(n=2))
    world.env.run()
    assert arrivals(world) == [(100, 2), (1_100, 1)]


def test_merely_slow_segments_are_not_sent_again() -> None:
    world = patient()
    world.network.set_effects([], [effect(0, 1, delay_us=50_000)])
    world.network.send(0, 1, Letter(n=1))
    world.env.run()
    assert arrivals(world) == [(50_100, 1)]
    assert world.network.totals()["retransmitted"] == 0


# -- giving up -----------------------------------------------------------------------------------


def test_a_cut_longer_than_the_time_out_ends_in_a_reset_of_both_ends() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 200)
    world.network.set_cuts(BOTH_WAYS)
    world.network.send(0, 1, Letter(n=2))
    world.network.send(0, 1, Letter(n=3))
    run_to(world, 20_199)
    assert not only(world).half_open
    run_to(world, 20_300)
    assert only(world).half_open  # the sender gave up at 20,200; its reset met the cut
    assert not only(world).sender_open
    assert world.dropped() == {CONNECTION_RESET: 2}
    run_to(world, 41_000)
    assert list(world.network.connections()) == []
    assert world.network.resets == {"timed out": 1, "receiver timed out": 1}
    world.network.set_cuts([])
    world.network.send(0, 1, Letter(n=4))
    run_to(world, 42_000)
    assert [n for _, n in arrivals(world)] == [1, 4]
    assert only(world).number == 2


def test_a_receiver_that_can_be_told_learns_at_once() -> None:
    world = impatient()
    world.network.set_cuts([one_way(1, 0)])  # all arrives, no acknowledgement comes back
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 20_001)
    assert [(view.sender_open, view.receiver_open) for view in world.network.connections()] == [(False, True)]
    run_to(world, 20_200)
    assert list(world.network.connections()) == []
    assert world.network.resets == {"timed out": 1, "receiver told": 1}
    assert arrivals(world) == [(100, 1)]  # once, though it was sent again and again
    assert next(world.network.lanes()).retransmitted > 3
    assert world.dropped() == {}


def test_a_way_back_that_heals_in_time_saves_the_connection() -> None:
    world = impatient()
    world.network.set_cuts([one_way(1, 0)])
    world.network.send(0, 1, Letter(n=1))
    world.env.call_at(10_000, world.network.set_cuts, [])
    world.env.run()
    assert arrivals(world) == [(100, 1)]
    assert world.network.resets == {}
    assert only(world).unacknowledged == 0


def test_a_long_queue_that_moves_is_progress() -> None:
    world = impatient(latency=flat(bytes_per_s=1_000_000))
    for n in range(600):
        world.network.send(0, 1, Letter(n=n, size=100))
    world.env.run()
    assert arrivals(world)[-1] == (60_100, 599)  # three time-outs after it was sent
    assert world.network.resets == {}


def test_what_was_under_way_may_arrive_after_its_sender_gave_up() -> None:
    world = impatient()
    world.network.set_effects([], [effect(0, 1, hold=True)])
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 25_000)
    assert world.network.resets == {"timed out": 1}
    assert world.dropped() == {}
    world.network.set_effects([], [])
    world.env.run()
    assert arrivals(world) == [(25_100, 1)]
    assert list(world.network.connections()) == []  # the receiver noticed that nobody was there
    world.network.check_conservation()


# -- crashes -------------------------------------------------------------------------------------


def crash(world: Pair, host: int, *, refuses: bool) -> None:
    world.network.attach(host, None, refuses=refuses)


def test_a_process_that_dies_resets_its_peers() -> None:
    world = impatient()
    for src, dst in ((0, 1), (1, 0)):
        world.network.send(src, dst, Letter(n=src))
    run_to(world, 200)
    crash(world, 1, refuses=True)
    run_to(world, 290)
    assert all(view.half_open for view in world.network.connections())
    run_to(world, 301)
    assert list(world.network.connections()) == []
    assert world.network.resets == {"sender told": 1, "receiver told": 1}


def test_a_host_without_power_leaves_its_peers_believing() -> None:
    world = impatient()
    for src, dst in ((0, 1), (1, 0)):
        world.network.send(src, dst, Letter(n=src))
    run_to(world, 200)
    crash(world, 1, refuses=False)
    run_to(world, 19_000)
    assert [(view.src, view.half_open) for view in world.network.connections()] == [(0, True), (1, True)]
    run_to(world, 30_000)
    # Whoever only receives notices when its keep-alive fails; whoever only sends, when it sends.
    assert [(view.src, view.sender_open) for view in world.network.connections()] == [(0, True)]
    world.network.send(0, 1, Letter(n=5))
    run_to(world, 49_000)
    assert only(world).half_open
    run_to(world, 51_000)
    assert list(world.network.connections()) == []
    assert world.dropped() == {CONNECTION_RESET: 1}
    assert world.network.resets == {"receiver timed out": 1, "timed out": 1}


def test_a_new_life_refuses_segments_of_the_old_and_takes_new_ones() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 200)
    crash(world, 1, refuses=False)
    run_to(world, 1_000)
    world.attach(1)
    world.network.send(0, 1, Letter(n=2))  # into the half-open connection
    run_to(world, 1_150)
    assert (arrivals(world), world.dropped()) == ([(100, 1)], {})
    run_to(world, 1_201)
    assert world.dropped() == {CONNECTION_RESET: 1}
    world.network.send(0, 1, Letter(n=3))
    run_to(world, 1_400)
    assert arrivals(world) == [(100, 1), (1_301, 3)]
    assert world.network.resets == {"sender told": 1}


def test_a_dead_process_refuses_a_first_segment() -> None:
    world = impatient()
    crash(world, 1, refuses=True)
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 201)
    assert world.dropped() == {CONNECTION_RESET: 1}
    assert world.network.resets == {"sender told": 1}


def test_a_silent_host_that_returns_in_time_gets_a_connection_it_never_knew() -> None:
    world = impatient()
    crash(world, 1, refuses=False)
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 5_000)
    world.attach(1)
    run_to(world, 20_000)
    assert arrivals(world) == [(7_100, 1)]


def test_what_a_sender_had_on_the_wire_when_it_died_still_arrives() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 50)
    crash(world, 0, refuses=False)
    run_to(world, 101)
    assert arrivals(world) == [(100, 1)]
    assert only(world).half_open
    world.env.run()
    assert list(world.network.connections()) == []


def test_a_gap_that_a_dead_sender_leaves_is_never_filled() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Letter(n=2))
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=3))
    run_to(world, 50)
    crash(world, 0, refuses=False)
    assert world.dropped() == {CONNECTION_RESET: 1}  # it was to be sent again
    run_to(world, 150)
    assert sum(world.network.in_flight().values()) == 1  # kept by the receiver
    world.env.run()
    assert arrivals(world) == [(100, 1)]
    assert world.dropped() == {CONNECTION_RESET: 2}


def test_segments_of_an_earlier_life_of_the_sender_are_refused_once_it_connected_anew() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 200)
    world.network.set_effects([], [effect(0, 1, delay_us=5_000)])
    world.network.send(0, 1, Letter(n=2))
    run_to(world, 300)
    crash(world, 0, refuses=False)
    world.attach(0)
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=3))
    world.env.run()
    assert arrivals(world) == [(100, 1), (400, 3)]
    assert world.dropped() == {CONNECTION_RESET: 1}
    assert world.network.resets["replaced"] == 1


def test_a_first_segment_that_comes_after_a_later_connection_is_refused() -> None:
    world = impatient()
    world.network.set_effects([], [effect(0, 1, delay_us=5_000)])
    world.network.send(0, 1, Letter(n=1))
    crash(world, 0, refuses=False)
    world.attach(0)
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=2))
    world.env.run()
    assert arrivals(world) == [(100, 2)]
    assert world.dropped() == {CONNECTION_RESET: 1}
    assert not only(world).half_open


def test_a_receiver_notices_that_the_sender_of_a_late_first_segment_is_gone() -> None:
    world = impatient()
    world.network.set_effects([], [effect(0, 1, hold=True)])
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 90_000)  # the sender gave up long ago
    world.network.set_effects([], [])
    run_to(world, 91_000)
    assert only(world).half_open
    run_to(world, 111_000)
    assert list(world.network.connections()) == []


def test_a_reset_is_lost_to_a_cut_like_any_message() -> None:
    world = impatient()
    world.network.send(0, 1, Letter(n=1))
    run_to(world, 200)
    crash(world, 1, refuses=True)
    world.env.call_at(250, world.network.set_cuts, [one_way(1, 0)])
    world.env.call_at(260, world.network.set_cuts, [])
    run_to(world, 1_000)
    assert only(world).half_open


def test_a_needless_copy_is_no_message_in_flight_and_none_lost() -> None:
    world = impatient()
    world.network.set_cuts([one_way(1, 0)])
    world.network.send(0, 1, Letter(n=1))  # arrives at 100, goes again at 1,000
    run_to(world, 1_050)
    assert next(world.network.lanes()).retransmitted == 1
    assert sum(world.network.in_flight().values()) == 0
    crash(world, 0, refuses=False)
    world.network.set_cuts(BOTH_WAYS)
    run_to(world, 1_200)
    assert world.dropped() == {}


def test_a_receiver_that_dies_of_a_segment_gets_none_of_those_behind_it() -> None:
    world = impatient()
    got: list[Message] = []

    def fatal(src: int, message: Message, meta: object, row: int) -> None:
        got.append(message)
        crash(world, 1, refuses=False)

    world.network.attach(1, fatal)
    world.network.set_effects([], [effect(0, 1, loss=1.0)])
    world.network.send(0, 1, Letter(n=1))
    world.network.set_effects([], [])
    world.network.send(0, 1, Letter(n=2))
    world.env.run()
    assert got == [Letter(n=1)]
    assert world.dropped() == {"host down": 1}
    world.network.check_conservation()


def test_a_connection_of_a_host_to_itself_dies_with_it() -> None:
    world = impatient()
    world.network.send(0, 0, Letter(n=1))
    run_to(world, 200)
    crash(world, 0, refuses=True)
    world.env.run()
    assert list(world.network.connections()) == []
    world.attach(0)
    world.network.send(0, 0, Letter(n=2))
    world.env.run()
    assert [n for _, n in arrivals(world)] == [1, 2]


# -- the record ----------------------------------------------------------------------------------


def test_the_trace_tells_what_befell_each_message_and_why() -> None:
    world = impatient(level=TraceLevel.FULL)
    world.network.set_cuts(BOTH_WAYS)
    world.network.send(0, 1, Letter(n=1))
    world.env.call_at(500, world.network.set_cuts, [])
    run_to(world, 2_000)
    world.network.set_cuts(BOTH_WAYS)
    world.network.send(0, 1, Letter(n=2))
    world.env.run()
    rows = world.network.trace.rows
    kinds = [row.kind for row in rows]
    assert kinds[:4] == ["send", "retransmit", "deliver", "send"]
    assert [row.cause for row in rows[:4]] == [-1, 0, 1, -1]
    again = [row for row in rows[4:] if row.kind == "retransmit"]
    assert [row.cause for row in again] == [3, *(row.i for row in again[:-1])]
    reset = rows[kinds.index("reset")]
    assert (reset.src, reset.cause, reset.message) == (0, again[-1].i, ("timed out", 0, 1, 1))
    (drop,) = (row for row in rows if row.kind == "drop")
    assert drop.message == (CONNECTION_RESET, Letter(n=2))
    assert drop.cause == again[-1].i


def test_the_trace_level_changes_nothing() -> None:
    logs = []
    for level in TraceLevel:
        world = impatient(jitter=0.5, level=level)
        both = [effect(a, b, loss=0.3, duplicate=0.3, reorder=0.3, reorder_us=500) for a, b in ((0, 1), (1, 0))]
        world.network.set_effects([], both)
        for n in range(100):
            world.env.call_at(50 * n, world.network.send, n % 2, 1 - n % 2, Letter(n=n) if n % 3 else Ping(n=n))
        world.env.call_at(2_000, world.network.set_effects, [one_way(0, 1)], both)
        world.env.call_at(4_000, world.network.set_effects, [], both)
        world.env.run()
        totals = world.network.totals()
        totals.pop("bytes", None)  # counted only where somebody asks
        logs.append((world.log, totals))
    assert logs[0] == logs[1] == logs[2]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"retransmit_us_min": 0}, "no range"),
        ({"retransmit_us_min": 10, "retransmit_us_max": 9}, "no range"),
        ({"timeout_us": 0}, "gives up at once"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ConnectionOptions(**wrong)
