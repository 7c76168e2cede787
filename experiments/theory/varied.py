"""What the small worlds vary: loads, lengths, distributions. `claims` has the closed forms of just these.

How long each world runs was chosen once, from the scatter between seeds that theory and a pilot
under other seeds suggest, so that thirty runs give half-widths of one to two per cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sim.effects import Burst
from sim.latency import Empirical, Exponential, Lognormal, Mixture, Pareto, Uniform
from sim.latency.courses import Diurnal, Kind, RouteChanges, Stalls
from sim.latency.delays import Shape

__all__ = [
    "APPENDS_PER_S",
    "BEYOND_US",
    "BURST",
    "CAPPED",
    "CAP_BYTES_PER_S",
    "CAP_OF_CORE",
    "CLASSES",
    "CLASS_JOBS",
    "FLUSH_US",
    "JITTER",
    "LONG",
    "MESSAGES",
    "PLACES",
    "RHO_4",
    "SAMPLES_US",
    "SHAPES",
    "SPACING_US",
    "TAIL_DRAWS",
    "THRESHOLDS_US",
    "TIMES",
]

#: Waits are asked whether they exceed this: about the mean of M/M/1, half a service of M/D/1.
BEYOND_US: Final[Mapping[str, int]] = MappingProxyType(
    {"mm1_50": 1_000, "mm1_70": 2_000, "mm1_95": 19_000, "md1_50": 500, "md1_70": 500, "md1_95": 500}
)
LONG: Final[Mapping[str, int]] = MappingProxyType(
    {"mm1_50": 100_000, "mm1_70": 150_000, "mm1_95": 1_250_000}
    | {"md1_50": 100_000, "md1_70": 150_000, "md1_95": 2_800_000}
)
TAIL_DRAWS: Final = 14_000
RHO_4: Final = 0.7
#: Loads of the higher and of the lower class, by per cent of saturation.
CLASSES: Final[Mapping[int, tuple[float, float]]] = MappingProxyType({70: (0.3, 0.4), 95: (0.45, 0.5)})
CLASS_JOBS: Final[Mapping[int, int]] = MappingProxyType({70: 60_000, 95: 120_000})
CAP_BYTES_PER_S: Final = 50_000
#: Of a core: its bucket, a hundredth of a second of that, holds one job.
CAP_OF_CORE: Final = 0.1
CAPPED: Final = 0.7
PLACES: Final = 6
BURST: Final = Burst(mean_good_us=3_000, mean_bad_us=3_000, loss_good=0.0, loss_bad=1.0)
SPACING_US: Final = 3_000
JITTER: Final = 0.1
FLUSH_US: Final = 2_000
APPENDS_PER_S: Final = 500
SAMPLES_US: Final = (200, 400, 400, 900, 1_600, 5_000, 5_500, 9_000)
SHAPES: Final[Mapping[str, Shape | None]] = MappingProxyType(
    {
        "jitter": None,
        "uniform": Uniform(1_000, 5_000),
        "exponential": Exponential(2_000),
        "lognormal": Lognormal(2_000, 0.6),
        "pareto": Pareto(1_000, 3.0),
        "mixture": Mixture(((0.6, Uniform(500, 1_500)), (0.4, Exponential(5_000)))),
        "empirical": Empirical(SAMPLES_US),
    }
)
#: A middling value, and one in the tail where there is one.
THRESHOLDS_US: Final[Mapping[str, tuple[int, int | None]]] = MappingProxyType(
    {
        "jitter": (500, 3_500),
        "uniform": (2_500, None),
        "exponential": (1_000, 7_000),
        "lognormal": (1_600, None),
        "pareto": (1_150, 3_200),
        "mixture": (1_000, None),
        "empirical": (500, None),
    }
)
#: Messages of a run: the wider the distribution, the more.
MESSAGES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "jitter": 3_000,
        "uniform": 1_900,
        "exponential": 3_000,
        "lognormal": 2_000,
        "pareto": 1_900,
        "mixture": 3_700,
        "empirical": 2_600,
    }
)
TIMES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "stalls": Stalls(every_us_mean=40_000, length_us_min=20_000, length_us_max=250_000),
        "routes": RouteChanges(every_us_mean=60_000_000, delay_us_max=9_000),
        "day": Diurnal(period_us=86_400_000_000, peak_us=50_400_000_000, delay_us=20_000),
    }
)
