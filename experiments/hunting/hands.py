"""Many runs at once, and their trials one by one in the order in which they were asked for.

Order is what makes a finding independent of the number of workers: a higher seed may finish first,
but nobody hears of it before the lower ones have spoken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

from experiments.hunting.trial import Trial, try_out
from experiments.scenario import PropertyUse, Scenario, ScenarioError
from experiments.workers import Crew, marked

__all__ = ["Hands", "HandsLost", "Run"]


class HandsLost(Exception):
    """A worker process died, of itself or by a signal; the text says at which run."""


class Run(NamedTuple):
    """One run to carry out, and what to hold it to, by name."""

    scenario: Scenario
    seed: int
    claims: tuple[str, ...]

    def uses(self) -> tuple[PropertyUse, ...]:
        """The claims themselves; a scenario that crossed to a worker has its own copies."""
        return tuple(use for use in self.scenario.properties if use.name in self.claims)


class Hands:
    """Carries out runs, in worker processes or, with one job, here; a context manager.

    Args:
        jobs: How many at once.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._folder: TemporaryDirectory[str] | None = None
        self._crew: Crew | None = None

    def __enter__(self) -> Self:
        """Workers are started at the first run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End every worker."""
        if self._crew is not None:
            self._crew.dismiss()
        if self._folder is not None:
            self._folder.cleanup()

    def trials(self, runs: Iterable[Run]) -> Iterator[Trial]:
        """The trial of each run, in their order; a run whose system refuses to be laid out breaks nothing.

        Runs are taken from the iterable a little ahead of the trials that come back.

        Raises:
            HandsLost: a worker died.
        """
        if self.jobs == 1:
            yield from map(_carried_out, runs)
            return
        crew = self._hired()
        under_way: deque[Future[Trial]] = deque()
        try:
            for run in runs:
                under_way.append(crew.executor.submit(_in_worker, run, crew.doing))
                if len(under_way) >= 2 * self.jobs:
                    yield _next(crew, under_way)
            while under_way:
                yield _next(crew, under_way)
        except BrokenProcessPool:
            dead = crew.casualties()
            told = "; ".join(f"the worker at {where} died ({how})" for where, how in dead)
            raise HandsLost(told or "a worker died between runs, so no run is to blame; start again") from None
        finally:
            for future in under_way:
                future.cancel()

    def _hired(self) -> Crew:
        if self._crew is None:
            self._folder = TemporaryDirectory(prefix="cutset-")
            self._crew = Crew(self.jobs, Path(self._folder.name))
        return self._crew


def _next(crew: Crew, under_way: deque[Future[Trial]]) -> Trial:
    crew.first([under_way[0]])
    return under_way.popleft().result()


def _carried_out(run: Run) -> Trial:
    try:
        return try_out(run.scenario, run.seed, run.uses())
    except ScenarioError:
        return Trial()


def _in_worker(run: Run, doing: Path) -> Trial:
    with marked(doing, f"{run.scenario.name} under seed {run.seed}"):
        return _carried_out(run)
