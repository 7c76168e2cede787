"""How likely it is that a request was executed which nobody answered, given what was heard of its receiver meanwhile.

Silence alone says what `models.confidence.unanswered` computes, as if losses were independent. Heartbeats say more: one
that came shows that no cut had begun by then; from the first that is missing on, one may have. The hypotheses are no
cut, and a cut of both ways, or of the way back alone, that began at any instant since something last arrived, at a
constant hazard, and that lasts for an exponential time. All numbers come from configuration.

On datagrams a cut loses what is under way. On a connection (`queued`) it only keeps it, and the back-off of what is
sent again keeps it longer than the cut: silence is then no evidence, and P(executed, or will be) stays 1 - p_req, where
p_req is the chance that the connection is given up first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, inf
from typing import Final, NamedTuple

from models.confidence.closed import chance
from models.confidence.delays import Delay, Prompt, checked_delay
from models.confidence.unanswered import Request, executed_if_silent
from models.detection.refusals import at_least, refuse
from models.effects.retrying import Gap

__all__ = ["Route", "arrives_yet", "executed", "limit"]

#: Begins of a cut that are told apart within a heartbeat's interval, and within all of a gap at most.
_STEPS: Final = 8
_MOST: Final = 4_000
#: Of the heaviest begin, so light that the rest is nothing.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a caller believes of the way to a receiver and back.

    Attributes:
        request: Independent losses, and the round trip.
        arrival: The request's way there.
        beat_us: Between heartbeats of the receiver; 0 where nobody listens to any.
        beat_loss: Chance that one is lost though nothing is cut.
        beat_delay: Of one that is not.
        mtbc_us: Mean time between cuts of both ways; infinite for none.
        cut_us: Mean length of a cut; infinite for one that lasts.
        back_share: Part of the cuts that are of the way back alone: answers and heartbeats are lost, requests are not.
        queued: Whether requests go on connections, where a cut keeps what it does not let through.

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """

    request: Request
    arrival: Delay
    beat_us: int = 0
    beat_loss: float = 0.0
    beat_delay: Delay = field(default_factory=Prompt)
    mtbc_us: float = inf
    cut_us: float = inf
    back_share: float = 0.0
    queued: bool = False

    def __post_init__(self) -> None:
        refuse(
            (
                checked_delay("arrival", self.arrival),
                checked_delay("beat_delay", self.beat_delay),
                at_least("beat_us", self.beat_us, 0),
                chance("beat_loss", self.beat_loss),
                chance("back_share", self.back_share),
                *(
                    None if value > 0 else f"{name}={value!r} is no mean time; give more than 0, or infinity"
                    for name, value in (("mtbc_us", self.mtbc_us), ("cut_us", self.cut_us))
                ),
            )
        )


class _Case(NamedTuple):
    """A hypothesis: its weight with the heartbeats seen so, and P(silent, executed) and P(silent, not) under it."""

    weight: float
    executed: float
    undone: float


def executed(route: Route, silent_us: float, gap: Gap | None = None) -> float:
    """P(executed, or will be | no answer within `silent_us`, and heartbeats as seen).

    Without a gap silence is all the evidence there is, and losses count as independent.

    Raises:
        ValueError: silence of less than nothing, or one that cannot be.
    """
    if route.queued:
        return 1 - route.request.request_loss
    if gap is None:
        return executed_if_silent(route.request, silent_us)
    done = undone = 0.0
    for case in (_uncut(route, silent_us, gap), *_cuts(route, silent_us, gap)):
        done += case.weight * case.executed
        undone += case.weight * case.undone
    if done + undone == 0:
        raise ValueError(f"{silent_us=} with {gap} cannot be under {route}; give a loss, or cuts")
    return done / (done + undone)


def arrives_yet(route: Route, silent_us: float) -> float:
    """P(will be executed | it was not yet when the receiver was asked, `silent_us` after the send).

    What a receiver's *not done* is worth that does not fence: the request may be under way. On datagrams.
    """
    under_way = (1 - route.request.request_loss) * route.arrival.beyond(silent_us)
    total = under_way + route.request.request_loss
    return under_way / total if total else 0.0


def _uncut(route: Route, silent_us: float, gap: Gap) -> _Case:
    request = route.request
    unanswered = request.reply_loss + (1 - request.reply_loss) * request.round_trip.beyond(silent_us)
    weight = exp(-(_end_us(gap) - gap.since_us) / route.mtbc_us)
    for sent_us in gap.missing_us:
        weight *= _unheard(route, sent_us, gap.until_us)
    return _Case(weight, (1 - request.request_loss) * unanswered, request.request_loss)


def _cuts(route: Route, silent_us: float, gap: Gap) -> Iterator[_Case]:
    """A case for every begin of a cut, early ones first, until they are too light to matter."""
    if route.mtbc_us == inf:
        return
    request, end_us = route.request, _end_us(gap)
    span_us = end_us - gap.since_us
    step_us = max((route.beat_us or span_us) / _STEPS, span_us / _MOST)
    lasts_us = gap.missing_us[-1] if gap.missing_us else end_us
    heaviest, at_us = 0.0, float(gap.since_us)
    while at_us < end_us:
        # The send is a border: before it nothing is executed, and just after it next to nothing is either.
        next_us = min(at_us + step_us, end_us, 0.0 if at_us < 0 else inf)
        begin_us = (at_us + next_us) / 2
        weight = (next_us - at_us) / route.mtbc_us * exp(-(begin_us - gap.since_us) / route.mtbc_us)
        weight *= exp(-max(0.0, lasts_us - begin_us) / route.cut_us) * _seen(route, gap.missing_us, begin_us, gap)
        at_us = next_us
        heaviest = max(heaviest, weight)
        if weight < heaviest * _NOTHING:
            return
        arrived = 1 - route.arrival.beyond(begin_us) if begin_us > 0 else 0.0
        heard_us = min(silent_us, begin_us)
        answered = (1 - request.reply_loss) * (1 - request.round_trip.beyond(heard_us)) if heard_us > 0 else 0.0
        # A cut of the way back alone lets the request arrive, whenever it began.
        reaches = route.back_share + (1 - route.back_share) * max(arrived, answered)
        chance_of = 1 - request.request_loss
        yield _Case(weight, chance_of * (reaches - answered), 1 - chance_of * reaches)


def _seen(route: Route, missing_us: Sequence[int], begin_us: float, gap: Gap) -> float:
    """P(these heartbeats did not come | a cut began then): those that were sent later could not."""
    weight = 1.0
    for sent_us in missing_us:
        if sent_us >= begin_us:
            break
        weight *= _unheard(route, sent_us, min(begin_us, gap.until_us))
    return weight


def _unheard(route: Route, sent_us: int, by_us: float) -> float:
    return route.beat_loss + (1 - route.beat_loss) * route.beat_delay.beyond(by_us - sent_us)


def _end_us(gap: Gap) -> int:
    """Before when a cut must have begun that left this gap."""
    return gap.until_us if gap.back_us is None else gap.back_us


def limit(request: Request) -> float:
    """What P(executed) falls to with silence alone, however long."""
    return executed_if_silent(request, inf) if request.request_loss or request.reply_loss else 0.0
