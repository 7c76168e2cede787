"""An answer: what is believed of a subject now, what that rests on, and how old that is.

It is a value, and nobody on the way makes a boolean of it. Who knows what a mistake costs does so at the edge, with a
`Threshold`; the same answer may mean yes to one and no to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from models.confidence.evidence import Evidence
from models.detection.refusals import refuse
from sim.message import Value
from sim.topology import Location

__all__ = ["Answer", "Blame", "Threshold"]


class Blame(NamedTuple):
    """The chance that one node of the path is itself dead or cut off, whatever it stands in."""

    name: Location
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Value):
    """Chances of the four conditions of a subject, as one observer sees it; they sum to 1.

    Attributes:
        subject: Of whom.
        observer: By whom.
        at_us: When.
        up: Alive, reachable, and as fast as usual.
        slow: Alive and reachable, with something on the way, or itself, slow.
        unreachable: Alive and cut off from the observer, which heals with the network.
        dead: Dead, itself or with what it stands in; whether cut off as well or not.
        blames: For each node from the top to the subject, the chance that it is at fault itself.
        basis: The evidence that speaks of the subject itself.
        age_us: How old the latest news of it is; None if there never was any.
    """

    subject: Location
    observer: Location
    at_us: int
    up: float
    slow: float
    unreachable: float
    dead: float
    blames: tuple[Blame, ...]
    basis: tuple[Evidence, ...]
    age_us: int | None

    @property
    def down(self) -> float:
        """The chance that nothing can be had of it: dead or unreachable."""
        return self.dead + self.unreachable

    @property
    def answers(self) -> float:
        """The chance that it can be had at all: up or slow."""
        return self.up + self.slow

    def blamed(self, name: Location) -> float:
        """The chance that this node of the path is at fault itself.

        Raises:
            ValueError: it is not on the path.
        """
        for blame in self.blames:
            if blame.name == name:
                return blame.chance
        raise ValueError(f"{name} is not on the path to {self.subject}; ask for its own answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A boolean at the edge, by who knows what the two mistakes cost.

    Attributes:
        miss: Cost of not acting where one should have.
        alarm: Cost of acting where one should not have.
    """

    miss: float
    alarm: float

    def __post_init__(self) -> None:
        refuse(
            (
                *(
                    None if 0 <= value < float("inf") else f"{name}={value!r} is no cost; give a number from 0 up"
                    for name, value in (("miss", self.miss), ("alarm", self.alarm))
                ),
                "both costs are 0, so nothing is to be decided; make one positive"
                if self.miss == 0 == self.alarm
                else None,
            )
        )

    @property
    def level(self) -> float:
        """The chance from which acting costs less on average."""
        return self.alarm / (self.miss + self.alarm)

    def crossed(self, chance: float) -> bool:
        """Whether to act at this chance."""
        return chance >= self.level
