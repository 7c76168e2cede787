"""The textbook's own queues, as recursions over their jobs.

A host that serves a million jobs takes ten seconds, and near saturation a mean to two per cent
takes a hundred million. These recursions are a hundred times as fast, because they are nothing
but arithmetic: they serve as control variates (`controlled`), and a host is compared with them
job by job. All times are whole microseconds, so sums are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = [
    "Jobs",
    "averages",
    "controlled",
    "exchanged",
    "jobs_of",
    "lindley",
    "lindley_long",
    "parallel_long",
    "several_servers",
    "with_room",
]

Microseconds = NDArray[np.int64]
#: Jobs that `lindley_long` takes at a time.
_BLOCK: Final = 25_000
#: Averages by metric.
Averages = Mapping[str, float]


class Jobs(NamedTuple):
    """Jobs in order of arrival: when each came, and how long its service is."""

    arrivals: Microseconds
    services: Microseconds


def lindley(jobs: Jobs) -> Microseconds:
    """Waits at one server, first come first served (Lindley, Proc. Cambridge Phil. Soc. 48, 1952).

    A job waits for what was left when the one before it came, and for its service, less the
    gap. Unrolled, that is a running sum's distance from its lowest point so far.
    """
    before = np.concatenate(([0], np.cumsum(jobs.services[:-1])))
    walk: Microseconds = before - jobs.arrivals
    lowest: Microseconds = np.minimum.accumulate(walk)
    return walk - lowest


def several_servers(jobs: Jobs, servers: int) -> Microseconds:
    """Waits at several servers with one queue (Kiefer and Wolfowitz, Trans. AMS 78, 1955).

    Arrays may have a second axis of independent streams, gone through side by side.
    """
    arrivals, services = _columns(jobs)
    streams = np.arange(arrivals.shape[1])
    free = np.zeros((servers, len(streams)), dtype=np.int64)
    waits = np.empty_like(arrivals)
    for n, came in enumerate(arrivals):
        first = free.argmin(axis=0)
        start = np.maximum(came, free[first, streams])
        waits[n] = start - came
        free[first, streams] = start + services[n]
    return waits.reshape(jobs.arrivals.shape)


def with_room(jobs: Jobs, places: int) -> Microseconds:
    """Waits at one server with room for `places` jobs, the one in service included; -1 is turned away.

    Streams as in `several_servers`.
    """
    arrivals, services = _columns(jobs)
    streams = np.arange(arrivals.shape[1])
    departures = np.zeros((places, len(streams)), dtype=np.int64)  # of the latest jobs let in
    last = np.zeros(len(streams), dtype=np.int64)
    waits = np.empty_like(arrivals)
    for n, came in enumerate(arrivals):
        oldest = departures.argmin(axis=0)
        leaves = departures[oldest, streams]
        enters = leaves <= came
        start = np.maximum(came, last)
        waits[n] = np.where(enters, start - came, -1)
        last = np.where(enters, start + services[n], last)
        departures[oldest, streams] = np.where(enters, last, leaves)
    return waits.reshape(jobs.arrivals.shape)


def _columns(jobs: Jobs) -> Jobs:
    """With an axis of streams, if there is none."""
    count = len(jobs.arrivals)
    return Jobs(jobs.arrivals.reshape(count, -1), jobs.services.reshape(count, -1))


def averages(jobs: Jobs, waits: Microseconds, beyond_us: int, since: Microseconds | int = 0) -> Averages:
    """Averages over a stretch of jobs that ends with the last arrival; streams count alike.

    Args:
        jobs: The stretch.
        waits: Of each job, -1 if it was turned away.
        beyond_us: `beyond` is the share of jobs that waited longer.
        since: When the stretch began, of each stream: the arrival before its first, or 0. (From
            the first arrival on there would be a gap less than there are jobs.)

    Returns:
        `utilisation` (of one server), `number` in the system, `wait_us`, the share `beyond` of
        jobs, and the share `lost` of those turned away.
    """
    span = int((jobs.arrivals[-1] - since).sum())
    inside, served, queued = waits.size, int(jobs.services.sum()), int(waits.sum())
    if waits.min() < 0:
        away = waits < 0
        inside -= int(away.sum())
        served -= int(jobs.services[away].sum())
        queued += int(away.sum())
    return {
        "utilisation": served / span,
        "number": (served + queued) / span,  # the area under the number is the sum of the stays
        "wait_us": queued / inside,
        "beyond": int((waits > beyond_us).sum()) / inside,
        "lost": 1 - inside / waits.size,
    }


def controlled(own: Averages, same: Averages, far: Averages) -> Averages:
    """The world's averages, less the recursion's over the same jobs, plus its over far more of them.

    A control variate whose coefficient is 1. Its mean is the world's own whatever the world
    does, since both averages over recursions have one mean; where the world does as the
    recursion does, what is left of the scatter is that of the long one.
    """
    return {metric: own[metric] - same[metric] + far[metric] for metric in own}


def lindley_long(
    rng: Generator,
    *,
    rho: float,
    service_us: int | tuple[int, int],
    exponential: bool,
    jobs: int,
    beyond_us: int,
    shares: tuple[float, float] = (1.0, 0.0),
) -> Averages:
    """Averages of `lindley` over about `jobs` Poisson arrivals, the first block left out as warm-up.

    Services may be of two mean lengths, by the share of jobs that have them.

    With exponential services the stretch is gone through twice, gaps and services exchanged, so
    that what made one busier than it should be makes the other idler (Page, Op. Res. 13, 1965).
    """
    one_us, other_us = (service_us, service_us) if isinstance(service_us, int) else service_us
    mean_us = shares[0] * one_us + shares[1] * other_us
    passes = [_Pass(beyond_us) for _ in range(2 if exponential else 1)]
    for _ in range(1 + -(-jobs // _BLOCK)):
        lengths = one_us if one_us == other_us else np.where(rng.random(_BLOCK) < shares[0], one_us, other_us)
        for one, (gaps, services) in zip(passes, exchanged(rng, (_BLOCK,), exponential), strict=True):
            one.go_on(jobs_of(gaps, services, rho, lengths, mean_us))
    # Gaps and services exchanged make utilisations that cancel almost exactly; one is honest.
    found = [one.averages() for one in passes]
    return {**_mean(found), "utilisation": found[0]["utilisation"]}


class _Pass:
    """One long pass of `lindley` in blocks that the processor's cache holds."""

    def __init__(self, beyond_us: int) -> None:
        self._beyond_us = beyond_us
        self._lowest = 0
        self._blocks = 0
        self._span = self._served = self._queued = self._beyond = 0

    def go_on(self, block: Jobs) -> None:
        services = np.cumsum(block.services)
        walk = services - block.services
        walk -= block.arrivals
        np.minimum.accumulate(walk, out=(lowest := np.empty_like(walk)))
        np.minimum(lowest, self._lowest, out=lowest)
        waits = walk - lowest
        # Counted from where the walk is, so that numbers stay small however long the pass.
        self._lowest = int(lowest[-1]) - int(services[-1]) + int(block.arrivals[-1])
        self._blocks += 1
        if self._blocks > 1:
            self._span += int(block.arrivals[-1])
            self._served += int(services[-1])
            self._queued += int(waits.sum())
            self._beyond += int(np.count_nonzero(waits > self._beyond_us))

    def averages(self) -> Averages:
        count = (self._blocks - 1) * _BLOCK
        return {
            "utilisation": self._served / self._span,
            "number": (self._served + self._queued) / self._span,
            "wait_us": self._queued / count,
            "beyond": self._beyond / count,
            "lost": 0.0,
        }


def parallel_long(
    rng: Generator,
    waits_of: Callable[[Jobs], Microseconds],
    *,
    rho: float,
    service_us: int,
    streams: int,
    jobs: int,
    skip: int,
) -> Averages:
    """The same of any recursion with exponential services, over streams that each begin empty."""
    passes = []
    for gaps, services in exchanged(rng, (jobs, streams), True):
        made = jobs_of(gaps, services, rho, service_us)
        late = Jobs(made.arrivals[skip:], made.services[skip:])
        passes.append(averages(late, waits_of(made)[skip:], 0, made.arrivals[skip - 1]))
    return _mean(passes)


def exchanged(
    rng: Generator, shape: tuple[int, ...], exponential: bool
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Gaps and services of mean 1, then the same exchanged; just the gaps, once, of services that are all alike."""
    first = rng.standard_exponential(shape)
    second = rng.standard_exponential(shape) if exponential else None
    yield first, second
    if second is not None:
        yield second, first


def jobs_of(
    gaps: NDArray[np.float64],
    services: NDArray[np.float64] | None,
    rho: float,
    service_us: int | Microseconds,
    mean_us: float | None = None,
) -> Jobs:
    """Jobs that use a server to `rho`, of what `exchanged` gave; services of no length take a microsecond.

    `service_us` is the mean of all services or of each, and then `mean_us` that of all.
    """
    arrivals = np.cumsum(np.rint(gaps * ((service_us if mean_us is None else mean_us) / rho)).astype(np.int64), axis=0)
    if services is None:
        return Jobs(arrivals, np.full(gaps.shape, service_us, dtype=np.int64))
    return Jobs(arrivals, np.maximum(1, np.rint(services * service_us)).astype(np.int64))


def _mean(passes: Sequence[Averages]) -> Averages:
    return {metric: sum(each[metric] for each in passes) / len(passes) for metric in passes[0]}
