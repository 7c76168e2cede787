"""The figure of a table of theory: how far every row is from what is said, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.report.figure import PALETTE, new_figure, save_figure

__all__ = ["Mark", "draw_intervals"]


class Mark(NamedTuple):
    """One row: its group, which has a colour, its title, and how far it is off and how surely, relative."""

    group: str
    title: str
    off: float
    half_width: float


def draw_intervals(marks: Sequence[Mark], path: Path, *, label: str, row_in: float, font: float) -> None:
    """Draw a mark a row on an axis in per cent, the first on top.

    Args:
        marks: In the order of the table.
        path: Of the figure.
        label: Of the axis.
        row_in: Height of a row, inches.
        font: Size of the titles.
    """
    figure, (axes,) = new_figure(height_in=1.0 + row_in * len(marks))
    groups = list(dict.fromkeys(mark.group for mark in marks))
    for height, mark in enumerate(marks):
        colour = PALETTE[groups.index(mark.group) % len(PALETTE)]
        error = [100 * mark.half_width]
        axes.errorbar([100 * mark.off], [-height], xerr=error, fmt="o", color=colour, markersize=3)
    axes.axvline(0, color="#444444", linewidth=1)
    axes.set_yticks([-height for height in range(len(marks))], [mark.title for mark in marks], fontsize=font)
    axes.set_ylim(-len(marks) + 0.5, 0.5)
    axes.set_xlabel(label)
    save_figure(figure, path)
