"""What does it gain, and waste, to work on a snapshot before the look-up has told the newest version?

Claim:     what it gains is the work that it hides behind the look-up, and no more; an equal decision keeps the work,
           so that waste is a matter of the domain. Appending without a look-up is faster while snapshots seldom are
           behind, and slower where they mostly are; one that adapts follows. None makes a handler available in a cut.
Varies:    how a handler loads (consistent, speculative, optimistic, adaptive), the domain, how much regions contend,
           and what befalls the way to the leader (nothing, slow, cut).  Held fixed: load, work, store, snapshots.
Measures:  p50 and p95 of commands that are far from the leader (ms), snapshots that were behind, decisions that
           stayed the same or were redone, appends refused, look-ups and work for a command; paired over seeds.
Run:       ./lab run speculative-load [--quick] [--seeds N]
Writes:    reports/speculative-load/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.loads import ARMS, QUICK, SCENARIOS, LoadRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = (
    "latency_p50_ms",
    "latency_p95_ms",
    "redone",
    "worked",
    "looked",
    "appended",
    "refused_share",
    "untrue",
)
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"answered_share": Better.HIGHER} | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[LoadRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.speculative_load import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="speculative-load",
    question="What does it gain, and waste, to work on a snapshot before the look-up has told the newest version?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=LoadRow,
    quick=Size(seeds=2, only=QUICK),
    decides=10,
    full=Size(seeds=16),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
