"""Parameters for a detection time that is wanted, found before the network changes, on a trace of other seeds.

Mean detection time rises with every parameter, for most in a straight line, so the secant through two known points
is there at once; where it is not, the known points are drawn closer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from experiments.detection.changing import Heard
from experiments.detection.contest.contenders import Contender
from experiments.detection.contest.scoring import score
from models.detection.arrays.trace import Ints

__all__ = ["TARGETS_S", "sought", "tuned"]

#: Mean detection times that are asked for, seconds, for a heartbeat a second: points of a curve.
TARGETS_S: Final = (0.8, 1.2, 1.8, 2.6, 3.8, 5.5, 8.0)
#: A parameter is found when detection time is so near to what is asked; where it jumps, this near must do.
_CLOSE_S: Final = 0.02
_NEAR_S: Final = 0.1
_ROUNDS: Final = 7
#: No straight line leads to times beyond, such as never.
_FAR_S: Final = 1_000.0


def tuned(
    contender: Contender, heard: Heard, crashes_us: Ints, since_us: int, targets_s: Sequence[float] = TARGETS_S
) -> list[float | None]:
    """The value of the parameter for each mean detection time; None where no value has it."""

    def mean_s(value: float) -> float:
        return score(contender.make(value), heard, crashes_us, since_us).mean_s

    known = [(value, mean_s(value)) for value in (contender.low, contender.high)]
    return [sought(mean_s, known, target_s) for target_s in targets_s]


def sought(time_s: Callable[[float], float], known: list[tuple[float, float]], target_s: float) -> float | None:
    """The value of a parameter at which a detection time is as wanted; None outside the known values, or in a jump.

    Args:
        time_s: The detection time at a value, which rises with it.
        known: Values with their times, by value; what is learnt on the way is added.
        target_s: The time that is wanted.
    """
    if not known or not known[0][1] <= target_s <= known[-1][1]:
        return None
    for step in range(_ROUNDS):
        after = next(place for place, (_, at_s) in enumerate(known) if at_s >= target_s)
        (low, under_s), (high, over_s) = known[max(after - 1, 0)], known[after]
        nearest_s, nearest = min((abs(under_s - target_s), low), (abs(over_s - target_s), high))
        if nearest_s <= _CLOSE_S:
            return nearest
        # A straight line first; where that crawls along a curve, the middle.
        straight = step % 2 == 0 and over_s < _FAR_S
        value = low + (high - low) * ((target_s - under_s) / (over_s - under_s) if straight else 0.5)
        if not low < value < high:
            break
        known.insert(after, (value, time_s(value)))
    at_s, value = min((abs(at_s - target_s), value) for value, at_s in known)
    return value if at_s <= _NEAR_S else None
