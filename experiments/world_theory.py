"""Do the simulated hosts and links behave as queueing theory and probability say they must?

Claim:     queues on cores and links (M/M/1 and M/D/1 up to 95 %, M/M/4, two classes with strict priority, a layer
           under its cap), bounded inboxes under overload, shared flushes, loss, bursts of loss, every distribution of
           delay and what changes with time have the means, tails and rates of their closed forms; job by job a
           host's queue is the textbook's.
Varies:    the small world (one scenario each, built in `experiments.theory`).  Held fixed: everything else.
Measures:  closed form against the mean over runs, with intervals that hold for all rows at once with 99 %.
Run:       ./lab run world-theory [--quick] [--seeds N]
Writes:    reports/world-theory/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.judging import Judged, interval_of, root_of, width_told
from experiments.results import Results
from experiments.theory import CELLS, CLAIMS, Claim

__all__ = ["ARM", "CONFIDENCE", "EXPERIMENT", "TheoryRow", "judge", "single_jobs"]

ARM: Final = Arm(name="world", label="the world", system=MappingProxyType({}))
#: Of each interval, so that all of them together hold with 99 % (Bonferroni's inequality).
CONFIDENCE: Final = 1 - 0.01 / len(CLAIMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TheoryRow(Row):
    """One run of one small world; a metric is None where it has no such thing.

    `count` jobs or messages went through the world, and none of their waits differed by more than `error_us` from the
    textbook's recursion.
    """

    count: int
    error_us: int | None = None
    utilisation: float | None = None
    number: float | None = None
    wait_us: float | None = None
    urgent_wait_us: float | None = None
    beyond: float | None = None
    tail: float | None = None
    lost: float | None = None
    burst: float | None = None
    mean_us: float | None = None
    latency_us: float | None = None
    batch: float | None = None


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one small world."""
    found = CELLS[cell.scenario](root_of(cell.scenario, seed))
    row = TheoryRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=found.digest,
        count=found.count,
        error_us=found.error_us,
        **found.values,
    )
    return RunResult(row=row)


def judge(results: Results[TheoryRow]) -> list[Judged[Claim]]:
    """Every claim held against the rows."""
    return [Judged(claim, interval_of(results, claim, ARM.name, CONFIDENCE)) for claim in CLAIMS]


def single_jobs(results: Results[TheoryRow]) -> Mapping[str, tuple[int, int]]:
    """By world that is compared with a recursion: its jobs, and the largest difference of a single wait, us."""
    found: dict[str, tuple[int, int]] = {}
    for row in results.rows:
        if row.error_us is not None:
            jobs, error_us = found.get(row.scenario, (0, 0))
            found[row.scenario] = (jobs + row.count, max(error_us, row.error_us))
    return found


def check(results: Results[TheoryRow]) -> list[Finding]:
    """One finding for each row of the table, and one for the jobs taken singly."""
    return [_finding(judged) for judged in judge(results)] + [_job_by_job(results)]


def _finding(judged: Judged[Claim]) -> Finding:
    claim, interval = judged.claim, judged.interval
    detail = f"closed form {claim.value:.5g}, measured {interval.estimate:.5g}"
    detail += width_told(interval, judged.half_width, claim.limit, EXPERIMENT.decides)
    return Finding(claim=claim.title, holds=judged.holds, detail=detail)


def _job_by_job(results: Results[TheoryRow]) -> Finding:
    compared = single_jobs(results)
    worst = max((error_us for _, error_us in compared.values()), default=0)
    jobs = sum(count for count, _ in compared.values())
    return Finding(
        claim="Job by job, a host's cores and a link's transmitter wait exactly as the textbook's recursion does",
        holds=worst == 0 if compared else None,
        detail=f"{jobs:,} jobs in {len(compared)} worlds; the largest difference is {worst} us",
    )


def _report(results: Results[TheoryRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.world_theory import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="world-theory",
    question="Do the simulated hosts and links behave as queueing theory and probability say they must?",
    headline=False,
    arms=(ARM,),
    scenarios=tuple(CELLS),
    row=TheoryRow,
    quick=Size(seeds=10),
    decides=30,
    full=Size(seeds=120),
    run_once=run_once,
    check=check,
    report=_report,
)
