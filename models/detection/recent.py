"""What *recent* means: the last so many, or those of the last so long, or both.

A short window follows a network that changes and is shaken by noise; a long one is calm and
late. Sums are of whole microseconds, so they are exact however long the window slides, and
whoever keeps them otherwise (as running sums over an array) finds the same numbers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt
from typing import Final

from models.detection.refusals import at_least, refuse, within

__all__ = ["MOST", "Recent", "Window"]

#: Longest window by count: more is a slip of the keyboard.
MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Recent:
    """How far a window reaches back.

    Attributes:
        count: At most so many values, from 1.
        span_us: And none older than this at the latest arrival, microseconds; None for any age. The
            latest value always counts.
    """

    count: int = 1_000
    span_us: int | None = None

    def __post_init__(self) -> None:
        refuse(
            (
                within("count", self.count, 0, MOST),
                None if self.span_us is None else at_least("span_us", self.span_us, 1),
            )
        )


class Window:
    """The recent values of a detector, in whole microseconds.

    Attributes:
        total: Their sum.
        squares: The sum of their squares.
    """

    __slots__ = ("_count", "_span_us", "_values", "squares", "total")

    def __init__(self, recent: Recent) -> None:
        self._count = recent.count
        self._span_us = recent.span_us
        self._values: deque[tuple[int, int]] = deque()
        self.total = 0
        self.squares = 0

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value_us: int, arrival_us: int) -> None:
        """Take a value in, and let go of what is not recent any more."""
        values = self._values
        values.append((value_us, arrival_us))
        self.total += value_us
        self.squares += value_us * value_us
        if len(values) > self._count:
            self._drop()
        if self._span_us is not None:
            oldest_us = arrival_us - self._span_us
            while values[0][1] < oldest_us:
                self._drop()

    def mean(self) -> float:
        """The mean; at least one value was added."""
        return self.total / len(self._values)

    def deviation(self) -> float:
        """The standard deviation, dividing by the number of values."""
        n = len(self._values)
        mean = self.total / n
        variance = float(self.squares) / n - mean * mean
        return sqrt(variance) if variance > 0.0 else 0.0

    def _drop(self) -> None:
        value_us, _ = self._values.popleft()
        self.total -= value_us
        self.squares -= value_us * value_us
