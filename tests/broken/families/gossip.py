"""A document of fields, or counters, on three replicas that all take writes and tell each other later.

A write gets a tag above all that its replica has seen, goes to disk, is answered, and is then
pushed to each of the others until that one has said that it has it. Of two values of a field the
higher tag stays (last writer wins). A counter is one cell for each replica, whose sum is read.
So replicas that have told each other everything hold the same, and nothing acknowledged is lost
to anything but a later write.

Source: Shapiro, Preguica, Baquero and Zawirski, SSS 2011 (LWW-register, G-counter), with tags by
Lamport's clocks. Departure: a replica pushes its own writes only, so it keeps them all.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.addressing import Scope, message_type_id
from models.driver import Ask, Reply
from models.system import Site, System
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location
from tests.broken.families.layout import GOSSIP, Member, intact, lay_out

_PATIENCE_US: Final = 150_000
_BATCH: Final = 20
_NUMBERS: Final = 16


class Update(NamedTuple):
    """A cell as its writer set it; the tag is (count, number)."""

    op: int
    key: int
    slot: int
    count: int
    number: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Push(Message):
    """These I wrote."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, GOSSIP, 1)
    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Have(Message):
    """I have them on my disk."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, GOSSIP, 2)


class Replica(Member):
    """A replica of the document.

    Attributes:
        cells: By key and slot, the update that stands.
        updates: What this replica wrote, in order; `durable` of them are on its disk.
        done: By operation, its update.
        sent: By replica, how many of `updates` it is known to have.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"written", "received", "sent"})

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.cells: dict[tuple[int, int], Update] = {}
        self.updates: list[Update] = []
        self.durable = 0
        self.done: dict[int, Update] = {}
        self.sent: dict[int, int] = {}
        self.clock = 0
        self.ready = False
        self.news: list[Wait] = []

    def start(self) -> Generator[Wait, Any, None]:
        """Read the disk, make sure of it, and go on pushing."""
        for record in intact(self.ctx.disk, "received"):
            self._keep(Update(*record))
        for record in intact(self.ctx.disk, "written"):
            update = Update(*record)
            self.updates.append(update)
            self.done[update.op] = update
            self._keep(update)
        yield self.ctx.first([self.ctx.disk.flush("received"), self.ctx.disk.flush("written")], need=2)
        self.durable = len(self.updates)
        self.ready = True
        for number in range(len(self.peers)):
            if number != self.number:
                self.sent[number] = self.resumes_at()
                self.ctx.set_timer(0, self._push, number)

    # -- decisions that a variant may get wrong ------------------------------------------------

    def stands(self, update: Update) -> bool:
        """Whether an update replaces what its field holds."""
        held = self.cells.get((update.key, update.slot))
        return held is None or (update.count, update.number) > (held.count, held.number)

    def resumes_at(self) -> int:
        """How many of its updates the others surely have, after a restart."""
        return 0

    def settled_by(self, number: int) -> tuple[int, ...]:
        """The replicas that need not be told again what `number` has confirmed."""
        return (number,)

    # -- telling the others --------------------------------------------------------------------

    def _push(self, number: int) -> Generator[Wait, Any, None]:
        while True:
            begin = self.sent[number]
            batch = tuple(self.updates[begin : min(begin + _BATCH, self.durable)])
            if not batch:
                news = self.ctx.wait()
                self.news.append(news)
                yield news
                continue
            told = yield self.ctx.call(self.peers[number], Push(updates=batch), _PATIENCE_US)
            if isinstance(told, Have):
                self.ctx.point("sent")
                for one in self.settled_by(number):
                    self.sent[one] = max(self.sent[one], begin + len(batch))

    @handles(Push)
    def on_push(self, msg: Push, sender: Location) -> Generator[Wait, Any, Message]:
        """Take what stands, once it is on the disk."""
        for update in msg.updates:
            if self.stands(update):
                self.ctx.disk.append("received", update)
        yield self.ctx.disk.flush("received")
        self.ctx.point("received")
        for update in msg.updates:
            self._keep(update)
        return Have()

    def _keep(self, update: Update) -> None:
        self.clock = max(self.clock, update.count)
        if self.stands(update):
            self.cells[update.key, update.slot] = update

    # -- clients -------------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Read, or write what was not written yet."""
        if not self.ready:
            return None
        if msg.f == "read":
            return self.read(msg)
        update = self.done.get(msg.op)
        if update is None:
            update = self.done[msg.op] = self.made(msg)
            self.updates.append(update)
            self.ctx.disk.append("written", update)
        length = len(self.updates)
        yield self.ctx.disk.flush("written")
        self.ctx.point("written")
        self.durable = max(self.durable, length)
        self._keep(update)
        news, self.news = self.news, []
        for wait in news:
            wait.resolve(True)
        return Reply(op=msg.op, version=self.version_of(update))

    def made(self, msg: Ask) -> Update:
        """The update of a write."""
        self.clock += 1
        return Update(msg.op, msg.key, 0, self.clock, self.number, _number(msg.value))

    def read(self, msg: Ask) -> Reply:
        """What a field holds."""
        held = self.cells.get((msg.key, 0))
        return Reply(op=msg.op) if held is None else Reply(op=msg.op, value=held.value, version=self.version_of(held))

    def version_of(self, update: Update) -> int | None:
        """A number for a tag."""
        return update.count * _NUMBERS + update.number


class Counter(Replica):
    """A replica of the counters: cells hold what was added through one replica."""

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.totals: dict[tuple[int, int], int] = {}

    def slot(self) -> int:
        """The cell that this replica adds to."""
        return self.number

    def made(self, msg: Ask) -> Update:
        """As `Replica.made`; the tag of a cell is its total."""
        at = msg.key, self.slot()
        self.totals[at] = max(self.totals.get(at, 0), self._held(at)) + _number(msg.value)
        return Update(msg.op, *at, self.totals[at], self.number, self.totals[at])

    def read(self, msg: Ask) -> Reply:
        """The sum of the cells."""
        return Reply(op=msg.op, value=sum(update.value for at, update in self.cells.items() if at[0] == msg.key))

    def version_of(self, update: Update) -> int | None:
        """A counter has no versions."""
        return None

    def _held(self, at: tuple[int, int]) -> int:
        held = self.cells.get(at)
        return 0 if held is None else held.value


def _number(value: Any) -> int:
    assert isinstance(value, int), value
    return value


def documents(site: Site, workload: Any) -> System:
    """The sound document, whose fields are the keys; clients keep to the replica of their region."""
    return lay_out(site, workload, Replica, "register", retries=True)


def counters(site: Site, workload: Any) -> System:
    """The sound counters."""
    return lay_out(site, workload, Counter, "counter", retries=True)
