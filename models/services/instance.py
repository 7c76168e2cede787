"""An instance of the service: it holds nothing, acts for one slot under one epoch, and says that it lives.

What it knows is in its config, so it can be started anywhere, and again with its host. It opens its epoch at the
store of acts before it serves; refused there, it is over for good, however often its host restarts.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Final

from models.mixes import DOMAIN_SHIFT
from models.services.acts import Act, Acts, Open
from models.services.holder import Seat, SlotHolder
from models.services.options import ControlOptions
from models.services.words import NotHere, Serve, Served
from models.store.requests import Accepted, Refused, Submit
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["Instance", "InstanceOptions"]

#: Ids of openings, clear of clients' operations: slot, epoch and attempt below this.
_OPENINGS: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """What all instances are told.

    Attributes:
        listeners: Directories and watchers, who hear that it lives.
        store: Members of the store of acts, the nearest not known.
        control: How often it says so.
    """

    listeners: tuple[Location, ...]
    store: tuple[Location, ...]
    control: ControlOptions


class Instance(SlotHolder):
    """One instance; arguments as for any holder of a slot, and where acts are kept."""

    NOTES: ClassVar[frozenset[str]] = frozenset({"opened"})
    POINTS: ClassVar[frozenset[str]] = frozenset({"E1", "E4"})

    def __init__(self, ctx: Context, seat: Seat, options: InstanceOptions) -> None:
        super().__init__(ctx)
        self.holds(seat, options.listeners, options.control)
        self.options = options
        self._open = False
        self._asks = count(seat.host)

    def start(self) -> Generator[Wait, Any, None]:
        """Open the epoch, then say that it lives for as long as it acts."""
        yield from self._begin()
        yield from self.says_it_lives()

    def _begin(self) -> Generator[Wait, Any, None]:
        seat = self.seat
        command = Open(epoch=seat.epoch, instance=seat.host)
        for attempt in count():
            if self.over:
                return
            # A new id each time: what was opened once may have been closed by a later epoch since.
            op = _OPENINGS | seat.slot << 48 | seat.epoch << 32 | self.ctx.rng("openings").below(1 << 32)
            answer = yield from self._submit(op, command)
            if isinstance(answer, Accepted):
                self._open = True
                self.ctx.note("opened", f"{seat.slot}/{seat.epoch}")
                return
            if isinstance(answer, Refused):
                self.end()
                return
            yield self.ctx.sleep(min(1_000_000, 50_000 << min(attempt, 5)))

    @property
    def acts(self) -> bool:
        """Whether it has opened its epoch, and knows of nobody after it."""
        return self._open

    @handles(Serve)
    def on_serve(self, msg: Serve, sender: Location) -> Generator[Wait, Any, Message | None] | NotHere:
        """Act for a client, if it may."""
        self.given()
        if not self._open or self.over:
            return NotHere(op=msg.op, over=self.over)
        return self._serve(msg)

    def _serve(self, msg: Serve) -> Generator[Wait, Any, Message | None]:
        seat = self.seat
        self.ctx.point("E1")
        answer = yield from self._submit(msg.op, Act(epoch=seat.epoch, instance=seat.host, op=msg.op))
        if isinstance(answer, Accepted):
            self.ctx.point("E4")
            return Served(op=msg.op, slot=seat.slot, epoch=seat.epoch)
        if isinstance(answer, Refused):
            self.end()
            return NotHere(op=msg.op, over=True)
        return None  # it may have taken place: silence says so

    def _submit(self, op: int, command: Act | Open) -> Generator[Wait, Any, Message | None]:
        """What some member of the store says; each hands on to the leader."""
        store = self.options.store
        submit = Submit(command_id=op, aggregate=Acts.number << DOMAIN_SHIFT | self.seat.slot, command=command)
        answer: Message | None = None
        for _ in range(2):
            at = store[next(self._asks) % len(store)]
            answer = yield self.ctx.call(at, submit, self.options.control.patience_us)
            if isinstance(answer, Accepted | Refused):
                return answer
        return answer

    def end(self) -> None:
        """Be over: nothing of it is open any more."""
        self._open = False
        super().end()
