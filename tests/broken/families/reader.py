"""Events in a table with a global sequence, and readers that follow it.

The first host keeps the table. A transaction takes the next number when it begins and becomes
visible when it commits, which may be in another order. The other hosts poll for what comes after
the number that they have reached, and show what they have found. They must not pass a number
that an open transaction may still fill; the table says up to where there is none.

Every host answers reads from what it holds itself, and passes additions on to the table.
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
from tests.broken.families.layout import READER, Member, intact, lay_out

_POLL_US: Final = 50_000
_PATIENCE_US: Final = 200_000
_ANSWER_US: Final = 350_000
_WORK_US: Final = (1_000, 60_000)


class Event(NamedTuple):
    """A row of the table."""

    sequence: int
    op: int
    key: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Message):
    """What a client asked me to add."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READER, 1)
    op: int
    key: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll(Message):
    """What comes after this number?"""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READER, 2)
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Message):
    """This; up to `settled` no transaction is open."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, READER, 3)
    events: tuple[Event, ...]
    settled: int


class Host(Member):
    """The table on the first host, a reader on the others.

    Attributes:
        shown: By key, the values that it shows.
        table: Committed events by number; on the first host.
        open: Numbers of transactions that have begun and not committed.
        reached: Up to which number this reader has read.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"begun", "committed", "read"})

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.shown: dict[int, set[int]] = {}
        self.table: dict[int, Event] = {}
        self.done: set[int] = set()
        self.busy: set[int] = set()
        self.open: set[int] = set()
        self.sequence = 0
        self.reached = 0
        self.ready = number > 0

    def start(self) -> Generator[Wait, Any, None]:
        """Read the table, or begin to follow it from the start."""
        if self.number > 0:
            self.ctx.set_timer(0, self._follow)
            return
        for record in intact(self.ctx.disk, "table"):
            self._commit(Event(*record))
        self.sequence = max(self.table, default=0)
        yield self.ctx.disk.flush("table")
        self.ready = True

    # -- the decision that a variant may get wrong ---------------------------------------------

    def passes(self, page: Page) -> int:
        """Up to which number a reader has read, once it has taken a page."""
        return page.settled

    # -- the table -----------------------------------------------------------------------------

    @handles(Passed)
    def on_passed(self, msg: Passed, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Add an event in a transaction, unless that was done."""
        if not self.ready or msg.op in self.busy:
            return None
        if msg.op not in self.done:
            yield from self._transact(msg)
        return Reply(op=msg.op)

    def _transact(self, msg: Passed) -> Generator[Wait, Any, None]:
        self.busy.add(msg.op)
        self.sequence += 1
        event = Event(self.sequence, msg.op, msg.key, msg.value)
        self.open.add(event.sequence)
        self.ctx.point("begun")
        yield self.ctx.sleep(self.ctx.rng("work").between(*_WORK_US))
        self.ctx.disk.append("table", event)
        yield self.ctx.disk.flush("table")
        self.ctx.point("committed")
        self._commit(event)
        self.open.discard(event.sequence)
        self.busy.discard(msg.op)

    def _commit(self, event: Event) -> None:
        self.table[event.sequence] = event
        self.done.add(event.op)
        self._show(event)

    @handles(Poll)
    def on_poll(self, msg: Poll, sender: Location) -> Message | None:
        """Tell what is visible now."""
        if not self.ready:
            return None
        events = tuple(self.table[number] for number in sorted(self.table) if number > msg.after)
        return Page(events=events, settled=min(self.open, default=self.sequence + 1) - 1)

    # -- readers -------------------------------------------------------------------------------

    def _follow(self) -> Generator[Wait, Any, None]:
        while True:
            page = yield self.ctx.call(self.peers[0], Poll(after=self.reached), _PATIENCE_US)
            if isinstance(page, Page):
                for event in page.events:
                    self._show(event)
                self.reached = max(self.reached, self.passes(page))
                self.ctx.point("read")
            yield self.ctx.sleep(_POLL_US)

    def _show(self, event: Event) -> None:
        self.shown.setdefault(event.key, set()).add(event.value)

    # -- clients -------------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Show what it holds, or pass an addition on."""
        if not self.ready:
            return None
        if msg.f == "read":
            return Reply(op=msg.op, value=tuple(sorted(self.shown.get(msg.key, ()))))
        assert isinstance(msg.value, int), msg.value
        passed = Passed(op=msg.op, key=msg.key, value=msg.value)
        if self.number == 0:
            return (yield from self.on_passed(passed, sender))
        reply: Message | None = yield self.ctx.call(self.peers[0], passed, _ANSWER_US)
        return reply


def system(site: Site, workload: Any) -> System:
    """The sound twin: a table and two readers."""
    return lay_out(site, workload, Host, "set", retries=True)
