"""A toy experiment, importable by worker processes: its behaviour is set through the environment, which they inherit.

TOY_SLOW_S makes each run take that long; TOY_DIES, TOY_RAISES, TOY_FAILS and TOY_STOPS name the run,
"scenario/arm/seed", that is killed by SIGKILL, raises, has a domain that fails, or interrupts the lab as Ctrl-C does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from experiments.experiment import (
    Arm,
    Better,
    Cell,
    Experiment,
    Finding,
    ReportContext,
    Row,
    RunResult,
    Size,
    run_key,
)
from experiments.report import report_page
from experiments.results import Results
from models.domain import DomainFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyRow(Row):
    """Metrics of every type that a row may hold."""

    heads: int
    share: float
    wait_ms: float | None
    label: str
    even: bool
    runs_censored: int = 0


def run_once(cell: Cell, seed: int) -> RunResult:
    key = run_key(cell.scenario, cell.arm.name, seed)
    time.sleep(float(os.environ.get("TOY_SLOW_S", "0")))
    if os.environ.get("TOY_DIES") == key:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("TOY_RAISES") == key:
        raise RuntimeError(f"no luck with {key}")
    if os.environ.get("TOY_FAILS") == key:
        raise DomainFailed("toy", "Toy.flip", "returned 2 events to Flip; return exactly one event")
    if os.environ.get("TOY_STOPS") == key:
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(30)
    digest = blake2b(key.encode(), digest_size=8).hexdigest()
    heads = int(digest, 16) % 100
    row = ToyRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=digest,
        heads=heads,
        share=heads / 100,
        wait_ms=None if seed % 2 else float("inf"),
        label=cell.arm.label,
        even=seed % 2 == 0,
        runs_censored=seed % 2,
    )
    return RunResult(row=row, series={"t_s": [0, 1, 2], "heads": [0.1, heads, 0.30000000000000004]})


def check(results: Results[ToyRow]) -> Sequence[Finding]:
    return [
        Finding(claim="shares are shares", holds=all(0 <= row.share <= 1 for row in results.rows), detail="all"),
        Finding(claim="a run was odd", holds=any(not row.even for row in results.rows), detail="seeds", sometimes=True),
    ]


def report(results: Results[ToyRow], folder: Path, context: ReportContext) -> str:
    answer = f"{len(results.rows)} runs, {sum(row.heads for row in results.rows)} heads <all told>"
    page = report_page(context, answer)
    page.findings(context.findings)
    page.write(folder / "index.html")
    return answer


EXPERIMENT = Experiment(
    name="toy",
    question="Do coins & dice <fall>?",
    headline=False,
    arms=(Arm(name="fair", label="fair", system={}), Arm(name="bent", label="bent", system={})),
    scenarios=("calm", "windy"),
    row=ToyRow,
    quick=Size(seeds=2),
    full=Size(seeds=12),
    run_once=run_once,
    check=check,
    report=report,
    better={"share": Better.HIGHER},
)
