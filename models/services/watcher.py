"""The monitor: it listens to heartbeats through a detector for each instance, and reports to schedulers.

It decides nothing. One that suspects more than a share of all instances at once takes itself for the one that is cut
off, and says so (`blind`); so does one that has only begun to listen. A scheduler that hears no watcher replaces
nobody.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import Any, ClassVar

from models.detection import Detector, FixedTimeout, MakeDetector
from models.services.options import ControlOptions
from models.services.words import Beat, Gone, Report, Seen
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Watcher"]

#: Suspicion from which an instance counts as overdue when a watcher looks at itself.
_OVERDUE = 0.5


class _Watched:
    """One instance under one epoch."""

    __slots__ = ("at", "detector", "rate_per_s")

    def __init__(self, at: Location, detector: Detector) -> None:
        self.at = at
        self.detector = detector
        self.rate_per_s = 0.0


class Watcher(Service):
    """One watcher.

    Args:
        ctx: Its host.
        control: How often it reports, and when it doubts itself.
        schedulers: To whom.
        detector: Makes what watches an instance; suspicion of 1 is its threshold.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"blind=begins", "blind=ends"})

    def __init__(
        self,
        ctx: Context,
        control: ControlOptions,
        schedulers: tuple[Location, ...],
        detector: MakeDetector | None = None,
    ) -> None:
        super().__init__(ctx)
        self.control = control
        self.schedulers = schedulers
        self._make = detector or (lambda: FixedTimeout(control.suspect_us))
        self._watched: dict[tuple[int, int], _Watched] = {}
        self._since_us = ctx.mono_us()
        self._blind = False

    def start(self) -> Generator[Wait, Any, None]:
        """Report for as long as it lives."""
        for number in count(1):
            yield self.ctx.sleep(self.control.report_us)
            report = Report(number=number, seen=self._seen(), blind=self._is_blind())
            for scheduler in self.schedulers:
                self.ctx.send(scheduler, report)

    @handles(Beat)
    def on_beat(self, msg: Beat, sender: Location) -> None:
        """Feed the instance's detector."""
        watched = self._watched.get((msg.slot, msg.epoch))
        if watched is None:
            watched = self._watched[msg.slot, msg.epoch] = _Watched(sender, self._make())
        watched.detector.observe(msg.sequence, self.ctx.mono_us())
        watched.rate_per_s = msg.rate_per_s

    @handles(Gone)
    def on_gone(self, msg: Gone, sender: Location) -> None:
        """Watch no more what does not count: its silence would be held against this watcher."""
        for seat in [(slot, epoch) for slot, epoch in self._watched if slot == msg.slot and epoch <= msg.epoch]:
            del self._watched[seat]

    def _seen(self) -> tuple[Seen, ...]:
        """Every instance that it knows of; those of earlier epochs only as long as they are heard."""
        now_us = self.ctx.mono_us()
        latest = dict(sorted(self._watched))
        found = []
        for (slot, epoch), watched in sorted(self._watched.items()):
            suspected = watched.detector.suspicion(now_us) >= 1
            if suspected and epoch < latest[slot]:
                del self._watched[slot, epoch]
                continue
            rate_per_s = 0.0 if suspected else watched.rate_per_s
            found.append(Seen(slot, epoch, watched.at, suspected, rate_per_s))
        return tuple(found)

    def _is_blind(self) -> bool:
        now_us = self.ctx.mono_us()
        overdue = sum(one.detector.suspicion(now_us) >= _OVERDUE for one in self._watched.values())
        young = now_us - self._since_us < self.control.suspect_us
        blind = young or overdue > self.control.preserve * len(self._watched)
        if blind is not self._blind:
            self._blind = blind
            self.ctx.note("blind", "begins" if blind else "ends")
        return blind
