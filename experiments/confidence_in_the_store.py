"""What do decisions by bool, by belief and by who knows cost a store that acts on them?

Claim:     whoever decides, nothing breaks that must always hold. Who knows the present costs less than the best bool,
           tuned for each ratio of costs. A follower that is cut off with nobody to elect it deposes the leader after
           the heal by bool and by a threshold at the source, and not where it weighs its own chance. What the spectrum
           saves of the rest is told by decision and ratio, and not claimed.
Varies:    who decides (five bools, a half of belief at its source, the spectrum, an oracle of the present), the ratio
           of costs, the decision (who leads a Raft group; how a handler loads), the trouble.  Held fixed: the store,
           its load, the evidence and the messages that carry it.
Measures:  seconds without a leader and needless elections; work in vain and the time that commands take; the cost of
           both at each ratio, paired over seeds.
Run:       ./lab run confidence-in-the-store [--quick] [--seeds N]
Writes:    reports/confidence-in-the-store/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results
from experiments.stakes import ARMS, DECIDES, QUICK, SCENARIOS, StakeRow, check, run_once, scenario_of

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(dict.fromkeys(("missed", "alarmed", "broken"), Better.LOWER))


def _report(results: Results[StakeRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.confidence_in_the_store import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="confidence-in-the-store",
    question="What do decisions by bool, by belief and by who knows cost a store that acts on them?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=StakeRow,
    quick=Size(seeds=2, only=QUICK),
    full=Size(seeds=16),
    decides=DECIDES,
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    scenario_of=scenario_of,
)
