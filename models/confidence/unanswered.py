"""Closed forms of a request that nobody answered: was it executed, and does waiting ever settle it?

Two worlds. With independent losses, silence up to T says P(executed | silent T) = pi S / (pi S + 1 - pi), which falls
to a limit above 0; so waiting alone may never be enough, and `patience` then says so, with the condition. A cut
correlates losses: whoever knows when it can have begun relative to the send knows more, and `executed_under_cut` says
how much. All of it is for datagrams; on a connection a request may wait and execute after the heal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, inf
from typing import Final

from models.confidence.closed import chance
from models.confidence.delays import Delay
from models.detection.refusals import at_least, refuse

__all__ = [
    "Costs",
    "Never",
    "Patience",
    "Request",
    "executed_for_ever",
    "executed_if_silent",
    "executed_under_cut",
    "patience",
]

_HALVINGS: Final = 200
_STEPS: Final = 4_000
_TAIL: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What is lost by either mistake, in any one unit.

    Attributes:
        lost: Not retried, and it had not been executed.
        duplicate: Retried, and it had been.
    """

    lost: float
    duplicate: float

    def __post_init__(self) -> None:
        none = "both costs are 0, so nothing is to be decided; make one positive"
        refuse(
            (
                at_least("lost", self.lost, 0),
                at_least("duplicate", self.duplicate, 0),
                none if self.lost == 0 == self.duplicate else None,
            )
        )

    @property
    def threshold(self) -> float:
        """The chance of execution up to which a retry costs less on average than none."""
        return self.lost / (self.lost + self.duplicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What its sender believes of one request and its reply, whose losses are independent.

    Attributes:
        request_loss: Chance that the request does not execute.
        reply_loss: Chance that the reply is lost, of one that executed.
        round_trip: From sending to the reply's arrival, if it arrives.
    """

    request_loss: float
    reply_loss: float
    round_trip: Delay

    def __post_init__(self) -> None:
        refuse((chance("request_loss", self.request_loss), chance("reply_loss", self.reply_loss)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait before a retry costs less than none: silent for so long, microseconds; infinite in the limit."""

    us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Waiting alone does not do; evidence is needed (an outcome query, a fence, heartbeats since the send).

    Attributes:
        limit: What P(executed) falls to, however long one waits.
        threshold: What the costs ask for.
        ratio_max: Largest cost of a duplicate, in costs of a loss, at which waiting does.
        reason: The condition, in words and numbers.
    """

    limit: float
    threshold: float
    ratio_max: float
    reason: str


def executed_if_silent(request: Request, silent_us: float) -> float:
    """P(executed | no reply within `silent_us`); at infinity the limit, (1-p)/(2-p) for equal losses p.

    Raises:
        ValueError: silence of less than nothing, or one that cannot be (no loss at all and every reply is due).
    """
    refuse((None if silent_us >= 0 else f"{silent_us=} is below 0; count from the send",))
    late = 0.0 if silent_us == inf else request.round_trip.beyond(silent_us)
    return _executed(request, request.reply_loss + (1 - request.reply_loss) * late)


def _executed(request: Request, unanswered: float) -> float:
    """P(executed | silent), where an executed one is unanswered with that chance."""
    executed = (1 - request.request_loss) * unanswered
    if executed + request.request_loss == 0:
        raise ValueError("silence cannot be: nothing is lost and every reply has arrived; give a loss")
    return executed / (executed + request.request_loss)


def patience(request: Request, costs: Costs) -> Patience | Never:
    """How long to wait before retrying what is not idempotent: the least T with P(executed | silent T) <= threshold."""
    limit, threshold = _executed(request, request.reply_loss) if _possible(request) else 0.0, costs.threshold
    if limit > threshold:
        ratio_max = request.request_loss / ((1 - request.request_loss) * request.reply_loss)
        return Never(
            limit=limit,
            threshold=threshold,
            ratio_max=ratio_max,
            reason=(
                f"P(executed) falls to {limit:.4g} and no further, as replies are lost too, and the costs ask for "
                f"{threshold:.4g}; waiting does where a duplicate costs at most {ratio_max:.4g} times a loss"
            ),
        )
    if executed_at(request, 0.0) <= threshold:
        return Patience(us=0.0)
    if limit == threshold:
        return Patience(us=inf)
    low_us, high_us = 0.0, 1.0
    while executed_at(request, high_us) > threshold:
        low_us, high_us = high_us, high_us * 2
        if high_us > 1e18:
            return Patience(us=inf)
    for _ in range(_HALVINGS):
        middle_us = (low_us + high_us) / 2
        if not low_us < middle_us < high_us:
            break
        low_us, high_us = (middle_us, high_us) if executed_at(request, middle_us) > threshold else (low_us, middle_us)
    return Patience(us=high_us)


def executed_at(request: Request, silent_us: float) -> float:
    """The same as `executed_if_silent`, and 0 where silence so long cannot be of one that was executed."""
    late = request.reply_loss + (1 - request.reply_loss) * request.round_trip.beyond(silent_us)
    return 0.0 if late == 0 else _executed(request, late)


def _possible(request: Request) -> bool:
    return request.request_loss > 0 or request.reply_loss > 0


def executed_for_ever(request_us: float, service_us: float, reply_us: float) -> float:
    """P(executed | silent for ever) on datagrams, where a lasting cut of both ways began after the send.

    It began at an instant that is uniform over the request's life; the arguments are mean times. Where the cut began
    before the send it is 0: the request is lost.

    Raises:
        ValueError: a mean below 0, or all are 0.
    """
    refuse(
        (
            at_least("request_us", request_us, 0),
            at_least("service_us", service_us, 0),
            at_least("reply_us", reply_us, 0),
            None if request_us + service_us + reply_us else "all means are 0, so no cut can fall between; raise one",
        )
    )
    return (service_us + reply_us) / (request_us + service_us + reply_us)


def executed_under_cut(
    arrives: Callable[[float], float], answered: Callable[[float], float], *, from_us: float, until_us: float
) -> float:
    """P(executed | silent for ever) on datagrams, where a lasting cut began uniformly between two instants.

    Instants are relative to the send: the last heartbeat that came was sent at `from_us`, say, and silence was noticed
    at `until_us`. With all of it before the send this is 0; from the send to for ever, `executed_for_ever`.

    Args:
        arrives: P(the request takes longer to arrive), by microseconds.
        answered: P(request, service and reply together take longer).
        from_us: Earliest begin of the cut.
        until_us: Latest; may be infinite.

    Raises:
        ValueError: the two are no range, or silence is impossible: all cuts in it come after every reply.
    """
    if not from_us < until_us:
        raise ValueError(f"{from_us=} and {until_us=} are no range of instants; give from < until")
    before_us = max(0.0, min(until_us, 0.0) - from_us)
    begin_us, end_us = max(from_us, 0.0), until_us
    silent_us = before_us + _area(answered, begin_us, end_us)
    if silent_us <= 0:
        raise ValueError(f"a cut between {from_us=} and {until_us=} leaves no request unanswered; take it earlier")
    lost_us = before_us + _area(arrives, begin_us, end_us)
    return max(0.0, (silent_us - lost_us) / silent_us)


def _area(tail: Callable[[float], float], begin_us: float, end_us: float) -> float:
    """The integral of a tail, to where it vanishes if `end_us` is later; Simpson's rule on pieces that widen."""
    if end_us <= begin_us:
        return 0.0
    last_us = max(begin_us, 1.0)
    while last_us < end_us and tail(last_us) > _TAIL:
        last_us *= 2
    end_us = min(end_us, last_us)
    if end_us <= begin_us:
        return 0.0
    # Squares crowd the points towards the begin, where tails bend.
    points = [begin_us + (end_us - begin_us) * (step / _STEPS) ** 2 for step in range(_STEPS + 1)]
    return fsum((b - a) / 6 * (tail(a) + 4 * tail((a + b) / 2) + tail(b)) for a, b in pairwise(points))
