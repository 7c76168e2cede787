"""Times of suspicion, from the instants at which a detector would suspect after each arrival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.detection.arrays.trace import Ints

__all__ = ["Suspicions", "guarded", "held", "suspicions"]


class Suspicions(NamedTuple):
    """Spells in which a subject was suspected, in order of time.

    Attributes:
        starts_us: When each began.
        ends_us: When it ended; one fewer than starts where the last is still open.
    """

    starts_us: Ints
    ends_us: Ints

    @property
    def open(self) -> bool:
        """Whether the subject is suspected at the end."""
        return len(self.starts_us) > len(self.ends_us)

    def transitions(self) -> list[tuple[int, bool]]:
        """(instant, suspected), in order of time."""
        found = [(int(t), True) for t in self.starts_us] + [(int(t), False) for t in self.ends_us]
        return sorted(found, key=lambda change: (change[0], change[1]))


def suspicions(arrivals_us: Ints, crossings_us: Ints, until_us: int | None = None) -> Suspicions:
    """When the subject was suspected.

    Args:
        arrivals_us: Arrivals, in order.
        crossings_us: After each, when the subject will be suspected if nothing more arrives.
        until_us: What comes after does not count; None to follow the last silence for ever.
    """
    if not len(arrivals_us):
        return Suspicions(np.empty(0, np.int64), np.empty(0, np.int64))
    # An arrival at the very instant of a crossing is in time.
    missed = np.flatnonzero((crossings_us[:-1] < arrivals_us[1:]) & (arrivals_us[:-1] < arrivals_us[1:]))
    starts = np.maximum(crossings_us[missed], arrivals_us[missed])
    ends = arrivals_us[missed + 1]
    last_us = max(int(crossings_us[-1]), int(arrivals_us[-1]))
    if until_us is None or last_us <= until_us:
        starts = np.append(starts, last_us)
    # What an arrival did not bring below the level goes on.
    goes_on = np.flatnonzero(ends[: len(starts) - 1] == starts[1:])
    return Suspicions(np.delete(starts, goes_on + 1), np.delete(ends, goes_on))


def held(found: Suspicions, hold_us: int) -> Suspicions:
    """The same with hysteresis: a subject is trusted again only after so long below the level."""
    starts, ends = found.starts_us, found.ends_us + hold_us
    goes_on = np.flatnonzero(ends[: len(starts) - 1] >= starts[1:]) if hold_us else np.empty(0, np.int64)
    return Suspicions(np.delete(starts, goes_on + 1), np.delete(ends, goes_on))


def guarded(found: Suspicions, pauses_us: Sequence[tuple[int, int]], guard_us: int) -> Suspicions:
    """The same by an observer that convicts nobody while it stands still, nor for `guard_us` after.

    Args:
        found: As it would be without a guard.
        pauses_us: When the observer stood still, (begin, end) in order; shorter ones than the guard do not count.
        guard_us: As `PauseGuard`.
    """
    starts, ends = found.starts_us.copy(), found.ends_us
    for begin_us, end_us in pauses_us:
        if end_us - begin_us > guard_us:
            inside = (starts >= begin_us) & (starts < end_us + guard_us)
            starts[inside] = end_us + guard_us
    closed = np.append(ends, np.iinfo(np.int64).max)[: len(starts)]
    kept = starts < closed
    return Suspicions(starts[kept], ends[kept[: len(ends)]])
