"""A client of the placed store: it keeps routes, asks by them, and learns better ones when they are refused.

Part of what it asks may be questions: a *look* at an aggregate goes the way that a command goes, by the same routes,
which are refused and learned again alike. Only who leads answers it; another owner says at once that it does not, and
the next one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar, Final

from models.clients import Client, Drawn, Mix, Workload
from models.detection import Plan
from models.detection.answering import Answering
from models.keyspace.directory import Directory
from models.keyspace.keys import pack_key
from models.keyspace.routing import Route, RouteCache, StaleRoute
from models.keyspace.words import BEHIND, COMING, NOT_LEADING, Rerouted, Routed, RouteQuery
from models.store.requests import Look, Seen, Submit, Unavailable
from models.tenancy import asked_as
from sim.history import Kind
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["LOOK", "PlacedClient"]

#: What a history calls a question for the state of an aggregate.
LOOK: Final = "look"

#: Most servers that one attempt asks, each because another sent it there.
_HOPS: Final = 5
#: Patience with a question for a route: as long as a round trip to the other end of the world.
_ASK_US: Final = 400_000
#: Age from which a question that a server left unanswered says nothing any more.
_AGAIN_US: Final = 2_000_000


class PlacedClient(Client):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: As for a client.
        share: As for a client.
        first_id: As for a client.
        mix: As for a client.
        directory: The map that it begins with no route of, for where keys are.
        domain: Number of the domain that it asks.
        server_of: The tablet server of a node.
        nearest: Whom it asks for routes, in this order: servers, the master last.
        routes: How many it keeps.
        detector: By their answers, whom it asks after the other owners; None to ask owners in their order.
        tenants: As for a client; a tenant is part of each key, and so of the route.
        looks: Share of operations that are questions, in [0, 1).

    Attributes:
        routes: What it keeps.
        refreshed: Routes that it learned in place of refused ones.
        looked_again: Those of them that a question led to.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"refreshed"})

    def __init__(
        self,
        ctx: Context,
        workload: Workload,
        *,
        share: float,
        first_id: int,
        mix: Mix,
        directory: Directory,
        domain: int,
        server_of: Callable[[int], Location],
        nearest: Sequence[Location],
        routes: int,
        detector: Plan | None = None,
        tenants: int = 1,
        looks: float = 0.0,
    ) -> None:
        super().__init__(ctx, workload, share=share, first_id=first_id, route=_nowhere, mix=mix, tenants=tenants)
        self.routes = RouteCache(routes)
        self.refreshed = 0
        self.looked_again = 0
        self._looks = looks
        self._choices = ctx.rng("looks")
        self._line = directory.on_line
        self._domain = domain
        self._server_of = server_of
        self._nearest = tuple(nearest)
        self._asked = 0
        self._answering = None if detector is None else Answering(detector.make, _AGAIN_US)

    def _operate(self, command_id: int, drawn: Drawn) -> Generator[Wait, Any, None]:
        """A command; or, of the same aggregate, a question in its place."""
        if self._looks and self._choices.random() < self._looks:
            return self._look(command_id, Drawn(drawn.aggregate, drawn.command, LOOK, drawn.value, drawn.tenant))
        return super()._operate(command_id, drawn)

    def _look(self, operation: int, drawn: Drawn) -> Generator[Wait, Any, None]:
        """Ask until somebody tells, or the deadline; what is not told cannot have done harm, so it fails."""
        ctx, workload = self.ctx, self._workload
        self._record(operation, drawn, Kind.INVOKE, None)
        until_us, backoff_us, attempt = ctx.mono_us() + workload.deadline_us, workload.backoff_us, 0
        tenant = asked_as(operation, self._tenants)[0] if self._tenants > 1 else drawn.tenant
        request, before = Look(aggregate=drawn.aggregate, tenant=tenant), self.refreshed
        while (left_us := until_us - ctx.mono_us()) > 0:
            asked_us = ctx.mono_us()
            answer = yield from self._ask(request, attempt, min(workload.attempt_timeout_us, left_us))
            answer = self._unpacked(operation, answer, ctx.mono_us() - asked_us)
            attempt += 1
            if isinstance(answer, Seen):
                self.looked_again += self.refreshed > before
                self._record(operation, drawn, Kind.OK, answer.told, answer.version)
                return
            if (left_us := until_us - ctx.mono_us()) > 0:
                yield ctx.sleep(min(backoff_us, left_us))
                backoff_us *= 2
        self._record(operation, drawn, Kind.FAIL, "refused:nobody tells")

    def _unpacked(self, operation: int, answer: Any, waited_us: int) -> Any:
        """What a question was answered, without what it may come with."""
        return answer

    def _ask(self, request: Submit | Look, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        """One attempt: from server to server, as they say, until one answers, or none does, or it has been to many."""
        key = pack_key(request.aggregate, domain=self._domain, tenant=request.tenant)
        point = self._line(key)
        until_us = self.ctx.mono_us() + patience_us
        elsewhere: Route | None = None
        turn = attempt
        for _ in range(_HOPS):
            left_us = until_us - self.ctx.mono_us()
            if left_us <= 0:
                break
            route = elsewhere or self.routes.find(point) or (yield from self._refresh(point, left_us))
            if route is None:
                break
            message = Routed(version=route.version, owners=route.owners, key=key, request=request)
            turn = self._owner(route, turn)
            answer = yield from self._call(route.owners[turn], message, max(1, until_us - self.ctx.mono_us()))
            if isinstance(answer, Unavailable) and answer.reason == NOT_LEADING and turn + 1 < len(route.owners):
                elsewhere, turn = route, turn + 1
                continue
            if not isinstance(answer, Rerouted):
                if answer is None and turn + 1 == len(route.owners):
                    # Nobody of them has answered: they may hold it no longer.
                    self.routes.refused(point, StaleRoute(route.version))
                return answer
            elsewhere, turn = self._sent_on(point, answer, turn)
        return Unavailable(command_id=getattr(request, "command_id", 0), reason="no right route")

    def _owner(self, route: Route, turn: int) -> int:
        """Whose turn it is among the owners, by place: the first from there on that is not silent, if any is not."""
        if self._answering is None:
            return turn % len(route.owners)
        return self._answering.choose(route.owners, turn, self.ctx.mono_us())

    def _call(self, owner: int, message: Routed, patience_us: int) -> Generator[Wait, Any, Any]:
        """Ask a server, and note whether it answers."""
        asked_us = self.ctx.mono_us()
        answer = yield self.ctx.call(self._server_of(owner), message, patience_us)
        if self._answering is not None:
            if answer is None:
                self._answering.lapsed(owner, asked_us, self.ctx.mono_us())
            else:
                self._answering.answered(owner, self.ctx.mono_us())
        return answer

    def _sent_on(self, point: int, answer: Rerouted, turn: int) -> tuple[Route | None, int]:
        """What to make of a refusal: a route for this once, or better ones to find; and whom of it to ask."""
        if answer.why == BEHIND:
            return None, turn + 1  # the next owner may have heard
        if answer.why == COMING:
            return Route(answer.version, answer.owners, answer.begin, answer.end), 0
        self.routes.refused(point, StaleRoute(answer.version))
        if answer.owners:
            self._learn(point, answer)
        return None, 0

    def _learn(self, point: int, answer: Rerouted) -> None:
        self.routes.learn(Route(answer.version, answer.owners, answer.begin, answer.end))
        self.refreshed += 1
        self.ctx.note("refreshed", answer.version)

    def _refresh(self, point: int, left_us: int) -> Generator[Wait, Any, Route | None]:
        """Ask for a route, one server after the other, each time beginning where the last one answered."""
        for _ in self._nearest:
            whom = self._nearest[self._asked % len(self._nearest)]
            answer = yield self.ctx.call(whom, RouteQuery(point=point), min(left_us, _ASK_US))
            if answer is not None:
                route = Route(answer.version, answer.owners, answer.begin, answer.end)
                self.routes.learn(route)
                return self.routes.find(point) or route
            self._asked += 1
            left_us -= _ASK_US
            if left_us <= 0:
                break
        return None


def _nowhere(aggregate: int) -> Sequence[Location]:
    """A placed client asks by its routes alone."""
    return ()
