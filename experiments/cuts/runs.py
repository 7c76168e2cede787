"""One shape of a cut under one arm: who was answered, who was elected, and for how long nobody answered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Final

from experiments.cuts.arms import BEGINS_US, ENDS_US, JUDGED_US, SETTLED_US, CutRow
from experiments.experiment import Cell, RunResult
from experiments.measures import Answer, Observation, Outcome, carry_out, latencies_ms
from experiments.properties import judge
from experiments.scenario import Scenario, build, load
from experiments.statistics import quantile

__all__ = ["STEP_US", "measured", "run_once"]

#: Width of a step of the timelines.
STEP_US: Final = 500_000
_ANSWERS: Final = (Outcome.ACCEPTED, Outcome.DENIED)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one shape under one arm."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    world, system = build(scenario, seed)
    elected: list[tuple[int, int]] = []
    world.on_note("elected", lambda t_us, location, value: elected.append((t_us, int(value))))
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    waits = latencies_ms(seen.answers)
    verdict = judge(seen, scenario.properties)["no_acknowledged_loss"]
    row = CutRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(seen.answers),
        cut_share=_share(seen.answers, BEGINS_US, ENDS_US),
        settled_share=_share(seen.answers, SETTLED_US, JUDGED_US),
        healed_share=_share(seen.answers, ENDS_US, scenario.workload.ends_us),
        latency_p99_ms=quantile(waits, 0.99),
        elections=sum(BEGINS_US <= t_us < ENDS_US for t_us, _ in elected),
        elections_healed=sum(t_us >= ENDS_US for t_us, _ in elected),
        terms=max((term for _, term in elected), default=1) - min((term for _, term in elected), default=1),
        outage_ms=_outage_ms(seen.answers, scenario.until_us),
        lost=len(verdict.witness),
    )
    return RunResult(row=row, series=_timeline(seen, scenario))


def _share(answers: Sequence[Answer], from_us: int, until_us: int) -> float:
    judged = [answer.outcome in _ANSWERS for answer in answers if from_us <= answer.invoked_us < until_us]
    return sum(judged) / len(judged)


def _outage_ms(answers: Sequence[Answer], until_us: int) -> float:
    """The longest time between two answers, the first of them not after the heal; infinite if none followed."""
    times = sorted(a.answered_us for a in answers if a.outcome in _ANSWERS and a.answered_us is not None)
    if not times or times[-1] < ENDS_US:
        return inf
    return max((later - one) / 1000 for one, later in pairwise(times) if one <= ENDS_US)


def _timeline(seen: Observation, scenario: Scenario) -> dict[str, list[float]]:
    """By step of the load: when it begins, and the share of the commands issued in it that were answered."""
    begins, shares = [], []
    for begin_us in range(0, scenario.workload.ends_us, STEP_US):
        issued = [a for a in seen.answers if begin_us <= a.invoked_us < begin_us + STEP_US]
        if issued:
            begins.append(begin_us / 1_000_000)
            shares.append(sum(a.outcome in _ANSWERS for a in issued) / len(issued))
    return {"begin_s": begins, "answered": shares}
