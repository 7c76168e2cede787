"""When a second request goes, under which budget; the troubles; and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row

__all__ = [
    "ARMS",
    "BOUNDED",
    "BUSY",
    "CALM",
    "CAPACITY_PER_S",
    "EARLY",
    "FIXED",
    "FULL",
    "LOSSY",
    "NONE",
    "OVERLOAD",
    "P95",
    "QUICK",
    "QUOTA",
    "SCENARIOS",
    "SHARED",
    "SLOW",
    "STALLS",
    "THROTTLED",
    "TYPICAL",
    "HedgeRow",
]

CALM: Final = "retry_hedged_calm"
BUSY: Final = "retry_hedged_busy"
SLOW: Final = "retry_hedged_slow"
STALLS: Final = "retry_hedged_stalls"
LOSSY: Final = "retry_hedged_lossy"
OVERLOAD: Final = "retry_hedged_overload"
SCENARIOS: Final = (CALM, BUSY, SLOW, STALLS, LOSSY, OVERLOAD)

NONE: Final = "none"
FIXED: Final = "fixed"
EARLY: Final = "fixed-early"
P95: Final = "p95"
TYPICAL: Final = "p95-typical"
THROTTLED: Final = "fixed-grpc"
SHARED: Final = "fixed-finagle"
QUOTA: Final = "fixed-aws"
#: The fixed delay under the budget of each preset.
BOUNDED: Final = (THROTTLED, SHARED, QUOTA)
#: Requests a second that the services can do together.
CAPACITY_PER_S: Final = 400.0
#: Presets whose budget may bound copies.
_PRESETS: Final[Mapping[str, str]] = MappingProxyType(
    {"grpc": "gRPC's throttle", "finagle": "Finagle's budget", "aws": "the AWS SDKs' quota"}
)


def _arm(name: str, label: str, hedge: str) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({"hedge": hedge}))


def _bounded(name: str, label: str, hedge: str) -> tuple[Arm, ...]:
    words = {"grpc": "grpc", "finagle": "finagle", "aws": "aws-standard"}
    return tuple(
        _arm(f"{name}-{short}", f"{label}, {told}", f"{hedge}:budget={words[short]}")
        for short, told in _PRESETS.items()
    )


ARMS: Final = (
    _arm(NONE, "every request is sent once", ""),
    _arm(FIXED, "again after 60 ms", "60ms"),
    *_bounded(FIXED, "again after 60 ms", "60ms"),
    _arm(EARLY, "again after 45 ms", "45ms"),
    _arm(P95, "again at the 95th percentile of all answers", "p95"),
    *_bounded(P95, "again at that percentile", "p95"),
    _arm(TYPICAL, "again at that of the typical service", "p95:of=typical"),
)
_PLAIN: Final = (NONE, FIXED, P95, TYPICAL)
_LATER: Final = tuple(arm.name for arm in ARMS if arm.name != EARLY)

#: By scenario, the arms of the full size: what goes early tells where nothing fails, and budgets where something does.
FULL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (*_PLAIN, EARLY),
        BUSY: (*_PLAIN, EARLY),
        SLOW: _LATER,
        STALLS: _PLAIN,
        LOSSY: _LATER,
        OVERLOAD: _LATER,
    }
)
#: Those of the quick size: of which something is claimed.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (NONE, P95),
        BUSY: (NONE, FIXED, EARLY, P95),
        SLOW: (NONE, FIXED, *BOUNDED, P95, TYPICAL),
        STALLS: (NONE, P95),
        LOSSY: (NONE, FIXED, P95),
        OVERLOAD: (NONE, FIXED, *BOUNDED, P95),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeRow(Row):
    """One run; a request counts by when it was issued, in the time of the trouble (from the warm-up on without one).

    Latencies are of all of those, without an answer at infinity. `copies` is how often a call was sent over the whole
    load, `extra` the share of that on top of once. `done_late` is the share done of those that were issued in the last
    fourteen seconds of the load. `recovered_s` is as of retry storms, after an overload; None without one.
    """

    requests: int
    done: float
    latency_p50_ms: float
    latency_p99_ms: float
    latency_p999_ms: float
    extra: float
    won: float
    held: float
    done_late: float
    recovered_s: float | None
    recovery_censored: int
    utilisation_busiest: float
