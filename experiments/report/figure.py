"""Figures that are equal, byte for byte, when what they show is equal.

Figures are made without pyplot: it keeps every figure in a global list until somebody closes it, and needs a display's
backend. A figure made here belongs to its caller and goes when it goes.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PALETTE", "new_figure", "save_figure", "shade"]

# Okabe and Ito's colours, which stay apart for colour-blind eyes and in grey print; yellow left out, pale on paper.
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def new_figure(
    rows: int = 1, columns: int = 1, *, width_in: float = 9.0, height_in: float = 4.0, share_x: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make a figure in the lab's style.

    Returns:
        The figure and its axes, row by row.
    """
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(
        {
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "font.size": 10,
        }
    ):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=share_x, squeeze=False)
    return figure, [one for row in axes for one in row]


def save_figure(figure: Figure, path: Path) -> None:
    """Write an SVG in one step, without a date and with ids that depend on nothing but the drawing."""
    from matplotlib import rc_context

    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "cutset"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    write_bytes(path, buffer.getvalue())


def shade(axes: Axes, begin: float, end: float, label: str) -> None:
    """Tint a span of the horizontal axis, such as a cut, and name it inside at the top."""
    axes.axvspan(begin, end, color="#888888", alpha=0.18, linewidth=0, zorder=0)
    middle = (begin + end) / 2
    axes.text(middle, 0.98, label, transform=axes.get_xaxis_transform(), ha="center", va="top", size=9, color="#444444")
