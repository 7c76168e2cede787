"""A handler's questions to the store: the newest of a stream, and appends that expect a version.

Only the leader of a shard knows what is newest; a member that does not lead is silent. So whoever asks
goes on to the next member where one is silent or refuses, and stays with the one that answered.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from models.domain import Event
from models.layout import shard_of
from models.loading.options import LoadingOptions
from models.store.requests import (
    Accepted,
    Append,
    Conflict,
    ReadStream,
    StreamSlice,
    Submit,
    Unavailable,
)
from sim.host import Context, Wait

__all__ = ["Store"]


class Store:
    """The store as one handler sees it.

    Attributes:
        looked: Look-ups that it has made.
        appends: Appends that it has asked for.

    Args:
        ctx: Its host.
        options: The handler's.
        took: Is told how long each look-up took that was answered.
    """

    def __init__(
        self, ctx: Context, options: LoadingOptions, took: Callable[[int], object] = lambda took_us: None
    ) -> None:
        self.looked = 0
        self.appends = 0
        self._ctx = ctx
        self._options = options
        self._took = took
        self._turn = [0] * len(options.members)

    def look(self, msg: Submit, after: int, limit: int) -> Wait:
        """The newest of a stream, beyond a version; yields None if nobody answers in time."""
        self.looked += 1
        shard = self._shard(msg)
        question = ReadStream(aggregate=msg.aggregate, after=after, limit=limit, tenant=msg.tenant)
        wait = self._ctx.call(self._member(shard), question, self._options.ask_us)
        turn, asked_us = self._turn[shard], self._ctx.mono_us()

        def answered(answer: Any) -> None:
            if isinstance(answer, StreamSlice):
                self._took(self._ctx.mono_us() - asked_us)
            else:
                self._go_on(shard, turn)

        wait.when_done(answered)
        return wait

    def append(self, msg: Submit, event: Event, expected: int) -> Generator[Wait, Any, Any]:
        """Append what a command led to, if the stream is where it was decided; returns the store's answer."""
        self.appends += 1
        shard = self._shard(msg)
        asked = Append(
            event_id=msg.command_id, aggregate=msg.aggregate, event=event, expected=expected, tenant=msg.tenant
        )
        turn = self._turn[shard]
        answer = yield self._ctx.call(self._member(shard), asked, self._options.ask_us)
        if answer is None or isinstance(answer, Unavailable):
            self._go_on(shard, turn)
        assert answer is None or not isinstance(answer, Accepted | Conflict) or answer.command_id == msg.command_id
        return answer

    def _shard(self, msg: Submit) -> int:
        count = len(self._options.members)
        return shard_of(msg.aggregate, count) if count > 1 else 0

    def _member(self, shard: int) -> Any:
        members = self._options.members[shard]
        return members[self._turn[shard] % len(members)]

    def _go_on(self, shard: int, turn: int) -> None:
        """Ask the next member from now on, unless another question has found that out already."""
        if self._turn[shard] == turn:
            self._turn[shard] += 1
