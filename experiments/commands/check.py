"""`./lab check`: validate scenarios, run them, and hold them to the properties that they claim."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.core import ParameterSource
from tqdm.auto import tqdm

from experiments.commands.obligations import proven
from experiments.experiment import MOST_JOBS, MOST_SEEDS
from experiments.files import why_not_writable, write_text
from experiments.journal import Refused
from experiments.obligations.everywhere import Proof, ProverDied, pairs_of
from experiments.obligations.refusing import refused_merges
from experiments.regression import (
    ENOUGH_SEEDS,
    Checked,
    SeedResult,
    WorkerDied,
    jobs_for,
    junit,
    lines,
    run_seeds,
    warnings,
    weigh_all,
    worst_code,
)
from experiments.scenario import Problem, Scenario, ScenarioError, load, shipped

__all__ = ["check"]

_DIED = 3


@click.command()
@click.argument("scenarios", nargs=-1)
@click.option(
    "--seeds", type=click.IntRange(1, MOST_SEEDS), default=ENOUGH_SEEDS, show_default=True, help="Run seeds 0 to N-1."
)
@click.option("--seed", type=click.IntRange(min=0), help="Run this seed alone.")
@click.option(
    "--jobs",
    type=click.IntRange(1, MOST_JOBS),
    help="Worker processes; if there is enough to do, one a core by default.",
)
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML here, for CI."
)
@click.pass_context
def check(
    context: click.Context,
    scenarios: tuple[str, ...],
    *,
    seeds: int,
    seed: int | None,
    jobs: int | None,
    junit_file: Path | None,
) -> int:
    """Validate SCENARIOS (shipped names or files; all shipped ones by default) and hold them to their properties.

    With none named, every shipped merge policy is held to what it promises of every domain that it suits, too.
    """
    if seed is not None and context.get_parameter_source("seeds") is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--seed {seed} runs one seed alone and --seeds {seeds} several; leave one out")
    # Asked before any run, not found out after the last.
    if junit_file is not None and (refused := why_not_writable(junit_file)):
        raise click.BadParameter(refused, param_hint="--junit")
    names = scenarios or shipped()
    loaded = _load(names)
    for scenario in loaded:
        for warning in warnings(scenario):
            click.echo(warning)
    chosen = range(seeds) if seed is None else range(seed, seed + 1)
    proofs: list[Proof] = []
    try:
        everything = list(_checked(names, loaded, chosen, jobs or jobs_for(loaded, len(chosen))))
        if not scenarios:
            proofs = list(proven(pairs_of(), chosen, jobs))
    except (WorkerDied, ProverDied) as died:
        click.echo(f"check: {died}", err=True)
        return _DIED
    if junit_file is not None:
        try:
            write_text(junit_file, junit(everything, {str(proof.pair): proof.broken for proof in proofs}))
        except OSError as error:
            told = f"{junit_file} cannot be written any more ({error.strerror}); the verdicts are those above"
            raise Refused(told) from None
    return worst_code([*(checked.code for checked in everything), *(int(bool(proof.broken)) for proof in proofs)])


def _checked(names: Sequence[str], loaded: Sequence[Scenario], seeds: range, jobs: int) -> Iterator[Checked]:
    """Run everything, and tell of each scenario, in their order, as soon as its last run is in."""
    results: list[list[SeedResult]] = [[] for _ in loaded]
    told = 0
    with tqdm(total=len(loaded) * len(seeds), desc="check", unit="run", disable=None) as bar:
        for number, result in run_seeds(loaded, seeds, jobs):
            results[number].append(result)
            bar.update()
            while told < len(loaded) and len(results[told]) == len(seeds):
                scenario = loaded[told]
                enough = len(seeds) >= ENOUGH_SEEDS
                checked = weigh_all(scenario, names[told], results[told], enough_seeds=enough)
                for line in lines(checked):
                    bar.write(line, file=sys.stdout)
                told += 1
                yield checked


def _load(names: Sequence[str]) -> list[Scenario]:
    """Load all of them, or raise one error that tells the mistakes of all."""
    loaded: list[Scenario] = []
    problems: list[Problem] = []
    for name in names:
        try:
            loaded.append(load(name))
        except ScenarioError as error:
            problems.extend(error.problems)
    problems.extend(refused_merges(loaded))
    if problems:
        raise ScenarioError(problems)
    return loaded
