"""Clients of the service: they find instances through a directory, keep what they found, and ask again when refused.

A cached entry may be stale (`finding`). It does no harm, since an instance that was replaced refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from models.clients import Workload
from models.retrying.policy import End, Retrier, RetryPolicy
from models.services.finding import Finder
from models.services.options import ControlOptions
from models.services.words import Entry, NotHere, Serve, Served
from sim.history import Kind, Operation
from sim.host import Context, Service, Wait
from sim.message import Message
from sim.topology import Location

__all__ = ["ServiceClient", "ServiceClientOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceClientOptions:
    """What the users of one client host are told.

    Attributes:
        directories: Whom to ask for instances, the nearest first.
        share: Part of the whole load.
        first_id: Operation ids count up from here.
        control: How long what was found is kept.
        policy: Of every request.
    """

    directories: tuple[Location, ...]
    share: float
    first_id: int
    control: ControlOptions
    policy: RetryPolicy = field(default_factory=RetryPolicy)


class ServiceClient(Service):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: Rate, beginning, end and deadline; the rest is not used.
        options: Whom they ask, and how.

    Attributes:
        finder: What it knows of who runs.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"stale"})

    def __init__(self, ctx: Context, workload: Workload, options: ServiceClientOptions) -> None:
        super().__init__(ctx)
        self.finder = Finder(ctx, options.directories, options.control, workload.backoff_us)
        self._workload = workload
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._draws = ctx.rng("arrivals")
        self._due_us = float(workload.begins_us)
        self._next_id = options.first_id
        self._retrier = Retrier(ctx, options.policy, good=lambda answer: isinstance(answer, Served))

    def start(self) -> None:
        """Schedule the first arrival; a host that restarts after the beginning stays idle."""
        if self.ctx.mono_us() <= self._workload.begins_us:
            self._schedule()

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        op, self._next_id = self._next_id, self._next_id + 1
        self._schedule()
        return self._operate(op) if self._workload.issues(op) else None

    def _operate(self, op: int) -> Generator[Wait, Any, None]:
        ctx = self.ctx
        self._record(op, Kind.INVOKE, None)
        deadline_us = ctx.mono_us() + self._workload.deadline_us
        finder = self.finder
        yield from finder.until_found(deadline_us)
        if not finder.entries:
            self._record(op, Kind.FAIL, "refused:nobody" if finder.told_nobody else "refused:unknown")
            return
        finder.freshen()
        asked: list[Entry] = []
        end = yield from self._retrier.call(self._picker(op, asked), self._sayer(op, asked), deadline_us)
        self._note_last(asked, end)
        if end.good:
            assert isinstance(end.answer, Served)
            self._record(op, Kind.OK, end.answer.slot, end.answer.epoch)
        else:
            self._record(op, Kind.INFO if end.unheard else Kind.FAIL, f"refused:{end.why}")

    # -- choosing an instance ------------------------------------------------------------------

    def _picker(self, op: int, asked: list[Entry]) -> Callable[[int], Location]:
        def pick(attempt: int) -> Location:
            if asked:
                # Asked again means that it was refused, or that nothing was heard.
                self.finder.doubt(asked[-1])
            good = self.finder.good or asked
            chosen = good[(op + attempt) % len(good)]
            asked.append(chosen)
            return chosen.at

        return pick

    def _sayer(self, op: int, asked: list[Entry]) -> Callable[[int], Message]:
        return lambda left_us: Serve(op=op)

    def _note_last(self, asked: list[Entry], end: End) -> None:
        if not end.good and asked:
            self.finder.doubt(asked[-1])
        if isinstance(end.answer, NotHere) and end.answer.over:
            self.ctx.note("stale", 1)

    def _record(self, op: int, kind: Kind, value: int | str | None, version: int | None = None) -> None:
        self.ctx.record(Operation(op, kind, "serve", 0, value, version))
