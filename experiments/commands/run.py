"""`./lab run`: sweep experiments, hold their claims against the rows, and write what a person reads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from experiments.afar import Cluster, address_of
from experiments.commands.concluding import REPORTS, Prepared, Request, conclude, shown
from experiments.experiment import MOST_JOBS, MOST_SEEDS, Cell, Experiment, Size
from experiments.journal import Refused, open_journal
from experiments.provenance import SCENARIOS, fingerprint
from experiments.registry import find, module_of, names
from experiments.report import MARK, write_front
from experiments.scenario import load
from experiments.sweep import SweepFailed, Swept, plan, sweep
from experiments.workers import Crew, Task, cores, run_line
from sim.wording import way_to

__all__ = ["lay_out", "run"]


def _folder(context: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    if value is not None and not value.strip():
        raise click.BadParameter(f"{value!r} names no folder; give one, as in --out here", context, parameter)
    return None if value is None else Path(value)


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else address_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


@click.command()
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="The size that CI runs; the default without NAME or --all.")
@click.option("--all", "every", is_flag=True, help="Every experiment, not only the headlines.")
@click.option(
    "--seeds", type=click.IntRange(1, MOST_SEEDS), help="Run seeds 0 to N-1 instead of the size's own number."
)
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), help="Worker processes; one a core by default.")
@click.option(
    "--out", metavar="DIR", callback=_folder, help="Folder for results; reports/ or reports/quick/ by default."
)
@click.option(
    "--on", metavar="CLUSTER", callback=_address, help="Run on a Dask cluster: dask:HOST:PORT of its scheduler."
)
@click.option("--fresh", is_flag=True, help="Set earlier rows in the folder aside and start over.")
@click.option("--only", metavar="KEY", help="Carry out the one run scenario/arm/seed of NAME here, and print its row.")
def run(
    name: str | None,
    *,
    quick: bool,
    every: bool,
    seeds: int | None,
    jobs: int | None,
    out: Path | None,
    on: str | None,
    fresh: bool,
    only: str | None,
) -> int:
    """Run the headline experiments quickly, or NAME at full size, and write their reports."""
    if name is not None and every:
        raise click.UsageError(f"{name!r} and --all contradict each other; leave one out")
    if only is not None:
        if name is None:
            raise click.UsageError("--only names a run of an experiment; say which: ./lab run NAME --only KEY")
        unused = {"--quick": quick, "--seeds": seeds, "--jobs": jobs, "--out": out, "--on": on, "--fresh": fresh}
        if given := [option for option, value in unused.items() if value]:
            raise click.UsageError(f"--only prints one run and writes nothing; leave out {', '.join(given)}")
        return _replay(name, only)
    if on is not None and jobs is not None:
        raise click.UsageError("--jobs is for this machine, and the cluster has its own workers; leave out one of them")
    request = Request(
        quick=quick or (name is None and not every), every=every, seeds=seeds, jobs=jobs, out=out, fresh=fresh, on=on
    )
    found = {each: _found(each) for each in ([name] if name is not None else names())}
    chosen = [each for each, experiment in found.items() if name is not None or every or experiment.headline]
    prepared: list[Prepared] = []
    cluster: Cluster | None = None
    _require_ours(request)
    try:
        # Everything that can be refused is refused before the first run.
        prepared.extend(_prepare(each, found[each], request) for each in chosen)
        cluster = _cluster(prepared, request)
        code = _carry_out(prepared, request, cluster)
        if code in (3, 130):
            return code
    finally:
        for one in prepared:
            one.journal.close()
        if cluster is not None:
            cluster.dismiss()
    _write_front(request, found)
    return code


def _found(name: str) -> Experiment[Any]:
    try:
        return find(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None


def _require_ours(request: Request) -> None:
    """Refuse a folder whose front page somebody else wrote; `reports/` is the lab's own."""
    if request.out is None:
        return
    page = request.out / "index.html"
    try:
        ours = MARK in page.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):  # nothing is lost; what else is wrong shows with the journals
        return
    except OSError as error:
        raise Refused(f"{page} cannot be read ({error.strerror}); choose another folder with --out") from None
    if not ours:
        raise Refused(f"{page} is not a page of the lab's and would be lost; move it, or choose another --out")


def lay_out(experiment: Experiment[Any], cells: Sequence[tuple[str, str]]) -> None:
    """Make the scenario of every cell, so that what is wrong with one is told before the first run."""
    make = experiment.scenario_of
    if make is not None:
        for scenario, arm in cells:
            make(Cell(scenario=scenario, arm=experiment.arm(arm)))
        return
    for scenario in experiment.scenarios:
        if (SCENARIOS / f"{scenario}.toml").is_file():
            loaded = load(scenario)
            for one, arm in cells:
                if one == scenario:
                    loaded.with_system(experiment.arm(arm).system)


def _prepare(name: str, experiment: Experiment[Any], request: Request) -> Prepared:
    size = request.size_of(experiment)
    cells = experiment.cells(size)
    lay_out(experiment, cells)
    module = module_of(name)
    mark = fingerprint(experiment, module)
    folder = request.folder / experiment.name
    journal = open_journal(folder, mark, fresh=request.fresh)
    if journal.note:
        click.echo(f"{experiment.name}: {journal.note}", err=True)
    return Prepared(
        name=name,
        experiment=experiment,
        tasks=plan(experiment, module, size.seeds, size),
        seeds=size.seeds,
        whole=cells == experiment.cells(experiment.full),
        folder=folder,
        fingerprint=mark,
        journal=journal,
    )


def _cluster(prepared: list[Prepared], request: Request) -> Cluster | None:
    """The cluster that was asked for, once it is known to run this very code."""
    if request.on is None:
        return None
    cluster = Cluster(request.on)
    try:
        for one in prepared:
            cluster.require_code(one.tasks.module)
    except Refused:
        cluster.dismiss()
        raise
    return cluster


def _carry_out(prepared: list[Prepared], request: Request, cluster: Cluster | None) -> int:
    """Sweep one experiment after the other, and conclude each beside the runs of the next.

    Returns:
        The worst of their exit codes; nothing follows a failure of the lab, or an interrupt.
    """
    hands = _Hands(request, cluster)
    code, concluding, one = 0, list[Future[int]](), prepared[0]
    # A thread will do: while runs are under way elsewhere, this process only waits for them.
    with ThreadPoolExecutor(1) as beside:
        try:
            for one in prepared:
                swept = hands.sweep(one)
                if isinstance(swept, Swept):
                    concluding.append(beside.submit(conclude, one, request, swept))
                else:
                    code = _worse(code, swept)
                if code == 3:
                    break
            hands.dismiss()
            for each in concluding:
                code = _worse(code, each.result())
        except KeyboardInterrupt:
            hands.dismiss()
            beside.shutdown(wait=False, cancel_futures=True)
            return _stopped(one, request)
        finally:
            hands.dismiss()
    return code


class _Hands:
    """Who carries out runs: a cluster, or worker processes that stay from one experiment to the next.

    To start a worker and let it import the lab takes as long as many a run.
    """

    def __init__(self, request: Request, cluster: Cluster | None) -> None:
        self._request = request
        self._jobs = request.jobs or cores()
        self._cluster = cluster
        self._crew: Crew | None = None

    def sweep(self, one: Prepared) -> Swept | int:
        """How the sweep went, or the exit code of one that failed."""
        if self._cluster is None and self._crew is None:
            self._crew = Crew(self._jobs, one.journal.doing)
        title = one.experiment.name
        try:
            return sweep(one.tasks, one.journal, jobs=self._jobs, title=title, on=self._cluster, crew=self._crew)
        except SweepFailed as failure:
            self.dismiss()
            click.echo(f"{title}: {failure.reason}", err=True)
            for key in failure.keys:
                click.echo(f"replay it with: {shlex.join(['./lab', 'run', one.name, '--only', key])}", err=True)
            click.echo(f"go on with: {self._request.typed(one.name)}", err=True)
            return 2 if failure.of_domain else 3

    def dismiss(self) -> None:
        """End the workers, if there are any."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss()


def _stopped(one: Prepared, request: Request) -> int:
    one.journal.recount()
    kept = one.tasks.count(one.journal.finished)
    title = one.experiment.name
    click.echo(f"\n{title}: stopped; {kept} of {len(one.tasks)} runs are kept in {one.journal.folder}", err=True)
    click.echo(f"go on with: {request.typed(one.name)}", err=True)
    return 130


def _replay(name: str, key: str) -> int:
    """Carry out one run in this process, where a debugger can follow it and a crash shows as itself."""
    experiment = _found(name)
    parts = key.split("/")
    if wrong := _no_run(experiment, parts):
        raise click.BadParameter(f"{key!r} is no scenario/arm/seed: {wrong}", param_hint="--only")
    scenario, arm, seed = parts
    line = json.loads(run_line(Task(module_of(name), scenario, arm, int(seed))))
    click.echo(json.dumps(line["row"], indent=2))
    return 0


def _no_run(experiment: Experiment[Any], parts: Sequence[str]) -> str:
    """What is wrong with the parts of a key, and the way out; "" if they name a run."""
    scenario, arm, seed = (*parts, "", "", "")[:3]
    every = experiment.cells(Size(seeds=1))
    # Only what a size runs is offered: of the rest not everything can be laid out.
    sized = dict.fromkeys((*experiment.cells(experiment.quick), *experiment.cells(experiment.full)))
    if scenario not in experiment.scenarios:
        return f"there is no scenario {scenario!r}; {way_to(scenario, [one for one, _ in sized])}"
    if (scenario, arm) not in every:
        told = f"there is no arm {arm!r}" if arm else "it has no arm"
        return f"{told}; {way_to(arm, [other for one, other in sized if one == scenario])}"
    if len(parts) > 3 or not seed.isdecimal() or len(seed) > 18:
        told = f"{'/'.join(parts[2:])!r} is no seed" if len(parts) > 2 else "it has no seed"
        return f"{told}; write {scenario}/{arm}/0, or another number for 0"
    return ""


def _write_front(request: Request, found: dict[str, Experiment[Any]]) -> None:
    folders = [(request.size, request.out)] if request.out else [("full", REPORTS), ("quick", REPORTS / "quick")]
    listed = found if request.out else {name: find(name) for name in names()} | found
    page = (request.out or REPORTS) / "index.html"
    headlines = {each.name for each in listed.values() if each.headline}
    write_front(page, {each.name: each.question for each in listed.values()}, folders, headlines=headlines)
    click.echo(shown(page))


def _worse(first: int, second: int) -> int:
    """The code to exit with after two experiments: the lab's failure first, then a failed claim, then an unknown."""
    order = (0, 2, 1, 3, 130)
    return max(first, second, key=order.index)
