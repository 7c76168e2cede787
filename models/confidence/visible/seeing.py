"""A client that is told how likely things are, and works out itself what became of what nobody answered.

It keeps what it was told, and what it says of its own unanswered commands at the instant at which it gives up: from
when it asked, and from when the way was last whole, which the answers to its other commands say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

from models.clients import Client, Drawn, Mix, Route, Workload
from models.confidence.visible.outcomes import Attempt, Line, outcome
from models.confidence.visible.values import Outcome, Stated, Survival
from models.store.requests import RolledBack, Submit, Unavailable
from models.visible_end import VisibleEnd
from sim.history import Kind, Value
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["SeeingClient"]

#: Attempts that are remembered of an entry, answered or not; older ones say nothing of what is silent now.
_REMEMBERED: Final = 512
#: What else has no answer: of so many, the earliest, which say since when.
_OTHERS: Final = 2
#: Answers that say that an attempt has no effect, now or later.
_WITHOUT_EFFECT: Final = (Unavailable, RolledBack)


class SeeingClient(Client):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: As for a client.
        share: As for a client.
        first_id: As for a client.
        route: As for a client.
        mix: As for a client.
        tenants: As for a client.
        line: What it believes of the way to who executes.
    """

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        share: float,
        first_id: int,
        route: Route,
        mix: Mix,
        tenants: int = 1,
        line: Line,
    ) -> None:
        super().__init__(ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants)
        self._line = replace(line, patience_us=workload.attempt_timeout_us) if line.queued else line
        #: By command, attempts that got no answer: whom, and when.
        self._silent: dict[int, list[tuple[Location, int]]] = {}
        #: By entry, when what was sent that has no answer, or none yet.
        self._unanswered: dict[Location, deque[tuple[int, int]]] = {}
        #: By entry, from when to when the way was whole, lately: from a send to its answer.
        self._whole: dict[Location, deque[tuple[int, int]]] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._survivals: dict[int, Survival] = {}

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """As others do; an answer that comes with a chance is unpacked."""
        entries, sent_us = self._route(request.aggregate), self.ctx.mono_us()
        entry = entries[attempt % len(entries)]
        unanswered = self._unanswered.setdefault(entry, deque(maxlen=_REMEMBERED))
        unanswered.append((sent_us, request.command_id))
        answer = yield from super()._ask(request, attempt, patience_us)
        if answer is None:
            self._silent.setdefault(request.command_id, []).append((entry, sent_us))
            return None
        if (sent_us, request.command_id) in unanswered:
            unanswered.remove((sent_us, request.command_id))
        if not isinstance(answer, _WITHOUT_EFFECT):
            self._whole.setdefault(entry, deque(maxlen=_REMEMBERED)).append((sent_us, self.ctx.mono_us()))
        if isinstance(answer, Stated):
            self._survivals[request.command_id] = answer.survival
            return answer.answer
        return answer

    def _record(self, command_id: int, drawn: Drawn, kind: Kind, value: Value, version: int | None = None) -> None:
        super()._record(command_id, drawn, kind, value, version)
        if kind is Kind.INVOKE:
            return
        silent = self._silent.pop(command_id, None)
        if kind is Kind.INFO and silent:
            now_us = self.ctx.mono_us()
            self._outcomes[command_id] = outcome(
                self._line, [self._attempt(command_id, entry, sent_us, now_us) for entry, sent_us in silent]
            )

    def _attempt(self, command_id: int, entry: Location, sent_us: int, now_us: int) -> Attempt:
        """What is known of the way at an attempt: spells from a send to its answer, in which it was whole."""
        end_us = next_us = None
        for begin_us, answer_us in sorted(self._whole.get(entry, ())):
            if begin_us <= sent_us or (end_us is not None and begin_us <= end_us):
                end_us = answer_us if end_us is None else max(end_us, answer_us)
            else:
                next_us = begin_us
                break
        low_us = sent_us if end_us is None else min(sent_us, end_us)
        high_us = now_us if next_us is None else next_us
        others = [us for us, by in self._unanswered.get(entry, ()) if low_us <= us <= high_us and by != command_id]
        return Attempt(
            sent_us=now_us - sent_us,
            since_us=None if end_us is None else now_us - end_us,
            until_us=None if next_us is None else now_us - next_us,
            others_us=tuple(now_us - us for us in sorted(others)[:_OTHERS]),
        )

    @property
    def told(self) -> VisibleEnd:
        """What was said of its commands."""
        return VisibleEnd(outcomes=tuple(self._outcomes.items()), survivals=tuple(self._survivals.items()))
