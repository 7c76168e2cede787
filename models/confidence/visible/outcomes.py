"""What became of a command that nobody answered: executed, still to be, or lost; the exact posterior over attempts.

Losses are independent where nothing is broken. Between two spells in which the way was seen whole, and since the last,
it may have been broken once: cut, or who executes dead, from an instant at a constant hazard, for an exponential time.
The hypotheses are no break, and each begin and end of one. Given one, attempts are independent:

- sent and arrived before the break, or sent after it: executed with chance 1 - p, and unanswered with chance
  S(T) = p_rep + (1 - p_rep) R(T) of the time T that there was for an answer, where R is the tail of the round trip;
  of one that was not lost, the chance that it is still under way is A(T), the tail of the way there;
- sent before and not arrived, or sent in it: lost, on datagrams or to who died. On a connection it waits for the heal
  and executes, unless the connection is given up before, with all that it keeps: of a break that lasts until now, the
  heal comes in time with chance 1 - exp(-left / cut_us), where left is what remains. So do answers that are under way.

A command carries one key, so attempts execute it once: it is executed if one was, will be if one waits, is lost else.
With no hazard and one attempt, executed + will_execute is `executed_if_silent`; with a cut that lasts for ever, on
datagrams, executed is `executed_under_cut`. What else got no answer says since when the way is broken, and is weighed
as evidence alone. Left out: two breaks between two instants at which all was whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, expm1, fsum, inf, prod
from typing import Final, NamedTuple

from models.confidence.delays import Delay, checked_delay
from models.confidence.unanswered import Request
from models.confidence.visible.values import Outcome
from models.detection.refusals import at_least, refuse

__all__ = ["Attempt", "Line", "outcome"]

#: Begins of a break that are told apart between two instants that matter.
_STEPS: Final = 10
#: Round trips after a send in which an instant more matters.
_NEAR: Final = 3.0
#: Ends of a break that are told apart where what waited may not have come through yet.
_LATELY: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What whoever asks believes of the way to who executes, and back; from configuration, never from the faults.

    Attributes:
        request: Independent losses and the round trip, where nothing is broken.
        arrival: The way there.
        mtbc_us: Mean time between cuts; infinite for none.
        cut_us: Mean length of a cut; infinite for one that lasts.
        mtbf_us: Mean time between deaths of who executes; infinite for none.
        down_us: Mean time that it stays dead.
        queued: Whether requests go on a connection, which keeps what a cut does not let through.
        give_up_us: How long it does; infinite for as long as it takes.
        resend_us: How long after a heal it may be until that is sent again.
        patience_us: How long an attempt's answer is waited for.
    """

    request: Request
    arrival: Delay
    mtbc_us: float = inf
    cut_us: float = inf
    mtbf_us: float = inf
    down_us: float = inf
    queued: bool = False
    give_up_us: float = inf
    resend_us: float = 0.0
    patience_us: float = inf

    def __post_init__(self) -> None:
        refuse(
            (
                checked_delay("arrival", self.arrival),
                *(
                    None if value > 0 else f"{name}={value!r} is no time; give more than 0, or infinity"
                    for name, value in (
                        ("mtbc_us", self.mtbc_us),
                        ("cut_us", self.cut_us),
                        ("mtbf_us", self.mtbf_us),
                        ("down_us", self.down_us),
                        ("give_up_us", self.give_up_us),
                        ("patience_us", self.patience_us),
                    )
                ),
                None if self.resend_us >= 0 else f"resend_us={self.resend_us!r} is no time; give 0 or more",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One that got no answer; ages in microseconds.

    A request that is answered shows that the way was whole from its send to its answer. What broke the way for this
    attempt did so between two such spells, or since the last.

    Attributes:
        sent_us: How long ago it was sent.
        since_us: How long ago the spell ended in which it was sent, or the one before; None if there was none, and
            then a break may have begun with the first attempt.
        until_us: How long ago the next spell began; None if there was none since.
        others_us: How long ago something else was sent the same way meanwhile that has no answer either.
    """

    sent_us: int
    since_us: int | None = None
    until_us: int | None = None
    others_us: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        latest_us = self.sent_us if self.since_us is None else self.since_us
        refuse(
            (
                at_least("sent_us", self.sent_us, 0),
                None if self.since_us is None else at_least("since_us", self.since_us, 0),
                None
                if self.until_us is None or 0 <= self.until_us <= latest_us
                else f"until_us={self.until_us} is not between {latest_us} ago and now; a spell begins after the last",
            )
        )


class _Fate(NamedTuple):
    """One attempt under one hypothesis, and silent: executed, still under way or waiting, lost."""

    executed: float
    waiting: float
    lost: float


class _Span(NamedTuple):
    """Between two ages at which the way was whole, or since one: attempts, and what else got no answer."""

    since_us: int
    until_us: int
    sent_us: tuple[int, ...]
    others_us: tuple[int, ...]


class _Sums(NamedTuple):
    """Weights of what became of the command."""

    executed: float
    will: float
    lost: float


def outcome(line: Line, attempts: Sequence[Attempt]) -> Outcome:
    """What may have become of a command.

    Args:
        line: What is believed of the way.
        attempts: Each without an answer, the first in front.

    Raises:
        ValueError: no attempt.
    """
    refuse((None if attempts else "nothing was asked; give the attempts",))
    first_us = max(attempt.sent_us for attempt in attempts)
    found: dict[tuple[int, int], _Span] = {}
    for one in attempts:
        since_us = max(first_us, *one.others_us, 0) if one.since_us is None else one.since_us
        until_us = one.until_us or 0
        span = found.get((since_us, until_us), _Span(since_us, until_us, (), ()))
        others = tuple(sorted({*span.others_us, *one.others_us}))
        found[since_us, until_us] = _Span(since_us, until_us, (*span.sent_us, one.sent_us), others)
    # What breaks between two instants at which all was whole is independent of what does between others.
    undone = lost = 1.0
    for span in found.values():
        sums = _between(line, span)
        undone *= sums.will + sums.lost
        lost *= sums.lost
    whole = [us for one in attempts for us in (one.since_us, one.until_us) if us is not None]
    return Outcome(
        executed=max(0.0, 1 - undone),
        will_execute=max(0.0, undone - lost),
        lost=lost,
        silent_us=first_us,
        attempts=len(attempts),
        whole_us=min(whole, default=None),
    )


def _between(line: Line, span: _Span) -> _Sums:
    """Chances of the attempts of a span."""
    parts = [_unbroken(line, span), *_broken(line, span)]
    executed, will, lost = (fsum(part[index] for part in parts) for index in range(3))
    total = executed + will + lost
    # Where nothing believed possible explains the silence, it was executed and the answer lost.
    return _Sums(executed / total, will / total, lost / total) if total > 0 else _Sums(1.0, 0.0, 0.0)


def _sums(weight: float, fates: Sequence[_Fate], heals: float) -> _Sums:
    """The command's, from its attempts'; what waits executes with the chance `heals`, all of it or none."""
    silent = undone = none = weight
    for executed, waiting, lost in fates:
        silent *= executed + waiting + lost
        undone *= waiting + lost
        none *= lost
    waits = undone - none
    return _Sums(silent - undone, waits * heals, none + waits * (1 - heals))


def _silent(fate: _Fate) -> float:
    return fate.executed + fate.waiting + fate.lost


def _unbroken(line: Line, span: _Span) -> _Sums:
    weight = exp(-_hazard(line) * (span.since_us - span.until_us))
    weight *= prod(_silent(_undisturbed(line, age_us)) for age_us in span.others_us)
    return _sums(weight, [_undisturbed(line, age_us) for age_us in span.sent_us], 1.0)


def _undisturbed(line: Line, age_us: float) -> _Fate:
    """An attempt with nothing in its way."""
    request = line.request
    goes = 1 - request.request_loss
    unanswered = request.reply_loss + (1 - request.reply_loss) * request.round_trip.beyond(age_us)
    under_way = min(line.arrival.beyond(age_us), unanswered)
    return _Fate(goes * (unanswered - under_way), goes * under_way, request.request_loss)


def _stuck(line: Line, age_us: float, begun_us: float, *, waits: bool) -> _Fate:
    """An attempt sent before the end of a break that began at an age, before that end; what waits waits for it."""
    request = line.request
    goes, there_us = 1 - request.request_loss, age_us - begun_us
    arrived = answered = 0.0
    if there_us > 0:
        answered = goes * (1 - request.reply_loss) * (1 - request.round_trip.beyond(there_us))
        arrived = max(goes * (1 - line.arrival.beyond(there_us)), answered)
    left = goes - arrived
    if waits:
        return _Fate(arrived - answered, left, request.request_loss)
    return _Fate(arrived - answered, 0.0, request.request_loss + left)


def _let_go(line: Line, stuck: _Fate, healed: _Fate) -> _Fate:
    """What waited in a connection, answers too, went on at the heal, as if it had been sent then."""
    goes = 1 - line.request.request_loss
    share = stuck.waiting / goes if goes else 0.0
    answers = stuck.executed * (healed.executed + healed.waiting) / goes if goes else 0.0
    return _Fate(answers + share * healed.executed, share * healed.waiting, stuck.lost)


def _released(line: Line, age_us: float, healed_us: float) -> _Fate:
    """An attempt that waited for a heal, by how long ago that was.

    All that waits is sent again together, after half of the delay: of heals as likely as each other, one that was
    earlier with more of a delay comes to the same.
    """
    ago_us, goes = healed_us - line.resend_us / 2, 1 - line.request.request_loss
    if ago_us <= 0:
        return _Fate(0.0, goes, line.request.request_loss)
    if age_us - ago_us < line.patience_us:
        return _undisturbed(line, ago_us)
    # Whoever asked did not wait for what it led to.
    under_way = line.arrival.beyond(ago_us)
    return _Fate(goes * (1 - under_way), goes * under_way, line.request.request_loss)


def _given_up_us(line: Line, age_us: float, first_us: float) -> float:
    """How long ago a connection gives up what it keeps of an attempt; less than 0 if that is still to come.

    It gives up all that it keeps a while after the first of it got stuck, and what is sent then waits on a new one.
    """
    if line.give_up_us == inf:
        return -inf
    turns = (first_us - min(age_us, first_us)) // line.give_up_us + 1
    return first_us - turns * line.give_up_us


def _dropped(fate: _Fate) -> _Fate:
    """What waited was given up."""
    return _Fate(fate.executed, 0.0, fate.lost + fate.waiting)


def _hazard(line: Line) -> float:
    return 1 / line.mtbc_us + 1 / line.mtbf_us


def _broken(line: Line, span: _Span) -> Iterator[_Sums]:
    """By begin and end of the break; a cut and a death apart where they do not come to the same."""
    if span.since_us <= span.until_us:
        return
    cut, death = _Kind(1 / line.mtbc_us, line.cut_us), _Kind(1 / line.mtbf_us, line.down_us)
    kinds: tuple[tuple[tuple[_Kind, ...], bool], ...] = (((cut, death), False),)
    if line.queued:
        kinds = (((cut,), True), ((death,), False))
    for some, queued in kinds:
        alike = tuple(kind for kind in some if kind.rate > 0)
        begins = list(_begins(line, span, waits=queued)) if alike else []
        yield from _lasting(line, span, alike, begins, waits=queued)
        yield from _ended(line, span, alike, begins, waits=queued)


class _Kind(NamedTuple):
    """Breaks of a kind: how often they begin, by microseconds, and how long they last on average."""

    rate: float
    lasts_us: float


class _Begin(NamedTuple):
    """A break that began at an age, as likely as its weight says, and what it makes of attempts and of all else."""

    at_us: float
    weight: float
    fates: tuple[_Fate, ...]


def _begins(line: Line, span: _Span, *, waits: bool) -> Iterator[_Begin]:
    hazard, ages_us = _hazard(line), (*span.sent_us, *span.others_us)
    for at_us, step_us in _middles(_marks(line, ages_us, span), _STEPS):
        fates = tuple(_stuck(line, age_us, at_us, waits=waits) for age_us in ages_us)
        yield _Begin(at_us, exp(-hazard * (span.since_us - at_us)) * step_us, fates)


def _lasting(
    line: Line, span: _Span, kinds: Sequence[_Kind], begins: Sequence[_Begin], *, waits: bool
) -> Iterator[_Sums]:
    """Breaks that last until now."""
    ages_us, count = (*span.sent_us, *span.others_us), len(span.sent_us)
    for at_us, weight, fates in begins if not span.until_us else ():
        lasting = weight * fsum(kind.rate * exp(-at_us / kind.lasts_us) for kind in kinds)
        heals = 0.0
        if waits:
            ends_us = [_given_up_us(line, age_us, min(at_us, max(ages_us))) for age_us in ages_us]
            fates = tuple(_dropped(fate) if ends_us[at] >= 0 else fate for at, fate in enumerate(fates))
            heals = _healed(line, max(0.0, -min(ends_us[:count]) - line.resend_us / 2))
        yield _sums(lasting * prod(map(_silent, fates[count:])), fates[:count], heals)


def _ended(
    line: Line, span: _Span, kinds: Sequence[_Kind], begins: Sequence[_Begin], *, waits: bool
) -> Iterator[_Sums]:
    """Breaks that ended before now, by between which two attempts they did."""
    kinds = [kind for kind in kinds if kind.lasts_us < inf]
    ages_us, count = (*span.sent_us, *span.others_us), len(span.sent_us)
    whole = [_undisturbed(line, age_us) for age_us in ages_us]
    ends = list(pairwise(_heals(line, ages_us, span) if waits else _sends(ages_us, span)))
    after = [
        [_released(line, age_us, (low_us + high_us) / 2) for age_us in ages_us]
        for low_us, high_us in (ends if waits else ())
    ]
    for at_us, weight, stuck in begins if kinds else ():
        first_us = min(at_us, max(ages_us))
        ends_us = [_given_up_us(line, age_us, first_us) if waits else -inf for age_us in ages_us]
        for index, (low_us, high_us) in enumerate(ends):
            if low_us >= at_us:
                break
            from_us, to_us = low_us - at_us, min(high_us, at_us) - at_us
            ended = fsum(kind.rate * (exp(to_us / kind.lasts_us) - exp(from_us / kind.lasts_us)) for kind in kinds)
            fates = [
                whole[at] if age_us <= low_us else _let_go(line, left, after[index][at]) if waits else left
                for at, age_us in enumerate(ages_us)
                for left in (_dropped(stuck[at]) if ends_us[at] > low_us - line.resend_us / 2 else stuck[at],)
            ]
            yield _sums(weight * ended * prod(map(_silent, fates[count:])), fates[:count], 1.0)


def _sends(ages_us: Sequence[int], span: _Span) -> list[float]:
    """The border of a span, and when attempts were sent in it."""
    inside = {float(age_us) for age_us in ages_us if span.until_us < age_us < span.since_us}
    return sorted({float(span.until_us), float(span.since_us)} | inside)


def _marks(line: Line, ages_us: Sequence[int], span: _Span) -> list[float]:
    """Ages between which instants of a break are alike enough: at each send, and some round trips later."""
    near_us = _NEAR * line.request.round_trip.mean_us
    later = {age_us - near_us for age_us in ages_us if span.until_us < age_us - near_us < span.since_us}
    return sorted(later.union(_sends(ages_us, span)))


def _heals(line: Line, ages_us: Sequence[int], span: _Span) -> list[float]:
    """As `_marks`, and finer where what waited may be under way, or still to be sent."""
    near_us = (line.resend_us + _NEAR * line.request.round_trip.mean_us) / _LATELY
    lately = {span.until_us + near_us * step for step in range(1, _LATELY + 1)}
    return sorted({*_marks(line, ages_us, span), *(us for us in lately if us < span.since_us)})


def _middles(marks: list[float], steps: int) -> Iterator[tuple[float, float]]:
    """Instants in the middle of steps, and how long a step is; later ones, of a lower age, in front."""
    for low_us, high_us in pairwise(marks):
        step_us = (high_us - low_us) / steps
        for step in range(steps):
            yield low_us + (step + 0.5) * step_us, step_us


def _healed(line: Line, within_us: float) -> float:
    """The chance that a cut which lasts till now heals in time; one that lasts for ever does not."""
    return 0.0 if line.cut_us == inf else -expm1(-within_us / line.cut_us)
