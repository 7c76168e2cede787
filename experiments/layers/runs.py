"""One scenario under one way to serve layers: who was answered, who was deposed, and what each layer carried."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from experiments.experiment import Cell, RunResult
from experiments.layers.arms import FAILOVER, SPANS, LayerRow, under
from experiments.measures import Answer, Observation, Outcome, carry_out, latencies_ms
from experiments.scenario import Scenario, build, load
from experiments.statistics import quantile
from sim.message import Layer
from sim.world import World

__all__ = ["STEP_US", "measured", "run_once"]

#: Width of a step of the timelines.
STEP_US: Final = 500_000
_ANSWERS: Final = (Outcome.ACCEPTED, Outcome.DENIED)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario with layers served as the arm says."""
    return measured(under(load(cell.scenario), cell.arm.name), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    world, system = build(scenario, seed)
    unled: list[int] = []
    world.on_note("unled", lambda t_us, location, value: unled.append(t_us))
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    promoted = [t_us for t_us, _, _ in seen.noted["promoted"]]
    crashed_us = _crashed_us(cell, scenario)
    after = [] if crashed_us is None else [t_us for t_us in promoted if t_us >= crashed_us]
    span = SPANS[cell.scenario]
    judged = [a for a in seen.answers if span.from_us <= a.invoked_us < span.until_us]
    waits = latencies_ms(judged)
    layers = world.network.by_layer()
    row = LayerRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(judged),
        answered_share=sum(a.outcome in _ANSWERS for a in judged) / len(judged),
        latency_p50_ms=quantile(waits, 0.5),
        latency_p99_ms=quantile(waits, 0.99),
        unled=sum(t_us >= scenario.warm_up_us for t_us in unled),
        # The first promotion after a crash is what operators are for.
        false_failovers=len(promoted) - min(1, len(after)),
        led_again_ms=None if crashed_us is None else (min(after) - crashed_us) / 1000 if after else inf,
        served_again_ms=None if crashed_us is None else _served_again_ms(seen.answers, crashed_us),
        overflowed=_overflowed(world),
        utilisation_busiest=max(seen.utilisation.values()),
        **{f"messages_{layer.name.lower()}": layers[layer].sent for layer in Layer},
        **{f"bytes_{layer.name.lower()}": layers[layer].bytes for layer in Layer},
    )
    return RunResult(row=row, series=_timeline(seen, scenario))


def _crashed_us(cell: Cell, scenario: Scenario) -> int | None:
    if cell.scenario != FAILOVER:
        return None
    at = scenario.faults[0].at
    assert isinstance(at, int)
    return at


def _served_again_ms(answers: Sequence[Answer], crashed_us: int) -> float:
    """From the crash to the first answer to a command that was issued after it."""
    times = [a.answered_us for a in answers if a.invoked_us >= crashed_us and a.outcome in _ANSWERS]
    return (min(t_us for t_us in times if t_us is not None) - crashed_us) / 1000 if times else inf


def _overflowed(world: World) -> int:
    return sum(machine.overflowed for machine in world.machines)


def _timeline(seen: Observation, scenario: Scenario) -> dict[str, list[float]]:
    """By step of the load: when it begins, and the share of the commands issued in it that were answered."""
    begins, shares = [], []
    for begin_us in range(0, scenario.workload.ends_us, STEP_US):
        issued = [a for a in seen.answers if begin_us <= a.invoked_us < begin_us + STEP_US]
        if issued:
            begins.append(begin_us / 1_000_000)
            shares.append(sum(a.outcome in _ANSWERS for a in issued) / len(issued))
    return {"begin_s": begins, "answered": shares}
