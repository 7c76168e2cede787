"""One trouble under one who decides: what was missed, and what the alarms cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from types import MappingProxyType
from typing import Final

from experiments.experiment import Cell, RunResult
from experiments.failovers.runs import asked_of, was_dead
from experiments.measures import Observation, carry_out, latencies_ms
from experiments.properties import judge
from experiments.scenario import Scenario, build, load
from experiments.scenario.property import Mode
from experiments.stakes.arms import PLACES, Decided, StakeRow, Who, patience_us, ratio_of, who_of
from experiments.stakes.oracles import show
from sim.checkers import Outcome
from sim.topology import host_of

__all__ = ["LOOK_MS", "measured", "run_once", "scenario_of", "words_of"]

#: What a look-up takes from the other region, milliseconds.
LOOK_MS: Final = 70.0
#: Where elections are claimed or denied, that is what is measured here.
_MEASURED: Final = frozenset({"nobody_elected", "terms_at_most"})
_DEADLY: Final = "process-crash"
_OPTION: Final = MappingProxyType({Decided.LEAD: "detector", Decided.LOAD: "strategy"})
_KNOWING: Final = MappingProxyType({Decided.LEAD: "knowing_leads", Decided.LOAD: "knowing_loads"})


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario under one who decides."""
    return RunResult(row=measured(scenario_of(cell), cell, seed))


def scenario_of(cell: Cell) -> Scenario:
    """The scenario with whoever decides in an arm; handlers decide on names, since a name changes with each event."""
    scenario, decided = load(cell.scenario), PLACES[cell.scenario].decided
    system = dict(scenario.document["system"]) | {_OPTION[decided]: words_of(cell.arm.name, decided)}
    if decided is Decided.LOAD:
        system["domain"] = "username"
    if who_of(cell.arm.name) is Who.ORACLE:
        system["factory"] = f"experiments.stakes.oracles:{_KNOWING[decided]}"
    return scenario.with_system(system)


def words_of(arm: str, decided: Decided) -> str:
    """By what an arm decides, as scenario files have it."""
    who = who_of(arm)
    if who is Who.BOOL:
        return f"belief:bool:silent={patience_us(arm, decided)}us"
    if who is Who.SOURCE:
        return "belief:source:level=0.5"
    return f"belief:spectrum:miss={ratio_of(arm):g}:alarm=1"


def measured(scenario: Scenario, cell: Cell, seed: int) -> StakeRow:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    world, system = build(scenario, seed)
    show(system, world, scenario.faults)
    elected: list[tuple[int, str]] = []
    world.on_note(
        "elected",
        lambda t_us, at, _: elected.append((t_us, world.topology.hosts[world.topology.index_of(host_of(at))].path)),
    )
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation), "a bank keeps a ledger"
    safe = judge(seen, [one for one in scenario.properties if one.mode is Mode.ALWAYS and one.name not in _MEASURED])
    if PLACES[cell.scenario].decided is Decided.LEAD:
        operations, acts, missed, alarmed = _leads(seen, scenario, elected)
    else:
        operations, acts, missed, alarmed = _loads(seen, scenario)
    return StakeRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        operations=operations,
        missed=missed,
        alarmed=alarmed,
        acts=acts,
        broken=sum(verdict.outcome is not Outcome.VALID for verdict in safe.values()),
    )


def _leads(seen: Observation, scenario: Scenario, elected: Sequence[tuple[int, str]]) -> tuple[int, int, float, float]:
    """Operations, elections, seconds for which a leader was dead and no other elected, elections against the living."""
    deaths = [span for span in seen.spans if span.kind == _DEADLY]
    missed_us = 0
    for death in deaths:
        leader = next((host for t_us, host in reversed(elected) if t_us < death.begin_us), None)
        if leader in death.targets:
            follows_us = (t_us for t_us, _ in elected if t_us >= death.begin_us)
            missed_us += next(follows_us, scenario.until_us) - death.begin_us
    moves = [(t_us, before) for (_, before), (t_us, _) in pairwise(elected) if t_us >= scenario.warm_up_us]
    needless = sum(not was_dead(deaths, before, t_us) for t_us, before in moves)
    return len(asked_of(seen.history)), len(moves), missed_us / 1e6, float(needless)


def _loads(seen: Observation, scenario: Scenario) -> tuple[int, int, float, float]:
    """Commands, waits before the work, decisions in vain for a command, and look-ups' time that a command took."""
    loading = seen.ledger.loading
    assert loading is not None, "handlers say what they did"
    counts, home = loading.counts, str(scenario.system.options["home"])
    away = [answer for answer in seen.measured if answer.region != home]
    patience_ms = scenario.workload.deadline_us / 1e3
    waited_ms = [min(one, patience_ms) for one in latencies_ms(away)]
    needed = counts["handled"] - counts.get("repeated", 0)
    vain = max(0, counts["worked"] - needed) / max(1, needed)
    return len(away), counts.get("doubted", 0), vain, fsum(waited_ms) / max(1, len(waited_ms)) / LOOK_MS
