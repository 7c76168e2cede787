"""`./lab check`: validate scenarios, run them, and hold them to the properties that they claim."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from tqdm.auto import tqdm

from experiments.experiment import MOST_SEEDS
from experiments.scenario import Mode, Problem, Scenario, ScenarioError, load, shipped
from sim.checkers import Outcome, Verdict
from sim.faults import destroyed_copies

__all__ = ["check", "judge"]

_SEEDS = 3


@click.command()
@click.argument("scenarios", nargs=-1)
@click.option(
    "--seeds", type=click.IntRange(1, MOST_SEEDS), default=_SEEDS, show_default=True, help="Run seeds 0 to N-1."
)
@click.option("--seed", type=click.IntRange(min=0), help="Run this seed alone.")
def check(scenarios: tuple[str, ...], *, seeds: int, seed: int | None) -> int:
    """Validate SCENARIOS (shipped names or files; all shipped ones by default) and hold them to their properties."""
    names = scenarios or shipped()
    loaded = _load(names)
    chosen = range(seeds) if seed is None else range(seed, seed + 1)
    worst = 0
    with tqdm(total=len(loaded) * len(chosen), desc="check", unit="run", disable=None) as bar:
        for name, scenario in zip(names, loaded, strict=True):
            for warning in _warnings(scenario):
                bar.write(f"{scenario.name}: warning: {warning}", file=sys.stdout)
            verdicts = _run(scenario, chosen, bar.update)
            lines, code = judge(scenario, verdicts, typed=name, enough_seeds=len(chosen) >= _SEEDS)
            for line in lines:
                bar.write(line, file=sys.stdout)
            worst = max(worst, code, key=(0, 2, 1).index)
    return worst


def judge(
    scenario: Scenario, verdicts: Mapping[str, Mapping[int, Verdict]], *, typed: str, enough_seeds: bool
) -> tuple[list[str], int]:
    """Weigh the verdicts of one scenario, by property and seed.

    *Always* is violated by one invalid run; *sometimes* is violated if no run is valid, which too few seeds leave open.

    Args:
        scenario: What was run.
        verdicts: On each of its properties.
        typed: Its name or path as it was given, for the command that replays a run.
        enough_seeds: Whether there were enough to expect a *sometimes*.

    Returns:
        Lines to print, and the exit code: 1 violated, 2 unknown, else 0.
    """
    lines = []
    worst = 0
    for use in scenario.properties:
        told, code = _weigh(verdicts[use.name], use.mode, enough_seeds=enough_seeds)
        lines.append(f"{scenario.name}: {use.name} ({use.mode}): {told}")
        if code == 1 and use.mode is Mode.ALWAYS:
            bad = next(seed for seed, verdict in verdicts[use.name].items() if verdict.outcome is Outcome.INVALID)
            lines.append(f"  replay it with: {shlex.join(['./lab', 'check', typed, '--seed', str(bad)])}")
        worst = max(worst, code, key=(0, 2, 1).index)
    if not scenario.properties:
        lines.append(f"{scenario.name}: valid, and claims no property")
    return lines, worst


def _weigh(by_seed: Mapping[int, Verdict], mode: Mode, *, enough_seeds: bool) -> tuple[str, int]:
    met = {outcome: [seed for seed, v in by_seed.items() if v.outcome is outcome] for outcome in Outcome}
    if mode is Mode.SOMETIMES:
        if met[Outcome.VALID]:
            return f"holds in {len(met[Outcome.VALID])} of {len(by_seed)} runs", 0
        if not enough_seeds:
            return f"warning: in none of {len(by_seed)} runs, too few seeds to tell", 0
    for outcome, word, code in ((Outcome.INVALID, "VIOLATED", 1), (Outcome.UNKNOWN, "unknown", 2)):
        if met[outcome]:
            first = by_seed[met[outcome][0]]
            witness = f"; witness {', '.join(map(str, first.witness))}" if first.witness else ""
            return f"{word} under seed {met[outcome][0]}: {first.reason}{witness}", code
    return f"holds in {len(by_seed)} runs", 0


def _warnings(scenario: Scenario) -> tuple[str, ...]:
    """What a reader should know before the verdicts: whether any shard loses its every copy."""
    topology = scenario.topology
    stores = scenario.system.build(topology, scenario.workload).stores.values()
    shards = zip(*stores, strict=True)
    copies = {
        f"shard {number}": [topology.index_of(location) for location in locations]
        for number, locations in enumerate(shards)
    }
    return destroyed_copies(scenario.faults, topology, copies)


def _load(names: Sequence[str]) -> list[Scenario]:
    """Load all of them, or raise one error that tells the mistakes of all."""
    loaded: list[Scenario] = []
    problems: list[Problem] = []
    for name in names:
        try:
            loaded.append(load(name))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    return loaded


def _run(scenario: Scenario, seeds: range, advance: Callable[[], Any]) -> dict[str, dict[int, Verdict]]:
    from experiments.measures import gather
    from experiments.properties import judge as judge_run

    verdicts: dict[str, dict[int, Verdict]] = {use.name: {} for use in scenario.properties}
    for seed in seeds:
        for name, verdict in judge_run(gather(scenario, seed), scenario.properties).items():
            verdicts[name][seed] = verdict
        advance()
    return verdicts
