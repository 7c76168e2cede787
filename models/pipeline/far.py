"""The second host of pipes: for each first host an epoch of its own, with the rest of the stages.

An epoch ends by the first host's word, by a newer one, by the failure of a stage here, or when nothing was heard of
the first host for a lease: then nobody waits for what is under way, and who works on it stops. What still arrives of an
epoch that is over is not done; the first host hears that it is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, Final

from models.domain import Domain
from models.pipeline.joining import Generation, Handle
from models.pipeline.options import PipelineOptions
from models.pipeline.plan import StagePlan
from models.pipeline.stages import Stages
from models.pipeline.ticket import Ticket
from models.pipeline.words import Beat, Carry, Closed, Credit, Done, Open, Opened, Withdraw
from sim.channel import Cause
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Epoch", "FarServer"]

#: The stage that hands answers to the first host.
BACK: Final = "back"
_GONE: Final = "nothing was heard of the other end for a lease"
_LOST: Final = "a request was lost on the way"


class Epoch:
    """What one first host has opened here.

    Attributes:
        number: Of the epoch.
        pipe: Its stages.
        tickets: By number, what is not done.
        came: Requests that were carried.
        taken: Of these, those that the first stage has begun with.
        sent: Answers, and failures, that were sent back.
        heard_us: When the first host was last heard of.
        closed: Whether it is over.
    """

    def __init__(self, number: int, now_us: int) -> None:
        self.number = number
        self.pipe: Generation | None = None
        self.tickets: dict[int, Ticket] = {}
        self.came = 0
        self.taken = 0
        self.sent = 0
        self.heard_us = now_us
        self.closed = False


class FarServer(Service):
    """The second host.

    Attributes:
        counts: `carried`, `stale` (of an epoch that is over), `withdrawn`, and what stages did.
        epochs: By first host, the last epoch.
        generations: All pipes that are not at an end.
    """

    def __init__(self, ctx: Context, options: PipelineOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.options = options
        self.counts: Counter[str] = Counter()
        self.epochs: dict[Location, Epoch] = {}
        self.generations: list[Generation] = []
        self.stages = Stages(ctx, options, domain, self.counts)
        self._first = options.plan.far[0].name

    def start(self) -> None:
        """See to it that a stage fails now and then, if one is to."""
        if self.options.fails_every_us:
            self.ctx.set_timer(self.options.fails_every_us, self._doom)

    @handles(Open)
    def on_open(self, msg: Open, sender: Location) -> None:
        """Begin an epoch; an earlier one of the same host is over."""
        before = self.epochs.get(sender)
        if before is not None:
            self._close(before, sender, Cause(BACK, "another was opened"), tell=False)
        epoch = self.epochs[sender] = Epoch(msg.epoch, self.ctx.mono_us())
        stages = [*self.options.plan.far, StagePlan(BACK, self.options.plan.reply.capacity)]
        epoch.pipe = self.options.pipe(
            self.ctx,
            stages,
            lambda name: self._handle(name, epoch, sender),
            lambda cause: self._close(epoch, sender, cause, tell=True),
            lambda name, ticket: self._took(epoch, sender, name, ticket),
        )
        self.generations = [*(one for one in self.generations if not one.over), epoch.pipe]
        self.counts["opened"] += 1
        self.ctx.send(sender, Opened(epoch=msg.epoch, window=stages[0].capacity))
        self.ctx.set_timer(self.options.beat_us, self._beat, epoch, sender)

    @handles(Carry)
    def on_carry(self, msg: Carry, sender: Location) -> None:
        """Put it before the first stage, where there is room as long as the first host keeps to its credit."""
        epoch = self._epoch_of(msg.epoch, sender)
        if epoch is None:
            return
        assert epoch.pipe is not None
        if msg.number != epoch.came + 1:
            epoch.pipe.close(self._first, Cause(BACK, _LOST))
            return
        self.counts["carried"] += 1
        epoch.came += 1
        due_us = self.ctx.mono_us() + msg.patience_us
        done = lambda ticket, stage, reason: self._failed(epoch, sender, ticket, stage, reason)  # noqa: E731
        ticket = Ticket(msg.number, msg.request, msg.user, msg.token, due_us, self.ctx.wait(), self.ctx.wait(), done)
        epoch.tickets[msg.number] = ticket
        # A deadline of its own: the first host may be cut off when it is over.
        self.ctx.set_timer(msg.patience_us, self._give_up, epoch, ticket)
        accepted = epoch.pipe.inlet.send(ticket)
        epoch.pipe.queued(epoch.pipe.inlet)
        assert accepted.done, "the first host sent more than there was room for"

    @handles(Withdraw)
    def on_withdraw(self, msg: Withdraw, sender: Location) -> None:
        """Stop."""
        epoch = self._epoch_of(msg.epoch, sender)
        ticket = None if epoch is None else epoch.tickets.get(msg.number)
        if epoch is not None and ticket is not None:
            self.counts["withdrawn"] += 1
            self._give_up(epoch, ticket)

    @handles(Beat)
    def on_beat(self, msg: Beat, sender: Location) -> None:
        """It is there; nothing that it has sent before this may be missing."""
        epoch = self._epoch_of(msg.epoch, sender)
        if epoch is not None and msg.sent > epoch.came:
            assert epoch.pipe is not None
            epoch.pipe.close(self._first, Cause(BACK, _LOST))

    @handles(Closed)
    def on_closed(self, msg: Closed, sender: Location) -> None:
        """The first host has closed its end."""
        epoch = self.epochs.get(sender)
        if epoch is not None and epoch.number == msg.epoch:
            self._close(epoch, sender, Cause(msg.stage, msg.reason), tell=False)

    def _epoch_of(self, number: int, sender: Location) -> Epoch | None:
        """The epoch that a message is of; the sender is told if that is over, or was never here."""
        epoch = self.epochs.get(sender)
        if epoch is None or epoch.number != number or epoch.closed:
            self.counts["stale"] += 1
            self.ctx.send(sender, Closed(epoch=number, stage=BACK, reason="that epoch is over"))
            return None
        epoch.heard_us = self.ctx.mono_us()
        return epoch

    # -- stages ------------------------------------------------------------------------------

    def _handle(self, name: str, epoch: Epoch, sender: Location) -> Handle:
        if name == BACK:
            return lambda ticket: self._back(epoch, sender, ticket)
        return self.stages.of(name)

    def _took(self, epoch: Epoch, sender: Location, stage: str, ticket: Ticket) -> None:
        """The first stage has taken one, be it over or not: the first host may send another."""
        if stage == self._first and not epoch.closed:
            epoch.taken = max(epoch.taken, ticket.key)
            self.ctx.send(sender, Credit(epoch=epoch.number, taken=epoch.taken))

    def _back(self, epoch: Epoch, sender: Location, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """The last stage: the answer goes back."""
        ticket.end()
        self._done(epoch, sender, Done(epoch=epoch.number, number=ticket.key, answer=ticket.result))
        yield from ()
        return False

    def _failed(self, epoch: Epoch, sender: Location, ticket: Ticket, stage: str, reason: str) -> None:
        self.counts["failed"] += 1
        self._done(
            epoch,
            sender,
            Done(epoch=epoch.number, number=ticket.key, stage=stage, reason=reason, risky=ticket.risky),
        )

    def _give_up(self, epoch: Epoch, ticket: Ticket) -> None:
        """Nobody waits for it: whoever works on it is told."""
        ticket.end()
        epoch.tickets.pop(ticket.key, None)

    def _done(self, epoch: Epoch, sender: Location, done: Done) -> None:
        epoch.tickets.pop(done.number, None)
        if not epoch.closed:
            epoch.sent += 1
            self.ctx.send(sender, done)

    def _close(self, epoch: Epoch, sender: Location, cause: Cause, *, tell: bool) -> None:
        """An epoch is over: its stages end, in both directions, and nobody waits for what is under way."""
        if epoch.closed:
            return
        assert epoch.pipe is not None
        if tell:
            # What failed with it is told first, each with its own stage.
            self.ctx.set_timer(0, self._say_closed, epoch, sender, cause)
        else:
            epoch.closed = True
        epoch.pipe.close(self._first, cause)
        if epoch.closed:
            self._end_all(epoch)

    def _say_closed(self, epoch: Epoch, sender: Location, cause: Cause) -> None:
        if not epoch.closed:
            epoch.closed = True
            self._end_all(epoch)
            self.ctx.send(sender, Closed(epoch=epoch.number, stage=cause.origin, reason=str(cause.failure)))

    def _end_all(self, epoch: Epoch) -> None:
        left, epoch.tickets = epoch.tickets, {}
        for ticket in left.values():
            ticket.end()

    def _beat(self, epoch: Epoch, sender: Location) -> None:
        if epoch.closed:
            return
        if self.ctx.mono_us() - epoch.heard_us >= self.options.lease_us:
            self._close(epoch, sender, Cause(BACK, _GONE), tell=True)
            return
        window = self.options.plan.far[0].capacity
        self.ctx.send(sender, Beat(epoch=epoch.number, sent=epoch.sent, window=window, taken=epoch.taken))
        self.ctx.set_timer(self.options.beat_us, self._beat, epoch, sender)

    def held(self) -> list[tuple[str, int]]:
        """What stages have been at, and for how long."""
        return [one for pipe in self.generations for one in pipe.held()]

    def _doom(self) -> None:
        self.stages.doom()
        self.ctx.set_timer(self.options.fails_every_us, self._doom)
