"""A client that learns from answers whom it had better not ask.

Any member of a group hands a request on to its leader, so a client asks the nearest one first. One that died costs it
an attempt with every operation, until a detector that hears of answers and of questions left unanswered says that it
is silent; then the next is asked. One that only stood still is passed over just so, and that costs a longer way.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.clients import Client, Mix, Route, Workload
from models.detection import Plan
from models.detection.answering import Answering
from models.store.requests import Submit
from sim.host import Context, Wait

__all__ = ["RoutingClient"]

#: Age from which a question that an entry left unanswered says nothing any more.
_AGAIN_US: Final = 2_000_000


class RoutingClient(Client):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: As for a client.
        share: As for a client.
        first_id: As for a client.
        route: As for a client.
        mix: As for a client.
        tenants: As for a client.
        detector: By its answers, which entry is asked after the others.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"detour"})

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
        detector: Plan,
    ) -> None:
        super().__init__(ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants)
        self._answering = Answering(detector.make, _AGAIN_US)

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """As others do, but of the entry whose turn it is only if it is not silent; noted is which was passed over."""
        entries, asked_us = self._route(request.aggregate), self.ctx.mono_us()
        turn = attempt % len(entries)
        place = self._answering.choose(entries, turn, asked_us)
        if place != turn:
            self.ctx.note("detour", int(entries[turn]))
        answer = yield self.ctx.call(entries[place], request, patience_us)
        if answer is None:
            self._answering.lapsed(entries[place], asked_us, self.ctx.mono_us())
        else:
            self._answering.answered(entries[place], self.ctx.mono_us())
        return answer
