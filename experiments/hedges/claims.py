"""What is claimed of a second request, held against the rows."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.hedges.arms import (
    BOUNDED,
    BUSY,
    CALM,
    EARLY,
    FIXED,
    LOSSY,
    NONE,
    OVERLOAD,
    P95,
    QUOTA,
    SHARED,
    SLOW,
    STALLS,
    THROTTLED,
    TYPICAL,
    HedgeRow,
)
from experiments.results import Results
from experiments.statistics import Interval, at_most

__all__ = ["FAMILY", "check", "never", "sooner"]

_ALL = 0.99
#: Copies on top of once that a percentile of 95 may come to while nothing fails: a twentieth, and what bursts add.
_FEW = 0.07
#: Of requests issued late after an overload: fewer than this are done if it lasts, more if it is over.
_HARDLY, _NEARLY = 0.05, 0.98
#: Comparisons that are claimed of latencies or shares by seed.
FAMILY: Final = Family(compared=5, fewest=5)

Rows = Results[HedgeRow]


def check(results: Rows) -> list[Finding]:
    """What copies cost in calm, what they gain from single troubles, and what they do to an overload."""
    return [
        _calm(results),
        _faster(results, SLOW, FIXED, NONE, "Against one slow service of eight a second request cuts the tail"),
        _faster(
            results,
            SLOW,
            TYPICAL,
            P95,
            "A percentile of all answers learns the slow service's latency, as an eighth of the calls go there; that "
            "of the typical service cuts the tail more",
        ),
        _faster(results, STALLS, P95, NONE, "Against stalls of a quarter of a second the observed percentile does too"),
        _lossy(results),
        _idle(results),
        _dear(results),
        _alone(results),
        _borne(results),
        _lasts(results),
        _recover(results),
        _flutters(results),
    ]


def never(results: Rows, arm: str) -> tuple[int, int]:
    """In how many runs an overload never ended, and of how many."""
    rows = results.at(OVERLOAD, arm)
    return sum(row.recovered_s == inf for row in rows), len(rows)


def sooner(results: Rows, scenario: str, arm: str, other: str) -> Interval | None:
    """By how many milliseconds the 99th percentile of `arm` is below that of `other`; None if one is infinite."""
    return FAMILY.difference(results, scenario, other, arm, "latency_p99_ms")


def _calm(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM]
    least = min((row.done for row in rows), default=0.0)
    most = max((row.extra for row in rows), default=inf)
    return Finding(
        claim="At two fifths of the capacity, while nothing fails, all is done however calls are hedged, and copies "
        "are no more than the percentile says",
        holds=least >= _ALL and most <= _FEW if rows else None,
        detail=f"least share done {least:.4f}, most copies on top {most:.1%}, in {len(rows)} runs",
    )


def _faster(results: Rows, scenario: str, arm: str, other: str, claim: str) -> Finding:
    found = sooner(results, scenario, arm, other)
    return Finding(
        claim=claim,
        holds=FAMILY.above(found),
        detail=f"99th percentile of {arm} below that of {other} by {shown(found, '.1f', 'ms')}",
    )


def _lossy(results: Rows) -> Finding:
    lost = [1 - row.done for row in results.at(LOSSY, NONE)]
    left = [1 - row.done for arm in (FIXED, P95) for row in results.at(LOSSY, arm)]
    return Finding(
        claim="Where a tenth is lost on the way to one service and back, a second request answers nearly all that one "
        "alone leaves without an answer",
        holds=max(left) < min(lost) / 4 if lost and left else None,
        detail=f"not done: without at least {min(lost, default=0):.2%}, hedged at most {max(left, default=0):.2%}",
    )


def _idle(results: Rows) -> Finding:
    rows = [row for arm in BOUNDED for row in results.at(SLOW, arm)]
    held = sum(row.held > 0 for row in rows)
    return Finding(
        claim="While one service is slow no budget holds a copy back: it costs nothing of the gain",
        holds=held == 0 if rows else None,
        detail=f"runs in which one did: {at_most(held, len(rows)) if rows else 'no run'}",
    )


def _dear(results: Rows) -> Finding:
    found = sooner(results, BUSY, NONE, P95)
    return Finding(
        claim="At three fifths of the capacity it costs the tail: copies of calls that are slow because all are busy "
        "make others wait",
        holds=FAMILY.above(found),
        detail=f"99th percentile without below that of {P95} by {shown(found, '.1f', 'ms')}",
    )


def _alone(results: Rows) -> Finding:
    rows = results.at(BUSY, EARLY)
    down = sum(row.done < _ALL for row in rows)
    return Finding(
        claim="A fixed delay near the 95th percentile of a light load brings the service down at three fifths of its "
        "capacity, with no fault at all, and some run never comes back",
        holds=any(row.done_late < _HARDLY for row in rows) if rows else None,
        detail=f"runs in which requests went undone: {down} of {len(rows)}, least share done late "
        f"{min((row.done_late for row in rows), default=1.0):.3f}",
        sometimes=True,
    )


def _borne(results: Rows) -> Finding:
    rows = [row for arm in (FIXED, P95) for row in results.at(BUSY, arm)]
    least = min((row.done for row in rows), default=0.0)
    return Finding(
        claim="There the observed percentile, and a fixed delay that is above it, are borne",
        holds=least >= _ALL if rows else None,
        detail=f"least share done {least:.4f}, in {len(rows)} runs",
    )


def _lasts(results: Rows) -> Finding:
    count, runs = never(results, FIXED)
    return Finding(
        claim="After four seconds in which all are slow, copies after a fixed delay keep the overload going for ever",
        holds=count == runs if runs else None,
        detail=f"runs that never recovered: {count} of {runs}",
    )


def _recover(results: Rows) -> Finding:
    arms = (NONE, P95, SHARED, QUOTA)
    told, bad, runs = [], 0, 0
    for arm in arms:
        rows = results.at(OVERLOAD, arm)
        bad += sum(row.recovered_s == inf or row.done_late < _NEARLY for row in rows)
        runs += len(rows)
        told.append(f"{arm} after {max((row.recovered_s or 0.0 for row in rows), default=inf):.1f} s at most")
    return Finding(
        claim="Without copies it ends, and with them under Finagle's budget, under the AWS SDKs' quota, or at the "
        "observed percentile, which rises with the overload",
        holds=bad == 0 if runs else None,
        detail=f"{', '.join(told)}; runs that did not, or fell back: {at_most(bad, runs) if runs else 'no run'}",
    )


def _flutters(results: Rows) -> Finding:
    """The throttle of gRPC goes by failures; a success is one however late."""
    found = FAMILY.difference(results, OVERLOAD, SHARED, THROTTLED, "done_late")
    shares = [row.done_late for row in results.at(OVERLOAD, THROTTLED)]
    between: Iterable[bool] = (share > _HARDLY for share in shares)
    tells = FAMILY.above(found)
    return Finding(
        claim="gRPC's throttle ends it and lets it begin again: it counts failures, so late successes pay for copies, "
        "and late in the load less is done than under Finagle's budget, though more than without any",
        holds=None if tells is None else tells and all(between),
        detail=f"less done late than under Finagle's by {shown(found, '.3f')}; shares from "
        f"{min(shares, default=0.0):.3f} to {max(shares, default=0.0):.3f}",
    )
