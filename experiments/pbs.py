"""How stale is a read of a partial quorum, and do our quorums say what was published and what the store does?

Claim:     latencies and t-visibility of Dynamo-style quorums are those of PBS (Bailis et al., VLDB 2012), row by row
           and by both estimators of t; where there are closed forms they hold, for N from 2 to 10; and the store in
           the simulated world does, operation by operation, what WARS says of the very same delays.
Varies:    N, R, W, the distributions of the four legs (one cell each, built in `experiments.quorums`).
Measures:  published figure or closed form against the mean over runs, with intervals that hold for all rows at
           once with 99 %.
Run:       ./lab run pbs [--quick] [--seeds N]
Writes:    reports/pbs/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.judging import half_width, root_of, width_told
from experiments.quorums import CELLS, CLAIMS, Claim, Kind
from experiments.results import Results
from experiments.statistics import Interval, t_interval, welch_test

__all__ = ["ARM", "CONFIDENCE", "EXPERIMENT", "Judged", "QuorumRow", "compared", "judge", "told"]

ARM: Final = Arm(name="legs", label="given legs", system=MappingProxyType({}))
#: Of each interval, so that all of them together hold with 99 % (Bonferroni's inequality).
CONFIDENCE: Final = 1 - 0.01 / len(CLAIMS)
#: Writes after which the authors read, for the shares that their text tells.
_READS: Final = 10_000
_DEVIATIONS: Final = 3.891


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRow(Row):
    """One run of one cell; a metric is None where it has no such thing.

    Latencies are 99.9th percentiles, `low` and `high` what a million operations may take for them. `t_ms` is the
    quantile of t-visibility, `step_ms` the mean of the published estimator with its range. `stale_5` is the share of
    stale reads 5 ms after the write, `missed_2` that of reads that miss the last two. `operations` went through the
    store in a world; `mismatches` of them found what WARS, on the same delays, does not, and `error_us` is the
    largest difference of a latency.
    """

    operations: int
    mismatches: int | None = None
    error_us: int | None = None
    latency_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    t_ms: float | None = None
    step_ms: float | None = None
    step_low_ms: float | None = None
    step_high_ms: float | None = None
    stale_0: float | None = None
    stale_1: float | None = None
    stale_5: float | None = None
    stale_10: float | None = None
    missed_1: float | None = None
    missed_2: float | None = None
    missed_3: float | None = None


class Judged(NamedTuple):
    """A row of the table.

    Attributes:
        claim: What it is about.
        interval: Of our mean, in the unit of what was published.
        value: What it is compared with; None below two runs where that is measured too.
        band: Where a published figure may lie; None for others.
        quantile: The mean of t's quantile, for a row about t; None for others.
        holds: Whether it is as it should be; None while the interval is too wide to tell.
    """

    claim: Claim
    interval: Interval
    value: float | None
    band: tuple[float, float] | None
    quantile: float | None
    holds: bool | None

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width, relative to our mean; None below four runs, 0 for a sure 0."""
        return half_width(self.interval, self.interval.estimate)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Measure one cell once."""
    found = CELLS[cell.scenario](root_of(cell.scenario, seed))
    row = QuorumRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=found.digest,
        operations=found.operations,
        mismatches=found.mismatches,
        error_us=found.error_us,
        **found.values,
    )
    return RunResult(row=row)


def judge(results: Results[QuorumRow]) -> list[Judged]:
    """Every row held against the runs."""
    return [_judge(results, claim) for claim in CLAIMS]


def _judge(results: Results[QuorumRow], claim: Claim) -> Judged:
    values = _values(results, claim.cell, claim.metric)
    if claim.kind is Kind.FRESH:
        values = [100 * (1 - value) for value in values]
    interval = t_interval(values, confidence=CONFIDENCE)
    if claim.kind is Kind.MEASURED:
        return _against_measured(results, claim, values, interval)
    band, quantile = None, None
    if claim.kind in (Kind.STEP, Kind.UNSAID, Kind.ZERO):
        quantile = _mean(_values(results, claim.cell, "t_ms"))
    if claim.kind in (Kind.LATENCY, Kind.STEP, Kind.UNSAID, Kind.FRESH):
        band = _band(results, claim, interval.estimate)
    judged = Judged(claim, interval, claim.value, band, quantile, None)
    return judged._replace(holds=_holds(judged))


def _against_measured(results: Results[QuorumRow], claim: Claim, values: Sequence[float], interval: Interval) -> Judged:
    other = _values(results, claim.other, claim.metric)
    difference = welch_test(values, other, confidence=CONFIDENCE).interval
    judged = Judged(claim, interval, _mean(other), None, None, None)
    outside = difference.excludes(0.0)
    if outside is None or judged.half_width is None:
        return judged
    narrow = judged.half_width <= claim.limit
    return judged._replace(holds=False if outside else True if narrow else None)


def _band(results: Results[QuorumRow], claim: Claim, ours: float) -> tuple[float, float]:
    """Where the published figure may lie: by its own procedure, and rounded as it was printed."""
    digits = len(claim.printed.partition(".")[2])
    half = 0.5 * 10.0**-digits
    if claim.kind is Kind.FRESH:
        share = ours / 100
        spread = 100 * _DEVIATIONS * sqrt(share * (1 - share) / _READS)
        return ours - spread - half, ours + spread + half
    prefix = "" if claim.kind is Kind.LATENCY else "step_"
    low, high = (_mean(_values(results, claim.cell, f"{prefix}{end}_ms")) for end in ("low", "high"))
    if claim.kind is Kind.UNSAID:
        high = max(high, 1.02 * _mean(_values(results, claim.cell, "t_ms")))
    return low - half, high + half


def _holds(judged: Judged) -> bool | None:
    claim, interval, band = judged.claim, judged.interval, judged.band
    if judged.half_width is None or interval.low is None or interval.high is None:
        return None
    assert claim.value is not None
    if claim.kind is Kind.ZERO:
        # No more than one read in a thousand is stale at once: t is 0.
        return True if interval.high <= 0.001 else False if interval.low > 0.001 else None
    inside = band[0] <= claim.value <= band[1] if band else not interval.excludes(claim.value)
    if not inside:
        return False
    return True if judged.half_width <= claim.limit else None


def _values(results: Results[QuorumRow], cell: str, metric: str) -> list[float]:
    found = results.values(metric, scenario=cell, arm=ARM.name)
    return [float(value) for value in found if value is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def compared(results: Results[QuorumRow]) -> Mapping[str, tuple[int, int, int]]:
    """By cell that has a world: its operations, reads that found something else, the largest difference, us."""
    found: dict[str, tuple[int, int, int]] = {}
    for row in results.rows:
        if row.mismatches is not None:
            operations, mismatches, error_us = found.get(row.scenario, (0, 0, 0))
            found[row.scenario] = (
                operations + row.operations,
                mismatches + row.mismatches,
                max(error_us, row.error_us or 0),
            )
    return found


def told(judged: Judged) -> str:
    """What a row is compared with, as it was printed or to five digits."""
    claim = judged.claim
    return claim.printed or ("-" if judged.value is None else f"{judged.value:.5g}")


def check(results: Results[QuorumRow]) -> list[Finding]:
    """One finding for each row of the tables, and one for the operations taken singly."""
    return [_finding(judged) for judged in judge(results)] + [_one_by_one(results)]


def _finding(judged: Judged) -> Finding:
    claim, interval = judged.claim, judged.interval
    kind = "published" if claim.printed else "closed form" if claim.kind is Kind.CLOSED else "WARS"
    detail = f"{kind} {told(judged)}, ours {interval.estimate:.5g}"
    limit = claim.limit if claim.kind is not Kind.ZERO else inf
    detail += width_told(interval, judged.half_width, limit, EXPERIMENT.decides)
    if judged.band is not None:
        detail += f"; may lie from {judged.band[0]:.5g} to {judged.band[1]:.5g}"
    return Finding(claim=f"{claim.group}; {claim.title}", holds=judged.holds, detail=detail)


def _one_by_one(results: Results[QuorumRow]) -> Finding:
    cells = compared(results)
    operations = sum(count for count, _, _ in cells.values())
    mismatches = sum(count for _, count, _ in cells.values())
    error_us = max((error for _, _, error in cells.values()), default=0)
    return Finding(
        claim="Operation by operation, the store takes as long and reads what WARS says of the same delays",
        holds=mismatches == 0 and error_us == 0 if cells else None,
        detail=f"{operations:,} operations in {len(cells)} worlds; {mismatches} reads differ, latencies by at most "
        f"{error_us} us",
    )


def _report(results: Results[QuorumRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.pbs import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="pbs",
    question="How stale are reads of partial quorums, as published, in closed form, and by the store itself?",
    headline=False,
    arms=(ARM,),
    scenarios=tuple(CELLS),
    row=QuorumRow,
    quick=Size(seeds=6),
    decides=12,
    full=Size(seeds=40),
    run_once=run_once,
    check=check,
    report=_report,
)
