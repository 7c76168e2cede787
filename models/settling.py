"""Where what the sub-domains wrote gets its final place: in every part, in one home, or in batches.

*Every* part settles what all have promised to write nothing below of any more, as soon as it has heard so. With a
*home* one part alone draws that line, and the others settle up to where its word has reached them: one place to look
for outputs, and the others are tentative for as long as they cannot hear it. A *batch* settles now and then, and only
while every part is heard: for as long as a cut lasts nothing is tried, and after the heal all of it is merged at once.
A part that is declared lost need not be heard, and if it was the home every part left settles for itself.

Wherever it is drawn, the line is the same kind of promise, so views differ in how far they are, never in what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from models.addressing import REPLICATION, Scope, message_type_id
from models.merging.fold import MergeFold
from sim.message import Message
from sim.topology import Location

__all__ = ["Drawn", "Place", "Settler", "Settling", "place_of"]


class Place(StrEnum):
    """Who settles, and when."""

    EVERY = "every"
    HOME = "home"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """How a part settles.

    Attributes:
        place: Who does.
        home: Number of the part that draws the line; of use with `Place.HOME`.
        others: The stores of the same shard in all other parts, to be told of the line.
        batch_us: Least time between two batches.
        fresh_us: A part counts as heard for so long after it said something new.
    """

    place: Place = Place.EVERY
    home: int = 0
    others: tuple[Location, ...] = ()
    batch_us: int = 10_000_000
    fresh_us: int = 2_000_000

    def __post_init__(self) -> None:
        for name in ("batch_us", "fresh_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Message):
    """The home has settled everything stamped at or below a cut.

    Attributes:
        shard: Of what.
        cut_us: The line.
        vector: By sub-domain, how many of its writes lie at or below it.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 4)
    shard: int
    cut_us: int
    vector: tuple[tuple[int, int], ...]

    def wire_bytes(self) -> int:
        """A header, two numbers, and a pair for each sub-domain."""
        return 80 + 16 * len(self.vector)

    def covered(self, received: Mapping[int, int]) -> bool:
        """Whether all of it is here, given how many writes of each sub-domain are."""
        return all(received[origin] >= position for origin, position in self.vector)


class Settler:
    """Up to where one part settles; no input or output but its methods.

    Args:
        settling: How.
        number: Of the part.
        shard: Of what.
    """

    def __init__(self, settling: Settling, number: int, shard: int) -> None:
        self.settling = settling
        self._is_home = settling.place is Place.HOME and settling.home == number
        self._shard = shard
        self._line: Drawn | None = None
        self._batch_us = 0
        #: By stream, its latest promise, and since when it stands.
        self._promised: dict[int, tuple[int, int]] = {}

    def due_us(self, now_us: int, merge: MergeFold, promises: Mapping[int, int], stable_us: int) -> int:
        """The cut that is due now; the one that there is, for nothing new.

        Args:
            now_us: By the monotonic clock.
            merge: What is to be settled.
            promises: By stream from another part, the latest promise.
            stable_us: The least of all promises.
        """
        place = self.settling.place
        if place is Place.HOME and not self._is_home and self._has_home(merge):
            line = self._line
            received = {origin: merge.received(origin) for origin in merge.vector()}
            return line.cut_us if line is not None and line.covered(received) else merge.cut_us
        if place is Place.BATCH:
            all_heard = self._all_heard(now_us, promises)  # looked at every time, to know since when
            if now_us - self._batch_us < self.settling.batch_us or not all_heard:
                return merge.cut_us
            self._batch_us = now_us
        return stable_us

    def tells(self, merge: MergeFold) -> bool:
        """Whether whoever is owed something is told from here."""
        return self._is_home or not self._has_home(merge)

    def _has_home(self, merge: MergeFold) -> bool:
        """Whether one part draws the line; once that one is lost, each part draws its own."""
        return self.settling.place is Place.HOME and self.settling.home not in merge.lost

    def _all_heard(self, now_us: int, promises: Mapping[int, int]) -> bool:
        for number, promise_us in promises.items():
            if promise_us > self._promised.get(number, (0, 0))[0]:
                self._promised[number] = (promise_us, now_us)
        fresh_us = self.settling.fresh_us
        return all(n in self._promised and now_us - self._promised[n][1] <= fresh_us for n in promises)

    def heard(self, line: Drawn) -> None:
        """The home told its line."""
        if self._line is None or line.cut_us > self._line.cut_us:
            self._line = line

    def line(self, merge: MergeFold) -> Drawn | None:
        """What the home tells the others; None of anybody else."""
        if not self._is_home:
            return None
        return Drawn(shard=self._shard, cut_us=merge.cut_us, vector=tuple(merge.vector().items()))


def place_of(words: str) -> Place:
    """The placement that a scenario names; ValueError for others."""
    if words not in [str(one) for one in Place]:
        raise ValueError(f"place={words!r} is none; choose one of {', '.join(Place)}")
    return Place(words)
