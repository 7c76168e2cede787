"""Interpretation: what suspicion leads to. Kept apart from monitoring, so any rule goes with any detector.

`Interpreter` turns one detector's suspicion into transitions: suspected from the instant at
which a level is reached, trusted again when something arrives that brings it below, and has
stayed below for a while (hysteresis). `PauseGuard` is Cassandra's: an observer that stood still
itself convicts nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from models.detection.detector import Detector
from models.detection.refusals import at_least, refuse, within
from sim.topology import Location

__all__ = ["Interpreter", "PauseGuard", "Rule", "Transition"]


class Transition(NamedTuple):
    """An observer changed its mind about a subject."""

    t_us: int
    observer: Location
    subject: Location
    suspected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When suspicion counts.

    Attributes:
        level: Suspicion from which the subject is suspected; 1 is the detector's own threshold.
        hold_us: How long suspicion must have stayed below before the subject is trusted again.
    """

    level: float = 1.0
    hold_us: int = 0

    def __post_init__(self) -> None:
        refuse((within("level", self.level, 0, 1e9), at_least("hold_us", self.hold_us, 0)))


class Interpreter:
    """Follows one detector and says when the subject is suspected and when trusted.

    Whoever uses it calls `arrived` for each arrival and `passed` when time went by; both say
    what changed since, as (instant, suspected) in order of time.

    Args:
        detector: What watches the subject.
        rule: When suspicion counts.
    """

    __slots__ = ("_clear_us", "_detector", "_due_us", "_rule", "suspected")

    def __init__(self, detector: Detector, rule: Rule) -> None:
        self._detector = detector
        self._rule = rule
        self._due_us: int | None = None
        self._clear_us: int | None = None
        self.suspected = False

    def arrived(self, sequence: int | None, arrival_us: int) -> list[tuple[int, bool]]:
        """Something came; the instant itself belongs to it, so what was due just then is not missed."""
        changed = list(self._until(arrival_us - 1))
        self._detector.observe(sequence, arrival_us)
        crosses_us = self._detector.crosses_us(self._rule.level)
        below = crosses_us is None or crosses_us > arrival_us
        self._due_us = None if crosses_us is None else max(crosses_us, arrival_us)
        if self.suspected and below and self._clear_us is None:
            self._clear_us = arrival_us + self._rule.hold_us
        elif not below:
            self._clear_us = None
        if below and self._rule.hold_us == 0:
            changed += self._until(arrival_us)
        return changed

    def passed(self, now_us: int) -> list[tuple[int, bool]]:
        """Time went by to `now_us`, with nothing more arriving until then."""
        return list(self._until(now_us))

    def next_us(self) -> int | None:
        """When the mind changes next if nothing arrives; None if never."""
        if self.suspected:
            return self._clear_us if self._clear_us is not None and self._stays_below(self._clear_us) else None
        return self._due_us

    def _stays_below(self, at_us: int) -> bool:
        return self._due_us is None or self._due_us > at_us

    def _until(self, now_us: int) -> Iterator[tuple[int, bool]]:
        """Changes up to and with `now_us`."""
        while (at_us := self.next_us()) is not None and at_us <= now_us:
            self.suspected = not self.suspected
            if not self.suspected:
                self._clear_us = None
            yield at_us, self.suspected
        if self._clear_us is not None and self._due_us is not None and self._due_us <= now_us:
            self._clear_us = None  # above the level again before it was trusted


class PauseGuard:
    """Convicts nobody for a while after the observer stood still itself.

    It is asked at every look at the suspicions, and a look that comes much too late says that
    the observer, not the subject, was away.

    Args:
        pause_us: Time between two looks that is a pause, and how long nobody is convicted after one;
            Cassandra's 5 s.
    """

    __slots__ = ("_looked_us", "_pause_us", "_paused_us")

    def __init__(self, pause_us: int = 5_000_000) -> None:
        refuse((at_least("pause_us", pause_us, 1),))
        self._pause_us = pause_us
        self._looked_us: int | None = None
        self._paused_us: int | None = None

    def may_convict(self, now_us: int) -> bool:
        """Whether a look at `now_us` may convict."""
        if self._looked_us is not None and now_us - self._looked_us > self._pause_us:
            self._paused_us = now_us
        self._looked_us = now_us
        return self._paused_us is None or now_us - self._paused_us >= self._pause_us
