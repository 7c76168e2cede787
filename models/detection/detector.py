"""What every failure detector can do.

One detector watches one peer from one place, on the monotonic clock of that place. It is told what
arrives and says how much it suspects the peer, a number that only grows while nothing arrives.
What that leads to (a threshold, hysteresis, a random wait) is decided by whoever asks.

After the accrual detectors of Hayashibara et al., SRDS 2004: monitoring apart from interpretation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Detector", "MakeDetector", "Plan"]


class Detector(Protocol):
    """One observer's suspicion of one subject."""

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """Take note of what arrived.

        Args:
            sequence: The heartbeat's number, growing by one with each that was sent; None for any other
                word of the subject, which proves that it lives and says nothing of the rhythm.
            arrival_us: When, on the observer's monotonic clock; never less than before.
        """
        ...

    def suspicion(self, now_us: int) -> float:
        """How much the subject is suspected, from 0; the scale is the detector's, 1 its own threshold."""
        ...

    def crosses_us(self, level: float) -> int | None:
        """When suspicion reaches a level above 0 if nothing more arrives; None if it never will, or nothing arrived."""
        ...


class Plan(Protocol):
    """A kind of detector with its parameters: a frozen value, from which any number are made."""

    def make(self) -> Detector:
        """A detector for a subject that was not watched before."""
        ...


#: Makes a detector for a subject that was not watched before.
MakeDetector = Callable[[], Detector]
