"""Lines over time: the mean of many runs' timelines, an arm each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from experiments.experiment import Arm, Row
from experiments.report.figure import PALETTE
from experiments.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_means"]

R = TypeVar("R", bound=Row)


def draw_means(
    axes: Axes, results: Results[R], scenario: str, arms: Sequence[Arm], metric: str, *, width: float = 1.2
) -> None:
    """Draw a line for each arm that was run: at each instant of `begin_s` the mean of those runs that have it."""
    for number, arm in enumerate(arms):
        series = [results.series(scenario, arm.name, row.seed) for row in results.at(scenario, arm.name)]
        if not series:
            continue
        found = [dict(zip(one["begin_s"], one[metric], strict=True)) for one in series]
        steps = sorted({t for one in found for t in one})
        shares = [[one[t] for one in found if t in one] for t in steps]
        heights = [sum(values) / len(values) for values in shares]
        axes.plot(steps, heights, color=PALETTE[number % len(PALETTE)], label=arm.label, linewidth=width)
