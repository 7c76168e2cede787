"""What a rule with fixed instants comes to under independent losses: duplicates, omissions and waiting, without chance.

Attempt k is made if none of those before it was answered by then; attempts are independent, and what was not executed
is never answered. So omissions are (1 - pi)^n where n attempts may be made, and all else follows from
S(t) = P(an attempt is not answered within t) = 1 - pi + pi (p_rep + (1 - p_rep)(1 - F(t))).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import fsum, prod
from typing import Final, NamedTuple

from models.confidence.unanswered import Request

__all__ = ["Sums", "sums_of"]

_STEPS: Final = 50


class Sums(NamedTuple):
    """For one effect, on average.

    Attributes:
        duplicates: Executions beyond the first.
        omitted: Chance that it is never executed.
        waiting_us: From the first attempt to an answer, or to where it is given up.
        attempts: Made.
        parked: Chance that no answer comes before it is given up.
    """

    duplicates: float
    omitted: float
    waiting_us: float
    attempts: float
    parked: float


def sums_of(request: Request, instants_us: Sequence[int], give_up_us: int) -> Sums:
    """The sums of a rule that asks at 0 and again at each of `instants_us`, in order, until `give_up_us`."""
    pi = 1 - request.request_loss
    sent_us = [0, *(one for one in instants_us if one < give_up_us)]

    def unanswered(upto: int, at_us: float) -> float:
        return prod(_silent(request, at_us - one) for one in sent_us[:upto])

    made = [unanswered(index, at_us) for index, at_us in enumerate(sent_us)]
    omitted = (1 - pi) ** len(sent_us)
    waiting = fsum(
        _integral(partial(unanswered, upto), begin_us, end_us)
        for upto, (begin_us, end_us) in enumerate(pairwise([*sent_us, give_up_us]), 1)
    )
    return Sums(
        duplicates=pi * fsum(made) - (1 - omitted),
        omitted=omitted,
        waiting_us=waiting,
        attempts=fsum(made),
        parked=unanswered(len(sent_us), give_up_us),
    )


def _silent(request: Request, silent_us: float) -> float:
    late = request.round_trip.beyond(silent_us)
    return request.request_loss + (1 - request.request_loss) * (request.reply_loss + (1 - request.reply_loss) * late)


def _integral(tail: Callable[[float], float], begin_us: float, end_us: float) -> float:
    """Simpson's rule, with points that crowd at the begin, where tails bend."""
    points = [begin_us + (end_us - begin_us) * (step / _STEPS) ** 2 for step in range(_STEPS + 1)]
    return fsum((b - a) / 6 * (tail(a) + 4 * tail((a + b) / 2) + tail(b)) for a, b in pairwise(points))
