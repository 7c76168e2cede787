"""Whoever holds a slot: it says that it lives, how busy it is, and that it is over once it was told so.

What it does for clients is a subclass's (`instance`; on the read side `models.reading.scaling`). Told to stop it is
over for this life: if its host restarts it holds its slot again, which nobody else has, until it is heard of, and told
once more.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

from models.services.options import ControlOptions
from models.services.words import Beat, Gone, Stop
from sim.host import Service, Wait, handles
from sim.topology import Location

__all__ = ["Seat", "SlotHolder", "holder_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a holder is for; `host` is its host's topology index."""

    slot: int
    epoch: int
    host: int


def holder_name(seat: Seat) -> str:
    """What the holder of a seat is called on its host; asked for twice, it is started once."""
    return f"worker-{seat.slot}-{seat.epoch}"


class SlotHolder(Service):
    """One holder of a slot; whoever makes it says what it `holds`.

    Attributes:
        seat: What it is for.
        over: Whether it was replaced, or told to stop.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"deposed"})

    def holds(self, seat: Seat, listeners: tuple[Location, ...], control: ControlOptions) -> None:
        """Be the holder of a seat, and tell directories and watchers as often as `control` says that it lives."""
        self.seat = seat
        self.over = False
        self._listeners = listeners
        self._control = control
        self._given = 0

    @property
    def acts(self) -> bool:
        """Whether it serves, and knows of nobody after it."""
        return not self.over

    def given(self) -> None:
        """Count one more request, whatever becomes of it."""
        self._given += 1

    def says_it_lives(self) -> Generator[Wait, Any, None]:
        """Beat for as long as it is not over."""
        control = self._control
        # Heartbeats of another life go on in the same rhythm: a detector by when they are due must not ignore them.
        for sequence in count(self.ctx.mono_us() // control.beat_us):
            if self.over:
                return
            rate_per_s = self._given * 1_000_000 / control.beat_us
            self._given = 0
            beat = Beat(slot=self.seat.slot, epoch=self.seat.epoch, sequence=sequence, rate_per_s=rate_per_s)
            for listener in self._listeners:
                self.ctx.send(listener, beat)
            yield self.ctx.sleep(control.beat_us)

    @handles(Stop)
    def on_stop(self, msg: Stop, sender: Location) -> None:
        """Act no more."""
        if msg.epoch == self.seat.epoch and msg.slot == self.seat.slot:
            self.end()

    def end(self) -> None:
        """Be over, and say so once."""
        if not self.over:
            self.over = True
            self.ctx.note("deposed", f"{self.seat.slot}/{self.seat.epoch}")
            for listener in self._listeners:
                self.ctx.send(listener, Gone(slot=self.seat.slot, epoch=self.seat.epoch))
