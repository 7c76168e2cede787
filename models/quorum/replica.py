"""A replica's part: what it holds lies on its disk before it says so, and an empty disk is filled before it answers.

A version is flushed before it is acknowledged, and before it is shown: who reads counts on it that
what a replica holds is held for good. Founders are installed with an identity as the world begins; a replica
that starts without one has lost everything that it ever acknowledged: it takes what it is sent, but answers no
query until it has compared itself with so many others that any write which W replicas acknowledged, itself
perhaps among them, is at one of those (`filling`). Only others that hold all that they acknowledged count.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any, ClassVar, Final

from models.addressing import content_hash
from models.quorum.coordinator import Coordinator
from models.quorum.hints import FILE, Hints
from models.quorum.merkle import Merkle
from models.quorum.messages import HOME, Confirm, Forget, Held, Query, Store, Stored
from models.quorum.options import QuorumOptions
from models.quorum.preference import Preference
from models.quorum.versions import NOTHING, Cell, only_tombstones
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import TORN, DiskFull
from sim.topology import Location

__all__ = ["Replica"]

_CELLS: Final = "cells"
_IDENTITY: Final = "identity"
_COMPACT_AT: Final = 1_024


class Replica(Coordinator):
    """What one host holds; `node` adds what it does of its own accord.

    Attributes:
        cells: By key.
        holds_all: Whether it holds all that it ever acknowledged.
        whole: Whether it may answer queries; a founder compares itself first, though nothing can be missing.
        hints: What it keeps for others.
        buried: By key of which only tombstones are left, since when, by the monotonic clock.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"appended", "flushed", "hinted"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"whole"})

    def __init__(
        self, ctx: Context, nodes: tuple[Location, ...], options: QuorumOptions, preference: Preference, number: int
    ) -> None:
        super().__init__(ctx, nodes, options, preference, number)
        self.cells: dict[int, Cell] = {}
        self.hints = Hints(ctx.disk, options.hints_max, options.hint_window_us)
        self.buried: dict[int, int] = {}
        self.holds_all = self.whole = False
        self.flushing: dict[int, int] = {}
        self.records = 0
        self.compacting = False
        self.trees = {peer: Merkle(options.depth) for peer in range(len(nodes)) if peer != number}
        #: By peer, the keys that its tree is behind with.
        self.changed: dict[int, set[int]] = {peer: set() for peer in self.trees}

    def recall(self) -> None:
        """Read the disk after a start."""
        for record in self._intact(_CELLS):
            for key, cell in record if isinstance(record[0], tuple) else (record,):
                self._know(key, cell)
            self.records += 1
        self.hints.recall(self._intact(FILE))
        self.holds_all = self.whole = bool(self._intact(_IDENTITY))

    def found(self) -> None:
        """Be installed: nobody has acknowledged anything yet."""
        self._identify()
        self.holds_all = True

    def _identify(self) -> None:
        if not self._intact(_IDENTITY):
            with suppress(DiskFull):
                self.ctx.disk.append(_IDENTITY, self.actor)

    def _intact(self, file: str) -> list[Any]:
        """The records of a file; what follows a torn one was never acknowledged, and goes."""
        records = self.ctx.disk.read(file)
        if TORN in records:
            self.ctx.disk.truncate(file, records.index(TORN))
            records = self.ctx.disk.read(file)
        return records

    def become_whole(self) -> Generator[Wait, Any, None]:
        """Put on the disk that what it holds is all that it ever acknowledged."""
        yield self.ctx.disk.flush(_CELLS)
        self._identify()
        yield self.ctx.disk.flush(_IDENTITY)
        self.holds_all = self.whole = True
        self.ctx.note("whole", 1)

    # -- what it is told and asked ---------------------------------------------------------------

    @handles(Store)
    def on_store(self, msg: Store, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Take a version, or a hint; answered once it is on the disk."""
        if msg.hint_for != HOME:
            stored = yield from self._take_hint(msg)
        else:
            stored = yield from self.put(((msg.key, msg.cell),))
        return Stored() if stored else None

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Message | Generator[Wait, Any, Message] | None:
        """Tell what it holds, once that is on the disk; in place of another, what it keeps for it."""
        if not self.whole:
            return None
        return self._flushed_first(msg) if msg.key in self.flushing else self._held(msg)

    def _flushed_first(self, msg: Query) -> Generator[Wait, Any, Message]:
        # What comes while that flush runs is not on the disk by its end.
        held = self._held(msg)
        yield self.ctx.disk.flush(_CELLS)
        return held

    def _held(self, msg: Query) -> Held:
        held = self.cells.get(msg.key, NOTHING)
        if len(self.hints) and self.number not in self.preference.homes(msg.key):
            held = self._merged((held, *self.hints.of_key(msg.key)))
        return Held(cell=held)

    @handles(Confirm)
    def on_confirm(self, msg: Confirm, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Tell what it holds, once that is on the disk."""
        if not self.whole:
            return None
        held = Held(cell=self.cells.get(msg.key, NOTHING))
        yield self.ctx.disk.flush(_CELLS)
        return held

    @handles(Forget)
    def on_forget(self, msg: Forget, sender: Location) -> None:
        """Drop a tombstone that every replica has."""
        if self.cells.get(msg.key) == msg.cell:
            self.forget(msg.key)

    # -- what it holds -----------------------------------------------------------------------------

    def put(self, cells: Iterable[tuple[int, Cell]]) -> Generator[Wait, Any, bool]:
        """Merge cells into what it holds, and flush, also what it held already; False if the disk is full."""
        keys = []
        for key, cell in cells:
            held = self.cells.get(key, NOTHING)
            merged = self.merge(held, cell)
            if merged != held:
                try:
                    self.ctx.disk.append(_CELLS, (key, merged))
                except DiskFull:
                    return False
                self.records += 1
                self._know(key, merged)
                self.ctx.point("appended")
            keys.append(key)
        flushing = self.flushing
        for key in keys:
            flushing[key] = flushing.get(key, 0) + 1
        yield self.ctx.disk.flush(_CELLS)
        for key in keys:
            left = flushing[key] - 1
            if left:
                flushing[key] = left
            else:
                del flushing[key]
        self.ctx.point("flushed")
        if self.records > _COMPACT_AT + 4 * len(self.cells) and not self.compacting:
            self.ctx.set_timer(0, self._compact)
        return True

    def forget(self, key: int) -> None:
        """Hold nothing of a key any more; if that is lost, its tombstone is back, and dropped again."""
        with suppress(DiskFull):
            self.ctx.disk.append(_CELLS, (key, NOTHING))
            self.records += 1
            self._know(key, NOTHING)

    def _take_hint(self, msg: Store) -> Generator[Wait, Any, bool]:
        try:
            taken = self.hints.take(msg.hint_for, msg.key, msg.cell, self.ctx.now_us())
        except DiskFull:
            return False
        if not taken:
            return False
        yield self.ctx.disk.flush(FILE)
        self.ctx.point("hinted")
        return True

    def _know(self, key: int, cell: Cell) -> None:
        if cell is NOTHING or cell == NOTHING:
            self.cells.pop(key, None)
        else:
            self.cells[key] = cell
        if only_tombstones(cell):
            # Afresh for every tombstone: a second deletion has its own grace, whatever was missed between the two.
            self.buried[key] = self.ctx.mono_us()
        else:
            self.buried.pop(key, None)
        homes = self.preference.homes(key)
        if self.number in homes:
            for peer in homes:
                if peer != self.number:
                    self.changed[peer].add(key)

    def _compact(self) -> Generator[Wait, Any, None]:
        if self.compacting:
            return
        self.compacting = True
        with suppress(DiskFull):
            wait = self.ctx.disk.replace(_CELLS, tuple(self.cells.items()))
            self.records = 1
            yield wait
        self.compacting = False

    def tree(self, peer: int) -> Merkle:
        """What it holds of the keys that it shares with a peer."""
        tree = self.trees[peer]
        for key in sorted(self.changed[peer]):
            cell = self.cells.get(key)
            tree.put(key, None if cell is None else content_hash(cell))
        self.changed[peer].clear()
        return tree
