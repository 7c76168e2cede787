"""Members with one thing wrong each, for which some cell of the table of replication must turn red."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from models.store.group.aside import Aside
from models.store.group.shipping import Outbound
from models.store.log.entries import Entry
from models.store.shard import Shard
from sim.host import Wait
from sim.storage import TORN


class NothingAside(Aside):
    """Keeps nothing of what it is given."""

    def keep(self, entries: Iterable[Entry]) -> Generator[Wait, Any, None]:
        yield from ()


class Careless(Shard):
    """Gives up what it acknowledged as a leader, and sets none of it aside."""

    ASIDE = NothingAside


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


class Presuming(Shard):
    """Saves how far it is apart from what it has, and goes on from there in its next life."""

    def _take(self, entries: Sequence[Entry]) -> None:
        super()._take(entries)
        self.ctx.disk.append("position", self.journal.length)

    def _begin(self) -> None:
        super()._begin()
        saved = (record for record in self.ctx.disk.read("position") if record is not TORN)
        self._inbound.received = max(self._inbound.received, *saved, 0)
