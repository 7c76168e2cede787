"""Clients of the service: they find instances through a directory, keep what they found, and ask again when refused.

A cached entry may be stale. It does no harm, since an instance that was replaced refuses; it costs an attempt, or the
patience of one where the instance is dead. A directory that is silent, or has heard of nothing yet, changes nothing of
what is cached; one that says that nobody runs is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from models.clients import Workload
from models.retrying.policy import End, Retrier, RetryPolicy
from models.services.options import ControlOptions
from models.services.words import Entry, Find, Found, NotHere, Serve, Served
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
        refreshed: How often a refusal or a silence made it look again.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"stale"})

    def __init__(self, ctx: Context, workload: Workload, options: ServiceClientOptions) -> None:
        super().__init__(ctx)
        self.refreshed = 0
        self._workload = workload
        self._options = options
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._draws = ctx.rng("arrivals")
        self._due_us = float(workload.begins_us)
        self._next_id = options.first_id
        self._entries: tuple[Entry, ...] = ()
        self._found_us: int | None = None
        self._told_nobody = False
        self._looking = False
        self._avoided: dict[tuple[int, int], int] = {}
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
        while not self._entries and ctx.mono_us() < deadline_us:
            yield from self._look()
            if self._told_nobody:
                break
            if not self._entries:
                yield ctx.sleep(min(self._workload.backoff_us, max(0, deadline_us - ctx.mono_us())))
        if not self._entries:
            self._record(op, Kind.FAIL, "refused:nobody" if self._told_nobody else "refused:unknown")
            return
        if self._found_us is None or ctx.mono_us() - self._found_us > self._options.control.cache_us:
            self._look_again()
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
                self._doubt(asked[-1])
            good = [one for one in self._entries if not self._is_avoided(one)] or list(self._entries) or asked
            chosen = good[(op + attempt) % len(good)]
            asked.append(chosen)
            return chosen.at

        return pick

    def _sayer(self, op: int, asked: list[Entry]) -> Callable[[int], Message]:
        return lambda left_us: Serve(op=op)

    def _note_last(self, asked: list[Entry], end: End) -> None:
        if not end.good and asked:
            self._doubt(asked[-1])
        if isinstance(end.answer, NotHere) and end.answer.over:
            self.ctx.note("stale", 1)

    def _doubt(self, entry: Entry) -> None:
        """Leave an instance alone for a lease, and look again."""
        self._avoided[entry.slot, entry.epoch] = self.ctx.mono_us() + self._options.control.lease_us
        self.refreshed += 1
        self._look_again()

    def _is_avoided(self, entry: Entry) -> bool:
        return self._avoided.get((entry.slot, entry.epoch), 0) > self.ctx.mono_us()

    # -- the directories -----------------------------------------------------------------------

    def _look_again(self) -> None:
        if not self._looking:
            self.ctx.set_timer(0, self._look)

    def _look(self) -> Generator[Wait, Any, None]:
        """Ask directories, the nearest first, until one knows."""
        if self._looking:
            yield self.ctx.sleep(self._workload.backoff_us)
            return
        self._looking = True
        for directory in self._options.directories:
            answer = yield self.ctx.call(directory, Find(), self._options.control.patience_us)
            if isinstance(answer, Found) and (answer.knows or answer.entries):
                self._entries = answer.entries
                self._found_us = self.ctx.mono_us()
                self._told_nobody = not answer.entries
                break
        self._looking = False

    def _record(self, op: int, kind: Kind, value: int | str | None, version: int | None = None) -> None:
        self.ctx.record(Operation(op, kind, "serve", 0, value, version))
