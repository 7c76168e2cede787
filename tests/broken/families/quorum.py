"""Registers on three replicas without a leader: every operation asks a majority.

Whoever is asked coordinates: a write finds the highest tag that a majority knows, takes a higher
one of its own, and stores it at a majority; a read stores what it found before it answers, so
that no later read finds less. A replica flushes before it says that it stored.

Source: Attiya, Bar-Noy and Dolev, J. ACM 42 (1995), with several writers (Lynch and Shvartsman,
FTCS 1997). Here a coordinator keeps the tag of each write on disk, so that a repeated request
stores the same once more; none of its requests is ever refused, only left without an answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.addressing import Scope, message_type_id
from models.driver import Ask, Reply
from models.system import Site, System
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location
from tests.broken.families.layout import QUORUM, Member, intact, lay_out

_PATIENCE_US: Final = 120_000
_ROUNDS: Final = 3
#: (count, number of the coordinator, value); higher tags are later writes.
Cell = tuple[int, int, Any]
NOTHING: Final[Cell] = (0, 0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Message):
    """What do you hold of this key?"""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUORUM, 1)
    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Message):
    """That."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUORUM, 2)
    count: int
    number: int
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Message):
    """Hold this, unless you hold something later."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUORUM, 3)
    key: int
    count: int
    number: int
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Message):
    """This, or something later, is on my disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, QUORUM, 4)


class Replica(Member):
    """A replica and coordinator."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"tagged", "appended", "stored"})

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.cells: dict[int, Cell] = {}
        self.tags: dict[int, Cell] = {}
        self.highest: dict[int, int] = {}
        self.busy: set[int] = set()

    def start(self) -> None:
        """Read the disk."""
        for key, count, number, value in intact(self.ctx.disk, "cells"):
            self._keep(key, (count, number, value))
        for op, key, count, value in intact(self.ctx.disk, "tags"):
            self.tags[op] = (count, self.number, value)
            self.highest[key] = max(self.highest.get(key, 0), count)

    # -- decisions that a variant may get wrong ------------------------------------------------

    def enough(self, answers: list[tuple[int, Message]]) -> bool:
        """Whether these answers, with the numbers of those who gave them, come from a majority."""
        return len({number for number, _ in answers}) >= self.majority

    def next_count(self, key: int, found: int) -> int:
        """The count of a new write, where a majority knows of `found`."""
        return max(self.highest.get(key, 0), found) + 1

    def settles_reads(self) -> bool:
        """Whether what was read is stored at a majority before it is told."""
        return True

    def saved(self, file: str) -> Wait:
        """Until a file is on the disk."""
        wait: Wait = self.ctx.disk.flush(file)
        return wait

    # -- the replica ---------------------------------------------------------------------------

    @handles(Query)
    def on_query(self, msg: Query, sender: Location) -> Held:
        """Tell what it holds."""
        count, number, value = self.cells.get(msg.key, NOTHING)
        return Held(count=count, number=number, value=value)

    @handles(Store)
    def on_store(self, msg: Store, sender: Location) -> Generator[Wait, Any, Message]:
        """Hold it, flush, and say so; what it held already may not have been flushed yet."""
        cell = (msg.count, msg.number, msg.value)
        if cell[:2] > self.cells.get(msg.key, NOTHING)[:2]:
            self.ctx.disk.append("cells", (msg.key, *cell))
            self._keep(msg.key, cell)
            self.ctx.point("appended")
        yield self.saved("cells")
        self.ctx.point("stored")
        return Stored()

    def _keep(self, key: int, cell: Cell) -> None:
        if cell[:2] > self.cells.get(key, NOTHING)[:2]:
            self.cells[key] = cell

    # -- the coordinator -----------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Read or write; without a majority there is no answer."""
        if msg.op in self.busy:
            return None
        self.busy.add(msg.op)
        reply = yield from (self._read(msg) if msg.f == "read" else self._write(msg))
        self.busy.discard(msg.op)
        return reply

    def _read(self, msg: Ask) -> Generator[Wait, Any, Message | None]:
        best = yield from self._find(msg.key)
        if best is None:
            return None
        if self.settles_reads() and not (yield from self._spread(msg.key, best)):
            return None
        return Reply(op=msg.op, value=best[2])

    def _write(self, msg: Ask) -> Generator[Wait, Any, Message | None]:
        if msg.op not in self.tags:
            best = yield from self._find(msg.key)
            if best is None:
                return None
            count = self.next_count(msg.key, best[0])
            self.highest[msg.key] = count
            self.ctx.disk.append("tags", (msg.op, msg.key, count, msg.value))
            self.tags[msg.op] = (count, self.number, msg.value)
        yield self.ctx.disk.flush("tags")
        self.ctx.point("tagged")
        if not (yield from self._spread(msg.key, self.tags[msg.op])):
            return None
        return Reply(op=msg.op)

    def _find(self, key: int) -> Generator[Wait, Any, Cell | None]:
        answers = yield from self._ask_all(Query(key=key))
        if answers is None:
            return None
        return max(((held.count, held.number, held.value) for _, held in answers), key=lambda cell: cell[:2])

    def _spread(self, key: int, cell: Cell) -> Generator[Wait, Any, bool]:
        count, number, value = cell
        answers = yield from self._ask_all(Store(key=key, count=count, number=number, value=value))
        return answers is not None

    def _ask_all(self, msg: Message) -> Generator[Wait, Any, list[tuple[int, Any]] | None]:
        """The answers of a majority, asking everybody again if need be; None if it cannot be had."""
        answers: list[tuple[int, Any]] = []
        for _ in range(_ROUNDS):
            waits = [self.ctx.call(peer, msg, _PATIENCE_US) for peer in self.peers]
            told = yield self.ctx.first(waits, need=self.majority)
            answers += [(number, answer) for number, answer in told if answer is not None]
            if self.enough(answers):
                return answers
        return None


def system(site: Site, workload: Any) -> System:
    """The sound twin: three replicas, clients that ask that of their region."""
    return lay_out(site, workload, Replica, "register", retries=True)
