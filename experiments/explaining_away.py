"""When hosts of one region fall silent, is it the region, and are beliefs about it what they claim to be?

Claim:     on a tree of hypotheses the closed form of explaining away comes out, and what is said is calibrated against
           the truth; judging hosts alone and multiplying is not, nor is phi read as a probability, and both are caught.
           Priors ten times wrong on the tree lose less than right ones without it; learning takes back part of that.
Varies:    who tells (tree with right, wrong, heavy-tailed and learnt priors; product of scores; phi), what befalls
           regions and hosts (before anybody listened, since then, nothing).  Held fixed: topology, rates, asking times.
Measures:  log loss, Brier skill and excess of what is said of silent hosts and regions; paired over seeds, 95 %.
Run:       ./lab run explaining-away [--quick] [--seeds N]
Writes:    reports/explaining-away/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.explaining import ARMS, SCENARIOS, ExplainingRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        "host_log_loss": Better.LOWER,
        "host_brier_skill": Better.HIGHER,
        "region_log_loss": Better.LOWER,
        "region_brier_skill": Better.HIGHER,
    }
)


def _report(results: Results[ExplainingRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.explaining_away import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="explaining-away",
    question="When hosts of one region fall silent, is it the region, and are beliefs about it what they claim to be?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=ExplainingRow,
    quick=Size(seeds=5),
    full=Size(seeds=80),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    decides=12,
)
