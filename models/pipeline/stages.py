"""What each stage does with a request. All but `execute` and `reply` take host time and ask nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, Final

from models.domain import Domain
from models.layout import shard_of
from models.pipeline.joining import Handle
from models.pipeline.options import PipelineOptions, token_of
from models.pipeline.ticket import Ticket
from models.store.requests import Unavailable
from sim.channel import END, StageFailed
from sim.host import Context, Wait

__all__ = ["FAILED", "Stages"]

#: Why a stage fails that is made to.
FAILED: Final = "its connection was taken away"


class Stages:
    """The stages of one host.

    Args:
        ctx: Their host.
        options: As the server is told.
        domain: What the store keeps.

    Attributes:
        counts: By word, what they did.
    """

    def __init__(self, ctx: Context, options: PipelineOptions, domain: Domain[Any], counts: Counter[str]) -> None:
        self.counts = counts
        self._ctx = ctx
        self._options = options
        self._domain = domain
        self._turn = [0] * len(options.members)
        self._doomed = False

    def of(self, name: str) -> Handle:
        """What a stage does."""
        handles: dict[str, Handle] = {
            "accept": self.accept,
            "authenticate": self.authenticate,
            "validate": self.validate,
            "route": self.route,
            "execute": self.execute,
            "reply": self.reply,
        }
        if name != self._options.fails:
            return handles[name]
        return lambda ticket: self._failing(handles[name], ticket)

    def doom(self) -> None:
        """The stage that is to fail does so at its next request."""
        self._doomed = True

    def accept(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """Read it."""
        return self._pass_if(ticket, "accept", "")

    def authenticate(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """See that it is of whom it says."""
        known = ticket.token == token_of(self._options.secret, ticket.user)
        return self._pass_if(ticket, "authenticate", "" if known else "the token is not that user's")

    def validate(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """See that the store could do it at all."""
        command = ticket.request.command
        known = command.__class__ in self._domain.decisions
        wrong = "" if known else f"{type(command).__name__} is no command of domain {self._domain.name!r}"
        return self._pass_if(ticket, "validate", wrong)

    def route(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """Find whom to ask: the shard's members, the one that answered last first."""
        members = self._options.members
        shard = shard_of(ticket.request.aggregate, len(members)) if len(members) > 1 else 0
        turn = self._turn[shard] % len(members[shard])
        ticket.route = members[shard][turn:] + members[shard][:turn]
        return self._pass_if(ticket, "route", "")

    def execute(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """Ask the store, member by member, for as long as somebody waits for the answer."""
        ctx, reason, asked = self._ctx, "nobody was asked", 0
        while (left_us := ticket.deadline_us - ctx.mono_us()) > 0:
            member = ticket.route[asked % len(ticket.route)]
            call = ctx.call(member, ticket.request, min(self._options.ask_us, left_us))
            was_risky, ticket.risky = ticket.risky, True
            answer = yield self.until_over(ticket, call)
            if answer is END:
                return False
            if answer is not None and not isinstance(answer, Unavailable):
                ticket.result = answer
                return True
            if answer is None:
                reason = "the store does not answer"
            else:
                reason, ticket.risky = answer.reason, was_risky
            asked += 1
            self._go_on(ticket)
            pause = ctx.sleep(min(_PAUSE_US, max(0, ticket.deadline_us - ctx.mono_us())))
            if (yield self.until_over(ticket, pause)) is END:
                return False
        ticket.fail("execute", reason)
        return False

    def reply(self, ticket: Ticket) -> Generator[Wait, Any, bool]:
        """Hand the answer to the task that waits for it; it may have gone."""
        assert ticket.answers is not None
        heard = yield ticket.answers.send(ticket.result)
        self.counts["answered" if heard else "unread"] += 1
        return False

    def until_over(self, ticket: Ticket, call: Wait) -> Wait:
        """The answer, or `END` as soon as nobody waits for it any more: whoever works on it is then free."""
        wait = self._ctx.wait()
        call.when_done(wait.resolve)
        ticket.ended.when_done(lambda over: wait.resolve(END))
        return wait

    def _pass_if(self, ticket: Ticket, stage: str, wrong: str) -> Generator[Wait, Any, bool]:
        if self._options.stage_us:
            yield self._ctx.sleep(self._options.stage_us)
        if wrong:
            self.counts[f"refused at {stage}"] += 1
            ticket.fail(stage, wrong)
        return not ticket.over

    def _failing(self, handle: Handle, ticket: Ticket) -> Generator[Wait, Any, bool]:
        if self._doomed:
            self._doomed = False
            raise StageFailed(FAILED)
        return (yield from handle(ticket))

    def _go_on(self, ticket: Ticket) -> None:
        """Begin with another member from now on."""
        members = self._options.members
        shard = shard_of(ticket.request.aggregate, len(members)) if len(members) > 1 else 0
        if members[shard][self._turn[shard] % len(members[shard])] == ticket.route[0]:
            self._turn[shard] += 1


#: Between two members that are asked.
_PAUSE_US: Final = 20_000
