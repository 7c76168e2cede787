"""A view host: it holds a slot, folds the logs in its heap, and answers queries for as long as it is wanted.

It says at once that it lives, so that nobody takes a host that reads a long log for a dead one, and answers once it has
had everything to its end: before that it would answer out of an empty view. Nothing that it does has to be fenced.
One that was replaced and does not know it answers on, and each answer says up to where it has the logs, and since when
it knows of nothing newer. While the write side is down it answers from what it has; one that starts then waits.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Final

from models.reading.feeds import LogFeed
from models.reading.live import LiveView
from models.reading.projections import Balances
from models.reading.words import Query, Rows
from models.services.holder import Seat, SlotHolder
from models.services.options import ControlOptions
from models.services.words import NotHere
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["ViewHost"]

#: Between looks of one that has never had all of the logs.
_AGAIN_US: Final = 50_000


class ViewHost(LiveView, SlotHolder):
    """One view host.

    Args:
        ctx: Its host.
        seat: What it is for.
        listeners: Directories and watchers, who hear that it lives.
        control: How often it says so.
        feeds: As for a live view.
        projection: As for a live view.
        batch: As for a live view.
        project_us: As for a live view.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"warm", "answers"})

    def __init__(
        self,
        ctx: Context,
        seat: Seat,
        listeners: tuple[Location, ...],
        control: ControlOptions,
        feeds: Sequence[LogFeed],
        projection: Balances,
        *,
        batch: int,
        project_us: int,
    ) -> None:
        super().__init__(ctx, feeds, projection, batch=batch, project_us=project_us)
        self.holds(seat, listeners, control)
        self._warm = False
        self._has_answered = False

    def start(self) -> Generator[Wait, Any, None]:
        """Read everything, and beside that say that it lives."""
        self.ctx.set_timer(0, self._warm_up)
        yield from self.says_it_lives()

    def _warm_up(self) -> Generator[Wait, Any, None]:
        while not self.over and not (yield from self.catch_up()):
            yield self.ctx.sleep(_AGAIN_US)
        self._warm = True
        self.ctx.note("warm", self.seat.slot)

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Generator[Wait, Any, Rows] | NotHere:
        """Answer, if it may and can."""
        self.given()
        if self.over or not self._warm:
            return NotHere(op=0, over=self.over)
        if not self._has_answered:
            self._has_answered = True
            self.ctx.note("answers", self.seat.slot)
        return self.answer(msg)
