"""The fixed time-out: a peer is suspected once nothing came from it for a stated time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from models.detection.refusals import at_least, refuse

__all__ = ["Fixed", "FixedTimeout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The fixed time-out, described.

    Attributes:
        timeout_us: Silence after which the subject is suspected, microseconds.
    """

    timeout_us: int

    def __post_init__(self) -> None:
        refuse((at_least("timeout_us", self.timeout_us, 1),))

    def make(self) -> FixedTimeout:
        """A detector of this kind."""
        return FixedTimeout(self.timeout_us)


class FixedTimeout:
    """Suspicion is the silence as a share of the time-out, so it reaches 1 when that has passed.

    Args:
        timeout_us: The time-out, microseconds, at least 1.
    """

    __slots__ = ("_last_us", "_timeout_us")

    def __init__(self, timeout_us: int) -> None:
        if timeout_us < 1:
            raise ValueError(f"{timeout_us=} suspects everybody at once; give at least 1")
        self._timeout_us = timeout_us
        self._last_us: int | None = None

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """Whatever arrives ends the silence, in order or not."""
        self._last_us = arrival_us

    def suspicion(self, now_us: int) -> float:
        """Silence over time-out; 0 before anything arrived."""
        return 0.0 if self._last_us is None else (now_us - self._last_us) / self._timeout_us

    def crosses_us(self, level: float) -> int | None:
        """`level` time-outs after the last arrival."""
        return None if self._last_us is None else self._last_us + ceil(level * self._timeout_us)
