"""Arrivals of heartbeats as arrays, in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.wording import Refused

__all__ = ["Ints", "Trace"]

Ints = NDArray[np.int64]
#: Longest interval between two arrivals, microseconds; its square must be a 64-bit number.
LONGEST_US: Final = 3_000_000_000
#: Times beyond this are no microseconds since the begin of a run.
_LATEST_US: Final = 1 << 60


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What one observer received of one subject.

    Attributes:
        sequences: Numbers of the heartbeats, by arrival.
        arrivals_us: When they came, on the observer's clock, never falling.
    """

    sequences: Ints
    arrivals_us: Ints

    def __len__(self) -> int:
        return len(self.arrivals_us)

    @staticmethod
    def of(
        arrivals_us: Sequence[float] | NDArray[Any],
        sequences: Sequence[float] | NDArray[Any] | None = None,
        *,
        copies: bool = False,
    ) -> Trace:
        """A trace of somebody's numbers, checked.

        Args:
            arrivals_us: In order, microseconds.
            sequences: Of the heartbeats; None numbers them as they came, so that lost ones are not seen.
            copies: Whether a heartbeat may come more than once.

        Raises:
            ValueError: Arrivals, or numbers, that cannot be; every mistake is named, the first place of each.
        """
        arrivals = np.asarray(arrivals_us)
        numbers = np.arange(len(arrivals)) if sequences is None else np.asarray(sequences)
        if arrivals.ndim != 1 or numbers.shape != arrivals.shape:
            raise ValueError(
                f"arrivals have the shape {arrivals.shape} and numbers {numbers.shape}; give one number each, in a row"
            )
        mistakes = [*_not_whole("arrival", arrivals), *_not_whole("number", numbers)]
        if not mistakes:
            arrivals, numbers = arrivals.astype(np.int64), numbers.astype(np.int64)
            mistakes = [*_disorder(arrivals, repeats=sequences is not None), *_copies(numbers, copies)]
        if mistakes:
            raise Refused(mistakes)
        return Trace(numbers, arrivals)

    def part(self, begin: int, end: int) -> Trace:
        """The arrivals from one index to before another."""
        return Trace(self.sequences[begin:end], self.arrivals_us[begin:end])


def _not_whole(what: str, values: NDArray[Any]) -> list[str]:
    """What is no whole number from 0 up."""
    if values.dtype.kind not in "iuf":
        return [f"{what}s are {values.dtype}, not numbers; give whole microseconds and counts"]
    found = []
    if values.dtype.kind == "f" and (bad := ~np.isfinite(values)).any():
        at = int(bad.argmax())
        found.append(f"{what} {at} is {values[at]}; leave out what did not arrive")
    elif values.dtype.kind == "f" and (bad := values != np.floor(values)).any():
        at = int(bad.argmax())
        found.append(f"{what} {at} is {values[at]}, no whole number; round to microseconds")
    if (bad := values < 0).any():
        at = int(bad.argmax())
        found.append(f"{what} {at} is {values[at]}, below 0; count from the begin of the trace")
    if (bad := values > _LATEST_US).any():
        at = int(bad.argmax())
        found.append(f"{what} {at} is {values[at]}, above {_LATEST_US}; count from the begin of the trace")
    return found


def _disorder(arrivals: Ints, *, repeats: bool) -> list[str]:
    found = []
    gaps = np.diff(arrivals)
    if (bad := gaps < 0).any():
        at = int(bad.argmax()) + 1
        found.append(f"arrival {at} at {arrivals[at]} us is before the one before, {arrivals[at - 1]} us; sort by time")
    if not repeats and (bad := gaps == 0).any():
        at = int(bad.argmax()) + 1
        found.append(f"arrivals {at - 1} and {at} are both at {arrivals[at]} us; drop the copy, or give numbers")
    if (bad := gaps > LONGEST_US).any():
        at = int(bad.argmax()) + 1
        found.append(
            f"before arrival {at} are {gaps[at - 1]} us of silence, more than {LONGEST_US}; make two traces of it"
        )
    return found


def _copies(numbers: Ints, allowed: bool) -> list[str]:
    if allowed or len(numbers) < 2 or (np.diff(numbers) > 0).all():
        return []
    ordered = np.sort(numbers)
    twice = ordered[1:] == ordered[:-1]
    if not twice.any():
        return []
    return [f"heartbeat {ordered[1:][twice][0]} came more than once; drop copies, or say that there may be some"]
