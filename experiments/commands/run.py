"""`./lab run`: sweep experiments, hold their claims against the rows, and write what a person reads."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from experiments.afar import DASK, Cluster, address_of
from experiments.experiment import MOST_JOBS, MOST_SEEDS, Experiment, Finding, ReportContext
from experiments.journal import Journal, Refused, open_journal
from experiments.provenance import ROOT, SCENARIOS, Fingerprint, fingerprint, provenance
from experiments.registry import find, module_of, names
from experiments.report import MARK, write_front
from experiments.results import RunRecord, censored, collect, write_table
from experiments.scenario import load
from experiments.sweep import Plan, SweepFailed, Swept, plan, sweep
from experiments.workers import Task, cores, run_line
from sim.wording import way_to

__all__ = ["run", "verdict"]

_REPORTS = ROOT / "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed, defaults filled in."""

    quick: bool
    every: bool
    seeds: int | None
    jobs: int | None
    out: Path | None
    fresh: bool
    on: str | None = None

    @property
    def size(self) -> str:
        """As reports call it."""
        return "quick" if self.quick else "full"

    @property
    def folder(self) -> Path:
        """Where the experiments' folders lie."""
        if self.out is not None:
            return self.out
        return _REPORTS / "quick" if self.quick else _REPORTS

    def seeds_of(self, experiment: Experiment[Any]) -> int:
        """How many seeds the experiment runs."""
        return self.seeds or (experiment.quick if self.quick else experiment.full).seeds

    def typed(self, name: str) -> str:
        """The command that runs this one experiment so; it resumes, so it never says --fresh."""
        words = ["./lab", "run", name]
        words += ["--quick"] if self.quick else []
        words += ["--seeds", str(self.seeds)] if self.seeds is not None else []
        words += ["--jobs", str(self.jobs)] if self.jobs is not None else []
        words += ["--out", str(self.out)] if self.out is not None else []
        words += ["--on", f"{DASK}{self.on}"] if self.on is not None else []
        return shlex.join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An experiment whose scenarios are valid and whose folder is ready, so that only runs can still go wrong."""

    name: str
    experiment: Experiment[Any]
    tasks: Plan
    seeds: int
    folder: Path
    fingerprint: Fingerprint
    journal: Journal


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
        code = 0
        for one in prepared:
            code = _worse(code, _carry_out(one, request, cluster))
            if code in (3, 130):
                return code
    finally:
        for one in prepared:
            one.journal.close()
        if cluster is not None:
            cluster.dismiss()
    _write_front(request, found)
    return code


def verdict(findings: tuple[Finding, ...], *, enough_seeds: bool) -> int:
    """Exit code of an experiment's claims: 1 if one fails, else 2 if one is undecided, else 0.

    Below the quick seed count, or that from which its claims are decided, what more seeds may still show is a warning:
    an undecided claim, and a *sometimes* that has not occurred yet.
    """
    excused = [finding for finding in findings if _only_a_warning(finding, enough_seeds=enough_seeds)]
    rest = [finding.holds for finding in findings if finding not in excused]
    return 1 if False in rest else 2 if None in rest else 0


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


def _prepare(name: str, experiment: Experiment[Any], request: Request) -> Prepared:
    for scenario in experiment.scenarios:
        if (SCENARIOS / f"{scenario}.toml").is_file():
            loaded = load(scenario)
            for arm in experiment.arms:
                loaded.with_system(arm.system)
    module = module_of(name)
    seeds = request.seeds_of(experiment)
    mark = fingerprint(experiment, module)
    folder = request.folder / experiment.name
    journal = open_journal(folder, mark, fresh=request.fresh)
    if journal.note:
        click.echo(f"{experiment.name}: {journal.note}", err=True)
    return Prepared(
        name=name,
        experiment=experiment,
        tasks=plan(experiment, module, seeds),
        seeds=seeds,
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


def _carry_out(one: Prepared, request: Request, cluster: Cluster | None) -> int:
    title = one.experiment.name
    try:
        swept = sweep(one.tasks, one.journal, jobs=request.jobs or cores(), title=title, on=cluster)
        return _conclude(one, request, swept)
    except SweepFailed as failure:
        click.echo(f"{title}: {failure.reason}", err=True)
        for key in failure.keys:
            click.echo(f"replay it with: {shlex.join(['./lab', 'run', one.name, '--only', key])}", err=True)
        click.echo(f"go on with: {request.typed(one.name)}", err=True)
        return 2 if failure.of_domain else 3
    except KeyboardInterrupt:
        one.journal.recount()
        kept = one.tasks.count(one.journal.finished)
        click.echo(f"\n{title}: stopped; {kept} of {len(one.tasks)} runs are kept in {one.journal.folder}", err=True)
        click.echo(f"go on with: {request.typed(one.name)}", err=True)
        return 130


def _conclude(one: Prepared, request: Request, swept: Swept) -> int:
    experiment = one.experiment
    results = collect(one.folder, experiment.row, (task.key for task in one.tasks))
    findings = tuple(experiment.check(results))
    # A report reads the same wherever it was written and however many workers there were.
    command = replace(request, jobs=None, out=None, on=None).typed(one.name)
    source = provenance(command=command, seeds=one.seeds)
    context = ReportContext(question=experiment.question, size=request.size, provenance=source, findings=findings)
    write_table(results, experiment.row, one.folder)
    answer = experiment.report(results, one.folder, context)
    RunRecord(
        experiment=experiment.name,
        question=experiment.question,
        answer=answer,
        size=request.size,
        provenance=source,
        fingerprint=one.fingerprint,
        digests={row.key: row.digest for row in results.rows},
        findings=findings,
        censored=censored(results.rows),
        ran=swept.ran,
        wall_s=swept.wall_s,
        better=experiment.better,
    ).write(one.folder)
    enough = one.seeds >= max(experiment.quick.seeds, experiment.decides)
    resumed = f", {swept.resumed} more from the journal" if swept.resumed else ""
    click.echo(f"{experiment.name}: {swept.ran} runs in {swept.wall_s:.0f} s{resumed}")
    for finding in findings:
        click.echo(f"  {_told(finding, enough_seeds=enough)}")
    click.echo(answer)
    click.echo(f"report: {_shown(one.folder / 'index.html')}")
    return verdict(findings, enough_seeds=enough)


def _replay(name: str, key: str) -> int:
    """Carry out one run in this process, where a debugger can follow it and a crash shows as itself."""
    experiment = _found(name)
    known = [task.key for task in plan(experiment, module_of(name), 1)]
    cell, _, seed = key.rpartition("/")
    if f"{cell}/0" not in known or not seed.isdecimal() or len(seed) > 18:
        cells = [each.rpartition("/")[0] for each in known]
        raise click.BadParameter(f"{key!r} is no scenario/arm/seed; {way_to(cell or key, cells)}", param_hint="--only")
    scenario, arm = cell.split("/")
    line = json.loads(run_line(Task(module_of(name), scenario, arm, int(seed))))
    click.echo(json.dumps(line["row"], indent=2))
    return 0


def _write_front(request: Request, found: dict[str, Experiment[Any]]) -> None:
    folders = [(request.size, request.out)] if request.out else [("full", _REPORTS), ("quick", _REPORTS / "quick")]
    listed = found if request.out else {name: find(name) for name in names()} | found
    page = (request.out or _REPORTS) / "index.html"
    write_front(page, {each.name: each.question for each in listed.values()}, folders)
    click.echo(_shown(page))


def _only_a_warning(finding: Finding, *, enough_seeds: bool) -> bool:
    return not enough_seeds and (finding.holds is None or (finding.sometimes and not finding.holds))


def _told(finding: Finding, *, enough_seeds: bool) -> str:
    if finding.holds:
        word = "holds"
    elif _only_a_warning(finding, enough_seeds=enough_seeds):
        word = "warning, too few seeds to tell"
    else:
        word = "undecided" if finding.holds is None else "FAILS"
    return f"{word}: {finding.claim} ({finding.detail})"


def _worse(first: int, second: int) -> int:
    """The code to exit with after two experiments: the lab's failure first, then a failed claim, then an unknown."""
    order = (0, 2, 1, 3, 130)
    return max(first, second, key=order.index)


def _shown(path: Path) -> str:
    """The path as somebody in this folder would type it."""
    whole = path.resolve()
    return str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(whole)
