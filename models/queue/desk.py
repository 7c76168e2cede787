"""The people of a queue: they have what is parked tried again, and count at the end what is left.

In the history, in sessions `audit/SHARD`: `retry` (value: letters that came back) and `remain` (value: the messages
that are waiting, held or parked, of a shard at rest). Whoever comes to the desk after one that died knows only by the
clock what was to be done by then, and does it, once more if need be.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from models.driver import AUDIT
from models.queue.clients import Brokers
from models.queue.words import Browse, Browsed, RetryParked, RetryTold
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait
from sim.message import Message

__all__ = ["Desk", "DeskOptions"]

_PAUSE_US: Final = 250_000
_ATTEMPTS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """What they do.

    Attributes:
        first_id: Of their operations.
        retry_us: When they have what is parked tried again; below 0 for never.
        audit_us: When they count; None for never.
        ask_us: Patience with an answer.
    """

    first_id: int
    retry_us: int = -1
    audit_us: int | None = None
    ask_us: int = 500_000


class Desk(Service):
    """Operators of a queue on one client host.

    Args:
        ctx: Its host.
        options: What they do.
        brokers: Whom they ask.
    """

    def __init__(self, ctx: Context, options: DeskOptions, brokers: Brokers) -> None:
        super().__init__(ctx)
        self._options = options
        self._brokers = brokers
        self._next_id = options.first_id + ctx.mono_us()  # of no two lives the same: time goes on

    def start(self) -> None:
        """See each shard at its time, at once where that has passed."""
        now_us, options = self.ctx.mono_us(), self._options
        for shard in range(len(self._brokers.routes)):
            if options.retry_us >= 0:
                self.ctx.set_timer(max(0, options.retry_us - now_us), self._see, shard, "retry", RetryParked())
            if options.audit_us is not None:
                self.ctx.set_timer(max(0, options.audit_us - now_us), self._see, shard, "remain", Browse())

    def _see(self, shard: int, f: str, request: Message) -> Generator[Wait, Any, None]:
        """Ask until there is an answer."""
        op, self._next_id = self._next_id, self._next_id + 1
        self._record(op, Kind.INVOKE, f, shard, None)
        for _ in range(_ATTEMPTS):
            answer = yield from self._brokers.ask(self.ctx, shard, request, self._options.ask_us)
            if isinstance(answer, RetryTold):
                self._record(op, Kind.OK, f, shard, answer.letters)
                return
            if isinstance(answer, Browsed):
                self._record(op, Kind.OK, f, shard, (*answer.waiting, *answer.parked))
                return
            yield self.ctx.sleep(_PAUSE_US)
        self._record(op, Kind.INFO, f, shard, None)

    def _record(self, op: int, kind: Kind, f: str, shard: int, value: int | tuple[int, ...] | None) -> None:
        self.ctx.record(Operation(op, kind, f, f"shard {shard}", value, None, f"{AUDIT}{shard}"))
