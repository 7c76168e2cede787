"""The policies that are compared, what triggers an overload, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row, SystemOption

__all__ = [
    "ARMS",
    "ATTEMPTS",
    "CALM",
    "CAPACITY_PER_S",
    "CURES",
    "CUT",
    "DROPS",
    "LIGHT",
    "NAIVE",
    "NONE",
    "ONE_LAYER",
    "QUICK",
    "SCENARIOS",
    "SHORT",
    "SLOW",
    "SPREAD",
    "THIN",
    "StormRow",
]

CALM: Final = "retry_calm"
SHORT: Final = "retry_short"
SLOW: Final = "retry_slow"
CUT: Final = "retry_cut"
THIN: Final = "retry_thin"
LIGHT: Final = "retry_light"
SCENARIOS: Final = (CALM, SHORT, SLOW, CUT, THIN, LIGHT)

NAIVE: Final = "naive"
SPREAD: Final = "decorrelated"
ONE_LAYER: Final = "one-layer"
NONE: Final = "no-retry"
DROPS: Final = "drop-stale"
#: Attempts of each of the two layers.
ATTEMPTS: Final = 3
#: Requests a second that the last tier can do.
CAPACITY_PER_S: Final = 50.0


def _arm(name: str, label: str, **system: SystemOption) -> Arm:
    chosen = {"attempts": ATTEMPTS, "tier_attempts": ATTEMPTS} | system
    return Arm(name=name, label=label, system=MappingProxyType(chosen))


ARMS: Final = (
    _arm(NAIVE, "three attempts in each layer, full jitter"),
    _arm(SPREAD, "the same, decorrelated jitter", jitter="decorrelated"),
    _arm(ONE_LAYER, "users alone retry", tier_attempts=1),
    _arm(NONE, "nobody retries", attempts=1, tier_attempts=1),
    _arm("throttle", "budget: gRPC's throttle", budget="throttle", tokens=10, ratio=0.1),
    _arm("ratio", "budget: a tenth of first attempts", budget="ratio", ratio=0.1),
    _arm("bucket", "budget: a bucket as in AWS SDKs", budget="bucket", tokens=100),
    _arm("breaker", "circuit breakers", breaker=True),
    _arm(DROPS, "deadlines go along, stale work dropped", propagates=True, drops_stale=True),
    _arm("shed", "deadlines go along, hopeless work refused", propagates=True, sheds=True),
    _arm("lifo", "last in, first out", order="lifo"),
    _arm("short-queue", "a queue of 20 instead of 1,000", limit=20),
)
#: Those that are said to end a storm; each leaves the retries of both layers as they are.
CURES: Final = ("throttle", "ratio", "bucket", "breaker", "shed", "lifo", "short-queue")


#: By scenario, the arms of the quick size: all after a slow host, and those of which more is claimed.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (NAIVE, NONE, "shed"),
        SHORT: (NAIVE,),
        SLOW: tuple(arm.name for arm in ARMS),
        CUT: (NAIVE, NONE, *CURES),
        THIN: (NAIVE,),
        LIGHT: (NAIVE,),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRow(Row):
    """One run; a request counts by when it was issued, and is done if it was answered before its deadline.

    `amplification` is attempts at the last tier for each request, from the end of the trigger on (from the warm-up in
    a control). `recovered_s` runs from the heal to the first second from which nine in ten of the requests of three
    seconds are done; infinite, and counted in `recovery_censored`, if that does not come before the load ends; None
    in a control.
    """

    requests: int
    done_before: float
    done_during: float
    done_after: float
    amplification: float
    recovered_s: float | None
    recovery_censored: int
    executed: int
    done: int
    refused: int
    passed_over: int
    utilisation_busiest: float
