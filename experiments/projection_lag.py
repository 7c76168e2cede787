"""How far does a projection lag behind its log, and what does reading one's own write cost?

Claim:     an inline projection never lags and is paid for by the command; a live one never lags and is paid for by the
           query; an async one lags by how it hears of news, more in small batches under load, and goes on being read
           while nobody can write. A token makes a session see its own write for the time that the view is behind. An
           owner that stood still is fenced off; a version rebuilt beside the live one hardly slows it.
Varies:    how the projection is kept (inline; async: polled, waited for, in small batches, rebuilt beside; live), load,
           tokens, faults (writers down, an owner that stands still).  Held fixed: the rest.
Measures:  lag, staleness, latency of commands and queries (ms), own writes missed (count); and, by crash point P1 to
           P9, what is missed or counts twice; paired over seeds.
Run:       ./lab run projection-lag [--quick] [--seeds N]
Writes:    reports/projection-lag/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.projections import ARMS, QUICK, SCENARIOS, LagRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = (
    "command_p50_ms",
    "command_p99_ms",
    "read_p50_ms",
    "read_p99_ms",
    "stale_share",
    "stale_p99_ms",
    "own_p50_ms",
    "own_p99_ms",
    "own_missed",
    "lag_p50_ms",
    "lag_p99_ms",
    "switched_ms",
)
BETTER: Final[Mapping[str, Better]] = MappingProxyType(dict.fromkeys(_LOWER, Better.LOWER))


def _report(results: Results[LagRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.projection_lag import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="projection-lag",
    question="How far does a projection lag behind its log, and what does reading one's own write cost?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=LagRow,
    quick=Size(seeds=2, only=QUICK),
    decides=10,
    full=Size(seeds=12),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
