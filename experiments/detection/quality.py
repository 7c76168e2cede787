"""Quality of service of a detector, as Chen, Toueg and Aguilera define it, from its suspicions.

Without a crash: mistakes recur every T_MR and last T_M; P_A is the chance that a question at a
random instant is answered rightly, and T_FG how long from such an instant, if it was, to the next
mistake. With one: T_D is the time from the crash to the suspicion that stays.

Means are renewal rewards: time over events, so that what is open at an end counts with the time
that it had. Quantiles take it as censored (Kaplan and Meier, JASA 53, 1958), and so is a crash that
nobody had noticed by the end. Nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.detection import Plan
from models.detection.arrays import Suspicions, Trace, crossings
from models.detection.arrays.trace import Ints

__all__ = ["Detections", "Quality", "detection_us", "forward_us", "judged", "survival_quantile"]


class Quality(NamedTuple):
    """What suspicions are worth while nothing crashed.

    Attributes:
        mistakes: Suspicions that began in the window.
        open_censored: Of these, still open at its end.
        recurrence_us: E[T_MR]; infinite without a mistake.
        mistake_us: E[T_M]; None without a mistake.
        accuracy: P_A.
        rate_per_s: lambda_M, mistakes a second.
        good_us: E[T_G], from the end of a mistake to the next; infinite without a mistake.
        forward_us: E[T_FG] by the lengths of good periods that ended in the window; None without one.
        flaps: Mistakes that were taken back within the time that counts as one.
        messages_per_s: What the detector cost, in messages a second; None if nobody counted.
    """

    mistakes: int
    open_censored: int
    recurrence_us: float
    mistake_us: float | None
    accuracy: float
    rate_per_s: float
    good_us: float
    forward_us: float | None
    flaps: int
    messages_per_s: float | None


class Detections(NamedTuple):
    """Detection times of crashes.

    Attributes:
        took_us: T_D of each crash, or how long it had gone unnoticed at the end.
        censored: Which of them are the latter.
    """

    took_us: Ints
    censored: NDArray[np.bool_]

    def quantile(self, q: float) -> float:
        """A quantile of T_D; infinite where too many went unnoticed."""
        return survival_quantile(self.took_us.tolist(), self.censored.tolist(), q)


def judged(found: Suspicions, begin_us: int, end_us: int, *, flap_us: int = 0, messages: int | None = None) -> Quality:
    """The quality of suspicions in a window of time without a crash.

    Args:
        found: As a detector suspects.
        begin_us: From when it counts, such as after the detector's window was full.
        end_us: Until when.
        flap_us: Mistakes up to so long are flaps.
        messages: Sent for the detector's sake in the window, lost ones included; None if nobody counted.

    Raises:
        ValueError: The window is empty.
    """
    if end_us <= begin_us:
        raise ValueError(f"the window from {begin_us} to {end_us} us is empty; run longer than the warm-up")
    starts = found.starts_us
    ends = np.append(found.ends_us, end_us)[: len(starts)] if found.open else found.ends_us
    starts, ends = np.clip(starts, begin_us, end_us), np.clip(ends, begin_us, end_us)
    suspected_us = int((ends - starts).sum())
    began = (found.starts_us >= begin_us) & (found.starts_us < end_us)
    count, span_us = int(began.sum()), end_us - begin_us
    closed = np.append(found.ends_us, np.iinfo(np.int64).max)[: len(found.starts_us)]
    good = (starts[1:] - ends[:-1])[began[1:] & (found.ends_us[: len(starts) - 1] >= begin_us)].tolist()
    return Quality(
        mistakes=count,
        open_censored=int((began & (closed >= end_us)).sum()),
        recurrence_us=span_us / count if count else inf,
        mistake_us=suspected_us / count if count else None,
        accuracy=1 - suspected_us / span_us,
        rate_per_s=1e6 * count / span_us,
        good_us=(span_us - suspected_us) / count if count else inf,
        forward_us=sum(us * us for us in good) / (2 * sum(good)) if any(good) else None,
        flaps=int((began & (closed - found.starts_us <= flap_us)).sum()),
        messages_per_s=None if messages is None else 1e6 * messages / span_us,
    )


def forward_us(found: Suspicions, rng: Generator, instants: int, begin_us: int, end_us: int) -> list[int]:
    """T_FG at random instants at which the subject is trusted: time to the next mistake.

    Instants after which the trace knows of no mistake are left out by the caller's choice of
    `end_us`: give one far enough before the trace ends.
    """
    at = np.sort(rng.integers(begin_us, end_us, instants))
    following = np.searchsorted(found.starts_us, at, side="right")
    ended = np.searchsorted(found.ends_us, at, side="right")
    trusted = (following == ended) & (following < len(found.starts_us))
    return [int(us) for us in found.starts_us[following[trusted]] - at[trusted]]


def detection_us(
    plan: Plan,
    trace: Trace,
    sent_us: Ints,
    crashes_us: Sequence[int] | Ints,
    until_us: int,
    after: Ints | None = None,
) -> Detections:
    """How long crashes at given instants go unnoticed.

    A crash keeps what would have been sent later from being sent; what was sent before arrives.

    Args:
        plan: The detector.
        trace: Without any crash.
        sent_us: When each arrival was sent, on the clock of the crashes.
        crashes_us: Instants, each a world of its own.
        until_us: When observation ends, on the observer's clock; later detections are censored.
        after: `crossings(plan, trace)` of whoever has them already.
    """
    crashes = np.asarray(crashes_us, dtype=np.int64)
    stays = _lasting(trace, crossings(plan, trace) if after is None else after)
    order = np.argsort(sent_us, kind="stable")
    last = np.maximum.accumulate(order)  # the last to arrive of all that were sent so far
    sent_before = np.searchsorted(sent_us[order], crashes)
    at = last[np.maximum(sent_before - 1, 0)]
    suspected = stays[at]
    # Where something that would not have been sent came before the last that was, the detector learnt otherwise.
    for place in np.flatnonzero(at + 1 > sent_before):
        kept = sent_us[: at[place] + 1] < crashes[place]
        shorter = Trace(trace.sequences[: at[place] + 1][kept], trace.arrivals_us[: at[place] + 1][kept])
        if len(shorter):
            suspected[place] = _lasting(shorter, crossings(plan, shorter))[-1]
    # Before anything was heard nobody is suspected, for ever.
    censored = (suspected > until_us) | (sent_before == 0)
    took = np.where(censored, until_us, suspected) - crashes
    return Detections(np.maximum(took, 0), censored)


def _lasting(trace: Trace, after: Ints) -> Ints:
    """When the suspicion begins that stays if nothing comes after each arrival.

    A heartbeat so late that the subject is suspected all the same ends no suspicion.
    """
    arrivals = trace.arrivals_us
    anew = np.ones(len(trace), bool)
    anew[1:] = (after[1:] > arrivals[1:]) | (after[:-1] >= arrivals[1:])
    begun = np.maximum.accumulate(np.where(anew, np.arange(len(trace)), 0))
    lasting: Ints = np.maximum(after, arrivals)[begun]
    return lasting


def survival_quantile(values: Sequence[float], censored: Sequence[bool], q: float) -> float:
    """A quantile of what is known of some values only to be more; infinite where that hides it.

    Raises:
        ValueError: No value, or q outside (0, 1).
    """
    if not values or not 0 < q < 1:
        raise ValueError(f"{len(values)} values have no quantile {q}; give some, and 0 < q < 1")
    alive, surviving = len(values), 1.0
    for value, is_censored in sorted(zip(values, censored, strict=True)):
        if not is_censored:
            surviving *= 1 - 1 / alive
            if 1 - surviving >= q - 1e-12:
                return value
        alive -= 1
    return inf
