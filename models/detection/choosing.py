"""A detector by name, for scenarios: which kind, and how patient in intervals between heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from models.detection.accrual import Akka, Cassandra, Phi
from models.detection.average import Mean
from models.detection.detector import Plan
from models.detection.fixed import Fixed
from models.detection.freshness import NfdE
from models.detection.numbered import Newest
from models.detection.recent import Recent
from models.detection.refusals import at_least, refuse, within

__all__ = ["Kind", "plan_of"]


class Kind(StrEnum):
    """Which detector."""

    FIXED = "fixed"
    MEAN = "mean"
    MEAN_NEW = "mean-new"
    """The same, told only of heartbeats that are new."""
    NFD_E = "nfd-e"
    PHI = "phi"
    AKKA = "akka"
    CASSANDRA = "cassandra"
    CASSANDRA_GUARDED = "cassandra-guarded"
    """The same with its guard: after a pause of its own it convicts nobody for a while."""
    SWIM = "swim"
    LIFEGUARD = "lifeguard"


def plan_of(kind: Kind, eta_us: int, patience: float, window: int) -> Plan:
    """The detector of heartbeats of that kind.

    Args:
        kind: Which.
        eta_us: Between heartbeats.
        patience: Intervals, or means of them, until a silence is suspect, where nothing was published.
        window: How many intervals are recent, likewise.

    Raises:
        ValueError: Numbers out of range, or a kind that does not go by heartbeats alone.
    """
    make = _PLANS.get(kind)
    groups = None if make else f"kind={kind.value!r} is more than a detector of heartbeats; choose {', '.join(_PLANS)}"
    refuse(
        (
            at_least("eta_us", eta_us, 4),
            within("patience", patience, 0, 1_000),
            within("window", window, 0, 1_000_000),
            groups,
        )
    )
    assert make is not None
    return make(eta_us, patience, window)


def _mean(eta_us: int, patience: float, window: int) -> Plan:
    return Mean(eta_us=eta_us, factor=patience, recent=Recent(window))


_PLANS: Final[Mapping[Kind, Callable[[int, float, int], Plan]]] = MappingProxyType(
    {
        Kind.FIXED: lambda eta_us, patience, _: Fixed(timeout_us=max(1, round(patience * eta_us))),
        Kind.MEAN: _mean,
        Kind.MEAN_NEW: lambda eta_us, patience, window: Newest(plan=_mean(eta_us, patience, window)),
        Kind.NFD_E: lambda eta_us, patience, window: NfdE(
            eta_us=eta_us, alpha_us=max(1 - eta_us, round((patience - 1) * eta_us)), window=window
        ),
        Kind.PHI: lambda eta_us, _, window: Phi(eta_us=eta_us, recent=Recent(window)),
        Kind.AKKA: lambda eta_us, *_: replace(Akka(), first_us=eta_us),
        Kind.CASSANDRA: lambda *_: Cassandra(),
    }
)
