"""Who sees to it that as many consumers read as should: the operator of the read side, by a plan.

Consumers have *seats*, numbered from 0, each on the next of the reading hosts in turn. So many seats as the plan says
at an instant, the first ones, are to read. The operator goes by what should be, not by what it has done: in each round
it asks the platform for whoever should read and was not there at first, which is started once, and tells every seat
that ever was whether it reads. So it may crash, or be cut off, or a consumer may restart and have forgotten that it had
let go: the next round mends that. The write side is not asked; neither side waits for the other.

A consumer that is told to let go saves what it has under way, releases its segments, says so to the others, and is
silent. Whoever should own them next begins where it ended (`claims`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.reading.words import Reads, Seat
from sim.host import Context, Service, Wait
from sim.topology import Location
from sim.wording import Refused

__all__ = ["READER", "Staff", "StaffPlan"]

#: The template of a consumer that is started while traffic flows.
READER: Final = "projection-reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPlan:
    """How many consumers are to read, and from when on.

    Attributes:
        first: How many at first.
        grown: How many from `grows_us` on; 0 for no more.
        grows_us: When.
        shrunk: How many from `shrinks_us` on; 0 for no fewer.
        shrinks_us: When.
        every_us: Between rounds of the operator.
        provision_us: What starting a consumer takes at most; at least half of it.

    Raises:
        ValueError: whatever makes no sense, all at once.
    """

    first: int
    grown: int = 0
    grows_us: int = 0
    shrunk: int = 0
    shrinks_us: int = 0
    every_us: int = 200_000
    provision_us: int = 400_000

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} is no time; give at least 1"
            for name in ("every_us", "provision_us")
            if getattr(self, name) < 1
        ]
        for count, at in (("grown", "grows_us"), ("shrunk", "shrinks_us")):
            if getattr(self, count) < 0:
                wrong.append(f"{count}={getattr(self, count)} is nobody; give at least 1, or 0 for no change")
            if bool(getattr(self, count)) is not (getattr(self, at) > 0):
                wrong.append(
                    f"{count}={getattr(self, count)} and {at}={getattr(self, at)} go together: how many, and when; "
                    "give both, or neither"
                )
        if self.grown and self.grown <= self.first:
            wrong.append(f"grown={self.grown} is no more than the {self.first} at first; give {self.first + 1} or more")
        before = max(self.first, self.grown)
        if self.shrunk >= before:
            wrong.append(f"shrunk={self.shrunk} is no fewer than the {before} before; give fewer")
        if self.grown and 0 < self.shrinks_us <= self.grows_us:
            wrong.append(f"shrinks_us={self.shrinks_us} is not after grows_us={self.grows_us}; let it grow first")
        if wrong:
            raise Refused(wrong)

    @property
    def changes(self) -> bool:
        """Whether it ever does."""
        return bool(self.grown or self.shrunk)

    @property
    def seats(self) -> int:
        """How many there ever are."""
        return max(self.first, self.grown)

    @property
    def last(self) -> int:
        """How many are to read in the end."""
        return self.shrunk or self.seats

    def wanted(self, now_us: int) -> int:
        """How many are to read at an instant."""
        if self.shrunk and now_us >= self.shrinks_us:
            return self.shrunk
        return self.grown if self.grown and now_us >= self.grows_us else self.first


class Staff(Service):
    """The operator.

    Args:
        ctx: Its host.
        plan: How many.
        seats: By seat, its host and the consumer there.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"joined"})

    def __init__(self, ctx: Context, plan: StaffPlan, seats: Sequence[tuple[Location, Location]]) -> None:
        super().__init__(ctx)
        self._plan = plan
        self._seats = tuple(seats)
        self._there = set(range(plan.first))
        self._asking: set[int] = set()

    def start(self) -> Generator[Wait, Any, None]:
        """Go round for as long as it lives."""
        plan = self._plan
        while True:
            wanted = plan.wanted(self.ctx.mono_us())
            for seat, (_, consumer) in enumerate(self._seats):
                if seat < wanted and seat not in self._there:
                    if seat not in self._asking:
                        self._asking.add(seat)
                        self.ctx.set_timer(0, self._provision, seat)
                else:
                    # To a seat of which an earlier life may have known: nobody there, nobody hears it.
                    self.ctx.send(consumer, Reads(seat=seat, reads=seat < wanted))
            yield self.ctx.sleep(plan.every_us)

    def _provision(self, seat: int) -> Generator[Wait, Any, None]:
        """Have a consumer started; whoever runs already is told of."""
        host, _ = self._seats[seat]
        where = yield self.ctx.provision(host, READER, Seat(number=seat))
        self._asking.discard(seat)
        if where is not None:
            self._there.add(seat)
            self.ctx.note("joined", seat)
