"""What became of a command that nobody answered: the closed forms, and drawn cuts on datagrams and connections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import pytest
from numpy.random import PCG64, Generator
from scipy.stats import binomtest

from models.confidence import Erlang, Request, executed_for_ever, executed_if_silent, executed_under_cut
from models.confidence.visible import Attempt, Line, Outcome, outcome

S = 1_000_000
WAY_US = 50_000
WAY = Erlang(mean_us=WAY_US, stages=2)
ROUND_TRIP = Erlang(mean_us=2 * WAY_US, stages=4)
LOSSY = Request(request_loss=0.05, reply_loss=0.03, round_trip=ROUND_TRIP)
SURE = Request(request_loss=0.0, reply_loss=0.0, round_trip=ROUND_TRIP)


@pytest.mark.parametrize("silent_us", [20_000, 100_000, 400_000, 3 * S])
def test_without_breaks_it_is_what_independent_losses_say(silent_us: int) -> None:
    found = outcome(Line(request=LOSSY, arrival=WAY), [Attempt(sent_us=silent_us)])
    assert found.happens == pytest.approx(executed_if_silent(LOSSY, silent_us))
    under_way = 0.95 * WAY.beyond(silent_us)
    silent = 0.95 * (0.03 + 0.97 * ROUND_TRIP.beyond(silent_us)) + 0.05
    assert found.will_execute == pytest.approx(under_way / silent)


def test_a_lasting_cut_from_the_send_on_is_the_closed_form() -> None:
    line = Line(request=SURE, arrival=WAY, mtbc_us=1e12)
    found = outcome(line, [Attempt(sent_us=60 * S, since_us=60 * S)])
    assert found.executed == pytest.approx(executed_for_ever(WAY_US, 0, WAY_US), rel=0.01)


@pytest.mark.parametrize("before_us", [30_000, 200_000, 2 * S])
def test_a_lasting_cut_that_may_have_begun_before_is_the_closed_form(before_us: int) -> None:
    line = Line(request=SURE, arrival=WAY, mtbc_us=1e12)
    found = outcome(line, [Attempt(sent_us=5 * S, since_us=5 * S + before_us)])
    said = executed_under_cut(WAY.beyond, ROUND_TRIP.beyond, from_us=-before_us, until_us=5 * S)
    assert found.executed == pytest.approx(said, rel=0.01)
    assert found.lost == pytest.approx(1 - said, rel=0.01)


def test_what_waits_in_a_connection_will_execute_and_on_a_datagram_is_lost() -> None:
    attempts = [Attempt(sent_us=2 * S, since_us=3 * S)]
    sent = Line(request=SURE, arrival=WAY, mtbc_us=100 * S, cut_us=30 * S)
    kept = Line(request=SURE, arrival=WAY, mtbc_us=100 * S, cut_us=30 * S, queued=True)
    on_datagram, on_connection = outcome(sent, attempts), outcome(kept, attempts)
    assert on_datagram.will_execute < 1e-6 < 0.8 < on_datagram.lost
    assert on_connection.lost < 1e-6 < 0.8 < on_connection.will_execute


def test_a_connection_that_is_given_up_soon_loses_what_waits() -> None:
    said = [
        outcome(
            Line(request=SURE, arrival=WAY, mtbc_us=1e12, cut_us=30 * S, queued=True, give_up_us=give_up_us),
            [Attempt(sent_us=2 * S, since_us=3 * S)],
        ).lost
        for give_up_us in (inf, 60 * S, 10 * S, 3 * S, 1 * S)
    ]
    assert said == sorted(said)
    assert said[0] < 0.01 < 0.8 < said[-1]


def test_what_was_sent_after_a_connection_was_given_up_waits_on_the_next() -> None:
    """Something else got stuck 6 s ago, so the first connection was given up 1 s ago, with all that it kept."""
    line = Line(request=SURE, arrival=WAY, mtbc_us=100 * S, cut_us=300 * S, queued=True, give_up_us=5 * S)
    before, after = (
        outcome(line, [Attempt(sent_us=sent_us, since_us=6 * S + 200_000, others_us=(6 * S,))])
        for sent_us in (3 * S, S // 2)
    )
    assert before.lost > 0.9
    assert before.will_execute < 1e-6 < after.will_execute


def test_what_is_late_to_be_sent_again_may_wait_after_the_heal() -> None:
    """The way is seen whole since 100 ms; without a delay the answer would have come by now, or the request gone."""
    attempts = [Attempt(sent_us=2 * S, since_us=3 * S, until_us=100_000)]
    at_once, later = (
        outcome(
            Line(request=SURE, arrival=WAY, mtbc_us=10 * S, cut_us=S, queued=True, resend_us=resend_us, patience_us=S),
            attempts,
        )
        for resend_us in (0, 2 * S)
    )
    assert later.will_execute > at_once.will_execute


def test_an_answer_that_nobody_waits_for_says_nothing_by_its_silence() -> None:
    attempts = [Attempt(sent_us=2 * S, since_us=3 * S)]
    line = Line(request=SURE, arrival=WAY, mtbc_us=10 * S, cut_us=S, queued=True)
    patient, impatient = (
        outcome(replace(line, patience_us=patience_us), attempts).executed for patience_us in (inf, S // 2)
    )
    assert impatient > 2 * patient


def test_who_died_resets_what_waits() -> None:
    line = Line(request=SURE, arrival=WAY, mtbf_us=100 * S, down_us=inf, queued=True)
    assert outcome(line, [Attempt(sent_us=2 * S, since_us=3 * S)]).lost > 0.9


def test_what_else_is_silent_says_since_when() -> None:
    """Sent before and unanswered: the way was broken by then, so what was sent after it was lost."""
    line = Line(request=SURE, arrival=WAY, mtbc_us=100 * S, cut_us=30 * S)
    alone = outcome(line, [Attempt(sent_us=S, since_us=S + 200_000)])
    beside = outcome(line, [Attempt(sent_us=S, since_us=S + 200_000, others_us=(S + 150_000,))])
    assert beside.executed < 0.6 * alone.executed


def test_attempts_are_one_command() -> None:
    line = Line(request=LOSSY, arrival=WAY)
    found = outcome(line, [Attempt(sent_us=3 * S), Attempt(sent_us=2 * S), Attempt(sent_us=S)])
    once = outcome(line, [Attempt(sent_us=3 * S)])
    assert found.lost == pytest.approx(once.lost**3, rel=1e-6)
    assert (found.attempts, found.silent_us) == (3, 3 * S)


@dataclass(frozen=True)
class Drawn:
    """One break, and what it makes of two attempts at 1 s and 1.6 s, seen at 2.1 s or known by an answer after."""

    line: Line
    healed: bool

    sent_s = (1.0, 1.6)
    seen_s = 2.1

    def silent(self, draws: Generator) -> tuple[bool, bool] | None:
        """Whether it executed by then, and whether it will; None if it was answered, or the way was seen otherwise."""
        line = self.line
        begin = 0.9 + float(draws.exponential(line.mtbc_us / S))
        end = begin + float(draws.exponential(line.cut_us / S))
        if self.healed and not (end < 1.9 or begin > 1.9):
            return None
        done, later = False, False
        for sent in self.sent_s:
            arrives, back = self.arrival(draws, sent, begin, end)
            if arrives is None:
                continue
            done, later = done or arrives <= self.seen_s, later or arrives > self.seen_s
            if back is not None and back <= self.seen_s:
                return None
        return done, later and not done

    def arrival(self, draws: Generator, sent: float, begin: float, end: float) -> tuple[float | None, float | None]:
        """When an attempt executes, and when it is answered; a cut keeps it, or loses it."""
        request = self.line.request
        if draws.random() < request.request_loss:
            return None, None
        arrives = self.carried(draws, sent, begin, end)
        if arrives is None or draws.random() < request.reply_loss:
            return arrives, None
        return arrives, self.carried(draws, arrives, begin, end)

    def carried(self, draws: Generator, sent: float, begin: float, end: float) -> float | None:
        """When something arrives."""
        arrives = sent + float(draws.gamma(2.0, WAY_US / 2 / S))
        if arrives <= begin or sent >= end:
            return arrives
        return end + float(draws.gamma(2.0, WAY_US / 2 / S)) if self.line.queued else None


@pytest.mark.parametrize(
    ("queued", "healed", "times"), [(False, False, 6_000), (True, False, 6_000), (False, True, 30_000)]
)
def test_what_is_said_of_drawn_cuts_comes_true_as_often(queued: bool, healed: bool, times: int) -> None:
    line = Line(request=LOSSY, arrival=WAY, mtbc_us=0.8 * S, cut_us=1.5 * S, queued=queued)
    drawn, draws = Drawn(line, healed), Generator(PCG64(3))
    seen = [one for one in (drawn.silent(draws) for _ in range(times)) if one is not None]
    attempts = [
        Attempt(sent_us=round((2.1 - sent) * S), since_us=1_200_000, until_us=200_000 if healed else None)
        for sent in drawn.sent_s
    ]
    said = outcome(line, attempts)
    for chance, count in (
        (said.executed, sum(done for done, _ in seen)),
        (said.will_execute, sum(later for _, later in seen)),
    ):
        between = binomtest(count, len(seen)).proportion_ci(0.999)
        assert len(seen) > 500
        assert between.low - 0.015 <= chance <= between.high + 0.015


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing was asked"):
        outcome(Line(request=LOSSY, arrival=WAY), [])
    with pytest.raises(ValueError, match=r"sent_us=-1[\s\S]*until_us=5"):
        Attempt(sent_us=-1, until_us=5)
    with pytest.raises(ValueError, match=r"mtbc_us=0[\s\S]*give_up_us=-1"):
        Line(request=LOSSY, arrival=WAY, mtbc_us=0, give_up_us=-1)
    with pytest.raises(ValueError, match=r"patience_us=0[\s\S]*resend_us=-1"):
        Line(request=LOSSY, arrival=WAY, patience_us=0, resend_us=-1)
    with pytest.raises(ValueError, match="they are all that may be"):
        Outcome(executed=0.5, will_execute=0.2, lost=0.2, silent_us=1, attempts=1, whole_us=None)
