"""A sweep: every cell under every seed, in worker processes, each row written down as it arrives.

What a sweep leaves behind does not depend on the number of workers nor on how often it was stopped: rows are a function
of cell and seed, and readers order them by key. The executor is any `concurrent.futures.Executor`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

from tqdm.auto import tqdm

from experiments.afar import Cluster, perform_afar
from experiments.experiment import Experiment, Size
from experiments.files import write_text
from experiments.journal import Journal
from experiments.workers import Crew, Outcome, Task, perform

__all__ = ["Plan", "SweepFailed", "Swept", "drain", "plan", "sweep"]


class SweepFailed(Exception):
    """A run raised or its worker died; rows that finished are kept.

    Attributes:
        keys: The runs to blame.
        reason: What happened to them.
        of_domain: Whether a domain's own code failed: its author's to mend, and no failure of the lab.
    """

    def __init__(self, keys: tuple[str, ...], reason: str, *, of_domain: bool = False) -> None:
        super().__init__(keys, reason)
        self.keys = keys
        self.reason = reason
        self.of_domain = of_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How a sweep went: runs carried out now, runs found in the journal, and seconds on the wall."""

    ran: int
    resumed: int
    wall_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Every run of a sweep, made as it is asked for: a million seeds must not fill the memory before the first run."""

    cells: tuple[tuple[str, str], ...]
    module: str
    seeds: int

    def __len__(self) -> int:
        return self.seeds * len(self.cells)

    def __iter__(self) -> Iterator[Task]:
        for seed in range(self.seeds):
            for scenario, arm in self.cells:
                yield Task(self.module, scenario, arm, seed)

    def count(self, keys: Collection[str]) -> int:
        """How many of these keys are of its runs."""
        return sum(task.key in keys for task in self) if keys else 0


def plan(experiment: Experiment[Any], module: str, seeds: int, size: Size | None = None) -> Plan:
    """Every run over seeds 0 to `seeds` - 1; seeds outermost, so that arms stay paired if the sweep is stopped.

    Cells are those of the size, or all of them without one.
    """
    return Plan(experiment.cells(size or Size(seeds=seeds)), module, seeds)


def sweep(
    tasks: Plan, journal: Journal, *, jobs: int, title: str, on: Cluster | None = None, crew: Crew | None = None
) -> Swept:
    """Carry out the runs that the journal lacks, in `jobs` worker processes, by a standing crew, or on a cluster.

    A single job has a process of its own too: a run that dies must not take the lab along. A standing crew is left
    standing for the next sweep; after a failure or an interrupt it is to be dismissed.

    Raises:
        SweepFailed: A run raised, or a worker died.
        KeyboardInterrupt: As it came; every worker is gone and every finished row kept.
    """
    began = time.monotonic()
    finished = journal.finished
    resumed = tasks.count(finished)
    missing = len(tasks) - resumed
    with tqdm(total=len(tasks), initial=resumed, desc=title, unit="run", disable=None) as bar:
        left = (task for task in tasks if task.key not in finished)
        if missing and on is not None:
            _afar(left, journal, on, bar)
        elif missing and crew is not None:
            crew.moves(journal.doing)
            _near(left, journal, crew, jobs, bar)
        elif missing:
            crew = Crew(min(jobs, missing), journal.doing)
            try:
                _near(left, journal, crew, jobs, bar)
                crew.executor.shutdown()
            finally:
                crew.dismiss()
    return Swept(ran=missing, resumed=resumed, wall_s=time.monotonic() - began)


def _near(left: Iterator[Task], journal: Journal, crew: Crew, jobs: int, bar: tqdm[Any]) -> None:
    """Carry out runs in the crew's processes; whose run killed one of them is told."""
    try:
        drain(left, journal, crew.executor, window=2 * jobs, bar=bar, first=crew.first)
    except BrokenProcessPool:
        raise _death(crew, journal) from None


def _afar(left: Iterator[Task], journal: Journal, cluster: Cluster, bar: tqdm[Any]) -> None:
    """Carry out runs on a cluster; what it fails to carry out is told with what is kept."""
    try:
        drain(
            left, journal, cluster.executor, window=2 * cluster.threads, bar=bar, first=cluster.first, work=perform_afar
        )
    except SweepFailed:
        raise
    except Exception as error:  # noqa: BLE001 - a cluster fails in ways of its own, and no run is to blame
        told = f"the cluster failed ({type(error).__name__}: {error})"
        raise SweepFailed((), f"{told}; {len(journal.finished)} finished runs are kept") from None


def _first_done(under_way: Collection[Future[Outcome]]) -> set[Future[Outcome]]:
    return wait(under_way, return_when=FIRST_COMPLETED).done


def drain(
    tasks: Iterable[Task],
    journal: Journal,
    executor: Executor,
    *,
    window: int,
    bar: tqdm[Any],
    first: Callable[[Collection[Future[Outcome]]], set[Future[Outcome]]] = _first_done,
    work: Callable[[Task], Outcome] | None = None,
) -> None:
    """Feed runs to the executor, `window` at a time, and journal each as it arrives.

    A window instead of the whole list keeps memory flat and leaves little to withdraw after a failure. `first` waits
    until one of them is done. `work` carries out a run; by default one that names it in the journal's folder meanwhile.
    """
    carry_out = work or partial(perform, doing=journal.doing)
    waiting = iter(tasks)
    under_way: set[Future[Outcome]] = set()
    while True:
        for task in waiting:
            under_way.add(executor.submit(carry_out, task))
            if len(under_way) >= window:
                break
        if not under_way:
            return
        done = first(under_way)
        under_way -= done
        # A broken pool fails all futures at once: keep the rows that did arrive before telling of any failure.
        broken = [future for future in done if future.exception() is not None]
        outcomes = [future.result() for future in done if future.exception() is None]
        for outcome in outcomes:
            if outcome.line is not None:
                journal.append(outcome.key, outcome.line)
                bar.update()
        for outcome in outcomes:
            if outcome.failure is not None:
                raise _failure(outcome, outcome.failure, journal)
        for future in broken:
            future.result()


def _failure(outcome: Outcome, trace: str, journal: Journal) -> SweepFailed:
    key = outcome.key
    path = journal.folder / f"failed-{key.replace('/', '-')}.txt"
    write_text(path, trace)
    last = trace.strip().rpartition("\n")[2]
    return SweepFailed((key,), f"{key} raised {last} (traceback: {path})", of_domain=outcome.of_domain)


def _death(crew: Crew, journal: Journal) -> SweepFailed:
    dead = crew.casualties()
    if not dead:
        return SweepFailed((), "a worker died between runs, so no run is to blame; start again to go on")
    told = "; ".join(f"the worker at {key} died ({how})" for key, how in dead)
    text = f"{told}; {len(journal.finished)} finished runs are kept"
    return SweepFailed(tuple(key for key, _ in dead), text)
