"""Traces of heartbeats over a network that theory knows: independent loss and delays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.detection.arrays import Trace
from models.detection.arrays.trace import Ints

__all__ = ["Beats", "Draw", "exponential_us", "heartbeats"]

#: Blocks stay in the processor's cache.
_BLOCK: Final = 1 << 15

#: Draws so many delays, microseconds.
Draw = Callable[[Generator, int], NDArray[np.floating[Any]]]


class Beats(NamedTuple):
    """What arrived of heartbeats that were sent from 0 on.

    Attributes:
        trace: By arrival.
        beats: Heartbeats that were sent.
        span_us: From the first to when the next after the last would have been.
        eta_us: Between two.
    """

    trace: Trace
    beats: int
    span_us: int
    eta_us: int

    def sent_us(self) -> Ints:
        """When each arrival was sent."""
        return self.trace.sequences * self.eta_us


def exponential_us(mean_us: float) -> Draw:
    """Exponential delays; in single precision, which is finer than a microsecond."""
    return lambda rng, count: rng.standard_exponential(count, dtype=np.float32) * np.float32(mean_us)


def heartbeats(
    rng: Generator, *, count: int, eta_us: int, loss: float, delay: Draw, cut_us: int | None = None
) -> Beats:
    """Heartbeats 0, 1, ... sent every `eta_us` from 0, each lost or delayed on its own.

    Args:
        rng: Where chance comes from.
        count: How many are sent.
        eta_us: Between two.
        loss: Chance that one is lost.
        delay: Draws delays, microseconds.
        cut_us: Those later than this are thrown away; None for none.
    """
    numbers, at = np.empty(count, np.int64), np.empty(count, np.int64)
    filled = 0
    for begin in range(0, count, _BLOCK):
        number = np.arange(begin, min(begin + _BLOCK, count))
        if loss:
            number = number[rng.random(len(number), dtype=np.float32) >= loss]
        late = np.rint(delay(rng, len(number))).astype(np.int64)
        if cut_us is not None:
            number, late = number[late <= cut_us], late[late <= cut_us]
        end = filled + len(number)
        numbers[filled:end] = number
        np.add(number * eta_us, late, out=at[filled:end])
        filled = end
    numbers, at = numbers[:filled], at[:filled]
    if filled > 1 and (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        numbers, at = numbers[order], at[order]
    return Beats(Trace(numbers, at), count, count * eta_us, eta_us)
