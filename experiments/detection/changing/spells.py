"""When trouble is: spells of time in order, apart from one another, drawn from a chance of their own.

They are functions of seed and time alone, so that every detector meets the same ones.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.detection.arrays.trace import Ints

__all__ = ["Spells", "crashes_within", "exponential_spells", "no_spells", "uniform_spells"]

#: Rounds of drawing: each draws so many times the number expected, so that two suffice but for bad luck.
_AMPLE: Final = 1.3


class Spells(NamedTuple):
    """Spells [begin, end), microseconds, rising and apart."""

    begins_us: Ints
    ends_us: Ints

    def __len__(self) -> int:
        return len(self.begins_us)

    def place(self, at_us: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """For each instant the last spell that had begun (0 if none), and whether the instant is inside it."""
        if not len(self.begins_us):
            return np.zeros(len(at_us), np.int64), np.zeros(len(at_us), bool)
        last = np.searchsorted(self.begins_us, at_us, side="right") - 1
        at = np.maximum(last, 0)
        return at, (last >= 0) & (at_us < self.ends_us[at])

    def inside(self, at_us: Ints) -> NDArray[np.bool_]:
        """Whether each instant is inside a spell."""
        return self.place(at_us)[1]

    def released(self, at_us: Ints) -> Ints:
        """Each instant, or the end of the spell that it is in: what is held comes out in the order it went in."""
        at, inside = self.place(at_us)
        return np.where(inside, self.ends_us[at], at_us) if len(self.begins_us) else at_us

    def pairs(self) -> list[tuple[int, int]]:
        """As plain numbers."""
        return list(zip(self.begins_us.tolist(), self.ends_us.tolist(), strict=True))


def no_spells() -> Spells:
    """None at all."""
    return Spells(np.empty(0, np.int64), np.empty(0, np.int64))


def uniform_spells(
    rng: Generator, *, since_us: int, until_us: int, every_us: int, least_us: int, most_us: int
) -> Spells:
    """Spells that last anything from `least_us` to `most_us`, so far apart that one begins every `every_us` at a mean.

    Times between an end and the next begin are exponential.
    """
    between_us = every_us - (least_us + most_us) / 2

    def draw(count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        return rng.standard_exponential(count) * between_us, rng.integers(least_us, most_us + 1, count)

    return _renewed(draw, since_us, until_us, every_us)


def exponential_spells(rng: Generator, *, since_us: int, until_us: int, every_us: int, mean_us: int) -> Spells:
    """Spells of exponential length: the bad states of a chain of two (Gilbert, Bell System Tech. J. 39, 1960)."""
    between_us = every_us - mean_us

    def draw(count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        return rng.standard_exponential(count) * between_us, rng.standard_exponential(count) * mean_us

    return _renewed(draw, since_us, until_us, every_us)


def crashes_within(rng: Generator, spells: Spells, count: int, after_us: int) -> Ints:
    """Crashes that come with trouble: each within `after_us` of the begin of a spell, in order of time.

    Raises:
        ValueError: There is no spell.
    """
    if not len(spells):
        raise ValueError("there is no spell for a crash to come with; draw crashes at any instant instead")
    begins = spells.begins_us[rng.integers(0, len(spells), count)]
    found: Ints = np.sort(begins + rng.integers(0, after_us, count))
    return found


def _renewed(draw: Any, since_us: int, until_us: int, every_us: int) -> Spells:
    """Alternate between trouble and none until the end."""
    begins: list[Ints] = []
    ends: list[Ints] = []
    at_us = since_us
    while at_us < until_us:
        gaps, lengths = draw(round(_AMPLE * (until_us - at_us) / every_us) + 8)
        gaps = np.rint(gaps).astype(np.int64) + 1
        lengths = np.maximum(np.rint(lengths).astype(np.int64), 1)
        stops = at_us + np.cumsum(gaps + lengths)
        begins.append(stops - lengths)
        ends.append(stops)
        at_us = int(stops[-1])
    begun, ended = np.concatenate(begins or [np.empty(0, np.int64)]), np.concatenate(ends or [np.empty(0, np.int64)])
    kept = begun < until_us
    return Spells(begun[kept], ended[kept])
