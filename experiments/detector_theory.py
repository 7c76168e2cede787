"""Do failure detectors keep what theory says of them, and what was published?

Claim:     Chen's NFD-S, NFD-U and NFD-E make mistakes as often and as long as the closed forms say, by steps of the
           detection time; configurators choose what they were published to choose, and it keeps the promise; phi,
           Akka, Cassandra and Lifeguard cross where their sources say; averaging intervals learns eta / (1 - loss)
           and nothing of the delay; and in a world SWIM's members first probe one that crashed when SWIM says.
Varies:    the detector and its network (one cell each, built in `experiments.detection`).
Measures:  closed form or published figure against the mean over runs, with intervals that hold for all rows at once
           with 99 %.
Run:       ./lab run detector-theory [--quick] [--seeds N]
Writes:    reports/detector-theory/
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.detection import CELLS, CLAIMS, Claim
from experiments.experiment import Arm, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.judging import Judged, interval_of, root_of, width_told
from experiments.results import Results

__all__ = ["ARM", "CONFIDENCE", "EXPERIMENT", "DetectorRow", "judge", "told"]

ARM: Final = Arm(name="detectors", label="the detectors", system=MappingProxyType({}))
#: Of each interval, so that all of them together hold with 99 % (Bonferroni's inequality).
CONFIDENCE: Final = 1 - 0.01 / len(CLAIMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRow(Row):
    """One run of one cell; a metric is None where it has no such thing.

    `count` heartbeats arrived, or probes were begun. Times are of Chen's quality of service; `wrong` is 1 - P_A and
    `gain` the factor by which NFD-S makes fewer mistakes. `normal_y` and `akka_y` are standard deviations,
    `means` mean intervals, `mistakes` counted by heartbeat, `left_s` what a suspect has left, `periods` the period
    of the first probe.
    """

    count: int
    recurrence_s: float | None = None
    mistake_s: float | None = None
    accuracy: float | None = None
    wrong: float | None = None
    gain: float | None = None
    good_s: float | None = None
    forward_s: float | None = None
    forward_of_good_s: float | None = None
    eta_s: float | None = None
    delta_s: float | None = None
    interval_s: float | None = None
    settled_s: float | None = None
    expected_s: float | None = None
    normal_y: float | None = None
    akka_y: float | None = None
    akka_ms: float | None = None
    means: float | None = None
    mistakes: float | None = None
    left_s: float | None = None
    periods: float | None = None


def run_once(cell: Cell, seed: int) -> RunResult:
    """Measure one cell once."""
    found = CELLS[cell.scenario](root_of(cell.scenario, seed))
    row = DetectorRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=found.digest,
        count=found.count,
        **found.values,
    )
    return RunResult(row=row)


def judge(results: Results[DetectorRow]) -> list[Judged[Claim]]:
    """Every claim held against the rows."""
    return [Judged(claim, interval_of(results, claim, ARM.name, CONFIDENCE), claim.tolerance) for claim in CLAIMS]


def told(claim: Claim) -> str:
    """What a row is compared with, as it was printed or to six digits."""
    return claim.printed or f"{claim.value:.6g}"


def check(results: Results[DetectorRow]) -> list[Finding]:
    """One finding for each row of the table."""
    return [_finding(judged) for judged in judge(results)]


def _finding(judged: Judged[Claim]) -> Finding:
    claim, interval = judged.claim, judged.interval
    kind = "published" if claim.printed else "closed form"
    detail = f"{kind} {told(claim)}, measured {interval.estimate:.6g}"
    if judged.half_width is not None and interval.low == interval.high:
        detail += f", without chance; may differ by {claim.tolerance:.2g}"
    else:
        detail += width_told(interval, judged.half_width, claim.limit, EXPERIMENT.decides, spec=".6g")
        detail += f"; told to {claim.tolerance:.2g}" if claim.tolerance and judged.half_width is not None else ""
    return Finding(claim=f"{claim.group}; {claim.title}", holds=judged.holds, detail=detail)


def _report(results: Results[DetectorRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.detector_theory import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="detector-theory",
    question="Do failure detectors keep what theory says of them, and what was published?",
    headline=False,
    arms=(ARM,),
    scenarios=tuple(CELLS),
    row=DetectorRow,
    quick=Size(seeds=8),
    full=Size(seeds=180),
    decides=30,
    run_once=run_once,
    check=check,
    report=_report,
)
