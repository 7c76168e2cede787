"""What is claimed of a store that elects its leader by a detector, held against the rows."""

from __future__ import annotations

from typing import Final

from experiments.experiment import Finding
from experiments.failovers.arms import (
    AKKA,
    ARMS,
    CALM,
    CRASH,
    FIXED,
    MEAN,
    PAUSES,
    PHI,
    SLOW,
    TITLES,
    FailoverRow,
)
from experiments.results import Results
from experiments.statistics import at_most, format_interval, t_interval

__all__ = ["check"]

#: Seconds to the next leader by which an average may differ from a fixed time-out of equal patience.
_ALIKE_S: Final = 0.1

Rows = Results[FailoverRow]


def check(results: Rows) -> list[Finding]:
    """Safety whatever the detector, and what each trades."""
    return [_safe(results), _control(results), _alike(results), _eager(results), _patient(results), _two(results)]


def _safe(results: Rows) -> Finding:
    losing = sum(row.lost > 0 for row in results.rows)
    return Finding(
        claim="No acknowledged event is lost, whichever detector errs: elections rest on votes",
        holds=not losing,
        detail=f"runs with a loss: {at_most(losing, len(results.rows))}",
    )


def _control(results: Rows) -> Finding:
    rows = [row for arm in ARMS for row in results.at(CALM, arm.name)]
    moved = sum(row.failovers > 0 for row in rows)
    return Finding(
        claim="Control: while nothing happens no detector deposes anybody",
        holds=not moved,
        detail=f"runs with another leader: {at_most(moved, len(rows))}",
    )


def _alike(results: Rows) -> Finding:
    pairs = results.pairs(CRASH, MEAN, FIXED)
    apart = t_interval([(a.led_again_s or 0.0) - (b.led_again_s or 0.0) for a, b in pairs])
    moved = [_needless(results, trouble, arm) for trouble in (PAUSES, SLOW) for arm in (MEAN, FIXED)]
    return Finding(
        claim="An average of equal patience does to the store what a fixed time-out does",
        holds=abs(apart.estimate) <= _ALIKE_S and max(abs(moved[0] - moved[1]), abs(moved[2] - moved[3])) <= 1,
        detail=f"to the next leader {format_interval(apart, '.3f', 's')} more; needless failovers {moved[0]} and "
        f"{moved[1]} under pauses, {moved[2]} and {moved[3]} as delay grows",
    )


def _eager(results: Rows) -> Finding:
    sooner = [(b.led_again_s or 0.0) - (a.led_again_s or 0.0) for a, b in results.pairs(CRASH, PHI, FIXED)]
    counts = {arm: _needless(results, PAUSES, arm) for arm in (PHI, FIXED)}
    return Finding(
        claim="phi as published replaces a dead leader sooner than a fixed time-out, and deposes living ones for it",
        holds=t_interval(sooner).estimate > 0 and counts[PHI] > counts[FIXED],
        detail=f"sooner by {t_interval(sooner).estimate:.3f} s at a mean; needless failovers under pauses: "
        f"{counts[PHI]} against {counts[FIXED]}",
    )


def _patient(results: Rows) -> Finding:
    later = [(a.led_again_s or 0.0) - (b.led_again_s or 0.0) for a, b in results.pairs(CRASH, AKKA, FIXED)]
    outages = {arm: t_interval([row.unavailable_s for row in results.at(CRASH, arm)]).estimate for arm in (AKKA, FIXED)}
    count = sum(_needless(results, trouble, AKKA) for trouble in TITLES)
    return Finding(
        claim="Akka's acceptable pause of 3 s deposes nobody needlessly, and costs as long when the leader dies",
        holds=min(later) > 2 and count == 0 and outages[AKKA] > outages[FIXED],
        detail=f"{count} needless failovers; next leader later by {min(later):.2f} s at least; unavailable for "
        f"{outages[AKKA]:.2f} s against {outages[FIXED]:.2f} s",
    )


def _two(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.two_leaders_ms > 0]
    odd = [row for row in rows if not row.needless]
    longest = max((row.two_leaders_ms for row in rows), default=0.0)
    return Finding(
        claim="Two take themselves for the leader only after a needless failover, until the old one hears of it",
        holds=not odd,
        detail=f"in {len(rows)} of {len(results.rows)} runs, {longest:.0f} ms at most; without a needless failover "
        f"{len(odd)}",
    )


def _needless(results: Rows, trouble: str, arm: str) -> int:
    return sum(row.needless for row in results.at(trouble, arm))
