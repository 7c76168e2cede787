"""The parts of a service's control plane, one by one: logs that fence, leases, monitors, decisions, an instance."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.domain import Denied
from models.services import ControlOptions, ScalingOptions
from models.services.acts import Act, Acted, Acts, Open, Opened, Term
from models.services.assignments import Assign, Assigned, Assignment, Assignments, Retire, Retired, read_told
from models.services.deciding import Room, Scaler, place, votes_of
from models.services.directory import Directory
from models.services.holder import Seat
from models.services.instance import Instance, InstanceOptions
from models.services.watcher import Watcher
from models.services.words import Beat, Find, Found, Gone, NotHere, Report, Seen, Serve, Served, Stop
from models.store.requests import Accepted, Refused, Submit
from sim.testing import FakeContext
from sim.topology import Location, at_service, pack_location

HERE = [at_service(pack_location(1, 1, number), "worker") for number in range(1, 6)]
CONTROL = ControlOptions(beat_us=100, lease_us=1_000, suspect_us=400, report_us=200)


# -- the two logs --------------------------------------------------------------------------------


def test_a_slot_is_given_away_under_the_next_epoch_only() -> None:
    domain, state = Assignments(), Assignment(epoch=3, host=1, live=True)
    made = [domain.decide(state, Assign(epoch=epoch, host=2)) for epoch in (3, 4, 5)]
    assert made == [Denied(reason="epoch"), Assigned(epoch=4, host=2), Denied(reason="epoch")]


def test_a_slot_is_taken_back_once_and_under_its_own_epoch() -> None:
    domain, state = Assignments(), Assignment(epoch=3, host=1, live=True)
    assert domain.decide(state, Retire(epoch=3)) == Retired(epoch=3)
    after = domain.evolve(state, Retired(epoch=3))
    assert domain.decide(after, Retire(epoch=3)) == domain.decide(state, Retire(epoch=2)) == Denied(reason="epoch")


def test_what_is_told_of_a_slot_reads_back() -> None:
    state = Assignment(epoch=3, host=7, live=True)
    assert read_told(Assignments().told(state)) == state
    assert read_told(None) == Assignment()


def test_an_epoch_that_was_opened_fences_all_before_it() -> None:
    domain, state = Acts(), Term(epoch=2, instance=5, acts=0)
    assert domain.decide(state, Act(epoch=1, instance=4, op=9)) == Denied(reason="fenced")
    assert domain.decide(state, Open(epoch=1, instance=4)) == Denied(reason="fenced")
    assert domain.decide(state, Act(epoch=2, instance=5, op=9)) == Acted(epoch=2, instance=5, op=9)


def test_an_epoch_is_of_one_instance_which_may_open_it_again() -> None:
    domain, state = Acts(), Term(epoch=2, instance=5, acts=0)
    assert domain.decide(state, Open(epoch=2, instance=6)) == Denied(reason="fenced")
    assert domain.decide(state, Open(epoch=2, instance=5)) == Opened(epoch=2, instance=5)


def test_nobody_acts_under_an_epoch_that_was_not_opened() -> None:
    assert Acts().decide(Term(epoch=2, instance=5), Act(epoch=3, instance=6, op=1)) == Denied(reason="fenced")


# -- a directory ---------------------------------------------------------------------------------


class Listing:
    """A directory, and what it lists."""

    def __init__(self) -> None:
        self.ctx = FakeContext()
        self.directory = Directory(self.ctx, CONTROL)

    def beat(self, *slots: int, epoch: int = 1) -> None:
        for slot in slots:
            beat = Beat(slot=slot, epoch=epoch, sequence=1, rate_per_s=0.0)
            self.ctx.deliver(self.directory, beat, HERE[slot])

    def found(self) -> Found:
        found = self.ctx.deliver(self.directory, Find()).value
        assert isinstance(found, Found)
        return found

    def slots(self) -> list[tuple[int, int]]:
        return [(entry.slot, entry.epoch) for entry in self.found().entries]


def test_a_lease_that_is_not_renewed_lapses() -> None:
    listing = Listing()
    listing.beat(0, 1, 2)
    listing.ctx.advance(600)
    listing.beat(0, 1)
    listing.ctx.advance(450)
    assert listing.slots() == [(0, 1), (1, 1)]


def test_a_directory_that_hears_nobody_keeps_everybody() -> None:
    listing = Listing()
    listing.beat(0, 1, 2)
    listing.ctx.advance(5_000)
    assert listing.slots() == [(0, 1), (1, 1), (2, 1)]
    assert listing.directory.preserving


def test_it_keeps_them_too_where_leases_lapse_one_after_the_other() -> None:
    listing = Listing()
    for slot in range(3):
        listing.beat(slot)
        listing.ctx.advance(40)
    seen = []
    for _ in range(10):
        listing.ctx.advance(100)
        seen.append(len(listing.slots()))
    assert seen == [3] * 10


def test_an_earlier_epoch_does_not_come_back() -> None:
    listing = Listing()
    listing.beat(0, epoch=2)
    listing.beat(0, epoch=1)
    assert listing.slots() == [(0, 2)]


def test_a_directory_that_has_heard_of_nobody_does_not_know() -> None:
    listing = Listing()
    assert listing.found() == Found(entries=(), knows=False)
    listing.beat(0)
    listing.ctx.deliver(listing.directory, Gone(slot=0, epoch=1))
    assert listing.found() == Found(entries=(), knows=False)


# -- a watcher -----------------------------------------------------------------------------------


def reports(watched: int, silent: int) -> Report:
    """The last report of a watcher that heard so many, of which the last so many fell silent."""
    ctx = FakeContext()
    watcher = Watcher(ctx, CONTROL, (HERE[0],))
    ctx.start(watcher)
    for step in range(12):
        for slot in range(watched if step < 5 else watched - silent):
            ctx.deliver(watcher, Beat(slot=slot, epoch=1, sequence=step, rate_per_s=5.0), HERE[slot])
        ctx.advance(100)
    return [msg for _, msg in ctx.sent if isinstance(msg, Report)][-1]


def test_a_watcher_suspects_who_is_silent() -> None:
    report = reports(3, 1)
    assert [(one[0], one[3]) for one in report.seen] == [(0, False), (1, False), (2, True)]
    assert not report.blind


def test_one_that_would_suspect_most_takes_itself_for_blind() -> None:
    assert reports(3, 2).blind


def test_one_that_has_just_begun_is_blind() -> None:
    ctx = FakeContext()
    watcher = Watcher(ctx, CONTROL, (HERE[0],))
    ctx.start(watcher)
    ctx.advance(250)
    assert [msg.blind for _, msg in ctx.sent if isinstance(msg, Report)] == [True]


# -- decisions -----------------------------------------------------------------------------------


def report(suspected: bool, *, blind: bool = False) -> Report:
    return Report(number=1, seen=(Seen(0, 1, HERE[0], suspected, 5.0),), blind=blind)


def test_an_instance_is_lost_by_the_word_of_most_watchers() -> None:
    assert votes_of([report(True), report(True), report(False)]).lost((0, 1), 3, late=False)
    assert not votes_of([report(True), report(False), report(False)]).lost((0, 1), 3, late=False)


def test_watchers_that_are_not_heard_or_blind_count_against_a_loss() -> None:
    assert not votes_of([report(True)]).lost((0, 1), 3, late=False)
    assert not votes_of([report(True), report(True, blind=True)]).lost((0, 1), 3, late=False)


def test_who_should_have_been_heard_and_was_not_is_lost() -> None:
    votes = votes_of([report(False), report(False)])
    assert (votes.lost((1, 1), 3, late=True), votes.lost((1, 1), 3, late=False)) == (True, False)


def wanted(running: int, load_per_s: float, rounds: int = 200, **more: float) -> int:
    scaler = Scaler(ScalingOptions(least=1, most=6, target_per_s=10, settle_us=100, **more))  # type: ignore[arg-type]
    return [scaler.wanted(1_000 * at, running, load_per_s) for at in range(rounds)][-1]


@pytest.mark.parametrize(
    ("running", "load", "expected"), [(2, 35.0, 4), (2, 21.9, 2), (2, 22.5, 3), (3, 5.0, 1), (2, 900.0, 6), (2, 0.0, 1)]
)
def test_as_many_are_wanted_as_bring_the_rate_to_its_target(running: int, load: float, expected: int) -> None:
    assert wanted(running, load) == expected


def test_spare_ones_are_wanted_besides() -> None:
    assert wanted(3, 18.0, spare=1) == 3


def test_fewer_are_wanted_only_after_they_were_enough_for_a_while() -> None:
    scaler = Scaler(ScalingOptions(least=1, most=6, target_per_s=10, settle_us=1_000))
    scaler.wanted(0, 3, 30.0)
    falling = [scaler.wanted(10 * at, 3, 0.0) for at in range(1, 120)]
    assert falling[50] == 3
    assert falling[-1] == 1


def test_what_another_scheduler_has_just_added_is_not_undone_at_once() -> None:
    scaler = Scaler(ScalingOptions(least=1, most=6, target_per_s=10, settle_us=1_000))
    calm = [scaler.wanted(10 * at, 1, 5.0) for at in range(150)]
    assert (calm[-1], scaler.wanted(1_510, 2, 5.0), scaler.wanted(2_600, 2, 5.0)) == (1, 2, 1)


ROOMS = tuple(Room(host=n, at=Location(HERE[n]), region=n % 2, places=1) for n in range(4))


def test_the_next_instance_goes_to_the_region_that_has_fewest() -> None:
    first = place({}, ROOMS, frozenset())
    second = place({0: Assignment(epoch=1, host=0, live=True)}, ROOMS, frozenset())
    assert first is not None
    assert second is not None
    assert (first.host, second.host) == (0, 1)


def test_a_host_that_lost_one_is_left_out_while_there_is_another() -> None:
    held = {n: Assignment(epoch=1, host=n, live=True) for n in (0, 1, 2)}
    room = place(held, ROOMS, frozenset({0}), without=0)
    assert room is not None
    assert room.host == 3
    full = held | {3: Assignment(epoch=1, host=3, live=True)}
    assert place(full, ROOMS, frozenset()) is None


# -- an instance -----------------------------------------------------------------------------------


class Acting:
    """An instance under test, whose store says what the test says."""

    def __init__(self) -> None:
        self.ctx = FakeContext()
        options = InstanceOptions(listeners=(HERE[1],), store=(HERE[2],), control=CONTROL)
        self.instance = Instance(self.ctx, Seat(slot=0, epoch=2, host=0), options)
        self.ctx.start(self.instance)

    def store_says(self, yes: bool) -> None:
        command = self.ctx.calls[-1][1]
        assert isinstance(command, Submit)
        op = command.command_id
        accepted = Accepted(command_id=op, version=1, told="2 0")
        self.ctx.calls[-1][2].resolve(accepted if yes else Refused(command_id=op, version=1, reason="fenced"))

    def said(self, kind: type[object]) -> int:
        return sum(isinstance(msg, kind) for _, msg in self.ctx.sent)


def test_it_says_that_it_lives_once_its_epoch_is_open() -> None:
    acting = Acting()
    assert acting.said(Beat) == 0
    acting.store_says(True)
    acting.ctx.advance(250)
    assert acting.said(Beat) == 3


def test_one_that_the_store_refuses_is_over_and_says_so() -> None:
    acting = Acting()
    acting.store_says(False)
    acting.ctx.advance(1_000)
    assert (acting.instance.over, acting.said(Beat), acting.said(Gone)) == (True, 0, 1)


def test_an_act_that_is_fenced_ends_it_and_is_told_to_the_client() -> None:
    acting = Acting()
    acting.store_says(True)
    reply = acting.ctx.deliver(acting.instance, Serve(op=7))
    acting.store_says(False)
    assert reply.value == NotHere(op=7, over=True)
    assert acting.instance.over


def test_it_serves_and_says_under_which_epoch() -> None:
    acting = Acting()
    acting.store_says(True)
    reply = acting.ctx.deliver(acting.instance, Serve(op=7))
    acting.store_says(True)
    assert reply.value == Served(op=7, slot=0, epoch=2)


def test_it_obeys_a_stop_for_its_own_epoch_only() -> None:
    acting = Acting()
    acting.store_says(True)
    acting.ctx.deliver(acting.instance, Stop(slot=0, epoch=1))
    assert not acting.instance.over
    acting.ctx.deliver(acting.instance, Stop(slot=0, epoch=2))
    assert acting.instance.over


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ControlOptions(beat_us=1_000_000, lease_us=500_000), "is over before a lost heartbeat"),
        (lambda: ControlOptions(suspect_us=100_000), "allows for no lost heartbeat"),
        (lambda: ControlOptions(preserve=0.0), "no share of instances"),
        (lambda: ControlOptions(cache_us=0), "is no time"),
        (lambda: ScalingOptions(least=5, most=3), "comes to more than most=3; give most=5"),
        (lambda: ScalingOptions(least=0), "serve nobody"),
        (lambda: ScalingOptions(tolerance=1.0), "no share"),
        (lambda: ScalingOptions(spare=-1), "negative"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
