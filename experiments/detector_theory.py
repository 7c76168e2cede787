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
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.detection import CELLS, CLAIMS, Claim
from experiments.experiment import Arm, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.results import Results
from experiments.statistics import Interval, t_interval

__all__ = ["ARM", "CONFIDENCE", "EXPERIMENT", "DetectorRow", "Judged", "judge", "told"]

ARM: Final = Arm(name="detectors", label="the detectors", system=MappingProxyType({}))
#: Of each interval, so that all of them together hold with 99 % (Bonferroni's inequality).
CONFIDENCE: Final = 1 - 0.01 / len(CLAIMS)
#: Fewer runs tell nothing: counts of two may be equal by chance, and then leave no doubt where there is some.
_FEWEST: Final = 4


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


class Judged(NamedTuple):
    """A claim, the interval that the runs give, and what that means for it."""

    claim: Claim
    interval: Interval

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width, relative to the claim's value; None below four runs."""
        low, high = self.interval.low, self.interval.high
        if low is None or high is None or self.interval.n < _FEWEST:
            return None
        return (high - low) / 2 / abs(self.claim.value)

    @property
    def holds(self) -> bool | None:
        """Whether what is claimed is inside, to its tolerance; None while the interval is too wide to tell."""
        low, high, half_width = self.interval.low, self.interval.high, self.half_width
        if low is None or high is None or half_width is None:
            return None
        if not low - self.claim.tolerance <= self.claim.value <= high + self.claim.tolerance:
            return False
        return True if half_width <= self.claim.limit else None


def run_once(cell: Cell, seed: int) -> RunResult:
    """Measure one cell once."""
    found = CELLS[cell.scenario](_root(cell.scenario, seed))
    row = DetectorRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=found.digest,
        count=found.count,
        **found.values,
    )
    return RunResult(row=row)


def _root(scenario: str, seed: int) -> int:
    """A root seed of each cell's own: cells that shared one would err together."""
    return int.from_bytes(blake2b(f"{seed}/{scenario}".encode(), digest_size=8).digest(), "big")


def judge(results: Results[DetectorRow]) -> list[Judged]:
    """Every claim held against the rows."""
    return [Judged(claim, _interval(results, claim)) for claim in CLAIMS]


def _interval(results: Results[DetectorRow], claim: Claim) -> Interval:
    values = results.values(claim.metric, scenario=claim.cell, arm=ARM.name)
    return t_interval([float(value) for value in values if value is not None], confidence=CONFIDENCE)


def told(claim: Claim) -> str:
    """What a row is compared with, as it was printed or to six digits."""
    return claim.printed or f"{claim.value:.6g}"


def check(results: Results[DetectorRow]) -> list[Finding]:
    """One finding for each row of the table."""
    return [_finding(judged) for judged in judge(results)]


def _finding(judged: Judged) -> Finding:
    claim, interval = judged
    low, high = interval.low, interval.high
    kind = "published" if claim.printed else "closed form"
    detail = f"{kind} {told(claim)}, measured {interval.estimate:.6g}"
    if low is None or high is None or judged.half_width is None:
        detail += ", no verdict from so few runs"
    elif low == high:
        detail += f", without chance; may differ by {claim.tolerance:.2g}"
    else:
        detail += f", interval {low:.6g} to {high:.6g}, half-width {judged.half_width:.2%} of at most {claim.limit:.0%}"
        if claim.tolerance:
            detail += f"; told to {claim.tolerance:.2g}"
        if judged.holds is None:
            detail += f"; too wide to tell: {EXPERIMENT.decides} seeds or more are meant to do"
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
