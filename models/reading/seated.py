"""A consumer with a seat: one that the operator of the read side starts, and lets go, while traffic flows.

It reads until it is told not to. Then it saves what it has under way, releases its segments, tells the others, and is
silent. A restart has forgotten that; the operator says it again (`staffing`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from models.reading.projector import Projector
from models.reading.words import Left, Reads
from sim.host import handles
from sim.topology import Location

__all__ = ["Seated"]


class Seated(Projector):
    """One consumer of a group whose number changes; arguments as for a `Projector`."""

    NOTES: ClassVar[frozenset[str]] = frozenset({"handed", "left"})

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._reads = True
        self._gone = False

    @handles(Left)
    def on_left(self, msg: Left, sender: Location) -> None:
        """Another consumer has let go."""
        self._claims.left(msg.consumer)

    @handles(Reads)
    def on_reads(self, msg: Reads, sender: Location) -> None:
        """Read, or let go of everything."""
        self._reads = msg.reads
        self._gone = self._gone and not msg.reads

    def beat(self) -> None:
        """Tell the others that one lives; or, once, that one has let go."""
        if self._reads or self._busy:
            super().beat()
        elif not self._gone:
            self._gone = True
            for _, location in self._options.peers:
                self.ctx.send(location, Left(consumer=self._options.number))
            self.ctx.note("left", self._options.number)

    def mine(self, segment: int) -> bool:
        """As for any consumer, while it is to read."""
        return self._reads and super().mine(segment)

    def claimed(self, segment: int, owner: int, token: int) -> None:
        """Also whether another had let go of it before."""
        super().claimed(segment, owner, token)
        if owner == 0 and token > 1:
            self.ctx.note("handed", segment)
