"""What the number of a heartbeat is good for where a detector does not look at it itself."""

from __future__ import annotations

from dataclasses import dataclass

from models.detection.detector import Detector, Plan

__all__ = ["Newest", "NewestDetector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """Another detector that is told only of heartbeats newer than all before.

    Copies, and heartbeats that were overtaken, then neither teach it an interval nor end a
    suspicion.

    Attributes:
        plan: The other detector.
    """

    plan: Plan

    def make(self) -> NewestDetector:
        """A detector of this kind."""
        return NewestDetector(self)


class NewestDetector:
    """See `Newest`."""

    __slots__ = ("_detector", "_newest")

    def __init__(self, plan: Newest) -> None:
        self._detector: Detector = plan.plan.make()
        self._newest: int | None = None

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """Pass on what is new; another word of the subject is."""
        if sequence is not None:
            if self._newest is not None and sequence <= self._newest:
                return
            self._newest = sequence
        self._detector.observe(sequence, arrival_us)

    def suspicion(self, now_us: int) -> float:
        """The other's."""
        return self._detector.suspicion(now_us)

    def crosses_us(self, level: float) -> int | None:
        """The other's."""
        return self._detector.crosses_us(level)
