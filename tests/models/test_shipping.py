from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.domains.bank_account import Deposited
from models.store.group.shipping import Inbound, Outbound, new_session
from models.store.group.wire import Ship, ShipOptions
from models.store.log.entries import Entry
from models.store.log.journal import Journal
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

PEER = at_service(pack_location(2, 1, 1), "store")
OPTIONS = ShipOptions(batch=2, window=4, resend_us=100, resend_us_max=400, heartbeat_us=50, held=3)


def entry(position):
    return Entry(10 * position, 1, position, 1, 0, position, position, position, Deposited(amount=1), position, 0)


def ship(first, count, promise_us=0, **more):
    entries = tuple(entry(p) for p in range(first, first + count))
    fields = {"source": 1, "shard": 0, "reigns": (), "first": first, "entries": entries, "promise_us": promise_us}
    return Ship(**(fields | {"probe": False} | more))


class Source:
    """A log that a test lets grow, and the line that ships it."""

    def __init__(self, **more):
        self.ctx = FakeContext()
        self.journal = Journal(self.ctx, segment=2)
        self.installed = []
        self.line = Outbound(
            self.ctx,
            PEER,
            OPTIONS,
            journal=self.journal,
            upto=lambda: self.journal.length,
            promise=lambda: 1_000_000,
            header=(1, 0),
            install=lambda line: (
                self.installed.append(self.ctx.now_us()),
                line.handed_over(self.journal.base.position),
            ),
            **more,
        )

    def grow(self, count):
        for _ in range(count):
            self.journal.append(entry(self.journal.length + 1))
        self.line.push()

    def drop(self, upto):
        """Let the head of the log go."""
        self.ctx.run(self.journal.durable_at, upto)
        self.ctx.advance(5_000)
        self.ctx.run(self.journal.move_base, upto, ())
        self.ctx.advance(5_000)
        self.journal.release_head()

    def hears(self, session, upto):
        """An answer to what was sent last."""
        return self.line.acknowledged(session, self.line.challenge, upto)

    def sent(self):
        """(first, number of entries) of what was sent since the last look."""
        found = [(msg.first, len(msg.entries)) for _, msg in self.ctx.sent]
        self.ctx.sent.clear()
        return found


def connected():
    source = Source()
    source.hears(1, 0)
    return source


def test_a_source_that_does_not_know_its_peer_asks_and_sends_nothing_else():
    source = Source()
    source.grow(3)
    source.line.tick()

    assert [(m.first, m.entries, m.probe) for _, m in source.ctx.sent] == [(4, (), True)]
    source.sent()
    source.hears(1, 1)
    assert source.sent() == [(2, 2)]


def test_entries_go_out_at_once_in_batches_up_to_the_window():
    source = connected()
    source.grow(5)

    assert source.sent() == [(1, 2), (3, 2)]
    source.hears(1, 2)
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
    source.hears(1, 2)

    assert source.sent() == [(3, 2)]


def test_a_peer_that_lacks_what_was_sent_gets_it_without_waiting_out_the_back_off():
    source = connected()
    source.grow(2)
    for us in (100, 200):
        source.ctx.advance(us)
        source.line.tick()
    source.sent()
    source.ctx.advance(150)
    source.hears(1, 0)

    assert source.sent() == [(1, 2)]
    source.hears(1, 0)
    assert source.sent() == []  # one repeat a round trip, however many such answers come


def test_only_a_new_session_takes_an_acknowledgement_back():
    source = connected()
    source.grow(3)
    source.hears(1, 3)
    source.hears(1, 1)
    assert source.line.acked == 3
    asked = source.line.challenge
    source.sent()

    source.hears(2, 1)
    assert (source.line.acked, source.sent()) == (1, [(2, 2)])
    source.line.acknowledged(1, asked, 3)
    assert source.line.acked == 1


def test_a_quiet_line_carries_heartbeats_that_name_the_next_position():
    source = connected()
    source.grow(1)
    source.hears(1, 1)
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


@pytest.mark.parametrize("how", ["process_crash", "power_loss", "disk_loss"])
def test_no_two_lives_of_a_service_have_one_session(how):
    ctx = FakeContext()
    seen = []
    for _ in range(5):
        seen.append(new_session(ctx))
        ctx = getattr(ctx, how)()

    assert len(set(seen)) == 5


def test_nonsense_options_are_refused():
    with pytest.raises(ValueError, match="window"):
        ShipOptions(batch=10, window=5)
    with pytest.raises(ValueError, match="batch=0"):
        ShipOptions(batch=0)


# -- sessions and challenges ---------------------------------------------------------------------------------


def test_another_session_is_believed_only_if_it_echoes_the_latest_challenge():
    source = connected()
    source.grow(3)
    source.hears(1, 3)
    old = source.line.challenge
    source.ctx.advance(200)
    source.sent()

    assert not source.line.acknowledged(2, old - 1, 1)  # a new life, or one of long ago: who knows
    assert (source.line.acked, source.line.session) == (3, 1)
    assert source.line.challenge != old
    assert source.sent() == [(4, 0)]  # it is asked
    assert not source.line.acknowledged(2, old, 1)
    assert source.hears(2, 1)
    assert (source.line.acked, source.line.session) == (1, 2)


def test_an_acknowledgement_of_an_earlier_life_never_counts_once_the_next_is_known():
    source = connected()
    source.grow(3)
    asked = source.line.challenge  # all that the first life has ever heard
    assert source.hears(2, 0)  # the next one, with nothing
    for _ in range(3):
        source.ctx.advance(200)
        assert not source.line.acknowledged(1, asked, 3)

    assert (source.line.acked, source.line.session) == (0, 2)


def test_who_is_asked_is_not_asked_again_before_an_answer_can_be_here():
    source = connected()
    source.ctx.advance(1_000)
    source.sent()
    for _ in range(5):
        source.line.acknowledged(2, 0, 0)
        source.ctx.advance(10)
    assert len(source.sent()) == 1
    source.ctx.advance(100)
    source.line.acknowledged(2, 0, 0)
    assert len(source.sent()) == 1


def test_a_peer_that_has_more_than_the_source_counts_for_what_the_source_has():
    source = connected()
    source.grow(2)
    source.hears(1, 7)

    assert (source.line.acked, source.line.unacknowledged) == (2, 0)


def test_a_line_that_is_restarted_asks_anew_and_trusts_no_answer_to_an_earlier_question():
    source = connected()
    source.grow(2)
    source.hears(1, 2)
    challenge = source.line.challenge
    source.line.restart()

    assert not source.line.acknowledged(1, challenge, 2)
    assert source.line.acked is None
    assert source.hears(1, 1)
    assert source.line.acked == 1


# -- at times, and behind the base ---------------------------------------------------------------------------


def test_what_is_shipped_at_times_waits_for_its_time():
    source = Source(at_once=False)
    source.hears(1, 0)
    source.line.ship()
    source.sent()
    source.grow(2)
    assert source.sent() == []
    source.ctx.advance(500)
    source.line.tick()
    assert [sent for sent in source.sent() if sent[1]] == []
    source.line.ship()

    assert [sent for sent in source.sent() if sent[1]] == [(1, 2)]


def test_a_heartbeat_speaks_of_nothing_that_was_not_sent_yet():
    source = Source(at_once=False)
    source.hears(1, 0)
    source.grow(2)
    source.ctx.advance(60)
    source.line.tick()
    source.sent()
    source.ctx.advance(60)
    source.line.tick()

    assert source.sent() == [(1, 0)]


def test_a_peer_behind_the_base_is_handed_what_went_and_then_the_rest():
    source = connected()
    source.grow(5)
    source.drop(4)
    source.ctx.advance(500)
    source.line.tick()
    assert source.installed == []  # it may not even live: it is asked first
    source.sent()
    source.hears(1, 0)
    assert (len(source.installed), source.sent()) == (1, [])
    source.hears(1, 4)

    assert source.sent() == [(5, 1)]


def test_it_is_not_handed_over_again_before_an_answer_can_be_here():
    source = connected()
    source.grow(5)
    source.drop(4)
    source.ctx.advance(500)
    for _ in range(40):
        source.hears(1, 0)
        source.ctx.advance(OPTIONS.resend_us // 8)

    gaps = [after - before for before, after in pairwise(source.installed)]
    assert 1 < len(source.installed) < 10
    assert min(gaps) >= OPTIONS.resend_us


# -- over a network that does what it likes --------------------------------------------------------------------


class Lossy:
    """A source and a receiver that dies and forgets; words of its earlier lives come late, and again."""

    def __init__(self, draw):
        self.draw = draw
        self.source, self.inbound, self.session = Source(), Inbound(held=2), 1
        self.arrived, self.forward, self.backward = [], [], []
        self.believed = set()

    def die(self):
        self.session += 1
        self.inbound = Inbound(self.draw(st.integers(0, self.inbound.received)), held=2)
        del self.arrived[self.inbound.received :]

    def step(self, *, lossy):
        self.forward.extend(msg for _, msg in self.source.ctx.sent)
        self.source.ctx.sent.clear()
        if self.forward:
            msg = self.forward.pop(self.draw(st.integers(0, len(self.forward) - 1)) if lossy else 0)
            for _ in range(self.copies(lossy)):
                self.receive(msg)
        if self.backward:
            place = self.draw(st.integers(0, len(self.backward) - 1)) if lossy else 0
            copies = self.copies(lossy)
            answer = self.backward[place] if copies == 2 else self.backward.pop(place)
            if copies:
                self.hear(*answer)
        self.source.ctx.advance(20)
        self.source.line.tick()

    def copies(self, lossy):
        return self.draw(st.sampled_from([1, 1, 0, 2])) if lossy else 1

    def receive(self, msg):
        wants = msg.entries or not self.inbound.is_expected(msg, self.session)
        self.arrived.extend(e.position for e in self.inbound.take(msg))
        if wants:
            self.backward.append((self.session, self.inbound.challenge, self.inbound.received))

    def hear(self, session, challenge, upto):
        known = self.source.line.session
        self.source.line.acknowledged(session, challenge, upto)
        if self.source.line.session != known:
            # Who was believed, and then another, is dead for good.
            assert session not in self.believed
            self.believed.add(session)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_over_a_network_that_loses_repeats_and_reorders_every_entry_arrives_once_in_order(data):
    lossy = Lossy(data.draw)
    for _ in range(data.draw(st.integers(0, 40))):
        if data.draw(st.booleans()) and lossy.source.journal.length < 20:
            lossy.source.grow(data.draw(st.integers(1, 3)))
        if data.draw(st.integers(0, 9)) == 0:
            lossy.die()
        lossy.step(lossy=True)
    for _ in range(150):
        lossy.step(lossy=False)

    length = lossy.source.journal.length
    assert lossy.arrived == list(range(1, length + 1))
    assert (lossy.source.line.acked, lossy.source.line.session) == (length, lossy.session)
