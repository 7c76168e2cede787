"""One world, all tellers before it, and what each provider's decisions would have cost.

Decisions are taken at the same instants on the same evidence by every provider, and change nothing in the world: an
open loop, so that providers are compared on the very same points. Costs are sums of a part and of a stake, so a run
keeps the two, and any ratio of them is weighed later; of a boolean it keeps them by threshold, by what the booleans
said, and by option, so that thresholds and what they are mapped to can be tuned on other runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Final

import numpy as np

from experiments.calibration import Said, brier_skill, log_loss
from experiments.experiment import Cell, Row, RunResult
from experiments.spectrum.decisions import (
    QUESTIONS,
    RATIOS,
    Question,
    Truth,
    chances_by_number,
    chances_of,
    shares_of,
)
from experiments.spectrum.tellers import (
    ALL,
    ALL_LEARNT,
    ALL_RIGHT,
    ALL_WRONG_10,
    BELIEFS,
    DETECTORS,
    PATH,
    PHI,
    Panel,
    Sayings,
)
from experiments.spectrum.truths import run_to_the_end
from experiments.spectrum.worlds import BEAT_US, ONE, OTHER, SUBJECTS, UNTIL_US, Staged, staged
from models.confidence.deciding import Table

__all__ = ["LEVELS", "OWN", "SOURCES", "TELLERS", "Point", "SpectrumRow", "points_of", "run_once", "scored"]

OWN: Final = tuple(name for name in BELIEFS if name not in ALL)
#: By source of booleans, its thresholds: suspicion of a detector, or the chance of down.
_SILENCES: Final = (0.75, 1.0, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 2.2, 2.6, 3.1, 3.6, 4.2, 5.2, 6.5, 9.0)
_PHIS: Final = (0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 18.0, 30.0, 50.0, 80.0, 130.0, 250.0)
_CHANCES: Final = (
    1e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.95, 0.99, 0.999, 0.9999,
)  # fmt: skip
SOURCES: Final = (*DETECTORS, *OWN, *ALL)
LEVELS: Final[Mapping[str, tuple[float, ...]]] = {
    name: _PHIS if name == "phi" else _SILENCES if name in DETECTORS else _CHANCES for name in SOURCES
}
#: Whose words are held against the truth.
TELLERS: Final = (*ALL, PATH, PHI)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumRow(Row):
    """One run.

    `points` are instants of decision, `troubled` those at which one of the four hosts was dead, cut off or slow,
    `silent` words about hosts that had been silent for more than an interval, over all four. Scores are of what was
    said of these, that they are down; None of a run without. `..._regret` is what decisions by the whole belief cost
    beyond the oracle's, at a ratio of 100, mean of a point and over decisions.
    """

    points: int
    troubled: int
    silent: int
    silent_down: int
    right_log_loss: float | None
    wrong_log_loss: float | None
    learnt_log_loss: float | None
    path_log_loss: float | None
    phi_log_loss: float | None
    learnt_brier_skill: float | None
    learnt_regret: float
    wrong_regret: float


@dataclass(frozen=True, slots=True)
class Point:
    """One instant: what was said, and what was so."""

    at_us: int
    said: Sayings
    truth: Truth


def points_of(ready: Staged) -> list[Point]:
    """Run a world, and ask every teller at every instant."""
    truths = run_to_the_end(ready, UNTIL_US)
    places = ready.places
    observer = ready.world.topology.host("a/c1/h1").location
    panel = Panel(observer, tuple(places.values()), (places[ONE], places[OTHER]), ready.witnesses)
    lines, done, found = ready.notebook.lines, 0, []
    for at_us, truth in zip(ready.instants_us, truths, strict=True):
        while done < len(lines) and lines[done].at_us <= at_us:
            panel.read(lines[done])
            done += 1
        found.append(Point(at_us, panel.say(at_us), truth))
    return found


#: Worlds, costs and claims were chosen by looking at worlds of lower seeds; claims are judged on others.
_UNSEEN: Final = 1_000


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one world before all."""
    ready = staged(cell.scenario, _UNSEEN + seed)
    points = points_of(ready)
    series: dict[str, Any] = {}
    for question in QUESTIONS:
        series |= scored(question, points, ready)
    said = _said(points, ready)
    series |= said
    judged = {name: [_silent(said, name)] for name in TELLERS}
    (right,) = judged[ALL_RIGHT]
    at = RATIOS.index(100.0)
    row = SpectrumRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=ready.world.digest(),
        points=len(points),
        troubled=sum(any(one != "up" for one in point.truth.condition.values()) for point in points),
        silent=len(right.chances),
        silent_down=sum(right.outcomes),
        right_log_loss=log_loss(judged[ALL_RIGHT]),
        wrong_log_loss=log_loss(judged[ALL_WRONG_10]),
        learnt_log_loss=log_loss(judged[ALL_LEARNT]),
        path_log_loss=log_loss(judged[PATH]),
        phi_log_loss=log_loss(judged[PHI]),
        learnt_brier_skill=brier_skill(judged[ALL_LEARNT]),
        learnt_regret=_regret(series, ALL_LEARNT, at, len(points)),
        wrong_regret=_regret(series, ALL_WRONG_10, at, len(points)),
    )
    return RunResult(row=row, series=series)


def _regret(series: Mapping[str, Sequence[float]], belief: str, at: int, points: int) -> float:
    found = [series[f"{one.name}/whole/{belief}"][at] - series[f"{one.name}/oracle"][at] for one in QUESTIONS]
    return fsum(found) / len(found) / max(1, points)


def _silent(said: Mapping[str, Sequence[float]], teller: str) -> Said:
    return Said(
        chances=said[f"said/{teller}"],
        outcomes=[value > 0 for value in said["said/down"]],
        silences=said["said/silences"],
    )


def _said(points: Sequence[Point], ready: Staged) -> dict[str, list[float]]:
    """Of hosts that had been silent for more than an interval, what each teller said and what was so."""
    found: dict[str, list[float]] = {f"said/{name}": [] for name in TELLERS}
    found |= {f"dead/{name}": [] for name in ALL}
    found |= {name: [] for name in ("said/down", "said/dead", "said/silences")}
    for point in points:
        for path in SUBJECTS:
            place = ready.places[path]
            silent = point.said.silent_us[place] / BEAT_US
            if silent <= 1:
                continue
            condition = point.truth.condition[path]
            found["said/down"].append(float(condition in ("dead", "unreachable")))
            found["said/dead"].append(float(condition == "dead"))
            found["said/silences"].append(silent)
            for name in ALL:
                answer = point.said.answers[name][place]
                found[f"said/{name}"].append(min(1.0, answer.down))
                found[f"dead/{name}"].append(min(1.0, answer.dead))
            for name in (PATH, PHI):
                found[f"said/{name}"].append(min(1.0, max(0.0, point.said.alone[name][place])))
    return found


# -- costs ---------------------------------------------------------------------------------


def scored(question: Question, points: Sequence[Point], ready: Staged) -> dict[str, list[float]]:
    """What decisions of one kind would have cost in a run, by provider.

    `oracle`, `whole/BELIEF` and `number/BELIEF` are sums of costs by ratio; `always` is by option, the part that always
    is and the stake; `bool/SOURCE` the same by threshold, what the booleans said, and option.
    """
    tables = [question.table(ratio) for ratio in RATIOS]
    states = tables[0].states
    # Costs are a + ratio b; two tables say which.
    first, second = (_costs(question.table(ratio), states) for ratio in (1.0, 2.0))
    stake = second - first
    part = first - stake
    was = np.zeros((len(points), len(states)))
    for number, point in enumerate(points):
        for state in question.states(point.truth):
            if state in states:
                was[number, states.index(state)] = 1.0
    parts, stakes = _products(was, part), _products(was, stake)
    found: dict[str, list[float]] = {
        "oracle": [float((parts + ratio * stakes).min(axis=1).sum()) for ratio in RATIOS],
        "always": np.stack([parts.sum(axis=0), stakes.sum(axis=0)], axis=-1).ravel().tolist(),
    }
    shares = shares_of(ready.places)
    for belief in BELIEFS:
        told = {"whole": [chances_of(question, point.said, belief, ready.places) for point in points]}
        if belief in OWN:
            told["number"] = [chances_by_number(question, point.said, belief, ready.places, shares) for point in points]
        for how, rows in told.items():
            chances = np.array([[row[state] for state in states] for row in rows]).reshape(len(points), len(states))
            by_part, by_stake = _products(chances, part), _products(chances, stake)
            sums = []
            for ratio in RATIOS:
                # Of equals the first, as a table does.
                chosen = (by_part + ratio * by_stake).argmin(axis=1)
                at = np.arange(len(points))
                sums.append(float((parts[at, chosen] + ratio * stakes[at, chosen]).sum()))
            found[f"{how}/{belief}"] = sums
    for source in SOURCES:
        found[f"bool/{source}"] = _by_bool(question, source, points, ready, parts, stakes)
    return {f"{question.name}/{name}": values for name, values in found.items()}


def _costs(table: Table, states: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.array([[option.costs.get(state, 0.0) for state in states] for option in table.options])


def _products(rows: np.ndarray[Any, Any], costs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows of chances times costs of options; term by term, since sums of a library's own order differ in last bits."""
    found = np.zeros((rows.shape[0], costs.shape[0]))
    for state in range(costs.shape[1]):
        found += rows[:, state : state + 1] * costs[None, :, state]
    return found


def _by_bool(
    question: Question,
    source: str,
    points: Sequence[Point],
    ready: Staged,
    parts: np.ndarray[Any, Any],
    stakes: np.ndarray[Any, Any],
) -> list[float]:
    levels = LEVELS[source]
    said = np.array([[_level(point.said, source, ready, path) for path in question.subjects] for point in points])
    weights = 2 ** np.arange(len(question.subjects))
    sums = np.zeros((len(levels), 2 ** len(question.subjects), parts.shape[1], 2))
    for number, level in enumerate(levels):
        combination = ((said >= level) * weights).sum(axis=1)
        np.add.at(sums[number, :, :, 0], combination, parts)
        np.add.at(sums[number, :, :, 1], combination, stakes)
    return [float(value) for value in sums.ravel()]


def _level(said: Sayings, source: str, ready: Staged, path: str) -> float:
    place = ready.places[path]
    return said.suspicions[source][place] if source in DETECTORS else said.answers[source][place].down
