"""The scheduler: it reads who runs what, hears what watchers see, and gives slots to hosts.

Every round it reads the log of assignments, decides (`deciding`), and asks the log for each change before it acts on
it. If the log does not answer it does nothing: what runs goes on, and nothing is provisioned. It holds nothing that a
restart would miss but the load of the last seconds, so it is a service like any other; several may run, and whoever
is second at a slot is denied by the log.

A slot that is given away gets a new epoch, under which its new instance fences off the old one (`acts`). A new
instance that is not heard in time is replaced in its turn, so a provision that failed, or whose answer was lost,
needs no treatment of its own.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.mixes import DOMAIN_SHIFT
from models.services.assignments import Assign, Assignment, Assignments, Retire, read_told
from models.services.deciding import Room, Scaler, Votes, place, votes_of
from models.services.holder import Seat
from models.services.options import ControlOptions, ScalingOptions
from models.services.words import Gone, Report, Stop
from models.store.requests import Accepted, Look, Refused, Seen, Submit
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Scheduler", "SchedulerOptions"]

#: A report counts for so many of the intervals in which it should be renewed.
_FRESH: Final = 4
#: Rounds between two at which listeners are told of every epoch that does not count.
_TELL: Final = 8
_OPS: Final = 1 << 61


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerOptions:
    """What a scheduler is told.

    Attributes:
        template: What it provisions.
        registry: Members of the group that keeps the assignments.
        rooms: Where instances may run.
        listeners: Directories and watchers, who are told what does not count any more.
        watchers: How many watchers there are, whether heard or not.
        control: How often it decides, and how patient it is.
        scaling: How many instances there are to be.
    """

    template: str
    registry: tuple[Location, ...]
    rooms: tuple[Room, ...]
    listeners: tuple[Location, ...]
    watchers: int
    control: ControlOptions
    scaling: ScalingOptions


class Scheduler(Service):
    """One scheduler."""

    NOTES: ClassVar[frozenset[str]] = frozenset(
        {"registry=lost", "registry=back", "assigned", "replaced", "retired", "outrun", "no-room", "provisioned"}
    )
    POINTS: ClassVar[frozenset[str]] = frozenset({"S1", "S2"})

    def __init__(self, ctx: Context, options: SchedulerOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self._reports: dict[Location, tuple[Report, int]] = {}
        self._since: dict[tuple[int, int], int] = {}
        self._lost: dict[int, int] = {}
        self._scaler = Scaler(options.scaling)
        self._leader: Location | None = None
        self._reads = True
        self._rounds = 0

    def start(self) -> Generator[Wait, Any, None]:
        """Decide for as long as it lives."""
        while True:
            yield self.ctx.sleep(self.options.control.decide_us)
            slots = yield from self._read()
            if (slots is not None) is not self._reads:
                self._reads = slots is not None
                self.ctx.note("registry", "back" if self._reads else "lost")
            if slots is not None:
                yield from self._round(slots)

    @handles(Report)
    def on_report(self, msg: Report, sender: Location) -> None:
        """Keep the latest of each watcher."""
        self._reports[sender] = (msg, self.ctx.mono_us())

    # -- one round -----------------------------------------------------------------------------

    def _round(self, slots: dict[int, Assignment]) -> Generator[Wait, Any, None]:
        """Replace what is lost, then bring the number to what is wanted, one instance fewer at a time."""
        now_us, control = self.ctx.mono_us(), self.options.control
        votes = votes_of(
            report for report, heard_us in self._reports.values() if now_us - heard_us <= _FRESH * control.report_us
        )
        self._stop_strangers(slots, votes)
        live = {slot: one for slot, one in sorted(slots.items()) if one.live}
        for slot, one in live.items():
            if self._is_lost(slot, one, votes, now_us):
                self._lost[one.host] = now_us
                yield from self._give(slot, slots, "replaced")
        heard = [slot for slot, one in live.items() if votes.know.get((slot, one.epoch))]
        if live and not heard:
            return  # of a service that nobody sees nothing is known, its load least of all
        scaling = self.options.scaling
        load_per_s = sum(votes.rates_per_s.get((slot, live[slot].epoch), 0.0) for slot in heard)
        # Whoever is not heard may be as busy as he should be: that he is silent is no reason to have fewer.
        load_per_s += scaling.target_per_s * min(len(live) - len(heard), scaling.least)
        wanted = self._scaler.wanted(now_us, len(live), load_per_s) if live else scaling.least + scaling.spare
        if len(live) > wanted:
            yield from self._retire(max(live), slots)
        for slot in [slot for slot in slots if slot not in live][: max(0, wanted - len(live))]:
            yield from self._give(slot, slots, "assigned")

    def _is_lost(self, slot: int, one: Assignment, votes: Votes, now_us: int) -> bool:
        seat = (slot, one.epoch)
        since_us = self._since.setdefault(seat, now_us)
        return votes.lost(seat, self.options.watchers, late=now_us - since_us >= self.options.control.grace_us)

    def _stop_strangers(self, slots: dict[int, Assignment], votes: Votes) -> None:
        """Tell those that are known and have no slot any more, and now and then everybody who lists instances."""
        self._rounds += 1
        gone = {slot: one.epoch - one.live for slot, one in slots.items()}
        strangers = [(slot, epoch, at) for (slot, epoch), at in sorted(votes.at.items()) if epoch <= gone.get(slot, 0)]
        for slot, epoch, at in strangers:
            self.ctx.send(at, Stop(slot=slot, epoch=epoch))
        told = {slot for slot, _, _ in strangers}
        for slot, epoch in sorted(gone.items()):
            if epoch and (slot in told or self._rounds % _TELL == 0):
                for listener in self.options.listeners:
                    self.ctx.send(listener, Gone(slot=slot, epoch=epoch))

    def _give(self, slot: int, slots: dict[int, Assignment], note: str) -> Generator[Wait, Any, None]:
        """Give a slot to a host under the next epoch, and have the instance provisioned once that is in the log."""
        now_us = self.ctx.mono_us()
        avoid = frozenset(
            host for host, lost_us in self._lost.items() if now_us - lost_us < 2 * self.options.control.grace_us
        )
        room = place(slots, self.options.rooms, avoid, slot)
        if room is None:
            self.ctx.note("no-room", slot)
            return
        epoch = slots[slot].epoch + 1
        answer = yield from self._ask(slot, Assign(epoch=epoch, host=room.host))
        if isinstance(answer, Refused):
            self.ctx.note("outrun", slot)
        if not isinstance(answer, Accepted):
            return  # what became of it the next round will read
        self.ctx.point("S1")
        slots[slot] = Assignment(epoch=epoch, host=room.host, live=True)
        self._since[slot, epoch] = self.ctx.mono_us()
        self.ctx.note("replaced" if note == "replaced" else "assigned", slot)
        self.ctx.set_timer(0, self._provision, Seat(slot=slot, epoch=epoch, host=room.host), room)

    def _provision(self, seat: Seat, room: Room) -> Generator[Wait, Any, None]:
        where = yield self.ctx.provision(room.at, self.options.template, seat)
        self.ctx.note("provisioned", int(where is not None))

    def _retire(self, slot: int, slots: dict[int, Assignment]) -> Generator[Wait, Any, None]:
        one = slots[slot]
        answer = yield from self._ask(slot, Retire(epoch=one.epoch))
        if isinstance(answer, Accepted):
            self.ctx.point("S2")
            slots[slot] = Assignment(epoch=one.epoch, host=one.host, live=False)
            self.ctx.note("retired", slot)

    # -- the registry --------------------------------------------------------------------------

    def _read(self) -> Generator[Wait, Any, dict[int, Assignment] | None]:
        """Every slot as the log has it; None if its leader does not answer in time."""
        if self._leader is None:
            found = yield from self._look_around()
            if not found:
                return None
        leader, patience_us = self._leader, self.options.control.patience_us
        assert leader is not None
        numbers = range(self.options.scaling.most)
        waits = [self.ctx.call(leader, Look(aggregate=_aggregate(slot)), patience_us) for slot in numbers]
        slots: dict[int, Assignment] = {}
        for index, answer in (yield self.ctx.first(waits, need=len(waits))):
            if isinstance(answer, Seen):
                slots[index] = read_told(answer.told)
        if len(slots) < len(waits):
            self._leader = None
            return None
        return dict(sorted(slots.items()))

    def _look_around(self) -> Generator[Wait, Any, bool]:
        """Find who leads the registry: nobody else answers."""
        members, patience_us = self.options.registry, self.options.control.patience_us
        waits = [self.ctx.call(member, Look(aggregate=_aggregate(0)), patience_us) for member in members]
        for index, answer in (yield self.ctx.first(waits)):
            if isinstance(answer, Seen):
                self._leader = members[index]
        return self._leader is not None

    def _ask(self, slot: int, command: Assign | Retire) -> Generator[Wait, Any, Any]:
        assert self._leader is not None
        op = _OPS | self.ctx.rng("commands").below(1 << 48)
        submit = Submit(command_id=op, aggregate=_aggregate(slot), command=command)
        answer = yield self.ctx.call(self._leader, submit, self.options.control.patience_us)
        return answer


def _aggregate(slot: int) -> int:
    return Assignments.number << DOMAIN_SHIFT | slot
