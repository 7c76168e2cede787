"""What a caller has heard of a receiver's heartbeats, and the gap that this leaves around an attempt.

Heartbeats may overtake each other; one that comes late closes its own hole. An instant of arrival is of the caller's
clock and one of sending of the receiver's: both clocks are taken to agree to much less than a heartbeat's interval.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from models.detection.refusals import at_least, refuse
from models.effects.retrying import Gap

__all__ = ["Hearing"]

#: Holes that are remembered, and heartbeats after which a receiver counts as not heard of.
_HOLES: Final = 64
_QUIET: Final = 3


@dataclass(slots=True)
class _Hole:
    """Heartbeats that did not come, between two that did."""

    since_us: int
    missing_us: list[int]
    back_us: int
    heard_us: int


class Hearing:
    """One receiver's heartbeats, as they come.

    Args:
        beat_us: Between two of them.
        begin_us: From when on they are listened for.
    """

    def __init__(self, beat_us: int, begin_us: int) -> None:
        refuse((at_least("beat_us", beat_us, 1),))
        self._beat_us = beat_us
        self._arrived_us = begin_us
        self._sent_us: int | None = None
        self._holes: deque[_Hole] = deque(maxlen=_HOLES)

    def heard(self, sent_us: int, now_us: int) -> None:
        """One came."""
        last_us = self._sent_us
        if last_us is not None and sent_us <= last_us:
            self._mend(sent_us)
        else:
            if last_us is not None and (missing := self._due(last_us, sent_us)):
                self._holes.append(_Hole(self._arrived_us, missing, sent_us, now_us))
            self._sent_us = sent_us
        self._arrived_us = now_us

    def hears(self, now_us: int) -> bool:
        """Whether something came lately."""
        return now_us - self._arrived_us <= _QUIET * self._beat_us

    def gap(self, sent_us: int, now_us: int) -> Gap:
        """What is missing around an attempt that was sent then: the longest hole since, which may be open still."""
        last_us = self._arrived_us if self._sent_us is None else self._sent_us
        missing = self._due(last_us, now_us + 1)
        widest = max(
            (hole for hole in self._holes if hole.back_us > sent_us),
            key=lambda hole: len(hole.missing_us),
            default=None,
        )
        if widest is not None and len(widest.missing_us) > len(missing):
            return Gap(
                since_us=widest.since_us - sent_us,
                missing_us=tuple(one - sent_us for one in widest.missing_us),
                until_us=widest.heard_us - sent_us,
                back_us=widest.back_us - sent_us,
            )
        return Gap(
            since_us=self._arrived_us - sent_us,
            missing_us=tuple(one - sent_us for one in missing),
            until_us=now_us - sent_us,
        )

    def _due(self, last_us: int, before_us: int) -> list[int]:
        """When heartbeats were due between two instants, the second apart, give or take half an interval."""
        return list(range(last_us + self._beat_us, before_us - self._beat_us // 2, self._beat_us))

    def _mend(self, sent_us: int) -> None:
        for hole in self._holes:
            near = [one for one in hole.missing_us if abs(one - sent_us) <= self._beat_us // 2]
            for one in near:
                hole.missing_us.remove(one)
