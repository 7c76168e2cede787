"""A host of the store: replica and coordinator, and what it does of its own accord.

It hands hints over, compares itself with the others (anti-entropy), fills an empty disk, and drops
tombstones. A tombstone goes after its grace, and only once every replica of the key has said that it
holds it, or nothing any more: a replica that missed the deletion would bring the key back.

Comparing goes down two Merkle trees, sixteen hashes below each that differs, to the ranges that
differ; of those the digests are exchanged, and of the keys that differ the cells, both ways.
`compared`, `shipped` and `comparisons` count what that costs.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.driver import AUDIT, Ask, Reply
from models.quorum.filling import Filling
from models.quorum.hints import Hint
from models.quorum.messages import (
    Compare,
    Confirm,
    Differing,
    Digests,
    Forget,
    Give,
    Given,
    Held,
    Page,
    Standing,
    Store,
)
from models.quorum.options import QuorumOptions
from models.quorum.preference import Preference
from models.quorum.replica import Replica
from models.quorum.versions import NOTHING, only_tombstones
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import DiskFull
from sim.topology import Location

__all__ = ["Node"]

#: Hints handed over at once, and cells on a page.
_BATCH: Final = 16
_PAGE: Final = 64
_AGAIN_US: Final = 200_000


class Node(Replica):
    """A host of the store.

    Attributes:
        comparisons: Comparisons that it began and finished.
        compared: Hashes and digests that it sent for them.
        shipped: Cells that it sent or was sent.
        purged: Tombstones that it dropped because all others had them.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"handed", "compared", "purged"})

    def __init__(
        self, ctx: Context, nodes: tuple[Location, ...], options: QuorumOptions, preference: Preference, number: int
    ) -> None:
        super().__init__(ctx, nodes, options, preference, number)
        self.next_peer = 0
        self.comparisons = 0
        self.compared = 0
        self.shipped = 0
        self.purged = 0

    def start(self) -> Generator[Wait, Any, None]:
        """Read the disk, fill it if it is empty, and begin the rounds."""
        self.recall()
        if not self.holds_all and self.ctx.mono_us() == 0:
            self.found()
        options, draws = self.options, self.ctx.rng("rounds")
        if options.hints_max:
            self.ctx.set_timer(draws.below(options.handoff_every_us) + 1, self._hand_over)
        if options.anti_entropy_every_us:
            self.ctx.set_timer(draws.below(options.anti_entropy_every_us) + 1, self._anti_entropy)
        self.ctx.set_timer(options.grace_us // 2 + 1, self._sweep)
        if not self.whole:
            yield from self._recover()

    # -- decisions that a variant may get wrong ------------------------------------------------

    def confirmed_by(self, key: int) -> tuple[int, ...]:
        """Whose word it takes before it drops a tombstone."""
        return tuple(number for number in self.preference.homes(key) if number != self.number)

    def enough_to_be_whole(self) -> int:
        """With how many others that hold all it compares itself before it answers on an empty disk."""
        # A write that W acknowledged is at W - 1 others at least: of those left out one fewer may be its holders.
        return max(0, len(self.nodes) - 1 - max(0, self.options.w - 2))

    def standing(self) -> Standing:
        """As whom it answers one who compares itself."""
        return Standing(self.holds_all, self.actor)

    # -- clients ---------------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Coordinate an operation; an audit of a key that it holds is answered from what it holds."""
        if msg.client.startswith(AUDIT) and self.number in self.preference.homes(msg.key):
            if not self.whole:
                return None
            return Reply(op=msg.op, value=self.shown(self.cells.get(msg.key, NOTHING)))
        return (yield from super().on_ask(msg, sender))

    # -- hints -------------------------------------------------------------------------------------

    def _hand_over(self) -> Generator[Wait, Any, None]:
        """Offer what is kept to whom it is meant for, after dropping what is too old."""
        while True:
            self.hints.drop_old(self.ctx.now_us())
            for home, hints in self.hints.by_home().items():
                # One first: where nobody answers, the others need not be sent.
                if (yield from self._offer(home, hints[:1])):
                    for begin in range(1, len(hints), _BATCH):
                        yield from self._offer(home, hints[begin : begin + _BATCH])
            if self.hints.bloated:
                yield from self._compact_hints()
            yield self.ctx.sleep(self.options.handoff_every_us)

    def _offer(self, home: int, hints: list[Hint]) -> Generator[Wait, Any, bool]:
        waits = [self._send(home, Store(key=hint.key, cell=hint.cell)) for hint in hints]
        told = yield self.ctx.first(waits, need=len(waits))
        taken = [hints[index] for index, answer in told if answer is not None]
        for hint in taken:
            self.hints.delivered(hint)
        if taken:
            self.ctx.point("handed")
        return bool(taken)

    def _compact_hints(self) -> Generator[Wait, Any, None]:
        try:
            wait = self.hints.compact()
        except DiskFull:
            return
        yield wait

    # -- anti-entropy --------------------------------------------------------------------------------

    def _anti_entropy(self) -> Generator[Wait, Any, None]:
        peers = sorted(self.trees)
        while peers:
            peer = peers[self.next_peer % len(peers)]
            self.next_peer += 1
            yield from self.compare_with(peer)
            yield self.ctx.sleep(self.options.anti_entropy_every_us)

    def compare_with(self, peer: int) -> Generator[Wait, Any, Standing | None]:
        """Compare with a peer and make good what differs, both ways; as whom it answered, None if not to the end."""
        tree, level = self.tree(peer), 0
        indices: list[int] = [0]
        said: set[Standing] = set()
        while True:
            hashes = tree.hashes(level, indices)
            self.compared += len(hashes)
            told = yield self._send(peer, Compare(number=self.number, level=level, hashes=hashes))
            if not isinstance(told, Differing):
                return None
            said.add(told.standing)
            if not told.indices or level == tree.depth:
                break
            tree = self.tree(peer)
            level, indices = tree.below(level, told.indices)
        leaves = told.indices
        for begin in range(0, len(leaves), _BATCH):
            if not (yield from self._exchange(peer, leaves[begin : begin + _BATCH], said)):
                return None
        self.comparisons += 1
        self.ctx.point("compared")
        return min(said) if len({standing.life for standing in said}) == 1 else None

    def _exchange(self, peer: int, leaves: tuple[int, ...], said: set[Standing]) -> Generator[Wait, Any, bool]:
        while True:
            entries = tuple(self.tree(peer).entries(leaves).items())
            self.compared += len(entries)
            page = yield self._send(peer, Digests(number=self.number, leaves=leaves, entries=entries))
            if not isinstance(page, Page):
                return False
            said.add(page.standing)
            self.shipped += len(page.cells)
            if page.cells and not (yield from self.put(page.cells)):
                return False
            cells = tuple((key, self.cells[key]) for key in page.wanted if key in self.cells)
            if cells:
                self.shipped += len(cells)
                if not isinstance((yield self._send(peer, Give(cells=cells))), Given):
                    return False
            if len(page.cells) + len(page.wanted) < _PAGE:
                return True

    @handles(Compare)
    def on_compare(self, msg: Compare, sender: Location) -> Differing:
        """Say which ranges are others here."""
        return Differing(indices=self.tree(msg.number).differing(msg.level, msg.hashes), standing=self.standing())

    @handles(Digests)
    def on_digests(self, msg: Digests, sender: Location) -> Page:
        """Hand over what differs, a page of it, and say what is wanted."""
        ours, theirs = self.tree(msg.number).entries(msg.leaves), dict(msg.entries)
        differing = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)][:_PAGE]
        cells = tuple((key, self.cells[key]) for key in differing if key in self.cells)
        wanted = tuple(key for key in differing if key in theirs)
        return Page(cells=cells, wanted=wanted, standing=self.standing())

    @handles(Give)
    def on_give(self, msg: Give, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Take what was wanted."""
        stored = yield from self.put(msg.cells)
        return Given() if stored else None

    def _recover(self) -> Generator[Wait, Any, None]:
        """Compare with others until nothing that it may have acknowledged can be missing."""
        filling = Filling(self.trees, self.enough_to_be_whole())
        while not filling.enough:
            for peer in filling.left:
                standing = yield from self.compare_with(peer)
                if standing is not None:
                    filling.compared(peer, standing)
            if filling.round_over():
                break
            yield self.ctx.sleep(_AGAIN_US)
        yield from self.become_whole()

    # -- tombstones --------------------------------------------------------------------------------

    def _sweep(self) -> Generator[Wait, Any, None]:
        """Drop tombstones whose grace is over, if everybody has them."""
        while True:
            limit_us = self.ctx.mono_us() - self.options.grace_us
            for key in sorted(key for key, since_us in self.buried.items() if since_us <= limit_us):
                yield from self._purge(key)
            yield self.ctx.sleep(max(1, self.options.grace_us // 4))

    def _purge(self, key: int) -> Generator[Wait, Any, None]:
        cell, others = self.cells.get(key, NOTHING), self.confirmed_by(key)
        yield self.ctx.disk.flush("cells")
        if self.cells.get(key) != cell or not only_tombstones(cell) or not self.whole:
            return
        if others:
            waits = [self._send(number, Confirm(key=key)) for number in others]
            told = yield self.ctx.first(waits, need=len(waits))
            agreed = [answer for _, answer in told if isinstance(answer, Held) and answer.cell in (cell, NOTHING)]
            if len(agreed) < len(others) or self.cells.get(key) != cell:
                return
        self.forget(key)
        self.purged += 1
        self.ctx.point("purged")
        for number in others:
            self.ctx.send(self.nodes[number], Forget(key=key, cell=cell))
