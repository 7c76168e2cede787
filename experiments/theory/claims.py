"""Every row of the table: what is measured where, and what theory says it is.

The limits on half-widths were set before any run: two per cent, and five where the event is
rare. All rows form one family, so each has an interval of confidence 1 - 0.01 / rows, and the
chance that any of them misses its value, if all is right, is at most one per cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from experiments.theory import formulas as f
from experiments.theory.links import LINK_US, SIZE_BYTES, URGENT_BYTES, transmission_us
from experiments.theory.stations import SERVICE_US
from experiments.theory.varied import (
    APPENDS_PER_S,
    BEYOND_US,
    BURST,
    CAP_BYTES_PER_S,
    CAP_OF_CORE,
    CAPPED,
    CLASSES,
    FLUSH_US,
    JITTER,
    PLACES,
    RHO_4,
    SAMPLES_US,
    SPACING_US,
    THRESHOLDS_US,
)

__all__ = ["CLAIMS", "COMMON", "RARE", "Claim"]

#: Largest half-width of an interval, relative to the closed form.
COMMON: Final = 0.02
RARE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row.

    Attributes:
        cell: The world that measures it, a key of `cells.CELLS`.
        metric: Which of its values.
        group: What it is about, a heading of the table.
        title: Which quantity of which system.
        value: The closed form.
        limit: Largest relative half-width.
    """

    cell: str
    metric: str
    group: str
    title: str
    value: float
    limit: float = COMMON


def _claims() -> Iterator[Claim]:
    yield from _single_servers()
    yield from _cores()
    yield from _priorities()
    yield from _losses()
    for shape, formula in _DELAYS.items():
        yield from _delay(shape, *formula)
    yield from _with_time()
    yield from _flush()


def _single_servers() -> Iterator[Claim]:
    for name, beyond_us in BEYOND_US.items():
        queue, _, percent = name.partition("_")
        rho = int(percent) / 100
        told = {"mm1": "M/M/1", "md1": "M/D/1"}[queue]
        wait_us = (f.mm1_wait if queue == "mm1" else f.md1_wait)(rho, SERVICE_US)
        # Waits are whole microseconds: more than t is at least t + 1, half of which rounding adds.
        beyond = (f.mm1_beyond if queue == "mm1" else f.md1_beyond)(rho, SERVICE_US, beyond_us)
        places = [(name, f"{told} at {percent} % on a core")]
        if queue == "md1":
            places.append((f"link_{name}", f"{told} at {percent} % on a link"))
        for cell, where in places:
            if cell == name:
                yield Claim(cell=cell, metric="utilisation", group=told, title=f"{where}, utilisation", value=rho)
            number = rho + rho * wait_us / SERVICE_US
            yield Claim(cell=cell, metric="number", group=told, title=f"{where}, mean number", value=number)
            yield Claim(cell=cell, metric="wait_us", group=told, title=f"{where}, mean wait, us", value=wait_us)
            title = f"{where}, P(wait > {beyond_us} us)"
            yield Claim(cell=cell, metric="beyond", group=told, title=title, value=beyond)
    title = "M/M/1 at 20 % on a core, by the host alone, mean number"
    yield Claim(cell="uncontrolled_20", metric="number", group="M/M/1", title=title, value=0.2 / 0.8)


def _cores() -> Iterator[Claim]:
    offered, group, told = 4 * RHO_4, "Several cores", "M/M/4 at 70 %"
    wait_us = f.mmc_wait(4, offered, SERVICE_US)
    number = offered + offered * wait_us / SERVICE_US
    yield Claim(cell="mm4_70", metric="number", group=group, title=f"{told}, mean number", value=number)
    yield Claim(cell="mm4_70", metric="wait_us", group=group, title=f"{told}, mean wait, us", value=wait_us)
    yield Claim(cell="mm4_70", metric="beyond", group=group, title=f"{told}, P(wait > 0)", value=f.erlang_c(4, offered))
    for percent in (95, 130):
        told, rho = f"M/M/1 with {PLACES} places at {percent} %", percent / 100
        number, blocked = f.mm1k_number(rho, PLACES), f.mm1k_blocked(rho, PLACES)
        cell, group = f"overload_{percent}", "Overload of a bounded inbox"
        yield Claim(cell=cell, metric="number", group=group, title=f"{told}, mean number", value=number)
        yield Claim(cell=cell, metric="lost", group=group, title=f"{told}, share turned away", value=blocked)


def _priorities() -> Iterator[Claim]:
    sizes = (transmission_us(URGENT_BYTES), transmission_us(SIZE_BYTES))
    for percent, (high, low) in CLASSES.items():
        core = [(rho / SERVICE_US, SERVICE_US, 2 * SERVICE_US**2) for rho in (high, low)]
        link = [(rho / us, us, us**2) for rho, us in zip((high, low), sizes, strict=True)]
        for cell, where, classes in (("priority", "on a core", core), ("link_priority", "on a link", link)):
            for metric, which, value in zip(
                ("urgent_wait_us", "wait_us"), ("higher", "lower"), f.cobham_waits(classes), strict=True
            ):
                title = f"two classes at {percent} % {where} ({high:.0%} and {low:.0%}), mean wait of the {which}, us"
                cell_of = f"{cell}_{percent}"
                yield Claim(cell=cell_of, metric=metric, group="Strict priority", title=title, value=value)
    cap_us, core_us = transmission_us(URGENT_BYTES, CAP_BYTES_PER_S), round(SERVICE_US / CAP_OF_CORE)
    told = f"a top layer at {CAPPED:.0%} of its cap"
    # Its bucket holds one message of length L and fills at rate r: after each it is empty, and full again L / r later,
    # before which the next may not go. So the cap is a server of its own, which takes L / r: M/D/1.
    for cell, where, us in (("link_capped", "on a link", cap_us), ("core_capped", "on a core", core_us)):
        title, value = f"{told} {where}, mean wait, us", f.md1_wait(CAPPED, us)
        yield Claim(cell=cell, metric="wait_us", group="Strict priority", title=title, value=value)
        title, value = f"{told} {where}, P(wait > {us // 2} us)", f.md1_beyond(CAPPED, us, us // 2)
        yield Claim(cell=cell, metric="beyond", group="Strict priority", title=title, value=value)


def _losses() -> Iterator[Claim]:
    group = "Loss"
    yield Claim(cell="loss_40", metric="lost", group=group, title="independent loss of a fault", value=0.4)
    title = "independent loss of the link"
    yield Claim(cell="loss_5", metric="lost", group=group, title=title, value=0.05, limit=RARE)
    share = BURST.mean_bad_us / (BURST.mean_good_us + BURST.mean_bad_us)
    length = f.burst_length(BURST.mean_good_us, BURST.mean_bad_us, SPACING_US)
    told = "Gilbert-Elliott"
    yield Claim(cell="bursts_fault", metric="lost", group=group, title=f"{told} of a fault, loss rate", value=share)
    title = f"{told} of a fault, messages lost in a row"
    yield Claim(cell="bursts_fault", metric="burst", group=group, title=title, value=length)
    yield Claim(cell="bursts_weather", metric="lost", group=group, title=f"{told} of the link, loss rate", value=share)


def _exceeds(t_us: float) -> float:
    """A whole number of microseconds exceeds `t` if what it was rounded from reaches t + 1/2."""
    return t_us + 0.5


def _exponential(mean: float, t: float) -> float:
    return math.exp(-_exceeds(t) / mean)


def _mixed(t: float) -> float:
    uniform = min(max((1_500 - t) / 1_001, 0.0), 1.0)  # whole numbers from 500 to 1500
    return 0.6 * uniform + 0.4 * _exponential(5_000, t)


def _in_samples(t: float) -> float:
    return sum(us > t for us in SAMPLES_US) / len(SAMPLES_US)


_JITTER_US: Final = JITTER * LINK_US
#: By cell: mean beyond propagation, and P(beyond > t).
_DELAYS: Final[Mapping[str, tuple[float, Callable[[float], float]]]] = {
    "jitter": (_JITTER_US, lambda t: _exponential(_JITTER_US, t)),
    "uniform": (3_000.0, lambda t: (5_000 - t) / 4_001),
    "exponential": (2_000.0, lambda t: _exponential(2_000, t)),
    "lognormal": (2_000 * math.exp(0.6**2 / 2), lambda t: f.lognormal_beyond(2_000, 0.6, _exceeds(t))),
    "pareto": (1_500.0, lambda t: (1_000 / _exceeds(t)) ** 3),
    "mixture": (0.6 * 1_000 + 0.4 * 5_000, _mixed),
    "empirical": (sum(SAMPLES_US) / len(SAMPLES_US), _in_samples),
}


def _delay(shape: str, mean: float, beyond: Callable[[float], float]) -> Iterator[Claim]:
    cell, group, (middle_us, tail_us) = f"delay_{shape}", "Delays", THRESHOLDS_US[shape]
    yield Claim(cell=cell, metric="mean_us", group=group, title=f"{shape}, mean, us", value=mean)
    title = f"{shape}, P(delay > {middle_us} us)"
    yield Claim(cell=cell, metric="beyond", group=group, title=title, value=beyond(middle_us))
    if tail_us is not None:
        title = f"{shape}, P(delay > {tail_us} us)"
        yield Claim(cell=cell, metric="tail", group=group, title=title, value=beyond(tail_us), limit=RARE)


def _with_time() -> Iterator[Claim]:
    for name, value in (
        ("stalls", f.stall_delay(40_000, 20_000, 250_000)),
        ("routes", 4_500.0),
        ("day", 10_000.0),
    ):
        title = f"{name}, mean extra delay, us"
        yield Claim(cell=f"time_{name}", metric="mean_us", group="Changing with time", title=title, value=value)


def _flush() -> Iterator[Claim]:
    found, group = f.group_commit(APPENDS_PER_S / 1e6, FLUSH_US), "Group commit"
    for metric, title, value in (
        ("latency_us", "mean latency, us", found.latency),
        ("batch", "appends a flush", found.batch),
        ("utilisation", "share of time that a flush runs", found.busy),
    ):
        yield Claim(cell="flush", metric=metric, group=group, title=f"shared flushes, {title}", value=value)


CLAIMS: Final = tuple(_claims())
