"""Stores with one thing wrong each, for which some cell of the crash table must turn red."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.store.log.journal import Answered, Journal
from models.store.log.keeping import Keeper
from models.store.log.snapshots import Snapshot
from models.store.log.streams import command_key
from models.store.publishing import Publish, Publisher
from models.store.requests import Submit
from models.store.shard import Shard
from sim.host import Wait
from sim.topology import Location


class Hasty(Shard):
    """Acknowledges what is in the page cache, and flushes afterwards."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

        class Claiming(Journal):
            held = property(lambda journal: journal.length)  # type: ignore[assignment]

        self.journal.__class__ = Claiming

    def _hold(self) -> None:
        super()._hold()
        self._advanced()


class Sluggish(Shard):
    """Saves its memory a twentieth as often as its scheme says."""

    def _flush_at_times(self, every_us: int) -> Generator[Wait, Any, None]:
        yield from super()._flush_at_times(20 * every_us)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.keeper.active = False  # a snapshot would save the log too


class Trusting(Shard):
    """Goes on in its reign when it comes back with an empty memory, and asks nobody what it has forgotten."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._forgets = False

    def _lead_again(self) -> Generator[Wait, Any, None]:
        yield from ()


class Credulous(Shard):
    """Believes a snapshot that is ahead of the log, on its own word."""

    def _bears_out(self, snapshot: Snapshot) -> bool:
        return True


class Amnesiac(Shard):
    """Does not look whether a command was done already."""

    def _serve(self, msg: Submit) -> Any:
        key, done = command_key(msg.tenant, msg.command_id), self.streams.done
        if done._found.pop(key, None) is not None:
            done._order.remove(key)
        return super()._serve(msg)


class Forgetful(Shard):
    """Truncates its log, and does not write down which commands went with it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

        class Bare(Journal):
            def move_base(self, upto: int, window: tuple[Answered, ...]) -> Generator[Wait, Any, None]:
                yield from super().move_base(upto, ())

        self.journal.__class__ = Bare


class Rash(Shard):
    """Drops the head of the log for the sake of snapshots that are taken and not written."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

        class Cutting(Keeper):
            def _covered(self, after: int, end: int) -> bool:
                super()._covered(after, end)
                return True

        self.keeper.__class__ = Cutting


class Presuming(Shard):
    """Marks events as published before it sends them, and does not listen to what became of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

        class Marking(Publisher):
            def _publish(self, subscriber: Location) -> Generator[Wait, Any, None]:
                shard, ctx, start = self._shard, self._shard.ctx, self.marked
                entries = tuple(shard.journal.after(start))
                self.marked += len(entries)
                yield ctx.disk.replace("published", self.marked)
                ctx.point("C11")
                message = Publish(shard=0, reigns=shard.reigns, first=start + 1, entries=entries)
                yield ctx.call(subscriber, message, shard.options.ask_us)
                ctx.point("C12")

        self.publisher.__class__ = Marking
