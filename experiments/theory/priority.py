"""Two classes at one server: the higher goes first, and nothing that has begun is interrupted.

`priority` is a loop that anybody can check. `priority_waits` gives the same waits without one,
from two facts. A job of the lower class begins when all the work that it found is done, and all
that the higher class brought meanwhile; when that is can be looked up in the higher class's
arrivals. And who comes in the higher class waits for what Lindley's recursion leaves of that
class and of the lower jobs, each put in at the instant at which it begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from experiments.theory.recursion import Jobs, exchanged, jobs_of, lindley, lindley_long

__all__ = ["priority", "priority_long", "priority_waits"]

Microseconds = NDArray[np.int64]


def priority(jobs: Sequence[tuple[int, int, int]]) -> list[int]:
    """Waits at one server that takes the lowest class number first and finishes what it has begun.

    Args:
        jobs: (arrival, service, class) in order of arrival. What comes at the very instant at
            which a service ends does not take part in what is chosen then.
    """
    queues: dict[int, deque[int]] = {kind: deque() for kind in sorted({kind for _, _, kind in jobs})}
    waits = [0] * len(jobs)
    waiting, free = 0, 0
    for number, (came, service, kind) in enumerate(jobs):
        while waiting and free < came:
            queue = next(queue for queue in queues.values() if queue)
            taken = queue.popleft()
            waiting -= 1
            waits[taken] = free - jobs[taken][0]
            free += jobs[taken][1]
        if not waiting and free <= came:
            free = came + service
        else:
            queues[kind].append(number)
            waiting += 1
    while waiting:
        taken = next(queue for queue in queues.values() if queue).popleft()
        waiting -= 1
        waits[taken] = free - jobs[taken][0]
        free += jobs[taken][1]
    return waits


def priority_waits(high: Jobs, low: Jobs) -> tuple[Microseconds, Microseconds, Microseconds]:
    """Waits of the higher class and of the lower, and the work that each lower job found.

    Unlike in `priority`, what comes in the higher class at the very instant at which a service
    ends goes before the lower class.
    """
    higher, work = _merged(high, low)
    brought = np.concatenate(([0], np.cumsum(high.services)))
    level = brought[:-1] - high.arrivals
    lowest = np.minimum.accumulate(level)
    came_before = np.searchsorted(high.arrivals, low.arrivals, side="right")
    goal = brought[came_before] - low.arrivals - work
    # The higher class's arrivals up to the first that comes too late to go before it.
    until = np.maximum(np.searchsorted(-lowest, -goal, side="right"), came_before)
    waits = work + brought[until] - brought[came_before]
    higher, _ = _merged(high, Jobs(low.arrivals + waits, low.services))
    return higher, waits, work


def _merged(one: Jobs, other: Jobs) -> tuple[Microseconds, Microseconds]:
    """Waits of both at one server, first come first served; at one instant the first goes first."""
    arrivals = np.concatenate((one.arrivals, other.arrivals))
    order = np.argsort(arrivals, kind="stable")
    waits = np.empty_like(arrivals)
    waits[order] = lindley(Jobs(arrivals[order], np.concatenate((one.services, other.services))[order]))
    return waits[: len(one.arrivals)], waits[len(one.arrivals) :]


def priority_long(
    rng: Generator,
    *,
    rhos: tuple[float, float],
    services_us: tuple[int, int],
    exponential: bool,
    jobs: int,
    long_jobs: int,
) -> Mapping[str, float]:
    """Mean waits of the two classes of `priority` over many jobs.

    Near saturation the lower class waits for the work that it found, which is what any order of
    service leaves (the server never idles while there is work), times 1 / (1 - rho of the
    higher). So the work of `jobs` jobs is the control of their waits, and its mean is that over
    `long_jobs` more, first come first served.

    Returns:
        `urgent_wait_us` and `wait_us`.
    """
    found = [_by_class(*pair) for pair in _two_classes(rng, rhos, services_us, exponential, jobs)]
    high, low, work = (sum(each) / len(found) for each in zip(*found, strict=True))
    far = lindley_long(
        rng,
        rho=sum(rhos),
        service_us=services_us,
        shares=_shares(rhos, services_us),
        exponential=exponential,
        jobs=long_jobs,
        beyond_us=0,
    )
    return {"urgent_wait_us": high, "wait_us": low + (far["wait_us"] - work) / (1 - rhos[0])}


def _shares(rhos: tuple[float, float], services_us: tuple[int, int]) -> tuple[float, float]:
    """Of all arrivals, how many are of each class."""
    rates = [rho / us for rho, us in zip(rhos, services_us, strict=True)]
    return rates[0] / sum(rates), rates[1] / sum(rates)


def _two_classes(
    rng: Generator, rhos: tuple[float, float], services_us: tuple[int, int], exponential: bool, jobs: int
) -> list[tuple[Jobs, Jobs]]:
    """Passes of both classes, with gaps and services exchanged where that can be."""
    counts = [int(share * jobs) for share in _shares(rhos, services_us)]
    drawn = [list(exchanged(rng, (count,), exponential)) for count in counts]
    made = [
        [jobs_of(*one, rho, us) for one in passes] for passes, rho, us in zip(drawn, rhos, services_us, strict=True)
    ]
    return list(zip(*made, strict=True))


def _by_class(high: Jobs, low: Jobs) -> tuple[float, float, float]:
    """Means of `priority_waits` over the middle: it begins empty, and one class may end before the other."""
    ends = min(int(high.arrivals[-1]), int(low.arrivals[-1]))
    begins, ends = ends // 8, ends * 19 // 20
    waits, lower, work = priority_waits(high, low)
    urgent = (begins <= high.arrivals) & (high.arrivals < ends)
    other = (begins <= low.arrivals) & (low.arrivals < ends)
    return float(waits[urgent].mean()), float(lower[other].mean()), float(work[other].mean())
