"""Runs of scenarios over many seeds, here or in worker processes, and what each said about the claims.

A run is a function of scenario and seed alone, so what comes back does not depend on the number of workers. What is
not known from the verdicts alone travels with them: the operations of each witness, and the traceback of a run that
raised, which blames one seed and leaves the others standing.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from experiments.evidence import Evidence
from experiments.nemesis import with_nemesis
from experiments.scenario import PropertyUse, Scenario, ScenarioError
from experiments.scenario.property import Sort
from experiments.workers import Crew, cores, marked
from models.domain import DomainFailed
from sim.checkers import Outcome, Verdict
from sim.history import HistoryRow
from sim.nemesis import Mode as NemesisMode

__all__ = [
    "SeedResult",
    "WorkerDied",
    "asked_for",
    "evidence_of",
    "jobs_for",
    "judge_seed",
    "run_seeds",
    "witness_rows",
]

#: Starting workers costs about as much as so many operations of a load.
_WORTH_WORKERS: Final = 30_000
#: What a run costs besides its load, in operations.
_RUN_ITSELF: Final = 250
#: A parcel of runs for a worker is about so many operations.
_PARCEL: Final = 2_500


class WorkerDied(Exception):
    """A worker process died, of itself or by a signal; the text says at which run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """What one run said.

    Attributes:
        seed: Its seed.
        verdicts: By property.
        witnesses: By property that was found invalid, the rows of its witness's operations.
        digest: Of the world; "" if the run raised.
        seconds: What it took, on the wall.
        failure: The traceback of a run that raised, or what a domain's own code did in it; it has no verdicts.
        of_domain: Whether that was a domain's code, which is its author's to mend and no failure of the lab.
    """

    seed: int
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    witnesses: Mapping[str, tuple[HistoryRow, ...]] = field(default_factory=dict)
    digest: str = ""
    seconds: float = 0.0
    failure: str | None = None
    of_domain: bool = False


class _Parcel(NamedTuple):
    """Some seeds of one scenario, for one worker."""

    number: int
    scenario: Scenario
    seeds: tuple[int, ...]


def evidence_of(scenario: Scenario, seed: int) -> Evidence:
    """Run a scenario under a seed, with the faults that its nemesis draws for this seed if it has one."""
    from experiments.measures import gather

    return gather(scenario if scenario.nemesis is None else with_nemesis(scenario, seed)[0], seed)


def asked_for(scenario: Scenario, drawn: Scenario | None = None) -> tuple[PropertyUse, ...]:
    """The claims that a run is held to: what must come right in the end is asked for only if all faults end.

    Args:
        scenario: With its nemesis.
        drawn: What a run of it bears, whose claims may have been told what was drawn; the scenario itself if None.
    """
    from experiments.properties import find

    uses = (drawn or scenario).properties
    if scenario.nemesis is None or scenario.nemesis.mode == NemesisMode.HEALING:
        return uses
    return tuple(use for use in uses if find(use.name).sort is not Sort.LIVENESS)


def judge_seed(scenario: Scenario, seed: int) -> SeedResult:
    """Run a scenario under a seed and hold it to its claims; a run that raises is told, not raised.

    Raises:
        ScenarioError: its nemesis finds no time or nobody to strike.
    """
    from experiments.properties import judge

    began = time.perf_counter()
    try:
        evidence = evidence_of(scenario, seed)
        verdicts = judge(evidence, asked_for(scenario, evidence.scenario))
    except ScenarioError:
        raise  # the nemesis finds no room in this scenario, whatever the seed
    except DomainFailed as failed:
        told = f"DomainFailed: {failed}"
        return SeedResult(seed=seed, seconds=time.perf_counter() - began, failure=told, of_domain=True)
    except (Exception, SystemExit):  # noqa: BLE001 - a user's system may raise anything, and its seed must be told
        return SeedResult(seed=seed, seconds=time.perf_counter() - began, failure=traceback.format_exc())
    bad = {name: verdict for name, verdict in verdicts.items() if verdict.outcome is Outcome.INVALID}
    return SeedResult(
        seed=seed,
        verdicts=verdicts,
        witnesses={name: witness_rows(evidence, verdict) for name, verdict in bad.items()},
        digest=evidence.digest,
        seconds=time.perf_counter() - began,
    )


def witness_rows(evidence: Evidence, verdict: Verdict) -> tuple[HistoryRow, ...]:
    """What the clients recorded of the operations of a witness, in history order."""
    named = frozenset(verdict.witness)
    return tuple(row for row in evidence.history if row.op in named) if named else ()


def jobs_for(scenarios: Sequence[Scenario], seeds: int) -> int:
    """How many worker processes are worth their start: all cores if there is enough to do, else none but this one."""
    work = sum(_operations(scenario) for scenario in scenarios) * seeds
    return cores() if work >= _WORTH_WORKERS else 1


def run_seeds(scenarios: Sequence[Scenario], seeds: range, jobs: int) -> Iterator[tuple[int, SeedResult]]:
    """Run every scenario under every seed.

    Yields:
        The scenario's number and what the run said, as they finish: in order here, in any order from workers.

    Raises:
        WorkerDied: A worker process died; the rest is not run.
        ScenarioError: As `judge_seed`.
    """
    if jobs == 1:
        for number, scenario in enumerate(scenarios):
            for seed in seeds:
                yield number, judge_seed(scenario, seed)
        return
    with TemporaryDirectory(prefix="cutset-") as folder:
        crew = Crew(jobs, Path(folder))
        try:
            yield from _drained(_parcels(scenarios, seeds, jobs), crew, window=2 * jobs)
            crew.executor.shutdown()
        except BrokenProcessPool:
            raise WorkerDied(_told(crew.casualties())) from None
        finally:
            crew.dismiss()


def _drained(parcels: Iterable[_Parcel], crew: Crew, *, window: int) -> Iterator[tuple[int, SeedResult]]:
    """Feed parcels to the workers, `window` at a time, so that a million seeds do not fill the memory beforehand."""
    waiting = iter(parcels)
    under_way: dict[Future[list[SeedResult]], int] = {}
    while True:
        for parcel in waiting:
            under_way[crew.executor.submit(_perform, parcel, crew.doing)] = parcel.number
            if len(under_way) >= window:
                break
        if not under_way:
            return
        for future in crew.first(under_way):
            number = under_way.pop(future)
            for result in future.result():
                yield number, result


def _perform(parcel: _Parcel, doing: Path) -> list[SeedResult]:
    """In a worker: carry out a parcel."""
    results = []
    for seed in parcel.seeds:
        with marked(doing, f"{parcel.scenario.name} under seed {seed}"):
            results.append(judge_seed(parcel.scenario, seed))
    return results


def _parcels(scenarios: Sequence[Scenario], seeds: range, jobs: int) -> Iterator[_Parcel]:
    for number, scenario in enumerate(scenarios):
        fair = -(-len(seeds) // jobs)
        size = max(1, min(fair, _PARCEL // _operations(scenario)))
        for first in range(0, len(seeds), size):
            yield _Parcel(number, scenario, tuple(seeds[first : first + size]))


def _operations(scenario: Scenario) -> int:
    """About how much work a run is, in operations."""
    load = scenario.workload
    return _RUN_ITSELF + round(load.rate_per_s * (load.ends_us - load.begins_us) / 1e6)


def _told(dead: Sequence[tuple[str, str]]) -> str:
    if not dead:
        return "a worker died between runs, so no run is to blame; start again"
    return "; ".join(f"the worker at {where} died ({how})" for where, how in dead)
