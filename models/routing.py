"""A client that learns from answers whom it had better not ask.

Any member of a group hands a request on to its leader, so a client asks the nearest one first. One that died costs it
an attempt with every operation, until a detector that hears of answers and of questions left unanswered says that it
is silent; then the next is asked. One that only stood still is passed over just so, and that costs a longer way.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Final

from models.clients import Client, Mix, Route, Workload
from models.confidence.routing import AskedByBelief, Believed
from models.detection import Plan
from models.detection.answering import Answering
from models.store.requests import Submit
from sim.host import Context, Wait
from sim.topology import Location

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
        detector: By its answers, which entry is asked after the others; or what is believed of all of them.
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
        detector: Plan | Believed,
    ) -> None:
        super().__init__(ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants)
        self._detector = detector
        self._answering = None if isinstance(detector, Believed) else Answering(detector.make, _AGAIN_US)
        #: By the entries that are asked about one aggregate, who chooses among them.
        self._believing: dict[tuple[Location, ...], AskedByBelief] = {}

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """As others do, but of the entry whose turn it is only if it is not silent; noted is which was passed over."""
        entries, asked_us = self._route(request.aggregate), self.ctx.mono_us()
        turn = attempt % len(entries)
        believing = self._by_belief(entries)
        chooser = believing or self._answering
        assert chooser is not None, "either is there"
        place = chooser.choose(entries, turn, asked_us)
        if place != turn:
            self.ctx.note("detour", int(entries[turn]))
        answer = yield self.ctx.call(entries[place], request, patience_us)
        if answer is None:
            chooser.lapsed(entries[place], asked_us, self.ctx.mono_us())
        else:
            chooser.answered(entries[place], asked_us if believing else self.ctx.mono_us())
        return answer

    def _by_belief(self, entries: Sequence[Location]) -> AskedByBelief | None:
        """Who chooses by belief among these; None where a detector does."""
        if not isinstance(self._detector, Believed):
            return None
        key = tuple(entries)
        if key not in self._believing:
            self._believing[key] = self._detector.chooser(self.ctx.location, key)
        return self._believing[key]
