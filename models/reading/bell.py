"""Who hears what projections announce: each event once, however often it is told.

A projection's effect must not happen again when history is replayed. Owners owe an announcement only for
events that went into the version that is shown; it is part of the view until the bell has it, so a crash
repeats it rather than losing it, and the bell knows by the event's id what it has heard.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.reading.words import Announce, Announced
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Bell"]


class Bell(Service):
    """Rings once for each event.

    Attributes:
        rung: By event, the version of the projection that it was first heard of from.
        repeated: How often something was told again.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.rung: dict[int, int] = {}
        self.repeated = 0

    def start(self) -> None:
        """Recall what an earlier life heard."""
        for record in self.ctx.disk.read("rung"):
            if record is not TORN:
                self.rung[record[0]] = record[1]

    @handles(Announce)
    def on_announce(self, msg: Announce, sender: Location) -> Generator[Wait, Any, Announced]:
        """Ring, unless it was told before."""
        if msg.event_id in self.rung:
            self.repeated += 1
        else:
            self.rung[msg.event_id] = msg.version
            self.ctx.disk.append("rung", (msg.event_id, msg.version))
        yield self.ctx.disk.flush("rung")
        return Announced(event_id=msg.event_id)
