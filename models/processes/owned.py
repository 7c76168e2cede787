"""A process manager that others can take the place of: it manages while it owns the latest tenure.

All who may manage follow the processes, so whoever takes over knows at once how far each is; what the old owner had
asked for it asks for again, under the same keys. Those keys are the fence: of a step the store does once what is asked,
whoever asks first, and a step that was given up is denied to whoever comes late with it. So an owner that was cut off
or stood still may go on unfenced, by its own belief, and do no harm, for as long as the store remembers keys. One that
lets go (`lets_go`) spares the store what it would only repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar

from models.domain import Command
from models.outbox.feed import FeedOptions
from models.outbox.owning import Owner, OwnerOptions
from models.outbox.submitting import StoreOptions
from models.processes.definition import Process
from models.processes.manager import Manager
from models.store.log.entries import Entry
from models.store.requests import Accepted, Gone, Refused
from sim.host import Context, Wait

__all__ = ["OwnedManager"]


class OwnedManager(Manager, Owner):
    """Manages all processes of one kind while it owns.

    Args:
        ctx: Its host.
        feed: The shard of tenures, then those of its processes.
        store: Where it writes.
        process: What it manages.
        owner: Who it is.
        lets_go: Whether it stops what it has under way once it hears of a later tenure.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"M6"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"outdone"})

    def __init__(
        self,
        ctx: Context,
        feed: FeedOptions,
        store: StoreOptions,
        process: Process,
        owner: OwnerOptions,
        lets_go: bool = True,
    ) -> None:
        Owner.__init__(self, ctx, feed, store, owner)
        self.manages(process)
        self._lets_go = lets_go

    def start(self) -> None:
        """Read all there is, and watch whoever owns."""
        Owner.start(self)

    def taken(self, shard: int, entry: Entry) -> None:
        """A tenure began, or a process has come further."""
        if shard:
            Manager.taken(self, shard, entry)
            return
        Owner.taken(self, shard, entry)
        if self.mine and not self.owns:
            self.mine = 0
            self.ctx.note("outdone", self.latest)
            self.ctx.point("M6")

    def begun_again(self, shard: int) -> None:
        """What was derived of a shard may have been taken back."""
        if shard:
            Manager.begun_again(self, shard)
        else:
            Owner.begun_again(self, shard)

    def advanced(self) -> None:
        """Begin what is due, if it owns."""
        if self.owns:
            super().advanced()

    def owning(self) -> None:
        """Begin all that is due: nobody knows how far the owner before had come with it."""
        self.all_again()
        self.advanced()

    def turn(self) -> int:
        """Its tenure, if it lets go once that is over."""
        return self.mine if self._lets_go else 0

    def ask(
        self, aggregate: int, command: Command, key: int, still: Callable[[], bool] = lambda: True
    ) -> Generator[Wait, Any, Accepted | Refused | Gone | None]:
        """As any manager, for as long as it is its turn."""
        turn = self.turn()
        return (yield from super().ask(aggregate, command, key, lambda: still() and self.turn() == turn))
