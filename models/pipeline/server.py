"""The first host of a pipe: it takes requests, sees to it that each ends, and opens the pipe again where it broke.

Each request has a task of its own, which waits on a channel of its own for what `reply` hands it. That channel too
closes both ways. A stage that fails the request closes it for writing, with its name and the reason, which the client
is told; a client that gives up, or whose patience is over, closes it for reading, and who works for it is told.

What a client is told is certain: `Unavailable` where the request cannot have taken effect, `Broken` where it may have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.domain import Domain
from models.pipeline.joining import Generation, Handle
from models.pipeline.link import Near
from models.pipeline.options import PipelineOptions
from models.pipeline.plan import LINK, StagePlan
from models.pipeline.stages import Stages
from models.pipeline.ticket import Ticket
from models.pipeline.words import ApiRequest, Beat, Broken, Cancel, Closed, Credit, Done, Opened
from models.store.requests import Unavailable
from sim.channel import END, Cause
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["ApiServer"]

#: Stages' names for who gave up, beside the stages' own.
CLIENT: Final = "client"
DEADLINE: Final = "deadline"


class ApiServer(Service):
    """The first, or only, host of a pipe.

    Attributes:
        counts: `asked`, `refused` (the pipe was full), `waited` (for room), `answered`, `unread` (the answer came and
            its reader had gone), `failed` (told a stage and a reason), `client` and `deadline` (who gave up), `opened`
            (pipes), and which stage broke them.
        generations: The pipes that it has opened, the last one open if any is.
        tickets: What it has not done with.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"A1", "A2"})
    #: What its end of a channel to a second host is of.
    LINK: ClassVar[type[Near]] = Near

    def __init__(self, ctx: Context, options: PipelineOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self.options = options
        self.counts: Counter[str] = Counter()
        self.generations: list[Generation] = []
        self.tickets: dict[tuple[Location, int], Ticket] = {}
        self.stages = Stages(ctx, options, domain, self.counts)
        self.link: Near | None = None
        self._broke: Cause | None = None

    def start(self) -> None:
        """Open the pipe, and see to it that a stage fails now and then if one is to."""
        self._open()
        if self.options.fails_every_us:
            self.ctx.set_timer(self.options.fails_every_us, self._doom)

    # -- requests ----------------------------------------------------------------------------

    @handles(ApiRequest)
    def on_api_request(self, msg: ApiRequest, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Send it through the pipe and answer what comes of it; no answer if nobody waits for one."""
        ctx, command_id, key = self.ctx, msg.request.command_id, (sender, msg.number)
        if key in self.tickets:
            return None  # the network's own copy of one that is under way
        self.counts["asked"] += 1
        pipe = self.generations[-1]
        if pipe.cause is not None:
            return self._told(command_id, pipe.cause, False)
        if self.options.full == "refuse" and pipe.inlet.buffered >= pipe.inlet.capacity:
            self.counts["refused"] += 1
            return Unavailable(command_id=command_id, reason="accept: full")
        ticket = self._ticket(key, msg)
        answers = ticket.answers
        assert answers is not None
        timer = ctx.set_timer(msg.patience_us, ticket.unwanted.resolve, DEADLINE)
        if not (yield from self._admitted(pipe, ticket)) and not ticket.unwanted.done:
            self._shut_out(pipe, ticket)
        receiving = answers.receive()
        yield ctx.first([receiving, ticket.unwanted])
        timer.cancel()
        del self.tickets[key]
        if not receiving.done:
            answers.withdraw(receiving)
            why: str = ticket.unwanted.value
            self.counts[why] += 1
            self.leave(ticket, Cause(why, f"at {ticket.stage}"))
            return None if why == CLIENT else self._told(command_id, Cause(why, f"at {ticket.stage}"), ticket.risky)
        ticket.end()
        if receiving.value is not END:
            ctx.point("A2")
            return receiving.value  # type: ignore[no-any-return]
        assert answers.cause is not None
        return self._told(command_id, answers.cause, ticket.risky)

    def _shut_out(self, pipe: Generation, ticket: Ticket) -> None:
        """The pipe broke before there was room."""
        cause = pipe.inlet.cause
        assert cause is not None, "only who closes a channel refuses what waits for room in it"
        ticket.fail(cause.origin, str(cause.failure))

    def leave(self, ticket: Ticket, cause: Cause) -> None:
        """Nobody waits for the answer any more: stop the work, and close the channel to who would write it."""
        ticket.end()
        if self.link is not None:
            self.link.withdraw(ticket)
        assert ticket.answers is not None
        ticket.answers.close_read(cause)

    @handles(Cancel)
    def on_cancel(self, msg: Cancel, sender: Location) -> None:
        """Its client does not wait any more."""
        ticket = self.tickets.get((sender, msg.number))
        if ticket is not None:
            ticket.unwanted.resolve(CLIENT)

    def _ticket(self, key: tuple[Location, int], msg: ApiRequest) -> Ticket:
        ctx = self.ctx
        due_us = ctx.mono_us() + msg.patience_us
        made = (key, msg.request, msg.user, msg.token, due_us, ctx.wait(), ctx.wait(), self._failed, ctx.channel(0))
        ticket = self.tickets[key] = Ticket(*made)
        return ticket

    def _admitted(self, pipe: Generation, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """Put it into the pipe, waiting for room for no longer than it is wanted."""
        sending = pipe.inlet.send(ticket)
        pipe.queued(pipe.inlet)
        self.ctx.point("A1")
        if not sending.done:
            self.counts["waited"] += 1
            yield self.ctx.first([sending, ticket.unwanted])
            if not sending.done:
                pipe.inlet.withdraw(sending)
                return False
        return bool(sending.value)

    def _failed(self, ticket: Ticket, stage: str, reason: str) -> None:
        """A stage has failed a request: its client's task is told where and why."""
        assert ticket.answers is not None
        ticket.answers.close_write(Cause(stage, reason))

    def _told(self, command_id: int, cause: Cause, risky: bool) -> Message:
        stage, reason = cause.origin, "" if cause.failure is None else str(cause.failure)
        self.counts["failed"] += 1
        if risky:
            return Broken(command_id=command_id, stage=stage, reason=reason)
        return Unavailable(command_id=command_id, reason=f"{stage}: {reason}")

    # -- the pipe ----------------------------------------------------------------------------

    def _open(self) -> None:
        options = self.options
        stages = [*options.plan.near]
        if options.far is not None:
            self.link = self.LINK(self.ctx, options, self._hear)
            # One worker: what it does between two requests is to wait until the other end has room for one.
            stages.append(StagePlan(LINK, stages[-1].capacity))
        stages.append(options.plan.reply)
        pipe = options.pipe(self.ctx, stages, self._handle, self._broken)
        self.generations = [*(one for one in self.generations if not one.over), pipe]
        self.counts["opened"] += 1
        if self.link is not None:
            self.link.live(pipe)

    def _handle(self, name: str) -> Handle:
        if name == LINK:
            assert self.link is not None
            return self.link.carry
        return self.stages.of(name)

    def _broken(self, cause: Cause) -> None:
        """A stage has failed, and the pipe with it: the next is opened in a moment."""
        self.counts[f"broken at {cause.origin}"] += 1
        if self.link is not None:
            self.link.close(cause)
        self.ctx.set_timer(self.options.respawn_us, self._open)

    def _hear(self, ticket: Ticket, done: Done) -> Generator[Wait, Any, None] | None:
        """What became of a request on the second host."""
        if done.answer is None:
            ticket.risky = done.risky
            ticket.fail(done.stage, done.reason)
            return None
        ticket.result = done.answer
        return self._reply(ticket)

    def _reply(self, ticket: Ticket) -> Generator[Wait, Any, None]:
        pipe = self.generations[-1]
        before = pipe.before("reply")
        ticket.stage = "reply"
        if not (yield before.send(ticket)):
            ticket.fail("reply", "the pipe broke")

    def _doom(self) -> None:
        self.stages.doom()
        self.ctx.set_timer(self.options.fails_every_us, self._doom)

    def held(self) -> list[tuple[str, int]]:
        """What stages have been at, and requests that nobody ended when their time was over, and for how long."""
        now_us = self.ctx.mono_us()
        late = [(f"request at {one.stage}", now_us - one.deadline_us) for one in self.tickets.values()]
        return [one for pipe in self.generations for one in pipe.held()] + late

    # -- the link ----------------------------------------------------------------------------

    @handles(Opened)
    def on_opened(self, msg: Opened, sender: Location) -> None:
        """The second host is ready."""
        if self.link is not None:
            self.link.on_opened(msg)

    @handles(Credit)
    def on_credit(self, msg: Credit, sender: Location) -> None:
        """It has room again."""
        if self.link is not None:
            self.link.on_credit(msg)

    @handles(Done)
    def on_done(self, msg: Done, sender: Location) -> Generator[Wait, Any, None] | None:
        """It is done with a request."""
        return None if self.link is None else self.link.on_done(msg)

    @handles(Beat)
    def on_beat(self, msg: Beat, sender: Location) -> None:
        """It is there."""
        if self.link is not None:
            self.link.on_beat(msg)

    @handles(Closed)
    def on_closed(self, msg: Closed, sender: Location) -> None:
        """It has closed its end."""
        if self.link is not None:
            self.link.on_closed(msg)
