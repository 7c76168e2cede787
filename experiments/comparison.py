"""Which metrics got worse between two results of one experiment, beyond what chance explains.

Runs are paired by scenario, arm and seed where both results have them; else the runs of a cell are compared as
independent samples (Welch). The p-values of all metrics that have a better side form one family and are corrected
together (Holm), so that a result compared with its like raises an alarm in one of twenty comparisons at most, however
many metrics there are. Metrics without a better side are a family of their own and can only be *changed*.

A metric at infinity ("never") has no mean: such runs are compared by their order, with the exact sign test if paired,
by ranks if not. It needs no test where it is finite in all runs of one result and infinite in all of the other: that
all of three runs never end any more is no noise, and a sign test of three pairs could never say so.

Where a metric is undefined in other runs than before, in how many it is defined is compared like a metric of its own,
for which fewer is worse. It needs no test where no run of a cell defines it any more, or where a run gives NaN, which
no experiment writes on purpose. That it is defined at last is neither better nor worse: there was nothing to better.

What the old result has and the new one lacks altogether is *missing*, if it is a metric that has a better side, or a
scenario with an arm: whoever does not measure a thing any more cannot say that it is no worse.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, TypeGuard

from experiments.experiment import Better
from experiments.results import RunRecord, load_record, load_values
from experiments.rows import Metric
from experiments.statistics import Interval, Tested, holm, paired_test, rank_test, sign_test, welch_test
from sim.wording import way_to

__all__ = ["Change", "Compared", "Contrast", "Side", "compare", "read_side"]

_KEYS: Final = ("scenario", "arm", "seed", "digest")
#: A count is known to half a unit; the variance of that (Sheppard).
_ROUNDING: Final = 1 / 12


class Change(StrEnum):
    """What became of a metric in a cell."""

    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"
    WITHIN_NOISE = "within noise"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two results.

    Attributes:
        folder: Where it lies.
        record: Its `run.json`.
        runs: Metrics of each run, by (scenario, arm) and seed.
    """

    folder: Path
    record: RunRecord
    runs: Mapping[tuple[str, str], Mapping[int, Mapping[str, Metric]]]

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that some run has a number for; texts are none."""
        runs = [run for seeds in self.runs.values() for run in seeds.values()]
        return frozenset(name for run in runs for name, value in run.items() if _number(value)) - frozenset(_KEYS)

    @property
    def columns(self) -> frozenset[str]:
        """Everything that its rows tell, whether or not some run has a number for it."""
        return frozenset(name for seeds in self.runs.values() for run in seeds.values() for name in run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One metric in one cell, before and after.

    Attributes:
        scenario: Of the cell.
        arm: Of the cell.
        metric: Its name, unit last; `NAME (defined)` for the share of the runs that have it.
        better: Which way it should go; None if it may be read either way.
        before: Mean over the runs compared; their median where one of them is infinite.
        after: The same of the new result.
        difference: New minus old, with its 95 % interval.
        direction: Above 0 if it rose, below if it fell.
        paired: Whether the runs were paired by seed.
        p_value: That there is no difference; None if too few runs tell.
        adjusted: The same within its family.
        equal: Whether the runs have the same values before and after.
    """

    scenario: str
    arm: str
    metric: str
    better: Better | None
    before: float
    after: float
    difference: Interval
    direction: int
    paired: bool
    p_value: float | None
    adjusted: float | None = None
    equal: bool = False

    @property
    def name(self) -> str:
        """Scenario, arm and metric."""
        return f"{self.scenario}/{self.arm}/{self.metric}"

    def change(self, alpha: float) -> Change:
        """What became of it, at this significance level."""
        if self.equal:
            return Change.SAME
        return self._direction() if self.adjusted is not None and self.adjusted < alpha else Change.WITHIN_NOISE

    def suspect(self, alpha: float) -> bool:
        """Whether it would be worse, were it the only metric: more seeds would tell."""
        single = self.p_value is not None and self.p_value < alpha
        return single and self.change(alpha) is Change.WITHIN_NOISE and self._direction() is Change.WORSE

    def _direction(self) -> Change:
        if self.better is None:
            return Change.CHANGED
        return Change.BETTER if (self.direction > 0) == (self.better is Better.HIGHER) else Change.WORSE


class Compared(NamedTuple):
    """What two results say.

    Attributes:
        equal: How many runs both have, if all of these have equal digests and metrics and no cell is without one;
            else 0.
        contrasts: By scenario, arm and metric.
        missing: What the new one lacks and must not: metrics that have a better side, scenarios and arms.
        notes: What a reader should know besides: what only one of them has, scenarios that were edited.
    """

    equal: int
    contrasts: tuple[Contrast, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def read_side(folder: Path) -> Side:
    """Read a result.

    Raises:
        ValueError: The folder holds none.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give one that ./lab run wrote, such as reports/quick/merge-domains")
    if not (folder / "run.json").is_file():
        inside = sorted(path.parent.name for path in folder.glob("*/run.json"))
        way_out = f"name one of its results: {', '.join(inside)}" if inside else "give one that ./lab run wrote"
        raise ValueError(f"{folder} holds no run.json, so it is not the result of an experiment; {way_out}")
    record = load_record(folder)
    runs: dict[tuple[str, str], dict[int, Mapping[str, Metric]]] = {}
    for row in load_values(folder):
        scenario, arm, seed = (row.get(key) for key in ("scenario", "arm", "seed"))
        if not (isinstance(scenario, str) and isinstance(arm, str) and isinstance(seed, int)):
            raise ValueError(f"{folder / 'rows.parquet'} names no scenario, arm and seed; make it anew with ./lab run")
        runs.setdefault((scenario, arm), {})[seed] = row
    if not runs:
        raise ValueError(f"{folder / 'rows.parquet'} has no rows; make it anew with ./lab run")
    return Side(folder=folder, record=record, runs=runs)


def compare(old: Side, new: Side, better: Mapping[str, Better], metrics: Collection[str] = ()) -> Compared:
    """Hold a new result against an old one.

    Args:
        old: Before.
        new: After.
        better: Which way metrics should go.
        metrics: Only these; all that both have if empty.

    Raises:
        ValueError: They are of different experiments, or have no such metric or no cell in common.
    """
    if old.record.experiment != new.record.experiment:
        both = f"{old.folder} is of {old.record.experiment!r}, {new.folder} of {new.record.experiment!r}"
        raise ValueError(f"{both}; compare two results of one experiment")
    cells = sorted(old.runs.keys() & new.runs.keys())
    if not cells:
        raise ValueError(f"{old.folder} and {new.folder} have no scenario and arm in common; run the same ones")
    chosen = _chosen(old, new, metrics)
    found = [
        contrast
        for cell in cells
        for metric in chosen
        for contrast_of in (_contrast, _definedness)
        if (contrast := contrast_of(cell, metric, better.get(metric), old.runs[cell], new.runs[cell])) is not None
    ]
    missing = () if metrics else sorted(name for name in old.metrics - new.columns if better.get(name) is not None)
    return Compared(
        _equal(old, new, cells),
        tuple(_corrected(found)),
        tuple(_missing(old, new, missing)),
        tuple(_notes(old, new, chosen, missing)),
    )


def _equal(old: Side, new: Side, cells: Iterable[tuple[str, str]]) -> int:
    """How many runs both have, if nothing differs between them and every cell has one; else 0."""
    count = 0
    for cell in cells:
        before, after = old.runs[cell], new.runs[cell]
        shared = before.keys() & after.keys()
        if not shared or any(before[seed] != after[seed] for seed in shared):
            return 0
        count += len(shared)
    return count


def _chosen(old: Side, new: Side, metrics: Collection[str]) -> list[str]:
    numbers = old.metrics | new.metrics
    common = numbers & old.columns & new.columns
    for metric in metrics:
        if metric not in common:
            missing = [str(side.folder) for side in (old, new) if metric not in side.columns & numbers]
            raise ValueError(f"{metric!r} is no metric of {' nor of '.join(missing)}; {way_to(metric, common)}")
    if not common:
        raise ValueError(f"{old.folder} and {new.folder} have no metric in common; run the experiment again for both")
    return sorted(set(metrics) or common)


def _contrast(
    cell: tuple[str, str],
    metric: str,
    better: Better | None,
    old: Mapping[int, Mapping[str, Metric]],
    new: Mapping[int, Mapping[str, Metric]],
) -> Contrast | None:
    """One metric of one cell; None if it is undefined in all runs of one side."""
    before, after = _numbers(old, metric), _numbers(new, metric)
    if not before or not after:
        return None
    shared = sorted(before.keys() & after.keys())
    # One shared run has no interval; then all runs together say more.
    paired = len(shared) >= 2 or before.keys() == after.keys()
    olds = [before[seed] for seed in (shared if paired else sorted(before))]
    news = [after[seed] for seed in (shared if paired else sorted(after))]
    exact = all(isinstance(value, int) for value in (*olds, *news))
    tested, direction = _test(olds, news, paired=paired, rounding=_ROUNDING if exact else 0.0)
    certain = _all_or_never(olds, news)
    return Contrast(
        scenario=cell[0],
        arm=cell[1],
        metric=metric,
        better=better,
        before=_centre(olds),
        after=_centre(news),
        difference=tested.interval,
        direction=direction,
        paired=paired,
        p_value=0.0 if certain else tested.p_value,
        adjusted=0.0 if certain else None,
        equal=olds == news if paired else len({*olds, *news}) == 1,
    )


def _definedness(
    cell: tuple[str, str],
    metric: str,
    better: Better | None,
    old: Mapping[int, Mapping[str, Metric]],
    new: Mapping[int, Mapping[str, Metric]],
) -> Contrast | None:
    """In which share of the runs the metric is defined; None if in the same ones as before."""
    before, after = _numbers(old, metric), _numbers(new, metric)
    shared = sorted(old.keys() & new.keys())
    paired = len(shared) >= 2 or old.keys() == new.keys()
    olds = [seed in before for seed in (shared if paired else sorted(old))]
    news = [seed in after for seed in (shared if paired else sorted(new))]
    shares = sum(olds) / len(olds), sum(news) / len(news)
    nans = _nans(new, metric) - _nans(old, metric)
    broken = bool(nans & before.keys() if paired else nans)
    if olds == news if paired else shares[0] == shares[1] and not broken:
        return None
    none_on_a_side = 0.0 in shares and shares[0] != shares[1]
    tested = sign_test(news, olds) if paired else rank_test(news, olds)
    certain = broken or none_on_a_side
    direction = -1 if broken else (shares[1] > shares[0]) - (shares[1] < shares[0])
    return Contrast(
        scenario=cell[0],
        arm=cell[1],
        metric=f"{metric} (defined)",
        better=Better.HIGHER if better is not None and direction < 0 else None,
        before=shares[0],
        after=shares[1],
        difference=Interval(estimate=shares[1] - shares[0], low=None, high=None, n=len(olds)),
        direction=direction,
        paired=paired,
        p_value=0.0 if certain else tested,
        adjusted=0.0 if certain else None,
    )


def _test(olds: Sequence[float], news: Sequence[float], *, paired: bool, rounding: float) -> tuple[Tested, int]:
    """The test that fits, and the direction: above 0 if the metric rose."""
    if paired and list(olds) == list(news):
        return Tested(Interval(estimate=0.0, low=0.0, high=0.0, n=len(olds)), 1.0), 0
    if all(map(math.isfinite, (*olds, *news))):
        test, least = (paired_test, 2 * rounding) if paired else (welch_test, rounding)
        tested = test(news, olds, least_variance=least)
        return tested, (tested.interval.estimate > 0) - (tested.interval.estimate < 0)
    pairs = zip(olds, news, strict=True) if paired else product(olds, news)
    direction = sum((new > old) - (new < old) for old, new in pairs)
    before, after = median(olds), median(news)
    estimate = 0.0 if before == after else after - before
    p_value = sign_test(news, olds) if paired else rank_test(news, olds)
    return Tested(Interval(estimate=estimate, low=None, high=None, n=len(olds)), p_value), direction


def _all_or_never(olds: Sequence[float], news: Sequence[float]) -> bool:
    """Whether it is finite in all runs of one side and at the same infinity in all of the other."""
    for some, others in ((olds, news), (news, olds)):
        if all(map(math.isfinite, some)) and math.isinf(others[0]) and len(set(others)) == 1:
            return True
    return False


def _centre(values: Sequence[float]) -> float:
    """The mean, or the median where a value is infinite."""
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else float(median(values))


def _numbers(runs: Mapping[int, Mapping[str, Metric]], metric: str) -> dict[int, float]:
    """The metric by seed, where it is defined."""
    found = {seed: run.get(metric) for seed, run in runs.items()}
    return {seed: value for seed, value in found.items() if _number(value)}


def _number(value: Metric) -> TypeGuard[float]:
    return isinstance(value, int | float) and not math.isnan(value)


def _nans(runs: Mapping[int, Mapping[str, Metric]], metric: str) -> set[int]:
    """The seeds whose run has no number where there should be one."""
    found = {seed: run.get(metric) for seed, run in runs.items()}
    return {seed for seed, value in found.items() if isinstance(value, float) and math.isnan(value)}


def _corrected(contrasts: Sequence[Contrast]) -> Iterator[Contrast]:
    """Correct each family on its own: what can be worse, and what can only be changed."""
    adjusted: dict[str, float] = {}
    for can_be_worse in (True, False):
        open_ones = [c for c in contrasts if c.p_value is not None and c.adjusted is None]
        family = [c for c in open_ones if (c.better is not None) is can_be_worse]
        adjusted |= holm({c.name: c.p_value for c in family if c.p_value is not None})
    for contrast in contrasts:
        yield contrast if contrast.adjusted is not None else replace(contrast, adjusted=adjusted.get(contrast.name))


def _missing(old: Side, new: Side, metrics: Iterable[str]) -> Iterator[str]:
    for cell in sorted("/".join(cell) for cell in old.runs.keys() - new.runs.keys()):
        yield f"{cell} is in {old.folder} alone; run it for {new.folder} too"
    for name in metrics:
        yield f"{name} is a metric of {old.folder} alone; {new.folder} does not tell whether it got worse"


def _notes(old: Side, new: Side, metrics: Iterable[str], missing: Iterable[str]) -> Iterator[str]:
    if cells := sorted("/".join(cell) for cell in new.runs.keys() - old.runs.keys()):
        yield f"only in {new.folder}, not compared: {', '.join(cells)}"
    for one, other in ((old, new), (new, old)):
        if names := sorted(one.metrics - other.columns - {*missing}):
            yield f"metrics of {one.folder} alone, not compared: {', '.join(names)}"
    before, after = old.record.fingerprint.scenarios, new.record.fingerprint.scenarios
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"the scenario {name} was edited in between, so a difference may be its own"
    digests = old.record.digests, new.record.digests
    if digests[0] == digests[1] and old.runs != new.runs:
        yield "digests equal: the runs are the same, and what differs is how they were measured"
    for cell in sorted(old.runs.keys() & new.runs.keys()):
        yield from _undefined(cell, old.runs[cell], new.runs[cell], metrics)


def _undefined(
    cell: tuple[str, str],
    old: Mapping[int, Mapping[str, Metric]],
    new: Mapping[int, Mapping[str, Metric]],
    metrics: Iterable[str],
) -> Iterator[str]:
    """Metrics that are defined in another share of the runs than before: what is left out may be the worst."""
    for metric in metrics:
        before, after = len(_numbers(old, metric)), len(_numbers(new, metric))
        if before * len(new) != after * len(old):
            shares = f"{before} of {len(old)} runs before, in {after} of {len(new)} after"
            yield f"{'/'.join(cell)}: {metric} is defined in {shares}"
