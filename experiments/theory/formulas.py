"""Closed forms, each with where it is from. Times are in the unit of the service time given.

Nothing here comes from `sim`: a distribution that states its own mean wrongly would otherwise
agree with itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "GroupCommit",
    "burst_length",
    "cobham_waits",
    "erlang_c",
    "group_commit",
    "lognormal_beyond",
    "md1_beyond",
    "md1_wait",
    "mm1_beyond",
    "mm1_wait",
    "mm1k_blocked",
    "mm1k_number",
    "mmc_wait",
    "stall_delay",
]


def mm1_wait(rho: float, service: float) -> float:
    """Mean wait in the queue of M/M/1: rho s / (1 - rho). Kleinrock, Queueing Systems I, 1975."""
    return rho * service / (1 - rho)


def mm1_beyond(rho: float, service: float, t: float) -> float:
    """P(wait > t) of M/M/1: rho exp(-(1 - rho) t / s). As above."""
    return rho * math.exp(-(1 - rho) * t / service)


def md1_wait(rho: float, service: float) -> float:
    """Mean wait of M/D/1, half of that of M/M/1: Pollaczek and Khinchine."""
    return mm1_wait(rho, service) / 2


def md1_beyond(rho: float, service: float, t: float) -> float:
    """P(wait > t) of M/D/1 for t below one service time: 1 - (1 - rho) exp(rho t / s). Erlang 1909."""
    if not 0 <= t < service:
        raise ValueError(f"{t=} is not within one service time; the formula's further terms are not here")
    return 1 - (1 - rho) * math.exp(rho * t / service)


def erlang_c(cores: int, offered: float) -> float:
    """P(wait > 0) of M/M/c under `offered` = lambda s erlangs, by the recursion of Erlang B."""
    blocked = 1.0
    for c in range(1, cores + 1):
        blocked = offered * blocked / (c + offered * blocked)
    rho = offered / cores
    return blocked / (1 - rho + rho * blocked)


def mmc_wait(cores: int, offered: float, service: float) -> float:
    """Mean wait of M/M/c: C(c, a) s / (c - a)."""
    return erlang_c(cores, offered) * service / (cores - offered)


def _mm1k(rho: float, places: int) -> list[float]:
    weights = [rho**n for n in range(places + 1)]
    return [weight / math.fsum(weights) for weight in weights]


def mm1k_number(rho: float, places: int) -> float:
    """Mean number in M/M/1/K, `places` = K with the one in service; rho may exceed 1."""
    return math.fsum(n * share for n, share in enumerate(_mm1k(rho, places)))


def mm1k_blocked(rho: float, places: int) -> float:
    """Share of arrivals that M/M/1/K turns away (arrivals see time averages: Wolff 1982)."""
    return _mm1k(rho, places)[-1]


def cobham_waits(classes: Sequence[tuple[float, float, float]]) -> list[float]:
    """Mean wait of each class under non-preemptive priority, the first class first.

    Args:
        classes: (arrivals per time, mean service, mean square of service) of each.

    Source: Cobham, Operations Research 2, 1954: R / ((1 - sigma_(k-1)) (1 - sigma_k)), with R the
    mean residual service and sigma_k the load of the first k classes.
    """
    residual = math.fsum(rate * square / 2 for rate, _, square in classes)
    waits, load = [], 0.0
    for rate, mean, _ in classes:
        before, load = load, load + rate * mean
        waits.append(residual / ((1 - before) * (1 - load)))
    return waits


class GroupCommit(NamedTuple):
    """What sharing flushes comes to: mean latency of a request, mean requests a flush, share of time that one runs."""

    latency: float
    batch: float
    busy: float


def group_commit(rate: float, flush: float) -> GroupCommit:
    """Poisson requests that share flushes of fixed length: who comes during one waits for the next.

    Each flush is followed at once by another unless nobody came during it, which happens with
    q = exp(-rate flush); then the disk idles for 1 / rate and flushes for one request. By renewal
    reward over a flush: it serves rate flush + q requests; q of them found the disk idle and wait
    one flush, the others half of one and one more.
    """
    came, idle = rate * flush, math.exp(-rate * flush)
    return GroupCommit(
        latency=flush * (idle + 1.5 * came) / (came + idle),
        batch=came + idle,
        busy=came / (came + idle),
    )


def burst_length(mean_good: float, mean_bad: float, spacing: float) -> float:
    """Mean number of messages lost in a row, sent `spacing` apart, all lost in bad spells and none in good.

    The spell's state seen at the messages is a Markov chain of two states, which leaves the bad
    one with p = share of good (1 - exp(-spacing (1 / good + 1 / bad))); runs are geometric.
    """
    good = mean_good / (mean_good + mean_bad)
    return 1 / (good * -math.expm1(-spacing * (1 / mean_good + 1 / mean_bad)))


def stall_delay(mean_between: float, shortest: float, longest: float) -> float:
    """Mean extra delay at a random instant: E[length^2] / 2 over the mean cycle, lengths uniform."""
    mean = (shortest + longest) / 2
    square = (longest - shortest) ** 2 / 12 + mean**2
    return square / (2 * (mean_between + mean))


def lognormal_beyond(median: float, sigma: float, t: float) -> float:
    """P(X > t) of a lognormal."""
    return math.erfc(math.log(t / median) / (sigma * math.sqrt(2))) / 2
