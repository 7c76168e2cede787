"""Users who find view hosts through a directory, keep what they found, and look again when one is silent or over."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar

from models.clients import Workload
from models.reading.users import User, UserOptions
from models.reading.words import Query, Rows
from models.services.finding import Finder
from models.services.options import ControlOptions
from models.services.words import NotHere
from sim.host import Context, Wait
from sim.message import Message
from sim.topology import Location

__all__ = ["SeekingUser"]


class SeekingUser(User):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: As for any user.
        options: As for any user; its gateways are not used.
        route: As for any user.
        directories: Whom to ask for view hosts, the nearest first.
        control: How long what was found is kept.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"stale"})

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        options: UserOptions,
        route: Callable[[int], Sequence[Location]],
        directories: tuple[Location, ...],
        control: ControlOptions,
    ) -> None:
        super().__init__(ctx, workload, options, route)
        self.finder = Finder(ctx, directories, control, workload.backoff_us)

    def ask(self, query: Query, op: int) -> Generator[Wait, Any, Message | None]:
        """The answer of a view host; of another one, while time lasts, if it is silent, not ready yet, or over."""
        ctx, finder, workload = self.ctx, self.finder, self._workload
        until_us = ctx.mono_us() + workload.deadline_us
        yield from finder.until_found(until_us)
        finder.freshen()
        answer: Message | None = None
        turn = op >> 1  # ids of operations are two apart
        while finder.entries and (left_us := until_us - ctx.mono_us()) > 0:
            good = finder.good
            chosen = good[turn % len(good)]
            answer = yield ctx.call(chosen.at, query, min(left_us, query.patience_us + workload.attempt_timeout_us))
            if isinstance(answer, Rows):
                break
            if isinstance(answer, NotHere) and answer.over:
                ctx.note("stale", chosen.slot)
            finder.doubt(chosen)
            turn += 1
            yield ctx.sleep(min(workload.backoff_us, max(0, until_us - ctx.mono_us())))
        return answer
