"""The small worlds, one function each: from a seed to what was measured.

What they vary is in `varied`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from experiments.theory.capped import core_capped, link_capped
from experiments.theory.links import (
    LINK_US,
    SIZE_BYTES,
    URGENT_BYTES,
    burst,
    model_of,
    poisson,
    spread,
    transmission_us,
    waits_of,
)
from experiments.theory.measured import JOBS, Measures, without
from experiments.theory.priority import priority, priority_long
from experiments.theory.recursion import (
    averages,
    controlled,
    lindley,
    lindley_long,
    parallel_long,
    several_servers,
    with_room,
)
from experiments.theory.stations import SERVICE_US, Load, Served, flushes, served
from experiments.theory.varied import (
    APPENDS_PER_S,
    BEYOND_US,
    BURST,
    CLASS_JOBS,
    CLASSES,
    FLUSH_US,
    JITTER,
    LONG,
    MESSAGES,
    PLACES,
    RHO_4,
    SHAPES,
    SPACING_US,
    TAIL_DRAWS,
    THRESHOLDS_US,
    TIMES,
)
from sim.chance import Chance
from sim.latency import Empirical, SlowRule, Tier
from sim.latency.courses import Bursts, Loss
from sim.topology import grid

__all__ = ["CELLS"]


def _single(rho: float, exponential: bool, beyond_us: int, long_jobs: int, seed: int) -> Measures:
    """M/M/1 or M/D/1 on one core."""
    station = served([Load(rho, exponential)], seed=seed, span_us=int(JOBS * SERVICE_US / rho))
    jobs, theirs = station.jobs(), station.waits()
    expected = lindley(jobs)
    far = lindley_long(
        Chance(seed).generator("recursion"),
        rho=rho,
        service_us=SERVICE_US,
        exponential=exponential,
        jobs=long_jobs,
        beyond_us=beyond_us,
    )
    own = _own(station, averages(jobs, theirs, beyond_us))
    return Measures(
        values=without(controlled(own, averages(jobs, expected, beyond_us), far), "lost"),
        count=len(theirs),
        digest=station.world.digest(),
        error_us=int(np.abs(theirs - expected).max()),
    )


def _uncontrolled(rho: float, services: int, seed: int) -> Measures:
    """M/M/1 as a host serves it, and nothing else: two runs, the second with gaps and services exchanged."""
    stations = [
        served([Load(rho)], seed=seed, span_us=services * SERVICE_US, exchanged=exchanged)
        for exchanged in (False, True)
    ]
    numbers = [averages(station.jobs(), station.waits(), 0)["number"] for station in stations]
    return Measures(
        values={"number": sum(numbers) / 2},
        count=sum(len(station.done) for station in stations),
        digest="".join(station.world.digest() for station in stations),
    )


def _several_cores(seed: int) -> Measures:
    """M/M/4."""
    station = served([Load(4 * RHO_4)], seed=seed, span_us=int(JOBS * SERVICE_US / (4 * RHO_4)), cores=4)
    jobs, theirs = station.jobs(), station.waits()
    expected = several_servers(jobs, 4)
    far = parallel_long(
        Chance(seed).generator("recursion"),
        lambda made: several_servers(made, 4),
        rho=4 * RHO_4,
        service_us=SERVICE_US,
        streams=800,
        jobs=260,
        skip=120,
    )
    return Measures(
        values=without(controlled(averages(jobs, theirs, 0), averages(jobs, expected, 0), far), "lost", "utilisation"),
        count=len(theirs),
        digest=station.world.digest(),
        error_us=int(np.abs(theirs - expected).max()),
    )


def _overload(rho: float, seed: int) -> Measures:
    """More arrivals than one core and a short inbox can take."""
    station = served([Load(rho)], seed=seed, span_us=int(JOBS * SERVICE_US / rho), inbox=PLACES - 1)
    jobs, theirs = station.jobs(), station.waits()
    machine = station.world.machines[0]
    assert machine.overflowed == int((theirs < 0).sum()), "what was turned away was counted"
    expected = with_room(jobs, PLACES)
    far = parallel_long(
        Chance(seed).generator("recursion"),
        lambda made: with_room(made, PLACES),
        rho=rho,
        service_us=SERVICE_US,
        streams=500,
        jobs=90,
        skip=30,
    )
    own = {**averages(jobs, theirs, 0), "lost": machine.overflowed / machine.received}
    return Measures(
        values=without(controlled(own, averages(jobs, expected, 0), far), "beyond", "wait_us", "utilisation"),
        count=len(theirs),
        digest=station.world.digest(),
        error_us=int(np.abs(theirs - expected).max()),
    )


def _two_classes(percent: int, seed: int) -> Measures:
    """Two classes on one core, the higher first, nothing interrupted."""
    high, low = CLASSES[percent]
    loads = [Load(low), Load(high, urgent=True)]
    station = served(loads, seed=seed, span_us=int(JOBS * SERVICE_US / (low + high)))
    jobs = [(job.sent_us, job.core_us, 0 if job.urgent else 1) for job in station.done]
    theirs, expected = [job.wait_us for job in station.done], priority(jobs)
    far = _priority_long(percent, (SERVICE_US, SERVICE_US), True, seed)
    return Measures(
        values=controlled(_by_class(jobs, theirs), _by_class(jobs, expected), far),
        count=len(jobs),
        digest=station.world.digest(),
        error_us=_difference(jobs, theirs, expected),
    )


def _priority_long(percent: int, services_us: tuple[int, int], exponential: bool, seed: int) -> Mapping[str, float]:
    """Mean waits by class of the recursion over many jobs."""
    return priority_long(
        Chance(seed).generator("recursion"),
        rhos=CLASSES[percent],
        services_us=services_us,
        exponential=exponential,
        jobs=CLASS_JOBS[percent],
        long_jobs=LONG[f"{'mm1' if exponential else 'md1'}_{percent}"],
    )


def _difference(jobs: Sequence[tuple[int, int, int]], theirs: Sequence[int], expected: Sequence[int]) -> int | None:
    """The largest of single jobs; None if one came just as a service ended.

    Whether it then takes part in the choice of the next is the kernel's affair, not theory's.
    """
    ends = {came + waited + service for (came, service, _), waited in zip(jobs, expected, strict=True)}
    if any(came in ends for came, _, _ in jobs):
        return None
    return max(abs(mine - its) for mine, its in zip(theirs, expected, strict=True))


def _by_class(jobs: Sequence[tuple[int, int, int]], waits: Sequence[int]) -> Mapping[str, float]:
    by_class: dict[int, list[int]] = {0: [], 1: []}
    for (_, _, kind), wait_us in zip(jobs, waits, strict=True):
        by_class[kind].append(wait_us)
    return {"wait_us": _mean(by_class[1]), "urgent_wait_us": _mean(by_class[0])}


def _own(station: Served, seen: Mapping[str, float]) -> Mapping[str, float]:
    """With the utilisation that the machine itself accounts for."""
    return {**seen, "utilisation": station.world.machines[0].busy_us / station.done[-1].sent_us}


def _link(rho: float, beyond_us: int, long_jobs: int, seed: int) -> Measures:
    """M/D/1 on a link: messages of one size and finite bandwidth."""
    service_us = transmission_us(SIZE_BYTES)
    arrived = poisson(rho=rho, urgent_rho=0.0, seed=seed, span_us=int(JOBS * service_us / rho))
    theirs, jobs = waits_of(arrived)
    expected = lindley(jobs)
    far = lindley_long(
        Chance(seed).generator("recursion"),
        rho=rho,
        service_us=service_us,
        exponential=False,
        jobs=long_jobs,
        beyond_us=beyond_us,
    )
    own, same = (averages(jobs, waits, beyond_us) for waits in (theirs, expected))
    return Measures(
        values=without(controlled(own, same, far), "lost", "utilisation"),
        count=len(theirs),
        digest=arrived.digest,
        error_us=int(np.abs(theirs - expected).max()),
    )


def _link_classes(percent: int, seed: int) -> Measures:
    """Two layers on a link, the higher with messages half as long."""
    high, low = CLASSES[percent]
    low_us, high_us = transmission_us(SIZE_BYTES), transmission_us(URGENT_BYTES)
    arrived = poisson(rho=low, urgent_rho=high, seed=seed, span_us=int(JOBS * SERVICE_US / (low + high)))
    waits = {
        (arrived.sent_us[number], low_us, 1, number): at_us - arrived.sent_us[number] - LINK_US - low_us
        for number, at_us in arrived.arrived
    }
    waits |= {
        (arrived.urgent_sent_us[number], high_us, 0, number): at_us - arrived.urgent_sent_us[number] - LINK_US - high_us
        for number, at_us in arrived.urgent_arrived
    }
    in_order = sorted(waits)
    jobs = [job[:3] for job in in_order]
    theirs, expected = [waits[job] for job in in_order], priority(jobs)
    far = _priority_long(percent, (high_us, low_us), False, seed)
    return Measures(
        values=controlled(_by_class(jobs, theirs), _by_class(jobs, expected), far),
        count=len(jobs),
        digest=arrived.digest,
        error_us=_difference(jobs, theirs, expected),
    )


def _loss(chance: float, messages: int, as_fault: bool, seed: int) -> Measures:
    """Independent loss, by a fault that lives all the time or as weather of the link."""
    model = model_of() if as_fault else model_of(slow_rules=(SlowRule(name="loss", what=Loss(chance)),))
    effect = {"loss": chance} if as_fault else None
    arrived = burst(model, seed=seed, messages=messages, effect=effect)
    return Measures(values={"lost": 1 - len(arrived.arrived) / messages}, count=messages, digest=arrived.digest)


def _bursts(messages: int, every_us: int, as_fault: bool, seed: int) -> Measures:
    """Bursty loss, likewise."""
    model = model_of() if as_fault else model_of(slow_rules=(SlowRule(name="bursts", what=Bursts(BURST)),))
    effect = {"burst": BURST} if as_fault else None
    arrived = spread(model, seed=seed, messages=messages, every_us=every_us, effect=effect)
    here = {number for number, _ in arrived.arrived}
    lost = [number not in here for number in range(messages)]
    runs = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    values = {"lost": sum(lost) / messages} | ({"burst": sum(lost) / max(1, runs)} if as_fault else {})
    return Measures(values=values, count=messages, digest=arrived.digest)


def _delay(name: str, seed: int) -> Measures:
    """Delays beyond propagation.

    Of messages that crossed the network: their mean, and the share above a middling value. Of
    many more draws from the distribution that the link has: the share in the tail.
    """
    noise, beyond_us, tail_us = SHAPES[name], *THRESHOLDS_US[name]
    if noise is None:
        model = model_of(jitter=JITTER)
    elif isinstance(noise, Empirical):
        model = model_of(samples={("a", "b"): Empirical(tuple(LINK_US + us for us in noise.samples_us))})
    else:
        model = model_of(noise={Tier.BETWEEN_REGIONS: noise})
    messages = MESSAGES[name]
    arrived = burst(model, seed=seed, messages=messages)
    took_us = [us - LINK_US for us in arrived.delays_us()]
    values = {"mean_us": _mean(took_us), "beyond": sum(us > beyond_us for us in took_us) / messages}
    if tail_us is not None:
        hosts = grid(["a", "b"], clusters=1, hosts=1, cores=0, clients=0).hosts
        drawn = model.between(*hosts).draw(Chance(seed).generator("tail"), TAIL_DRAWS)
        values["tail"] = sum(us > LINK_US + tail_us for us in drawn) / TAIL_DRAWS
    return Measures(values=values, count=messages, digest=arrived.digest)


def _with_time(name: str, messages: int, every_us: int, seed: int) -> Measures:
    """Mean extra delay of messages on a link that changes with time; at random instants of the day."""
    model = model_of(slow_rules=(SlowRule(name="it", what=TIMES[name]),))
    arrived = spread(model, seed=seed, messages=messages, every_us=every_us, at_random=name == "day")
    return Measures(values={"mean_us": _mean(arrived.delays_us()) - LINK_US}, count=messages, digest=arrived.digest)


def _flush(seed: int) -> Measures:
    """Appends that share flushes."""
    span_us, skip_us = 2_500_000, 50_000
    world, took_us = flushes(APPENDS_PER_S, flush_us=FLUSH_US, seed=seed, span_us=span_us, skip_us=skip_us)
    machine = world.machines[0]
    return Measures(
        values={
            "latency_us": _mean(took_us),
            "batch": machine.handled / machine.device.flushes,
            "utilisation": machine.device.flush_busy_us / span_us,
        },
        count=machine.handled,
        digest=world.digest(),
    )


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _cells() -> Mapping[str, Callable[[int], Measures]]:
    cells: dict[str, Callable[[int], Measures]] = {}
    for name, beyond_us in BEYOND_US.items():
        queue, _, load = name.partition("_")
        rho, long_jobs = int(load) / 100, LONG[name]
        cells[name] = partial(_single, rho, queue == "mm1", beyond_us, long_jobs)
        if queue == "md1":
            cells[f"link_{name}"] = partial(_link, rho, beyond_us, long_jobs)
    cells["uncontrolled_20"] = partial(_uncontrolled, 0.2, 9_000)
    cells |= {"mm4_70": _several_cores, "link_capped": link_capped, "core_capped": core_capped}
    for percent in CLASSES:
        cells[f"priority_{percent}"] = partial(_two_classes, percent)
        cells[f"link_priority_{percent}"] = partial(_link_classes, percent)
    cells |= {f"overload_{percent}": partial(_overload, percent / 100) for percent in (95, 130)}
    cells |= {"loss_40": partial(_loss, 0.4, 4_500, True), "loss_5": partial(_loss, 0.05, 5_800, False)}
    cells["bursts_fault"] = partial(_bursts, 6_800, SPACING_US, True)
    cells["bursts_weather"] = partial(_bursts, 3_400, 3 * SPACING_US, False)
    cells |= {f"delay_{name}": partial(_delay, name) for name in SHAPES}
    timed = {"stalls": (2_300, 350_000), "routes": (1_100, 120_000_000), "day": (1_600, 86_400_000_000)}
    cells |= {f"time_{name}": partial(_with_time, name, *how) for name, how in timed.items()}
    return MappingProxyType(cells | {"flush": _flush})


CELLS: Final = _cells()
