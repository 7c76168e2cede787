"""A client of API servers: it says who it is and how long it will wait, and says so when it waits no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, Final

from models.clients import Client, Mix, Route, Workload
from models.pipeline.words import ApiRequest, Broken, Cancel
from models.store.requests import Submit, Unavailable
from sim.host import Context, Wait

__all__ = ["ApiClient"]

#: Of a client's patience, what it leaves the server to tell it that there was no answer, and at which stage.
_FOR_THE_NEWS: Final = 0.1


class ApiClient(Client):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: As for a client.
        share: As for a client.
        first_id: As for a client.
        route: The API servers to ask.
        mix: As for a client.
        user: Who it is.
        token: What shows that.
        stranger_every: Each so-many-th request bears a token that is not its user's; 0 for none.

    Attributes:
        told: By stage, how many attempts failed there.
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
        user: int,
        token: int,
        stranger_every: int = 0,
    ) -> None:
        super().__init__(ctx, workload, share=share, first_id=first_id, route=route, mix=mix)
        self.told: Counter[str] = Counter()
        self._user = user
        self._token = token
        self._stranger_every = stranger_every
        self._requests = 0

    def _ask(self, request: Submit, attempt: int, patience_us: int) -> Generator[Wait, Any, Any]:
        self._requests += 1
        number = self._requests
        entries = self._route(request.aggregate)
        server = entries[attempt % len(entries)]
        stranger = self._stranger_every and number % self._stranger_every == 0
        asked = ApiRequest(
            number=number,
            request=request,
            user=self._user,
            token=self._token ^ 1 if stranger else self._token,
            patience_us=max(1, int(patience_us * (1 - _FOR_THE_NEWS))),
        )
        answer = yield self.ctx.call(server, asked, patience_us)
        if answer is None:
            self.ctx.send(server, Cancel(number=number))
        elif isinstance(answer, Broken):
            self.told[answer.stage] += 1
            return None  # what became of it is not known
        elif isinstance(answer, Unavailable):
            self.told[answer.reason.partition(":")[0]] += 1
        return answer
