"""When an event was final in every region, and how much was waiting to become so.

Replicas note how far they are. Where there are sub-domains that is a time stamp of the shard;
where there is one log it is a reign and a position, and a region holds an entry of the final log
once its reign is at least the entry's and its position reaches it: a cut-off former home has the
positions too, with other entries in them. What is noted counts *for good*: a region that truncates
its log takes back what it noted before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.measures.observation import Observation, Progress
from models.ledger import unpack_ordinal

__all__ = ["Stability", "stability"]

#: Instants of a replica's notes, and from each on the least reign and the least ordinal noted.
_Curve = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Stability(NamedTuple):
    """Lag and backlog of a run; seconds, None without a cut, infinite if it never came.

    Attributes:
        stable_after_heal_s: From the heal until every event accepted before it is stable.
        drained_after_heal_s: From the heal until the backlog is at most its p99 before the cut.
        backlog_p99_before: Events waiting, 99th percentile over the seconds before the cut.
        backlog_peak: The most that waited.
        backlog: Events waiting at each whole second of the run.
        unstable_at_end: Events not stable when the run ended; above 0 the times are censored.
        lag_p50_s: From acceptance to stability, median over the events accepted after the warm-up and before the cut.
        lag_p99_s: The same, 99th percentile.
        lag_healed_p50_s: The same of events accepted after the heal, median.
        lag_healed_p99_s: The same, 99th percentile.
    """

    stable_after_heal_s: float | None
    drained_after_heal_s: float | None
    backlog_p99_before: float
    backlog_peak: int
    backlog: tuple[int, ...]
    unstable_at_end: int
    lag_p50_s: float = 0.0
    lag_p99_s: float = 0.0
    lag_healed_p50_s: float | None = None
    lag_healed_p99_s: float | None = None


def stability(observation: Observation) -> Stability:
    """Judge how a run's events became stable."""
    accepted, stable = _instants(observation)
    until_us = observation.scenario.until_us
    waiting = _backlog(accepted, stable, np.arange(0, until_us + 1, 1_000_000, dtype=np.float64))
    warm_us = observation.scenario.warm_up_us
    cut = observation.cut
    calm = np.arange(warm_us, cut.begin_us if cut else until_us, 100_000, dtype=np.float64)
    before = _backlog(accepted, stable, calm)
    p99 = float(np.quantile(before, 0.99, method="inverted_cdf")) if len(before) else 0.0
    changes = np.sort(np.concatenate((accepted, stable[np.isfinite(stable)])))
    early = (accepted >= warm_us) & (accepted < (cut.begin_us if cut else observation.scenario.workload.ends_us))
    lags = (stable - accepted)[early] / 1e6
    healed = (stable - accepted)[accepted >= cut.end_us] / 1e6 if cut else stable[:0]
    return Stability(
        stable_after_heal_s=_stable_after(accepted, stable, cut.end_us) if cut else None,
        drained_after_heal_s=_drained_after(accepted, stable, changes, cut.end_us, p99) if cut else None,
        backlog_p99_before=p99,
        backlog_peak=int(_backlog(accepted, stable, changes).max(initial=0)),
        backlog=tuple(waiting.tolist()),
        unstable_at_end=int(np.count_nonzero(~np.isfinite(stable))),
        lag_p50_s=_quantile(lags, 0.5),
        lag_p99_s=_quantile(lags, 0.99),
        lag_healed_p50_s=_quantile(healed, 0.5) if len(healed) else None,
        lag_healed_p99_s=_quantile(healed, 0.99) if len(healed) else None,
    )


def _quantile(values: NDArray[np.float64], level: float) -> float:
    return float(np.quantile(values, level, method="inverted_cdf")) if len(values) else 0.0


def _instants(observation: Observation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By command: when it was first accepted, and when it was stable everywhere (or paid back)."""
    reigns = observation.ledger.watermark == "applied"
    curves = _curves(observation.progress, reigns=reigns)
    regions = observation.scenario.topology.regions
    accepted: dict[int, int] = {}
    stable: dict[int, float] = {}
    for event in observation.events():
        reign, place = unpack_ordinal(event.ordinal) if reigns else (0, event.ordinal)
        accepted[event.command_id] = event.accepted_us
        stable[event.command_id] = _stable_us(event.shard, reign, place, curves, regions)
    paid_back = observation.compensated_us()
    for event in observation.ledger.divergent:
        first = accepted.get(event.command_id, event.accepted_us)
        accepted[event.command_id] = min(first, event.accepted_us)
        if event.kind != "denied":
            stable.setdefault(event.command_id, float(paid_back.get(event.command_id, inf)))
        else:
            stable.setdefault(event.command_id, float(event.accepted_us))  # it moved nothing
    order = sorted(accepted)
    return (
        np.array([accepted[c] for c in order], dtype=np.float64),
        np.array([max(stable[c], accepted[c]) for c in order], dtype=np.float64),
    )


def _curves(progress: Iterable[Progress], *, reigns: bool) -> dict[tuple[int, str], _Curve]:
    """By (shard, region); without reigns an ordinal is taken as it is."""
    noted: dict[tuple[int, str], tuple[list[int], list[int], list[int]]] = {}
    for t_us, region, shard, ordinal in progress:
        times, lines, places = noted.setdefault((shard, region), ([], [], []))
        reign, place = unpack_ordinal(ordinal) if reigns else (0, ordinal)
        times.append(t_us)
        lines.append(reign)
        places.append(place)
    return {key: (np.array(times), _floor(lines), _floor(places)) for key, (times, lines, places) in noted.items()}


def _floor(noted: list[int]) -> NDArray[np.int64]:
    """The least value from each note on."""
    return np.minimum.accumulate(np.array(noted, dtype=np.int64)[::-1])[::-1]


def _stable_us(
    shard: int, reign: int, place: int, curves: Mapping[tuple[int, str], _Curve], regions: Iterable[str]
) -> float:
    latest = 0.0
    for region in regions:
        curve = curves.get((shard, region))
        if curve is None:
            return inf
        times, reigns, places = curve
        at = max(int(np.searchsorted(reigns, reign)), int(np.searchsorted(places, place)))
        if at == len(times):
            return inf
        latest = max(latest, float(times[at]))
    return latest


def _backlog(accepted: NDArray[np.float64], stable: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.int64]:
    came = np.searchsorted(np.sort(accepted), at, side="right")
    went = np.searchsorted(np.sort(stable), at, side="right")
    return (came - went).astype(np.int64)


def _stable_after(accepted: NDArray[np.float64], stable: NDArray[np.float64], heal_us: int) -> float:
    owed = stable[accepted <= heal_us]
    return max(0.0, float(owed.max(initial=0.0)) - heal_us) / 1e6


def _drained_after(
    accepted: NDArray[np.float64],
    stable: NDArray[np.float64],
    changes: NDArray[np.float64],
    heal_us: int,
    p99: float,
) -> float:
    at = np.concatenate(([float(heal_us)], changes[changes > heal_us]))
    low = np.flatnonzero(_backlog(accepted, stable, at) <= p99)
    return inf if len(low) == 0 else float(at[low[0]] - heal_us) / 1e6
