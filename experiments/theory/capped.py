"""A top layer under its cap, on a link and on a core; both must come to a server of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.theory.links import LINK_US, URGENT_BYTES, poisson, transmission_us
from experiments.theory.measured import JOBS, Measures, without
from experiments.theory.recursion import Jobs, averages, controlled, lindley, lindley_long
from experiments.theory.stations import SERVICE_US, Load, served
from experiments.theory.varied import CAP_BYTES_PER_S, CAP_OF_CORE, CAPPED, LONG
from sim.chance import Chance

__all__ = ["core_capped", "link_capped"]


def link_capped(seed: int) -> Measures:
    """A top layer under a cap whose bucket holds one message, on a link that could carry twenty times as much."""
    service_us = transmission_us(URGENT_BYTES, CAP_BYTES_PER_S)
    arrived = poisson(
        rho=0.0, urgent_rho=CAPPED, seed=seed, span_us=int(JOBS * service_us / CAPPED), cap=CAP_BYTES_PER_S
    )
    sent = np.array(arrived.urgent_sent_us, dtype=np.int64)
    at = np.array([at_us for _, at_us in sorted(arrived.urgent_arrived)], dtype=np.int64)
    theirs = at - sent - transmission_us(URGENT_BYTES) - LINK_US
    jobs = Jobs(sent, np.full(len(sent), service_us, dtype=np.int64))
    return _measures(jobs, theirs, arrived.digest, seed)


def _measures(jobs: Jobs, theirs: NDArray[np.int64], digest: str, seed: int) -> Measures:
    """What a cap makes of a layer alone, whose `jobs` take the time after which it lets the next one go."""
    service_us = int(jobs.services[0])
    expected, beyond_us = lindley(jobs), service_us // 2
    far = lindley_long(
        Chance(seed).generator("recursion"),
        rho=CAPPED,
        service_us=service_us,
        exponential=False,
        jobs=LONG["md1_70"],
        beyond_us=beyond_us,
    )
    own, same = (averages(jobs, waits, beyond_us) for waits in (theirs, expected))
    return Measures(
        values=without(controlled(own, same, far), "lost", "utilisation", "number"),
        count=len(theirs),
        digest=digest,
        error_us=int(np.abs(theirs - expected).max()),
    )


def core_capped(seed: int) -> Measures:
    """The same on a core, where a job takes a tenth of the time that its cap lets it have the next one."""
    service_us, rho = round(SERVICE_US / CAP_OF_CORE), CAPPED * CAP_OF_CORE
    load = Load(rho, exponential=False, urgent=True)
    station = served([load], seed=seed, span_us=int(JOBS * service_us / CAPPED), cap=CAP_OF_CORE)
    theirs = station.waits()
    jobs = Jobs(station.jobs().arrivals, np.full(len(theirs), service_us, dtype=np.int64))
    return _measures(jobs, theirs, station.world.digest(), seed)
