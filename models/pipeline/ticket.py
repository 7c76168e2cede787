"""One request on its way through the stages of one host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.store.requests import Submit
from sim.channel import Channel
from sim.host import Wait
from sim.topology import Location

__all__ = ["Ticket"]


class Ticket:
    """A request, until somebody has its answer or nobody wants it any more.

    Attributes:
        key: What its host knows it by.
        request: What the store is to do.
        user: Who asks.
        token: What shows that.
        deadline_us: By the host's monotonic clock, when whoever asks gives up.
        stage: Where it is, or was last.
        route: The store's members to ask, in order, once that is known.
        risky: Whether it may have taken effect by now.
        result: The store's answer, once there is one.
        over: Whether nothing is left to do for it.
        ended: Yields True as it is over; who works on it then may stop.
        unwanted: Yields why as whoever asked gives up.
        answers: Where its client's task waits for the answer; None on a second host.
        carried: Its number in the epoch that it was carried in; 0 if it was not.
    """

    __slots__ = (
        "_failed",
        "answers",
        "carried",
        "deadline_us",
        "ended",
        "key",
        "over",
        "request",
        "result",
        "risky",
        "route",
        "stage",
        "token",
        "unwanted",
        "user",
    )

    def __init__(
        self,
        key: Any,
        request: Submit,
        user: int,
        token: int,
        deadline_us: int,
        ended: Wait,
        unwanted: Wait,
        failed: Callable[[Ticket, str, str], None],
        answers: Channel | None = None,
    ) -> None:
        self.key = key
        self.request = request
        self.user = user
        self.token = token
        self.deadline_us = deadline_us
        self.stage = "accept"
        self.route: tuple[Location, ...] = ()
        self.risky = False
        self.result: Any = None
        self.over = False
        self.ended = ended
        self.unwanted = unwanted
        self.answers = answers
        self.carried = 0
        self._failed = failed

    def fail(self, stage: str, reason: str) -> None:
        """It ends at a stage, and whoever awaits it is told where and why; once it is over nothing is said."""
        if not self.over:
            self.end()
            self._failed(self, stage, reason)

    def end(self) -> None:
        """Nothing is left to do for it."""
        self.over = True
        self.ended.resolve(True)
