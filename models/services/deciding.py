"""What a scheduler decides, as pure functions: how many instances, who is replaced, where the next one goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from models.services.assignments import Assignment
from models.services.options import ScalingOptions
from models.services.words import Report
from sim.topology import Location

__all__ = ["Room", "Scaler", "Votes", "place", "votes_of"]

#: Weight of the latest round in the running mean of the load.
_RECENT = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A host that may run instances: its topology index, where it is, its region, and how many it takes."""

    host: int
    at: Location
    region: int
    places: int


class Votes(NamedTuple):
    """What those watchers say that see: of each (slot, epoch) how many suspect it, and how many know it.

    Attributes:
        seeing: How many watchers these are.
        suspect: By (slot, epoch), how many suspect it.
        know: By (slot, epoch), how many have heard it.
        at: By (slot, epoch), where it is.
        rates_per_s: By (slot, epoch), the highest rate that was told.
    """

    seeing: int
    suspect: Mapping[tuple[int, int], int]
    know: Mapping[tuple[int, int], int]
    at: Mapping[tuple[int, int], Location]
    rates_per_s: Mapping[tuple[int, int], float]

    def lost(self, seat: tuple[int, int], watchers: int, *, late: bool) -> bool:
        """Whether more than half of all watchers, those in the dark included, hold an instance for lost.

        `late` says that it should have been heard by now, so that not to know it is a vote too.
        """
        against = self.suspect.get(seat, 0)
        if late:
            against += self.seeing - self.know.get(seat, 0)
        return 2 * against > watchers


def votes_of(reports: Iterable[Report]) -> Votes:
    """Count the latest reports, one of each watcher; those of the blind do not count."""
    seeing = 0
    suspect: dict[tuple[int, int], int] = {}
    know: dict[tuple[int, int], int] = {}
    at: dict[tuple[int, int], Location] = {}
    rates: dict[tuple[int, int], float] = {}
    for report in reports:
        if report.blind:
            continue
        seeing += 1
        for one in report.seen:
            seat = (one.slot, one.epoch)
            know[seat] = know.get(seat, 0) + 1
            suspect[seat] = suspect.get(seat, 0) + one.suspected
            at[seat] = one.at
            rates[seat] = max(rates.get(seat, 0.0), one.rate_per_s)
    return Votes(seeing, suspect, know, at, rates)


class Scaler:
    """How many instances are wanted, from the load of each round; it remembers the load and what was wanted lately.

    Args:
        options: Bounds, target, tolerance, and how long fewer must have been enough.
    """

    def __init__(self, options: ScalingOptions) -> None:
        self.options = options
        self._load_per_s: float | None = None
        self._lately: deque[tuple[int, int]] = deque()
        self._running = 0

    def wanted(self, now_us: int, running: int, load_per_s: float) -> int:
        """The number of instances, spare ones included.

        Args:
            now_us: The scheduler's monotonic clock.
            running: How many have a slot.
            load_per_s: What they are given together.
        """
        options = self.options
        before = load_per_s if self._load_per_s is None else self._load_per_s
        self._load_per_s = before + _RECENT * (load_per_s - before)
        need = ceil(self._load_per_s / options.target_per_s)
        working = running - options.spare
        if working > 0:
            ratio = self._load_per_s / (working * options.target_per_s)
            if abs(ratio - 1) <= options.tolerance:
                need = working
        wanted = min(options.most, max(options.least, need) + options.spare)
        while self._lately and self._lately[0][0] <= now_us - options.settle_us:
            self._lately.popleft()
        self._lately.append((now_us, wanted))
        if running > self._running:
            # Another scheduler wanted them, or this one in an earlier life: to undo that at once would be to fight.
            self._lately.append((now_us, min(running, options.most)))
        self._running = running
        return max(number for _, number in self._lately)


def place(
    slots: Mapping[int, Assignment], rooms: Iterable[Room], avoid: frozenset[int], without: int | None = None
) -> Room | None:
    """Where the next instance goes: to the region, then the host, that has the fewest; None if there is no room.

    Args:
        slots: Who has which slot now.
        rooms: Where instances may run.
        avoid: Hosts that lost an instance lately; taken if nothing else is left.
        without: A slot that is about to be given away, so that who has it now does not count.
    """
    held: dict[int, int] = {}
    for slot, one in slots.items():
        if one.live and slot != without:
            held[one.host] = held.get(one.host, 0) + 1
    listed = tuple(rooms)
    regions: dict[int, int] = {}
    for room in listed:
        regions[room.region] = regions.get(room.region, 0) + held.get(room.host, 0)
    free = [room for room in listed if held.get(room.host, 0) < room.places]
    return min(
        free,
        key=lambda room: (room.host in avoid, regions[room.region], held.get(room.host, 0), room.host),
        default=None,
    )
