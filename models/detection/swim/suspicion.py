"""How long a suspect has to refute, how often a rumour is told, and when somebody first probes the dead."""

from __future__ import annotations

from math import ceil, expm1, floor, log, log1p, log2, log10
from typing import Final

from models.detection.refusals import at_least, refuse

__all__ = ["Suspicion", "first_detection", "least_us", "most_told", "push_pull_every", "remaining_us"]

_SCALED_FROM: Final = 32


def least_us(mult: int, size: int, period_us: int) -> int:
    """Least time that a suspect has in a group of a size: mult max(1, log10 size) periods, to a thousandth."""
    refuse((at_least("mult", mult, 1), at_least("size", size, 0), at_least("period_us", period_us, 1)))
    return mult * int(max(1.0, log10(max(1, size))) * 1000) * period_us // 1000


def remaining_us(confirmations: int, needed: int, elapsed_us: int, min_us: int, max_us: int) -> int:
    """What is left of a suspect's time; negative if it was over before.

    max(min, max - (max - min) log(confirmations + 1) / log(needed + 1)), to whole milliseconds,
    less what has elapsed.

    Args:
        confirmations: By others than who began to suspect.
        needed: With which the time is the least; 0 makes it the least at once.
        elapsed_us: Since the suspicion began.
        min_us: The least time.
        max_us: The longest.
    """
    if not 0 <= min_us <= max_us:
        raise ValueError(f"{min_us=} and {max_us=} are no range; give 0 <= min <= max")
    refuse((at_least("confirmations", confirmations, 0), at_least("needed", needed, 0)))
    if needed == 0:
        return min_us - elapsed_us
    share = log(confirmations + 1) / log(needed + 1)
    left_ms = floor((max_us - share * (max_us - min_us)) / 1000)
    return max(min_us, left_ms * 1000) - elapsed_us


def most_told(mult: int, size: int) -> int:
    """How often a member tells one rumour in a group of a size: mult ceil(log10(size + 1))."""
    return mult * ceil(log10(size + 1))


def push_pull_every(interval_us: int, size: int) -> int:
    """Time between full exchanges in a group of a size: longer from 33 members on, by one interval a doubling."""
    return interval_us if size <= _SCALED_FROM else interval_us * (ceil(log2(size) - log2(_SCALED_FROM)) + 1)


def first_detection(size: int) -> float:
    """Expected period in which somebody first probes a member that crashed: 1 / (1 - (1 - 1/(n-1))^(n-1)).

    Each of the n - 1 others picks it with chance 1/(n-1) in each period; e/(e-1) in the limit.
    """
    if size < 2:
        raise ValueError(f"{size=} leaves nobody to probe; give at least 2")
    others = size - 1
    return 1.0 if others == 1 else -1 / expm1(others * log1p(-1 / others))


class Suspicion:
    """One suspect's time, which confirmations shorten.

    Args:
        accuser: Who began; it cannot confirm.
        needed: Confirmations that make the time the least.
        began_us: When, on the monotonic clock.
        min_us: The least time.
        max_us: The longest.
    """

    __slots__ = ("_accusers", "_began_us", "_max_us", "_min_us", "_needed")

    def __init__(self, accuser: int, needed: int, began_us: int, min_us: int, max_us: int) -> None:
        self._accusers = {accuser}
        self._needed = needed
        self._began_us = began_us
        self._min_us = min_us
        self._max_us = max_us

    def confirm(self, accuser: int) -> bool:
        """Take a confirmation; whether it tells anything new."""
        if len(self._accusers) > self._needed or accuser in self._accusers:
            return False
        self._accusers.add(accuser)
        return True

    def left_us(self, now_us: int) -> int:
        """What is left, at least 0."""
        elapsed_us = now_us - self._began_us
        return max(0, remaining_us(len(self._accusers) - 1, self._needed, elapsed_us, self._min_us, self._max_us))
