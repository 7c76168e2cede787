"""Members with one thing wrong each, for which some cell of the table of replication must turn red."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from models.store.group.aside import Aside
from models.store.group.shipping import Inbound, Outbound
from models.store.group.wire import Ship
from models.store.log.entries import Entry
from models.store.shard import Shard
from sim.host import Wait


class Careless(Shard):
    """Gives up what it acknowledged as a leader, and sets none of it aside."""

    class ASIDE(Aside):
        def keep(self, entries: Iterable[Entry]) -> Generator[Wait, Any, None]:
            yield from ()


class Stubborn(Shard):
    """Follows whoever took its place, and does not truncate what that one has not."""

    def _step_down(self, mark: Any) -> Generator[Wait, Any, None]:
        self.ctx.point("R3")
        yield from self._live_under(mark.reigns)
        self._gave_up(self.journal.length)


class Withholding(Shard):
    """Drops the head of its log, and hands nothing to a peer that lacks it."""

    def _hand_over(self, out: Outbound) -> None:
        """Let it wait."""


class Leaping(Inbound):
    """Takes what lies beyond a gap as if it were next."""

    def take(self, ship: Ship) -> tuple[Entry, ...]:
        if ship.entries and ship.first > self.received + 1:
            self.received = ship.first - 1
        return super().take(ship)


class Skipping(Shard):
    """Appends what lies beyond a gap; what is missing it never asks for."""

    def _begin(self) -> None:
        super()._begin()
        self._inbound = Leaping(self.journal.length, held=self.options.ship.held)
