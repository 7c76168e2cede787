"""Parameters of NFD-S, NFD-U and NFD-E for a quality that is wanted: Chen's two configurators.

One knows the distribution of delays, the other only mean and variance (and pays for it with a
smaller interval, by the one-sided inequality of Chebyshev). Both find the largest interval
between heartbeats that keeps the promise. A promise that no interval in the allowed range can keep
is refused, with the bound that cannot hold and the nearest that can.

Source: Chen, Toueg and Aguilera, IEEE Transactions on Computers 51, 2002, sections 4 to 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Final, NamedTuple

from models.detection.freshness import NfdE, NfdS, NfdU
from models.detection.refusals import at_least, refuse

__all__ = ["Configured", "Delays", "Moments", "Wanted", "configured"]

_STEPS: Final = 256
_HALVINGS: Final = 60
_MOST_TERMS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A quality of service, times in microseconds.

    Attributes:
        detect_us: Longest detection time, T_D.
        recur_us: Least mean time between mistakes, T_MR.
        mistake_us: Longest mean duration of a mistake, T_M.
    """

    detect_us: float
    recur_us: float
    mistake_us: float

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("detect_us", self.detect_us, 1),
                at_least("recur_us", self.recur_us, 0),
                at_least("mistake_us", self.mistake_us, 1),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """A network whose delays are known.

    Attributes:
        loss: Chance that a heartbeat is lost, in [0, 1).
        mean_us: Mean delay.
        beyond: P(delay > t), for t in microseconds; 1 below 0.
    """

    loss: float
    mean_us: float
    beyond: Callable[[float], float]

    def __post_init__(self) -> None:
        refuse((_loss(self.loss), at_least("mean_us", self.mean_us, 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """A network of which only these are known.

    Attributes:
        loss: Chance that a heartbeat is lost, in [0, 1).
        mean_us: Mean delay; for unsynchronised clocks 0, and `detect_us` is then beyond the mean delay.
        variance_us2: Variance of the delay, microseconds squared.
    """

    loss: float
    mean_us: float
    variance_us2: float

    def __post_init__(self) -> None:
        refuse((_loss(self.loss), at_least("mean_us", self.mean_us, 0), at_least("variance_us2", self.variance_us2, 0)))


class Configured(NamedTuple):
    """Parameters that keep the promise.

    Attributes:
        eta_us: Between heartbeats.
        delta_us: From sending to the freshness point.
        alpha_us: From the expected arrival to it; below 0 where heartbeats must be early to be in time.
    """

    eta_us: int
    delta_us: int
    alpha_us: int

    def nfd_s(self, origin_us: int = 0) -> NfdS:
        """For synchronised clocks."""
        return NfdS(eta_us=self.eta_us, delta_us=self.delta_us, origin_us=origin_us)

    def nfd_u(self, expected_us: int) -> NfdU:
        """For known expected arrivals."""
        return NfdU(eta_us=self.eta_us, alpha_us=self.alpha_us, expected_us=expected_us)

    def nfd_e(self, window: int = 32) -> NfdE:
        """For expected arrivals that are estimated."""
        return NfdE(eta_us=self.eta_us, alpha_us=self.alpha_us, window=window)


def configured(wanted: Wanted, network: Delays | Moments, *, eta_us_min: int = 1) -> Configured:
    """The parameters with the largest interval between heartbeats that keep the promise.

    Args:
        wanted: The promise.
        network: What is known.
        eta_us_min: Least interval that the network and its hosts can bear.

    Raises:
        ValueError: No interval from `eta_us_min` up keeps it; says which bound cannot hold and the nearest that can.
    """
    refuse((at_least("eta_us_min", eta_us_min, 1),))
    if isinstance(network, Delays):
        in_time, span_us = (1 - network.loss) * (1 - network.beyond(wanted.detect_us)), wanted.detect_us
        if in_time <= 0:
            raise ValueError(
                f"detect_us={wanted.detect_us:.6g} cannot hold: no heartbeat arrives so soon; "
                f"the nearest that can is {_soonest(network):.6g}"
            )
    else:
        span_us = wanted.detect_us - network.mean_us
        if span_us <= 1:
            raise ValueError(
                f"detect_us={wanted.detect_us:.6g} cannot hold: a heartbeat takes {network.mean_us:.6g} us on average; "
                f"the nearest that can is above {network.mean_us + 1:.6g}"
            )
        in_time = (1 - network.loss) * span_us**2 / (network.variance_us2 + span_us**2)
    eta_us_max = min(in_time * wanted.mistake_us, span_us)
    if eta_us_max < eta_us_min:
        bound, value, nearest = (
            ("detect_us", wanted.detect_us, wanted.detect_us - span_us + eta_us_min)
            if span_us < eta_us_min
            else ("mistake_us", wanted.mistake_us, eta_us_min / in_time)
        )
        raise ValueError(
            f"{bound}={value:.6g} cannot hold with {eta_us_min=}; the nearest that can is {nearest:.6g}, or send "
            f"every {eta_us_max:.6g} us"
        )
    eta_us = _largest(_recurrence(network, in_time, span_us), wanted.recur_us, span_us, (eta_us_min, eta_us_max))
    delta_us = int(wanted.detect_us) - eta_us
    return Configured(eta_us, delta_us, delta_us - ceil(network.mean_us))


def _loss(loss: float) -> str | None:
    return None if 0 <= loss < 1 else f"{loss=} is no chance that leaves something to arrive; give a number in [0, 1)"


def _recurrence(network: Delays | Moments, in_time: float, span_us: float) -> Callable[[float], float]:
    """A lower bound of the mean time between mistakes, by interval."""

    def bound(eta_us: float) -> float:
        missing = in_time if isinstance(network, Delays) else 1.0
        for j in range(1, ceil(span_us / eta_us)):
            left_us = span_us - j * eta_us
            if isinstance(network, Delays):
                missing *= network.loss + (1 - network.loss) * network.beyond(left_us)
            else:
                variance = network.variance_us2
                spread = variance + left_us**2
                missing *= (variance + network.loss * left_us**2) / spread if spread else 1.0
            if missing == 0:
                return inf
        return eta_us / missing

    return bound


def _largest(recurrence: Callable[[float], float], wanted_us: float, span_us: float, limits: tuple[int, float]) -> int:
    """The largest whole interval within the limits that keeps the recurrence.

    The bound jumps wherever the number of heartbeats on which it rests changes, at span / m, and
    is smooth between: each such piece is searched on its own, from the largest intervals down.
    """
    best_us, best = 0.0, -inf
    for low_us, high_us in _pieces(span_us, limits):
        at_us = [high_us - (high_us - low_us) * step / _STEPS for step in range(_STEPS + 1)]
        for above, here in zip([high_us, *at_us], at_us, strict=False):
            if (found := recurrence(here)) > best:
                best_us, best = here, found
            if found >= wanted_us:
                eta_us = int(_refined(recurrence, wanted_us, here, above))
                # A whole number below may lie across a jump, or just miss the bound.
                while eta_us >= limits[0] and recurrence(eta_us) < wanted_us and eta_us > here - 2:
                    eta_us -= 1
                if eta_us >= limits[0] and recurrence(eta_us) >= wanted_us:
                    return eta_us
    raise ValueError(
        f"recur_us={wanted_us:.6g} cannot hold with eta_us_min={limits[0]}; the nearest that can is {best:.6g}, with "
        f"an interval of {best_us:.6g} us"
    )


def _refined(recurrence: Callable[[float], float], wanted_us: float, good_us: float, bad_us: float) -> float:
    for _ in range(_HALVINGS):
        middle_us = (good_us + bad_us) / 2
        if recurrence(middle_us) >= wanted_us:
            good_us = middle_us
        else:
            bad_us = middle_us
    return good_us


def _pieces(span_us: float, limits: tuple[int, float]) -> Iterator[tuple[float, float]]:
    """Intervals of eta on which the number of terms is the same, the largest first, within the limits."""
    low_us, high_us = limits
    for terms in range(_MOST_TERMS):
        begin_us = span_us / (terms + 1)
        end_us = inf if terms == 0 else span_us / terms * (1 - 1e-12)
        if begin_us <= high_us and end_us >= low_us:
            yield max(begin_us, float(low_us)), min(end_us, high_us)
        if begin_us < low_us:
            return


def _soonest(network: Delays) -> float:
    """About the least time within which a heartbeat may arrive."""
    late_us = 1.0
    while network.beyond(late_us) >= 1:
        late_us *= 2
        if not isfinite(late_us):
            return inf
    early_us = 0.0
    for _ in range(_HALVINGS):
        middle_us = (early_us + late_us) / 2
        early_us, late_us = (middle_us, late_us) if network.beyond(middle_us) >= 1 else (early_us, middle_us)
    return late_us
