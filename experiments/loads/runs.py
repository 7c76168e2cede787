"""One scenario under one strategy in one domain: who was answered and when, and what handlers did for it."""

from __future__ import annotations

from typing import Final

from experiments.experiment import Cell, RunResult
from experiments.loads.arms import LoadRow
from experiments.measures import Outcome, latencies_ms, observe
from experiments.properties import judge
from experiments.scenario import Scenario, load
from experiments.scenario.property import Mode, PropertyUse
from experiments.statistics import quantile
from sim.checkers import Outcome as Verdicts

__all__ = ["measured", "run_once"]

_ANSWERS: Final = (Outcome.ACCEPTED, Outcome.DENIED)
_TRUE: Final = tuple(
    PropertyUse(name=name, mode=Mode.ALWAYS) for name in ("nothing_before_confirmation", "images_true")
)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario under an arm."""
    return RunResult(row=measured(load(cell.scenario).with_system(cell.arm.system), cell, seed))


def measured(scenario: Scenario, cell: Cell, seed: int) -> LoadRow:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    seen = observe(scenario, seed)
    home = str(scenario.system.options["home"])
    away = [answer for answer in seen.measured if answer.region != home]
    waits = latencies_ms(away)
    loading = seen.ledger.loading
    assert loading is not None, "handlers say what they did"
    counts = loading.counts
    handled, again = counts["handled"], counts.get("equal", 0) + counts.get("redone", 0)
    verdicts = judge(seen, _TRUE)
    return LoadRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(away),
        answered_share=sum(answer.outcome in _ANSWERS for answer in away) / len(away),
        latency_p50_ms=quantile(waits, 0.5),
        latency_p95_ms=quantile(waits, 0.95),
        stale_share=counts.get("stale", 0) / max(1, loading.compared),
        behind_mean=loading.behind / max(1, loading.compared),
        equal_share=counts.get("equal", 0) / again if again else None,
        redone=counts.get("redone", 0) / handled,
        worked=counts.get("worked", 0) / handled,
        looked=counts.get("looked", 0) / handled,
        appended=counts.get("appends", 0) / handled,
        refused_share=counts.get("conflicts", 0) / max(1, counts.get("appends", 0)),
        untrue=sum(verdict.outcome is not Verdicts.VALID for verdict in verdicts.values()),
    )
