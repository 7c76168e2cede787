"""One scenario under one way to hedge: how long requests took while it lasted, and what the copies cost."""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

from experiments.experiment import Cell, RunResult
from experiments.hedges.arms import OVERLOAD, HedgeRow
from experiments.measures import Observation, carry_out
from experiments.scenario import Scenario, build, load
from experiments.statistics import quantile
from experiments.storms.runs import recovered_us, share_done, timeline
from sim.history import History, Kind

__all__ = ["measured", "run_once"]

#: Of the end of the load, for what is left of an overload.
_LATE_US: Final = 14_000_000


class _Request(NamedTuple):
    """When it was issued, and how long it took; for ever, if it was not done."""

    t_us: int
    took_ms: float

    @property
    def done(self) -> bool:
        return self.took_ms < inf


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario, hedged as the arm says."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    world, system = build(scenario, seed)
    seen = carry_out(world, system, scenario, seed)
    ends_us = scenario.workload.ends_us
    requests = _requests(seen.history)
    begin_us, heal_us = _trouble(scenario)
    during = [one for one in requests if begin_us <= one.t_us < heal_us]
    late = [one for one in requests if one.t_us >= ends_us - _LATE_US]
    waits = sorted(one.took_ms for one in during)
    assert isinstance(seen, Observation), "tiers keep a ledger"
    hedged = seen.ledger.retrying
    assert hedged is not None
    calls = max(1, hedged.calls)
    recovered = None
    if cell.scenario == OVERLOAD:
        recovered = recovered_us([(one.t_us, one.done) for one in requests], heal_us, ends_us)
    row = HedgeRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        requests=len(during),
        done=share_done(during),
        latency_p50_ms=quantile(waits, 0.5),
        latency_p99_ms=quantile(waits, 0.99),
        latency_p999_ms=quantile(waits, 0.999),
        extra=(hedged.copies - hedged.calls) / calls,
        won=hedged.won / calls,
        held=hedged.held / calls,
        done_late=share_done(late),
        recovered_s=None if recovered is None else recovered / 1_000_000,
        recovery_censored=int(recovered == inf),
        utilisation_busiest=max(seen.utilisation.values()),
    )
    return RunResult(row=row, series=timeline(requests, ends_us))


def _trouble(scenario: Scenario) -> tuple[int, int]:
    """From the first fault to the last heal; without a fault all of the load that is warm."""
    spans = []
    for fault in scenario.faults:
        assert isinstance(fault.at, int)
        assert fault.for_us is not None, "a trouble has an end"
        spans.append((fault.at, fault.at + fault.for_us))
    if not spans:
        return scenario.warm_up_us, scenario.workload.ends_us
    return min(begin for begin, _ in spans), max(end for _, end in spans)


def _requests(history: History) -> list[_Request]:
    return [
        _Request(
            begun.t_us,
            (ended.t_us - begun.t_us) / 1000 if ended is not None and ended.kind is Kind.OK else inf,
        )
        for begun, ended in history.pairs()
    ]
