"""What the cells of `detector-theory` vary: networks, detectors, groups, and how much of each a run has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = [
    "CONFIGURED",
    "DELAY_STEP",
    "ESTIMATED",
    "INTERVALS",
    "LEAST",
    "NFD_S",
    "PHIS",
    "PHI_LOSS",
    "REMAINING",
    "STANDARD",
    "SWIM_PROBES",
    "SWIM_SIZES",
    "THRESHOLDS",
    "TIMEOUTS",
    "WANTED",
    "Configure",
    "Confirmed",
    "DelayStep",
    "Estimate",
    "Network",
    "Sharp",
    "Timeout",
]


class Network(NamedTuple):
    """Heartbeats every eta, lost or delayed on their own; delays are exponential. Seconds."""

    eta_s: float
    loss: float
    mean_s: float


class Sharp(NamedTuple):
    """NFD-S in a network, and how many heartbeats a run sends."""

    eta_s: float
    delta_s: float
    loss: float
    mean_s: float
    beats: int


class Timeout(NamedTuple):
    """A plain time-out, with what was printed about it."""

    timeout_s: float
    cut_s: float
    printed: str
    tolerance: float


class Estimate(NamedTuple):
    """NFD-U or NFD-E (with a window) that stands in for an NFD-S."""

    title: str
    delta_s: float
    window: int | None


class Configure(NamedTuple):
    """What a configurator is asked: (T_D, T_MR, T_M) in seconds, the network, and what was printed."""

    title: str
    wanted: tuple[float, float, float]
    loss: float
    mean_s: float
    variance: float | None = None
    printed: tuple[str, ...] = ()


class DelayStep(NamedTuple):
    """A delay that grows once, and the window that averages intervals."""

    delay_s: float
    step_s: float
    window: int


class Confirmed(NamedTuple):
    """A suspicion of Lifeguard's, and what was printed."""

    confirmations: int
    needed: int
    elapsed_s: float
    least_s: float
    most_s: float
    printed: str = ""


#: The network that the published figures are about.
STANDARD: Final = Network(1.0, 0.01, 0.02)
_DAY: Final = 86_400.0


def _sharp(detect_s: float, beats: int, network: Network = STANDARD) -> Sharp:
    return Sharp(network.eta_s, detect_s - network.eta_s, network.loss, network.mean_s, beats)


_SLOW: Final = Network(1.0, 0.1, 0.3)
_QUICK: Final = Network(0.1, 0.05, 0.02)

#: By cell. T_D grows by steps: between two multiples of eta nothing is gained until just before the next.
NFD_S: Final[Mapping[str, Sharp]] = {
    "nfd_s_105": _sharp(1.05, 250_000),
    "nfd_s_110": _sharp(1.10, 350_000),
    "nfd_s_125": _sharp(1.25, 350_000),
    "nfd_s_150": _sharp(1.50, 350_000),
    "nfd_s_175": _sharp(1.75, 350_000),
    "nfd_s_200": _sharp(2.00, 750_000),
    "nfd_s_202": _sharp(2.02, 1_100_000),
    "nfd_s_205": _sharp(2.05, 2_500_000),
    "nfd_s_210": _sharp(2.10, 3_000_000),
    "nfd_s_slow_150": _sharp(1.5, 60_000, _SLOW),
    "nfd_s_slow_250": _sharp(2.5, 250_000, _SLOW),
    "nfd_s_slow_300": _sharp(3.0, 500_000, _SLOW),
    "nfd_s_quick_15": _sharp(0.15, 60_000, _QUICK),
    "nfd_s_quick_25": _sharp(0.25, 800_000, _QUICK),
}

#: At T_D of at most 2.1 s, and of equal mean; "about 60" and 30 have one digit, 1.13 was rounded from a simulation.
TIMEOUTS: Final[Mapping[str, Timeout]] = {
    "timeout_16": Timeout(1.94, 0.16, "60", 5.0),
    "timeout_06": Timeout(2.04, 0.06, "30", 5.0),
    "timeout_mean": Timeout(2.08, math.inf, "1.13", 0.02 * 1.13),
}

#: Away from multiples of eta, where a noisy freshness point costs nothing.
ESTIMATED: Final[Mapping[str, Estimate]] = {
    "nfd_u_125": Estimate("NFD-U", 0.25, None),
    "nfd_u_150": Estimate("NFD-U", 0.5, None),
    "nfd_e_125": Estimate("NFD-E, n=32", 0.25, 32),
    "nfd_e_150": Estimate("NFD-E, n=32", 0.5, 32),
    "nfd_e_175": Estimate("NFD-E, n=32", 0.75, 32),
    "nfd_e_150_8": Estimate("NFD-E, n=8", 0.5, 8),
    "nfd_e_150_1000": Estimate("NFD-E, n=1000", 0.5, 1_000),
}

_MONTH: Final = (30.0, 30 * _DAY, 60.0)
CONFIGURED: Final[Mapping[str, Configure]] = {
    "chosen_month": Configure(
        "30 s, 30 days, 60 s, loss .01, Exp(.02)", _MONTH, 0.01, 0.02, printed=("9.976", "20.024")
    ),
    "chosen_day": Configure("10 s, 1 day, 20 s, loss .05, Exp(.1)", (10.0, _DAY, 20.0), 0.05, 0.1),
    "chosen_hour": Configure("2 s, 1 hour, 1 s, loss .01, Exp(.05)", (2.0, 3_600.0, 1.0), 0.01, 0.05),
    "chosen_lossy": Configure("60 s, 1 day, 30 s, loss .3, Exp(.5)", (60.0, _DAY, 30.0), 0.3, 0.5),
    "moments_month": Configure("30 s, 30 days, 60 s, loss .01, mean .02, V .0004", _MONTH, 0.01, 0.02, 0.0004),
    "moments_wide": Configure("30 s, 30 days, 60 s, loss .01, mean .02, V .02", _MONTH, 0.01, 0.02, 0.02),
    "moments_day": Configure("10 s, 1 day, 20 s, loss .05, mean .1, V .01", (10.0, _DAY, 20.0), 0.05, 0.1, 0.01),
}

#: Promises short enough to be seen kept.
WANTED: Final[Mapping[str, Configure]] = {
    "kept_hundred": Configure("2.1 s, 80 s, 2 s, loss .01, Exp(.02)", (2.1, 80.0, 2.0), 0.01, 0.02),
    "kept_slow": Configure("4 s, 100 s, 2 s, loss .1, Exp(.3)", (4.0, 100.0, 2.0), 0.1, 0.3),
}

INTERVALS: Final[Mapping[str, Network]] = {
    "interval_01": STANDARD,
    "interval_10": Network(1.0, 0.1, 0.02),
    "interval_30": Network(1.0, 0.3, 0.02),
    "interval_slow": Network(1.0, 0.1, 0.2),
    "interval_quick": Network(0.1, 0.05, 0.02),
}

DELAY_STEP: Final = DelayStep(0.02, 0.5, 100)

#: phi, with what was printed of the exact normal and of Akka's approximation.
PHIS: Final[Mapping[float, tuple[str, ...]]] = {
    1.0: (),
    2.0: (),
    3.0: (),
    5.0: (),
    8.0: ("5.612", "5.226"),
    10.0: (),
    12.0: (),
    16.0: (),
}
THRESHOLDS: Final[Mapping[float, str]] = {5.0: "", 8.0: "18.4207", 10.0: "", 12.0: ""}
PHI_LOSS: Final = 0.01

REMAINING: Final[Mapping[str, Confirmed]] = {
    "left_0": Confirmed(0, 3, 0, 2, 30, "30"),
    "left_1": Confirmed(1, 3, 2, 2, 30, "14"),
    "left_2": Confirmed(2, 3, 3, 2, 30, "4.81"),
    "left_3": Confirmed(3, 3, 4, 2, 30, "-2"),
    "left_4": Confirmed(4, 3, 5, 2, 30, "-3"),
    "left_5": Confirmed(5, 3, 10, 2, 30, "-8"),
    "left_lan": Confirmed(1, 2, 1, 4, 24),
    "left_wan": Confirmed(2, 4, 10, 30, 180),
}
LEAST: Final[Mapping[str, tuple[int, int, float]]] = {
    f"least_{size}": (4, size, 1.0) for size in (5, 10, 50, 100, 500, 1_000)
} | {"least_wan": (6, 50, 5.0), "least_local": (3, 3, 1.0)}

#: Members, with what was printed.
SWIM_SIZES: Final[Mapping[int, str]] = {2: "", 3: "", 5: "", 10: "1.5301", 20: "", 50: "", 100: ""}
#: Probes in a run: of small groups more periods.
SWIM_PROBES: Final = 2_600
