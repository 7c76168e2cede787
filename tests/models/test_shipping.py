import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.bank import Deposited
from models.eventlog import Entry
from models.shipping import Inbound, Outbound, Ship, ShipOptions, next_session

from sim.testing import FakeContext
from sim.topology import at_service, pack_location

PEER = at_service(pack_location(2, 1, 1), "store")
OPTIONS = ShipOptions(batch=2, window=4, resend_us=100, resend_us_max=400, heartbeat_us=50, held=3)


def entry(position):
    event = Deposited(command_id=position, account=1, amount=1)
    return Entry(10 * position, 1, position, 1, position, position, event, position)


def ship(first, count, promise_us=0, *, probe=False):
    entries = tuple(entry(p) for p in range(first, first + count))
    return Ship(source=1, shard=0, reigns=(), first=first, entries=entries, promise_us=promise_us, probe=probe)


class Source:
    """A log that a test lets grow, and the line that ships it."""

    def __init__(self):
        self.ctx = FakeContext()
        self.entries = []
        self.line = Outbound(
            self.ctx,
            PEER,
            OPTIONS,
            entries=lambda: self.entries,
            durable=lambda: len(self.entries),
            promise=lambda: 1_000_000,
            header=(1, 0),
        )

    def grow(self, count):
        self.entries += [entry(len(self.entries) + i) for i in range(1, count + 1)]
        self.line.push()

    def sent(self):
        """(first, number of entries) of what was sent since the last look."""
        found = [(msg.first, len(msg.entries)) for _, msg in self.ctx.sent]
        self.ctx.sent.clear()
        return found


def connected():
    source = Source()
    source.line.acknowledged(1, 0)
    return source


def test_a_source_that_does_not_know_its_peer_asks_and_sends_nothing_else():
    source = Source()
    source.grow(3)
    source.line.tick()

    assert [(m.first, m.entries, m.probe) for _, m in source.ctx.sent] == [(4, (), True)]
    source.sent()
    source.line.acknowledged(1, 1)
    assert source.sent() == [(2, 2)]


def test_entries_go_out_at_once_in_batches_up_to_the_window():
    source = connected()
    source.grow(5)

    assert source.sent() == [(1, 2), (3, 2)]
    source.line.acknowledged(1, 2)
    assert source.sent() == [(5, 1)]


def test_silence_brings_one_batch_again_with_growing_pauses():
    source = connected()
    source.grow(4)
    source.sent()
    resent = []
    for _ in range(200):
        source.ctx.advance(10)
        source.line.tick()
        resent += [source.ctx.now_us() for first, count in source.sent() if (first, count) == (1, 2)]

    assert resent == [100, 300, 700, 1_100, 1_500, 1_900]


def test_progress_ends_the_back_off():
    source = connected()
    source.grow(4)
    source.ctx.advance(100)
    source.line.tick()
    source.sent()
    source.line.acknowledged(1, 2)

    assert source.sent() == [(3, 2)]


def test_a_peer_that_lacks_what_was_sent_gets_it_without_waiting_out_the_back_off():
    source = connected()
    source.grow(2)
    for us in (100, 200):
        source.ctx.advance(us)
        source.line.tick()
    source.sent()
    source.ctx.advance(150)
    source.line.acknowledged(1, 0)

    assert source.sent() == [(1, 2)]
    source.line.acknowledged(1, 0)
    assert source.sent() == []  # one repeat a round trip, however many such answers come


def test_only_a_new_session_takes_an_acknowledgement_back():
    source = connected()
    source.grow(3)
    source.line.acknowledged(1, 3)
    source.line.acknowledged(1, 1)
    assert source.line.acked == 3
    source.sent()

    source.line.acknowledged(2, 1)
    assert (source.line.acked, source.sent()) == (1, [(2, 2)])
    source.line.acknowledged(1, 3)
    assert source.line.acked == 1


def test_a_quiet_line_carries_heartbeats_that_name_the_next_position():
    source = connected()
    source.grow(1)
    source.line.acknowledged(1, 1)
    source.sent()
    source.ctx.advance(60)
    source.line.tick()

    assert source.sent() == [(2, 0)]


def test_a_batch_that_is_not_the_last_promises_no_more_than_its_own_last_stamp():
    source = connected()
    source.grow(3)

    assert [msg.promise_us for _, msg in source.ctx.sent] == [20, 1_000_000]


def test_duplicates_are_dropped_and_overlaps_cut():
    inbound = Inbound()

    assert [e.position for e in inbound.take(ship(1, 2))] == [1, 2]
    assert inbound.take(ship(1, 2)) == ()
    assert [e.position for e in inbound.take(ship(2, 2))] == [3]


def test_a_batch_beyond_a_gap_is_held_until_the_gap_closes():
    inbound = Inbound()

    assert inbound.take(ship(3, 2, promise_us=40)) == ()
    assert (inbound.received, inbound.promise_us) == (0, 0)
    assert [e.position for e in inbound.take(ship(1, 2, promise_us=20))] == [1, 2, 3, 4]
    assert inbound.promise_us == 40


def test_a_promise_does_not_count_before_everything_it_speaks_of_is_here():
    inbound = Inbound()
    inbound.take(ship(3, 0, promise_us=99))

    assert inbound.promise_us == 0


def test_what_is_held_is_bounded():
    inbound = Inbound(held=2)
    for first in (3, 5, 7):
        inbound.take(ship(first, 2))

    assert [e.position for e in inbound.take(ship(1, 2))] == [1, 2, 3, 4, 5, 6]


def test_sessions_count_up_over_restarts():
    ctx = FakeContext()
    seen = []

    def live(context):
        seen.append((yield from next_session(context)))

    for _ in range(3):
        ctx.run(live, ctx)
        ctx.advance(2_000)
        ctx = ctx.power_loss()

    assert seen == [1, 2, 3]


def test_nonsense_options_are_refused():
    with pytest.raises(ValueError, match="window"):
        ShipOptions(batch=10, window=5)
    with pytest.raises(ValueError, match="batch=0"):
        ShipOptions(batch=0)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_over_a_network_that_loses_repeats_and_reorders_every_entry_arrives_once_in_order(data):
    source, inbound, session = Source(), Inbound(held=2), 1
    arrived, forward, backward = [], [], []

    def step(lossy):
        forward.extend(msg for _, msg in source.ctx.sent)
        source.ctx.sent.clear()
        take = (lambda n: data.draw(st.integers(0, n - 1))) if lossy else (lambda n: 0)
        keep = (lambda: data.draw(st.sampled_from(["deliver", "lose", "repeat"]))) if lossy else (lambda: "deliver")
        if forward:
            msg = forward.pop(take(len(forward)))
            fate = keep()
            for _ in range({"deliver": 1, "lose": 0, "repeat": 2}[fate]):
                wants = msg.entries or not inbound.is_expected(msg)
                arrived.extend(e.position for e in inbound.take(msg))
                if wants:
                    backward.append((session, inbound.received))
        if backward:
            answer = backward.pop(take(len(backward)))
            if keep() != "lose":
                source.line.acknowledged(*answer)
        source.ctx.advance(20)
        source.line.tick()

    for _ in range(data.draw(st.integers(0, 40))):
        if data.draw(st.booleans()) and len(source.entries) < 20:
            source.grow(data.draw(st.integers(1, 3)))
        if data.draw(st.integers(0, 9)) == 0:  # the receiver restarts and has less
            session += 1
            inbound = Inbound(data.draw(st.integers(0, inbound.received)), held=2)
            del arrived[inbound.received :]
        step(lossy=True)
    for _ in range(120):
        step(lossy=False)

    assert arrived == list(range(1, len(source.entries) + 1))
    assert source.line.acked == len(source.entries)
