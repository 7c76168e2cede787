"""What a member tells others: how it is, how far its log goes, what stands in it; and what it promises them.

An answer to a question about the log may bind: with an epoch, whoever asks is promised that no
earlier leader will be followed. So the promise lies on the disk before it is told.
"""

from __future__ import annotations

from collections.abc import Generator
from operator import itemgetter
from typing import Any

from models.domain import Domain
from models.store.group.durable import DurableCopy
from models.store.group.words import (
    Copied,
    CopyQuery,
    Fence,
    Fenced,
    Fetch,
    Fetched,
    Head,
    HeadQuery,
    Status,
    StatusQuery,
)
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Telling"]


class Telling(DurableCopy):
    """One member of one shard, as the others and the operators know it; arguments are those of the copy."""

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        self._recovered = False
        self._promised_to: Location | None = None
        self._locations = dict(options.peers)

    def _heads(self, epoch: int, patience_us: int | None = None) -> Generator[Wait, Any, list[Head]]:
        """Ask all others where they are, once, and wait for whoever answers."""
        if not self._locations:
            return []
        patience_us = patience_us or self.options.ask_us
        asked = [self.ctx.call(peer, HeadQuery(epoch=epoch), patience_us) for peer in self._locations.values()]
        answers = yield self.ctx.first(asked, need=len(asked))
        return [head for _, head in sorted(answers, key=itemgetter(0)) if head is not None]

    @handles(StatusQuery)
    def on_status_query(self, msg: StatusQuery, sender: Location) -> Status:
        """Tell the operator how it is."""
        return Status(
            number=self.options.number,
            epoch=max(self.epoch, self.promised),
            leads=self.leads,
            progress=self._progress(),
            length=self.journal.length,
            whole=self.whole,
            ready=self.ready,
        )

    @handles(HeadQuery)
    def on_head_query(self, msg: HeadQuery, sender: Location) -> Head | Generator[Wait, Any, Head] | None:
        """Say where it is; with an epoch, after promising to follow no earlier leader."""
        if not self._recovered:
            return None  # it does not know yet what it has
        if msg.epoch > self.promised:
            return self._promise_and_tell(msg.epoch, sender) if self.ready else None
        if 0 < msg.epoch == self.promised and self._promised_to != sender:
            return None  # promised to somebody else, who chose the same number: an epoch has one leader
        return self._head()

    def _promise_and_tell(self, epoch: int, sender: Location) -> Generator[Wait, Any, Head]:
        self._promised_to = sender
        yield from self._promise(epoch)
        return self._head()

    def _head(self) -> Head:
        return Head(
            number=self.options.number,
            promised=self.promised,
            reigns=self.reigns,
            length=self.journal.held,
            whole=self.whole,
        )

    @handles(Fetch)
    def on_fetch(self, msg: Fetch, sender: Location) -> Fetched | None:
        """Hand out entries; or what they came to, where they are gone."""
        if not self.ready or msg.after > self.journal.length:
            return None
        if msg.after < self.journal.base.position:
            image = self.keeper.image()
            return Fetched(first=0, entries=(), position=image.position, snapshots=image.snapshots, window=image.window)
        return Fetched(first=msg.after + 1, entries=tuple(self.journal.after(msg.after, msg.limit)))

    @handles(Fence)
    def on_fence(self, msg: Fence, sender: Location) -> Fenced | Generator[Wait, Any, Fenced] | None:
        """Promise to follow no leader of an earlier epoch, and so to be none."""
        if not self.ready:
            return None
        if msg.epoch <= self.promised:
            return self._is_fenced()
        return self._fence(msg.epoch, sender)

    def _fence(self, epoch: int, sender: Location) -> Generator[Wait, Any, Fenced]:
        self._promised_to = sender
        yield from self._promise(epoch)
        return self._is_fenced()

    def _is_fenced(self) -> Fenced:
        return Fenced(number=self.options.number, promised=self.promised, leads=self.leads)

    @handles(CopyQuery)
    def on_copy_query(self, msg: CopyQuery, sender: Location) -> Copied | None:
        """Hand out everything committed, as what it came to, if it leads."""
        if not self.leads:
            return None
        image = self.keeper.image()
        return Copied(position=image.position, snapshots=image.snapshots, window=image.window)
