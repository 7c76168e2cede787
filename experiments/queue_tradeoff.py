"""What does a message queue's reliability cost in latency and throughput, and what does each mode and scheme lose?

Claim:     at most once loses and never doubles, at least once doubles and loses only what its scheme lets go of,
           deduplicated does neither within its windows; two flushed copies of three lose nothing to a crash, a power
           loss, a lost disk or a cut; each step costs latency, and batches buy throughput with it.
Varies:    the mode (at most once, at least once, deduplicated), the persistence scheme of the queue's log (six), one
           message at a time or eight; what befalls the broker that leads one of two shards.  Held fixed: the rest.
Measures:  end-to-end p50 and p99 (ms), effects a second, messages lost, doubled and out of order; paired over seeds.
Run:       ./lab run queue-tradeoff [--quick] [--seeds N]
Writes:    reports/queue-tradeoff/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.queues import ARMS, QUICK, SCENARIOS, QueueRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = ("latency_p50_ms", "latency_p99_ms", "lost", "duplicated", "out_of_order", "network_messages")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"effected_share": Better.HIGHER, "effects_per_s": Better.HIGHER} | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[QueueRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.queue_tradeoff import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="queue-tradeoff",
    question="What does a message queue's reliability cost, and what does each mode and scheme lose?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=QueueRow,
    quick=Size(seeds=2, only=QUICK),
    decides=6,
    full=Size(seeds=6),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
