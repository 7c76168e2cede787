"""One owner's side of one segment: its copy of the view, and every write to it.

The copy is what the view will be once each write is acknowledged. A write that is refused, or of which nobody
tells, ends the ownership: the copy is dropped, and whoever should own the segment loads it afresh. A
write that went unanswered may still take place; by then the token or the number of the save has moved on.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from models.domain import Command, Denied
from models.reading.views import Claim, Extend, Release, Save, Switch, View, Views, head_of, view_of
from models.reading.words import LoadView, ViewIs
from models.store.requests import Accepted, Refused, Submit
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["Owning"]

#: Attempts at one write; each asks another member.
_ATTEMPTS: Final = 4


class Owning:
    """A segment in the hands of a consumer.

    Args:
        ctx: Its host.
        owner: The consumer's number.
        version: Of the projection.
        segment: Which.
        members: Of the group that keeps it.
        ask_us: Patience with one of them.
        domain: The rules of views.

    Attributes:
        view: The copy; of no meaning before `claim`.
        shown: The version that is shown, as last heard.
        fenced: Why the last write was refused; empty if it was not.
    """

    def __init__(
        self,
        ctx: Context,
        owner: int,
        version: int,
        segment: int,
        members: Sequence[Location],
        ask_us: int,
        domain: Views,
    ) -> None:
        self.view = View()
        self.shown = 1
        self.fenced = ""
        self._ctx = ctx
        self._owner = owner
        self._number = view_of(version, segment)
        self._segment = segment
        self._members = tuple(members)
        self._ask_us = ask_us
        self._domain = domain
        self._asked = 0
        self._turn = 0

    def load(self) -> Generator[Wait, Any, bool]:
        """Take the view as its group has it; whether anybody answered."""
        for _ in self._members:
            answer = yield self._ctx.call(self._member(), LoadView(view=self._number), self._ask_us)
            if isinstance(answer, ViewIs):
                self.view, self.shown = answer.state, answer.shown
                return True
            self._turn += 1
        return False

    def _member(self) -> Location:
        """Whom to ask: who answered last, for as long as it does."""
        return self._members[self._turn % len(self._members)]

    def claim(self) -> Generator[Wait, Any, bool]:
        """Become the owner, if nobody did since the view was loaded; and load it again.

        Its owner may have saved since then, up to the claim and not after it.
        """
        if not (yield from self.write(Claim(owner=self._owner, token=self.view.token))):
            return False
        token = self.view.token
        return (yield from self.load()) and (self.view.owner, self.view.token) == (self._owner, token)

    def extend(self, heard_us: int) -> Generator[Wait, Any, bool]:
        """Say that one is still there, and up to when one knows of nothing newer."""
        view = self.view
        return (
            yield from self.write(
                Extend(owner=self._owner, token=view.token, serial=view.serial + 1, heard_us=heard_us)
            )
        )

    def release(self) -> Generator[Wait, Any, bool]:
        """Let go."""
        view = self.view
        return (yield from self.write(Release(owner=self._owner, token=view.token, serial=view.serial + 1)))

    def saving(self, **fields: Any) -> Save:
        """The next save, with what it says."""
        view = self.view
        fields.setdefault("stopped", view.stopped)
        return Save(owner=self._owner, token=view.token, serial=view.serial + 1, **fields)

    def switch(self, version: int) -> Generator[Wait, Any, bool]:
        """Have this version shown."""
        done = yield from self._submit(head_of(self._segment), Switch(version=version))
        if done:
            self.shown = version
        return bool(done)

    def write(self, command: Command) -> Generator[Wait, Any, bool]:
        """Write to the view; whether it surely took place. If not, the copy is worth nothing any more."""
        event = self._domain.decide(self.view, command)
        if isinstance(event, Denied):
            self.fenced = event.reason
            return False
        done = yield from self._submit(self._number, command)
        if done:
            self.view = self._domain.evolve(self.view, event)
        return bool(done)

    def _submit(self, aggregate: int, command: Command) -> Generator[Wait, Any, bool | None]:
        """Whether it was accepted; None if nobody tells."""
        ctx = self._ctx
        self._asked = (self._asked + 1) % 256
        # Of no two lives the same: time goes on.
        command_id = self._owner << 56 | (ctx.mono_us() & (1 << 48) - 1) << 8 | self._asked
        request = Submit(command_id=command_id, aggregate=aggregate, command=command)
        for _ in range(_ATTEMPTS):
            answer = yield ctx.call(self._member(), request, self._ask_us)
            if isinstance(answer, Accepted):
                return True
            if isinstance(answer, Refused):
                self.fenced = answer.reason
                return False
            self._turn += 1
            if answer is not None:
                yield ctx.sleep(self._ask_us // 8)
        return None
