"""`./lab hunt`: look for a seed under which a scenario breaks what it claims, and keep the least of it as a bundle."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource
from tqdm.auto import tqdm

from experiments.commands.overlay import overlay, system_option
from experiments.experiment import MOST_JOBS, MOST_SEEDS
from experiments.files import write_text
from experiments.hunting import (
    DEFAULT_RUNS,
    NO_CRASH,
    Caught,
    Hands,
    HandsLost,
    Sighting,
    hunt,
    judged_of,
    narrowed,
    pin_down,
)
from experiments.journal import Refused
from experiments.provenance import ROOT
from experiments.regression import warnings
from experiments.regression.telling import fault_lines
from experiments.scenario import Scenario, load
from experiments.workers import cores
from sim.nemesis import Knobs
from sim.wording import counted

__all__ = ["hunt_command"]

_SEEDS: Final = 100
_DIED: Final = 3


@click.command(name="hunt")
@click.argument("name", metavar="SCENARIO")
@click.option("--seeds", type=click.IntRange(1, MOST_SEEDS), default=_SEEDS, show_default=True, help="Seeds 0 to N-1.")
@click.option("--seed", type=click.IntRange(min=0), help="Run this seed alone.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), help="Worker processes; one a core by default.")
@click.option("--property", "properties", metavar="NAME", multiple=True, help="Judge this alone; may be repeated.")
@system_option
@click.option("--nemesis/--no-nemesis", default=True, help="Draw faults for each seed, or take the scenario's own.")
@click.option(
    "--shrink-runs", type=click.IntRange(min=1), default=DEFAULT_RUNS, show_default=True, help="Runs to shrink with."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where bundles go; reports/hunts here.")
@click.option("--verbose", is_flag=True, help="Tell the knobs of every run before it begins.")
@click.pass_context
def hunt_command(
    context: click.Context,
    name: str,
    *,
    seeds: int,
    seed: int | None,
    jobs: int | None,
    properties: tuple[str, ...],
    options: tuple[str, ...],
    nemesis: bool,
    shrink_runs: int,
    out: Path | None,
    verbose: bool,
) -> int:
    """Run SCENARIO (a shipped name or a file) under random faults until a property breaks; then shrink that run."""
    if seed is not None and context.get_parameter_source("seeds") is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--seed {seed} runs one seed alone and --seeds {seeds} several; leave one out")
    try:
        scenario = load(name)
        if options:
            scenario = scenario.with_system(overlay(options))
        scenario = narrowed(scenario, properties)
    except ValueError as error:
        if properties and type(error) is ValueError:
            raise click.BadParameter(str(error), param_hint="--property") from None
        raise
    _require_asked_for(scenario, properties, nemesis=nemesis)
    for warning in warnings(scenario):
        click.echo(warning)
    chosen = range(seeds) if seed is None else range(seed, seed + 1)
    out = out or ROOT / "reports" / "hunts"
    diary = _Diary(out, scenario, verbose=verbose)
    try:
        with Hands(jobs or cores()) as hands:
            sighting, undecided = _search(scenario, chosen, hands, diary, nemesis=nemesis)
            if sighting is None:
                return 2 if undecided else 0
            caught = _shrunk(sighting, out, hands, shrink_runs)
    except HandsLost as lost:
        click.echo(f"hunt: {lost}", err=True)
        return _DIED
    _tell(caught)
    return 1


def _require_asked_for(scenario: Scenario, properties: Sequence[str], *, nemesis: bool) -> None:
    """Refuse a property by name that no run of this hunt would be held to."""
    judged = {use.name for use in judged_of(scenario, nemesis=nemesis)}
    idle = [name for name in dict.fromkeys(properties) if name not in judged]
    if idle and scenario.nemesis is None:
        rule = f"{', '.join(idle)}: said of the scenario's own faults, and others are drawn; hunt with --no-nemesis"
        raise click.BadParameter(rule, param_hint="--property")
    if idle:
        assert scenario.nemesis is not None, "without one, all that is left out is told above"
        told = f"{', '.join(idle)}: what is right once faults have ended cannot be asked for under a nemesis in mode"
        rule = f'{told} "{scenario.nemesis.mode}"; set mode = "healing", or hunt with --no-nemesis'
        raise click.BadParameter(rule, param_hint="--property")


class _Diary:
    """The knobs of every run, written down before it begins: a line a seed in `knobs-SCENARIO.jsonl`."""

    def __init__(self, out: Path, scenario: Scenario, *, verbose: bool) -> None:
        self.path = out / f"knobs-{scenario.name}.jsonl"
        self._verbose = verbose
        self._lines: dict[int, str] = {}
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_text(self.path, "")
        except OSError as error:
            raise Refused(f"{out} cannot be written ({error.strerror}); choose another folder with --out") from None

    def note(self, seed: int, knobs: Knobs | None) -> None:
        """A run is about to begin."""
        if knobs is None:
            return
        self._lines[seed] = knobs.to_json() + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._lines[seed])
        if self._verbose:
            tqdm.write(f"seed {seed}: {'; '.join(knobs.lines()[1:])}", file=sys.stdout)

    def close(self, last: int) -> None:
        """Nothing after the seed `last` was judged: forget what was only under way."""
        write_text(self.path, "".join(line for seed, line in self._lines.items() if seed <= last))


def _search(
    scenario: Scenario, seeds: range, hands: Hands, diary: _Diary, *, nemesis: bool
) -> tuple[Sighting | None, bool]:
    """The first sighting of a violation; without one, whether anything could not be decided, which is told."""
    unknown: dict[str, dict[int, str]] = {}
    with tqdm(total=len(seeds), desc=f"hunt {scenario.name}", unit="run", disable=None) as bar:
        for sighting in hunt(scenario, seeds, hands, nemesis=nemesis, before=diary.note):
            bar.update()
            if sighting.trial.broken:
                diary.close(sighting.seed)
                return sighting, False
            for name, reason in sighting.trial.unknown.items():
                unknown.setdefault(name, {})[sighting.seed] = reason
    diary.close(seeds[-1])
    judged = ", ".join([use.name for use in judged_of(scenario, nemesis=nemesis)] + [NO_CRASH])
    found = "nothing found" if not unknown else "nothing found, but not everything could be decided,"
    click.echo(f"{scenario.name}: {found} in {counted(len(seeds), 'run')}; judged: {judged}")
    for name, reasons in unknown.items():
        seed, reason = next(iter(reasons.items()))
        click.echo(f"  {name} is unknown in {len(reasons)} of them, the first under seed {seed}: {reason}")
    return None, bool(unknown)


def _shrunk(sighting: Sighting, out: Path, hands: Hands, runs: int) -> Caught:
    claim, verdict = next(iter(sighting.trial.broken.items()))
    click.echo(f"{sighting.scenario.name}, seed {sighting.seed}: {claim} is violated: {verdict.reason}")
    also = [name for name in sighting.trial.broken if name != claim]
    if also:
        click.echo(f"  and {', '.join(also)}")
    for line in () if sighting.knobs is None else sighting.knobs.lines():
        click.echo(f"  {line}")
    with tqdm(total=runs, desc="shrink", unit="run", disable=None, leave=False) as bar:

        def told(spent: int, size: str) -> Any:
            bar.set_postfix_str(size, refresh=False)
            bar.update(spent - bar.n)

        return pin_down(sighting, claim, out, hands=hands, runs=runs, told=told)


def _tell(caught: Caught) -> None:
    found, before, after = caught.found, caught.found.before, caught.found.after
    had = f"{counted(before.faults, 'fault')} and {counted(before.operations, 'operation')}"
    click.echo(f"shrunk from {had} on {counted(before.hosts, 'host')}")
    left = f"{counted(after.faults, 'fault')} and {counted(after.operations, 'operation')}"
    click.echo(f"to {left} on {after.hosts}, in {found.runs} runs")
    for line in fault_lines(found.scenario.faults):
        click.echo(f"  {line}")
    here = Path.cwd()
    folder = caught.folder.relative_to(here) if caught.folder.is_relative_to(here) else caught.folder
    click.echo(f"bundle: {folder}")
    click.echo(f"replay it with: {shlex.join(['./lab', 'replay', str(folder)])}")
