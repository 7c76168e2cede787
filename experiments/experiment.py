"""What a question file declares: its arms, its scenarios, what one run measures, and what must hold of the rows.

A *cell* is a scenario under an arm; a *run* is a cell under a seed, and the run is the unit of replication. Every run
has a key, "scenario/arm/seed", by which rows are ordered and digests are named. `run_once` is called in worker
processes that know an experiment by the name of its module, so a question file must be importable and cheap to
import: matplotlib and scipy belong inside `report` and `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from experiments.provenance import Provenance
    from experiments.results import Results

__all__ = [
    "MOST_JOBS",
    "MOST_SEEDS",
    "Arm",
    "Better",
    "Cell",
    "Experiment",
    "Finding",
    "ReportContext",
    "Row",
    "RunResult",
    "Series",
    "Size",
    "SystemOption",
    "run_key",
]

#: Evidence grows with the root of the seeds, so more than this is a slip of the keyboard.
MOST_SEEDS: Final = 1_000_000
#: A process takes some 100 MB, so more than this is another slip.
MOST_JOBS: Final = 256

SystemOption = str | int | float | bool
Series = Mapping[str, Sequence[float | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One of the designs compared: a scenario with parts of its `[system]` replaced.

    Attributes:
        name: Short, of a-z, 0-9 and hyphens; part of every key.
        label: What a reader of the report sees.
        system: Keys of `[system]` as the TOML spells them, `factory` included.
        ranked: False for an arm that is shown but never called a winner, such as a negative control.
    """

    name: str
    label: str
    system: Mapping[str, SystemOption]
    ranked: bool = True

    def __post_init__(self) -> None:
        if not self.name or not set(self.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise ValueError(f"{self.name!r} names an arm; keys need a-z, 0-9 and hyphens only, so rename it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A scenario under an arm."""

    scenario: str
    arm: Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much evidence a run of the experiment gathers.

    Attributes:
        seeds: Number of seeds; they are 0 to `seeds` - 1, the same for every cell, so that arms are paired.
        only: By scenario, the arms under it that this size runs; None for every cell. A claim that needs a cell which
            is left out is undecided at this size.
    """

    seeds: int
    only: Mapping[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"{self.seeds=} is below 1; a sweep needs a run")
        if self.only is not None and not any(self.only.values()):
            raise ValueError(f"{self.only=} leaves no cell; a sweep needs a run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one run measured; an experiment adds its metrics in a subclass, unit last.

    A metric is an int, a float, a str or a bool, or None where it is undefined. Infinity is a value (an operation never
    answered), NaN is refused. Metrics called `censored` or `..._censored` are summed into `run.json`.
    """

    scenario: str
    arm: str
    seed: int
    digest: str

    @property
    def key(self) -> str:
        """The run's name, "scenario/arm/seed"."""
        return run_key(self.scenario, self.arm, self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A row and the timelines behind it; the journal keeps both, the table only the row."""

    row: Row
    series: Series = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim of the experiment, held against its rows.

    Attributes:
        claim: A sentence that is true or false.
        holds: None if the rows cannot tell, such as an interval over one seed.
        detail: The numbers that decided it.
        sometimes: It claims that something occurred at least once, so below the quick seed count a miss is a warning.
    """

    claim: str
    holds: bool | None
    detail: str
    sometimes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What a report says besides its own numbers."""

    question: str
    size: str
    provenance: Provenance
    findings: tuple[Finding, ...]


R = TypeVar("R", bound=Row)


class Better(StrEnum):
    """Which way a metric should go, for whoever compares two results."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Generic[R]):
    """One question and how it is answered.

    Attributes:
        name: As on the command line: its module's name with hyphens.
        question: One line, ending in a question mark.
        headline: Whether `./lab run` alone runs it.
        arms: Designs, in the order that tables show them.
        scenarios: Names of shipped scenario files, a no-fault control among them.
        row: The class of its rows.
        quick: Size in CI and under `--quick`.
        full: Size of the report.
        run_once: Runs one cell under one seed. The row must be a function of those two alone.
        check: Holds the experiment's claims against the rows.
        report: Writes `index.html` and figures into the folder; returns the answer in one sentence, with its numbers.
        better: Which way a metric should go; one that may be read either way is left out.
        decides: Seeds from which its intervals are narrow enough to decide its claims; 0 if the quick size's are.
        scenario_of: Makes the scenario of a cell, where that is not its file with the arm's system.
    """

    name: str
    question: str
    headline: bool
    arms: tuple[Arm, ...]
    scenarios: tuple[str, ...]
    row: type[R]
    quick: Size
    full: Size
    run_once: Callable[[Cell, int], RunResult]
    check: Callable[[Results[R]], Sequence[Finding]]
    report: Callable[[Results[R], Path, ReportContext], str]
    better: Mapping[str, Better] = field(default_factory=lambda: MappingProxyType({}))
    decides: int = 0
    scenario_of: Callable[[Cell], object] | None = None

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError(f"arms of {self.name!r} share a name: {names}; keys must tell them apart")
        if not self.arms or not self.scenarios:
            raise ValueError(f"{self.name!r} has no arm or no scenario; a sweep needs both")
        if unknown := self.better.keys() - {column.name for column in fields(self.row)}:
            raise ValueError(f"{self.name!r} says which way {sorted(unknown)} should go; its rows have no such metrics")
        known = {(scenario, name) for scenario in self.scenarios for name in names}
        for size in (self.quick, self.full):
            chosen = {(scenario, name) for scenario, some in (size.only or {}).items() for name in some}
            if unheard := sorted(chosen - known):
                raise ValueError(f"a size of {self.name!r} runs only {unheard}, which are none of its cells; mend them")

    def cells(self, size: Size) -> tuple[tuple[str, str], ...]:
        """Scenario and arm of every cell that a size runs, in the order of both."""
        return tuple(
            (scenario, arm.name)
            for scenario in self.scenarios
            for arm in self.arms
            if size.only is None or arm.name in size.only.get(scenario, ())
        )

    def arm(self, name: str) -> Arm:
        """The arm of that name; KeyError if there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)


def run_key(scenario: str, arm: str, seed: int) -> str:
    """Name a run."""
    return f"{scenario}/{arm}/{seed}"
