"""What follows a sweep: claims are held against the rows, and what a person reads is written.

It needs rows and code alone, so the lab does it beside the runs of the next experiment.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click
from tqdm.auto import tqdm

from experiments.afar import DASK
from experiments.experiment import Experiment, Finding, ReportContext, Size
from experiments.journal import Journal
from experiments.provenance import ROOT, Fingerprint, provenance
from experiments.results import RunRecord, censored, collect, write_table
from experiments.sweep import Plan, Swept

__all__ = ["REPORTS", "Prepared", "Request", "conclude", "shown", "verdict"]

#: Where reports lie unless another folder is asked for.
REPORTS: Final = ROOT / "reports"


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
        return REPORTS / "quick" if self.quick else REPORTS

    def size_of(self, experiment: Experiment[Any]) -> Size:
        """The cells and seeds that the experiment runs."""
        size = experiment.quick if self.quick else experiment.full
        return replace(size, seeds=self.seeds or size.seeds)

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
    """An experiment whose scenarios are valid and whose folder is ready, so that only runs can still go wrong.

    Attributes:
        whole: Whether all its cells are run, so that a claim that nobody can decide is not for want of cells.
    """

    name: str
    experiment: Experiment[Any]
    tasks: Plan
    seeds: int
    whole: bool
    folder: Path
    fingerprint: Fingerprint
    journal: Journal


def conclude(one: Prepared, request: Request, swept: Swept) -> int:
    """Hold the claims against the rows, write table, report and record, and tell; returns the exit code."""
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
    enough = one.seeds >= max(experiment.quick.seeds, experiment.decides) and one.whole
    resumed = f", {swept.resumed} more from the journal" if swept.resumed else ""
    told = [f"{experiment.name}: {swept.ran} runs in {swept.wall_s:.0f} s{resumed}"]
    told += [f"  {_told(finding, enough_seeds=enough, whole=one.whole)}" for finding in findings]
    told += [answer, f"report: {shown(one.folder / 'index.html')}"]
    with tqdm.external_write_mode():  # above the bar of the next sweep
        click.echo("\n".join(told))
    return verdict(findings, enough_seeds=enough)


def verdict(findings: tuple[Finding, ...], *, enough_seeds: bool) -> int:
    """Exit code of an experiment's claims: 1 if one fails, else 2 if one is undecided, else 0.

    Below the quick seed count, or that from which its claims are decided, what more seeds may still show is a warning:
    an undecided claim, and a *sometimes* that has not occurred yet. So it is at a size that leaves cells out.
    """
    excused = [finding for finding in findings if _only_a_warning(finding, enough_seeds=enough_seeds)]
    rest = [finding.holds for finding in findings if finding not in excused]
    return 1 if False in rest else 2 if None in rest else 0


def shown(path: Path) -> str:
    """The path as somebody in this folder would type it."""
    whole = path.resolve()
    return str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(whole)


def _only_a_warning(finding: Finding, *, enough_seeds: bool) -> bool:
    return not enough_seeds and (finding.holds is None or (finding.sometimes and not finding.holds))


def _told(finding: Finding, *, enough_seeds: bool, whole: bool) -> str:
    if finding.holds:
        word = "holds"
    elif _only_a_warning(finding, enough_seeds=enough_seeds):
        word = f"warning, too few {'seeds' if whole else 'seeds or cells'} to tell"
    else:
        word = "undecided" if finding.holds is None else "FAILS"
    return f"{word}: {finding.claim} ({finding.detail})"
