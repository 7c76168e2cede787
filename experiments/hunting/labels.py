"""Where the labels of a drawing go so that none is printed over another.

Whoever labels something names the spots that would do, the best first; the first that is free is
taken. Where all are taken, the one that hides least is. What must stay visible is blocked before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Box", "Labels", "width_in"]


class Box(NamedTuple):
    """A rectangle; y runs downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)


class Labels:
    """The places of one drawing that are taken."""

    def __init__(self) -> None:
        self._taken: list[Box] = []

    def block(self, box: Box) -> None:
        """Keep labels away from here."""
        self._taken.append(box)

    def place(self, spots: Iterable[Box]) -> Box:
        """The first spot that is free, else the one that hides least; it is taken from now on."""
        least, chosen = float("inf"), None
        for spot in spots:
            hidden = sum(spot.shared(box) for box in self._taken)
            if hidden < least:
                least, chosen = hidden, spot
            if hidden == 0.0:
                break
        assert chosen is not None, "a label has a spot"
        self.block(chosen)
        return chosen


def width_in(text: str, size_pt: float, *, bold: bool = False) -> float:
    """How wide the longest line of a text is, inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size_pt, weight="bold" if bold else "normal")
    widths = [text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.split("\n")]
    return float(max(widths)) / 72
