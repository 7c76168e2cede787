"""Where what the sub-domains wrote gets its final place: in every part, in one home, or in batches.

*Every* part settles what all have promised to write nothing below of any more, as soon as it has heard so. With a
*home* one part alone draws that line, and the others settle up to where its word has reached them: one place to look
for outputs, and the others are tentative for as long as they cannot hear it. A *batch* settles now and then, and only
while every part is heard: for as long as a cut lasts nothing is tried, and after the heal all of it is merged at once.

Wherever it is drawn, the line is the same kind of promise, so views differ in how far they are, never in what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from models.addressing import REPLICATION, Scope, message_type_id
from sim.message import Message
from sim.topology import Location

__all__ = ["Drawn", "Place", "Settling", "place_of"]


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


def place_of(words: str) -> Place:
    """The placement that a scenario names; ValueError for others."""
    if words not in [str(one) for one in Place]:
        raise ValueError(f"place={words!r} is none; choose one of {', '.join(Place)}")
    return Place(words)
