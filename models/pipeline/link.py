"""The first host's end of a channel between two hosts: bounded by credit, closed from either end, leased.

It is a stage of the pipe: what it reads it carries to the second host, as far as that has room, and what comes back
goes into `reply`. Each life of it is an epoch with a number of its own. Whoever closes tells the other end, and
across a cut no telling helps: so each end says every so often that it is there and how much it has sent, and closes by
itself when it has not heard of the other for the length of a lease, or finds that something is missing. What was
carried by then may have taken effect, and its clients are told so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final

from models.pipeline.joining import Generation
from models.pipeline.options import PipelineOptions
from models.pipeline.plan import LINK
from models.pipeline.ticket import Ticket
from models.pipeline.words import Beat, Carry, Closed, Credit, Done, Open, Opened, Withdraw
from sim.channel import Cause
from sim.host import Context, Wait

__all__ = ["Near"]

_EPOCHS: Final = 1 << 48


class Near:
    """One epoch, as the first host sees it.

    Args:
        ctx: The first host.
        options: As its server is told.
        hear: Takes what became of a request that was carried.

    Attributes:
        under_way: By number, requests that were carried and not done.
    """

    def __init__(
        self,
        ctx: Context,
        options: PipelineOptions,
        hear: Callable[[Ticket, Done], Generator[Wait, Any, None] | None],
    ) -> None:
        assert options.far is not None
        self.under_way: dict[int, Ticket] = {}
        self._ctx = ctx
        self._options = options
        self._hear = hear
        self._far = options.far
        self._epoch = 1 + ctx.rng("epoch").below(_EPOCHS)
        self._window = 0
        self._sent = 0
        self._taken = 0
        self._done = 0
        self._room: Wait | None = None
        self._heard_us = ctx.mono_us()
        self._pipe: Generation | None = None
        self._closed = False

    def live(self, pipe: Generation) -> None:
        """Open the other end, for a pipe."""
        self._pipe = pipe
        self._ctx.send(self._far, Open(epoch=self._epoch))
        self._ctx.set_timer(self._options.beat_us, self._beat)

    def carry(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """The stage: wait until the other end has room, and send it; its answer comes another way."""
        ctx = self._ctx
        while self._sent - self._taken >= self._window and not self._closed and not ticket.over:
            self._room = ctx.wait()
            ticket.ended.when_done(self._room.resolve)
            yield self._room
        left_us = ticket.deadline_us - ctx.mono_us()
        if ticket.over or self._closed or left_us <= 0:
            ticket.fail(LINK, "closed")
            return False
        self._sent += 1
        ticket.carried, ticket.risky = self._sent, True
        self.under_way[self._sent] = ticket
        ctx.send(
            self._far,
            Carry(
                epoch=self._epoch,
                number=self._sent,
                request=ticket.request,
                user=ticket.user,
                token=ticket.token,
                patience_us=left_us,
            ),
        )
        return False

    def withdraw(self, ticket: Ticket) -> None:
        """Nobody waits for it any more."""
        if self.under_way.get(ticket.carried) is ticket:
            del self.under_way[ticket.carried]
            self._ctx.send(self._far, Withdraw(epoch=self._epoch, number=ticket.carried))

    def awaited(self, number: int) -> Ticket | None:
        """The request that an answer is to; None if nobody waits for that any more."""
        return self.under_way.pop(number, None)

    def close(self, cause: Cause) -> None:
        """Close this end, and tell the other; what is under way fails with the cause."""
        if self._closed:
            return
        self._closed = True
        self._ctx.send(self._far, Closed(epoch=self._epoch, stage=cause.origin, reason=str(cause.failure)))
        self._go_on()
        left, self.under_way = self.under_way, {}
        for ticket in left.values():
            ticket.fail(cause.origin, str(cause.failure))

    # -- what the other end says -------------------------------------------------------------

    def on_opened(self, msg: Opened) -> None:
        """It has so much room."""
        if self._is_mine(msg.epoch):
            self._window = msg.window
            self._go_on()

    def on_credit(self, msg: Credit) -> None:
        """It has begun with so many."""
        if self._is_mine(msg.epoch):
            self._taken = max(self._taken, msg.taken)
            self._go_on()

    def on_done(self, msg: Done) -> Generator[Wait, Any, None] | None:
        """It is done with one."""
        if not self._is_mine(msg.epoch):
            return None
        self._done += 1
        ticket = self.awaited(msg.number)
        return None if ticket is None or ticket.over else self._hear(ticket, msg)

    def on_beat(self, msg: Beat) -> None:
        """It is there; of what it has sent before this nothing may be missing, since connections keep the order."""
        if not self._is_mine(msg.epoch):
            return
        if msg.sent > self._done:
            self._break("an answer was lost on the way")
            return
        self._window, self._taken = msg.window, max(self._taken, msg.taken)
        self._go_on()

    def on_closed(self, msg: Closed) -> None:
        """It has closed, and says why: the stages before this one learn it as they would next door."""
        if self._is_mine(msg.epoch):
            assert self._pipe is not None
            self._closed = True
            self._go_on()
            left, self.under_way = self.under_way, {}
            for ticket in left.values():
                ticket.fail(msg.stage, msg.reason)
            self._pipe.close(LINK, Cause(msg.stage, msg.reason))

    def _is_mine(self, epoch: int) -> bool:
        if epoch != self._epoch or self._closed:
            return False
        self._heard_us = self._ctx.mono_us()
        return True

    def _go_on(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.resolve(True)

    def _beat(self) -> None:
        if self._closed:
            return
        if self._ctx.mono_us() - self._heard_us >= self._options.lease_us:
            self._break("nothing was heard of the other end for a lease")
            return
        self._ctx.send(self._far, Beat(epoch=self._epoch, sent=self._sent))
        self._ctx.set_timer(self._options.beat_us, self._beat)

    def _break(self, why: str) -> None:
        assert self._pipe is not None
        self._pipe.close(LINK, Cause(LINK, why))
