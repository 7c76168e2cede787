"""A sub-domain whose disk forgot: how it finds out, and what it then must not do.

A sub-domain's positions and addresses are good for one event each, and nobody but its own log knows which are taken. So
a sub-domain that lost what it had made durable must write nothing more: it would give positions that others have heard
to other events, which they would drop as heard before, and no two regions would ever show the same again.

It finds out in three ways. A disk without a clock's ceiling, later than the world began, is a new one in the place of
a lost one. Merged records that reach beyond its own log say that the log was longer. And a peer that has heard
more of it than there is tells so with its first acknowledgement; that takes until the peer is reached, and what was
written meanwhile at places that the peer has heard (only a device that lied about a flush leads there) stands for two
events: it is *forked*, counted, noted for people, and never shipped. What a lying device lost before anybody had heard
of it, nobody can know.

From then on it accepts nothing, grants nothing and promises nothing, so the others' cut waits for it, until it is given
up: `models.losing` has it ask for that itself.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.granting import GrantingShard
from models.store.group.shipping import Outbound
from models.store.requests import Answer, Submit, Unavailable
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["RememberingShard"]

#: That something was lost outlives the next crash: by then the disk looks like any other.
_BEREFT: Final = "bereft"


class RememberingShard(GrantingShard):
    """A shard of a sub-domain that knows when its disk lost what was durable.

    Attributes:
        bereft: Whether it has; it then serves no command.
        forked: Entries that it wrote at places which others had heard of as something else.
    """

    NOTES: ClassVar[frozenset[str]] = GrantingShard.NOTES | {"bereft", "forked"}

    def __init__(self, ctx: Context, *arguments: Any, **more: Any) -> None:
        self.bereft = False
        self.forked = 0
        self._began = 0
        super().__init__(ctx, *arguments, **more)

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Generator[Wait, Any, None]:
        """Look whether the disk is what it was, then go on as any shard does."""
        self.bereft = bool(self.ctx.disk.read(_BEREFT))
        # A first life is installed as the world begins; any later one finds the ceiling of its clock.
        if not self.bereft and self.ctx.mono_us() > 0 and not self.clock.is_kept:
            yield self._lose(0)
        yield from super().start()

    def _recover_merge(self) -> None:
        super()._recover_merge()
        self._began = self.log.length
        settled = self.merge.vector()[self.options.number]
        if settled > self._began and not self.bereft and self.options.number not in self.merge.lost:
            self._lose(settled)

    def _line_to(self, peer: Location) -> Outbound:
        line = super()._line_to(peer)
        line.beyond = self.peer_has
        return line

    def peer_has(self, upto: int) -> None:
        """A peer has heard more of us than there is."""
        if not self.bereft and self.options.number not in self.merge.lost:
            forked = tuple(self.log.after(self._began, upto - self._began))
            self.forked += len(forked)
            for entry in forked:
                self.ctx.note("forked", entry.event_id)
            self._lose(upto)

    def _lose(self, upto: int) -> Wait:
        """Accept nothing from now on; what to wait for until that is durable."""
        self.bereft = True
        self.ctx.note("bereft", upto)
        kept: Wait = self.ctx.disk.replace(_BEREFT, upto)
        return kept

    # -- what it must not do -------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """As of any shard; never, once something was lost."""
        return not self.bereft and super().is_whole

    def shippable(self) -> int:
        """As of any shard; what was written since something was lost is nobody's until we are given up."""
        durable = super().shippable()
        return min(durable, self._began) if self._is_mute else durable

    def promised(self) -> int:
        """As of any shard; nothing, while what was lost may bear any stamp."""
        return 0 if self._is_mute else super().promised()

    @property
    def _is_mute(self) -> bool:
        return self.bereft and self.options.number not in self.merge.lost

    @handles(Submit)
    def on_submit(
        self, msg: Submit, sender: Location
    ) -> Unavailable | Generator[Wait, Any, Answer | Unavailable | None]:
        """Decide, unless the disk forgot."""
        if self.bereft:
            return Unavailable(command_id=msg.command_id, reason="the disk lost what was durable")
        return super().on_submit(msg, sender)

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Answer | Unavailable | None]:
        answer = yield from super()._serve(msg)
        # Found out while it waited: what it wrote may stand where others have something else.
        if self.bereft:
            return Unavailable(command_id=msg.command_id, reason="the disk lost what was durable")
        return answer
