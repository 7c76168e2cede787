"""An instance of the service: it holds nothing, acts for one slot under one epoch, and says that it lives.

What it knows is in its config, so it can be started anywhere, and again with its host. It opens its epoch at the
store of acts before it serves; refused there, it is over for good, however often its host restarts. Told to stop it is
over for this life: if its host restarts it serves its slot again, which nobody else has, until it is heard of, and
told once more.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Final

from models.mixes import DOMAIN_SHIFT
from models.services.acts import Act, Acts, Open
from models.services.options import ControlOptions
from models.services.words import Beat, Gone, NotHere, Serve, Served, Stop
from models.store.requests import Accepted, Refused, Submit
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["Instance", "InstanceOptions", "Seat", "instance_name"]

#: Ids of openings, clear of clients' operations: slot, epoch and attempt below this.
_OPENINGS: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What an instance is for; `host` is its host's topology index."""

    slot: int
    epoch: int
    host: int


def instance_name(seat: Seat) -> str:
    """What the instance of a seat is called on its host; asked for twice, it is started once."""
    return f"worker-{seat.slot}-{seat.epoch}"


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


class Instance(Service):
    """One instance.

    Attributes:
        seat: What it is for.
        over: Whether it was replaced, or told to stop.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"opened", "deposed"})
    POINTS: ClassVar[frozenset[str]] = frozenset({"E1", "E4"})

    def __init__(self, ctx: Context, seat: Seat, options: InstanceOptions) -> None:
        super().__init__(ctx)
        self.seat = seat
        self.options = options
        self.over = False
        self._open = False
        self._given = 0
        self._asks = count(seat.host)

    def start(self) -> Generator[Wait, Any, None]:
        """Open the epoch, then say that it lives for as long as it acts."""
        yield from self._begin()
        listeners, control = self.options.listeners, self.options.control
        # Heartbeats of another life go on in the same rhythm: a detector by when they are due must not ignore them.
        for sequence in count(self.ctx.mono_us() // control.beat_us):
            if self.over:
                return
            rate_per_s = self._given * 1_000_000 / control.beat_us
            self._given = 0
            beat = Beat(slot=self.seat.slot, epoch=self.seat.epoch, sequence=sequence, rate_per_s=rate_per_s)
            for listener in listeners:
                self.ctx.send(listener, beat)
            yield self.ctx.sleep(control.beat_us)

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
                self._end()
                return
            yield self.ctx.sleep(min(1_000_000, 50_000 << min(attempt, 5)))

    @property
    def acts(self) -> bool:
        """Whether it has opened its epoch, and knows of nobody after it."""
        return self._open

    @handles(Stop)
    def on_stop(self, msg: Stop, sender: Location) -> None:
        """Act no more."""
        if msg.epoch == self.seat.epoch and msg.slot == self.seat.slot:
            self._end()

    @handles(Serve)
    def on_serve(self, msg: Serve, sender: Location) -> Generator[Wait, Any, Message | None] | NotHere:
        """Act for a client, if it may."""
        self._given += 1
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
            self._end()
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

    def _end(self) -> None:
        if not self.over:
            self.over, self._open = True, False
            self.ctx.note("deposed", f"{self.seat.slot}/{self.seat.epoch}")
            for listener in self.options.listeners:
                self.ctx.send(listener, Gone(slot=self.seat.slot, epoch=self.seat.epoch))
