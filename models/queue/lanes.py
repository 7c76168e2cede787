"""What a queue stores: a lane of letters for each key, as a domain whose events are the queue's log.

A letter comes at the end of its lane and gets the lane's next number; it goes when it is settled. One that
fails so often that it is given up *parks*. Parked alone, it lets those behind it pass, and comes last when it
is tried again: the order of its key is lost. Parked in sequence, it takes the lane along: those behind it park
behind it, those that come later too, and all come back in their order (the sequenced dead-letter queue of Axon
Framework 4.6).

Who holds which letter, and for how long, is no fact of the domain: a new leader hands out anew. How often a
letter has failed is one, so that a poisoned letter is given up however often the lead changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from models.addressing import QUEUE
from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = [
    "Enqueue",
    "Enqueued",
    "Fail",
    "Failed",
    "Lane",
    "Lanes",
    "Letter",
    "Parked",
    "Parking",
    "Retried",
    "Retry",
    "Settle",
    "Settled",
]


class Parking(StrEnum):
    """What becomes of a letter that failed too often."""

    NONE = "none"  # it comes again, for ever
    ALONE = "alone"  # it alone is put aside
    SEQUENCED = "sequenced"  # its lane is, in order


class Letter(NamedTuple):
    """One message in its lane.

    Attributes:
        number: Its place in the lane, from 1.
        message: The producer's id.
        body: What it says.
        attempts: How often it has failed.
    """

    number: int
    message: int
    body: int
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane(State):
    """The letters of one key.

    Attributes:
        last: Number of the last letter that came.
        waiting: Those that may be handed out, in order; one that is held by a consumer is still here.
        parked: Those that were put aside, in order.
        halted: Whether the lane parks, with all that comes.
    """

    last: int = 0
    waiting: tuple[Letter, ...] = ()
    parked: tuple[Letter, ...] = ()
    halted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue(Command):
    """A request to put a message at the end."""

    message: int
    body: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Command):
    """A request to be done with letters, by their numbers."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(Command):
    """The report that an attempt at a letter failed."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Command):
    """A request to try again what is parked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued(Event):
    """A message came."""

    message: int
    body: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Event):
    """Letters are done with."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """An attempt at a letter failed, and there will be another."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked(Event):
    """A letter failed once too often, and was put aside; in sequence with its lane."""

    number: int
    sequenced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Event):
    """What was parked may be handed out again."""


class Lanes(Domain[Lane], name="queue", number=QUEUE):
    """The lanes of a queue.

    Args:
        attempts: Failures after which a letter parks; 0 for never.
        parking: How.

    Raises:
        ValueError: parking without a number of attempts, or the other way about.
    """

    def __init__(self, attempts: int = 0, parking: Parking = Parking.NONE) -> None:
        if (attempts < 1) != (parking is Parking.NONE):
            raise ValueError(
                f"{attempts=} with parking {str(parking)!r}: give at least 1 attempt and a way to park, or 0 and 'none'"
            )
        self.attempts = attempts
        self.parking = parking

    def initial(self) -> Lane:
        """An empty lane."""
        return Lane()

    @decides
    def enqueue(self, state: Lane, command: Enqueue) -> Enqueued:
        """There is always room; a bound is on the whole shard, which knows it."""
        return Enqueued(message=command.message, body=command.body)

    @decides
    def settle(self, state: Lane, command: Settle) -> Settled | Denied:
        """Whatever of it is still waiting."""
        wanted = frozenset(command.numbers)
        left = tuple([letter.number for letter in state.waiting if letter.number in wanted])
        return Settled(numbers=left) if left else Denied(reason="not in the lane")

    @decides
    def fail(self, state: Lane, command: Fail) -> Failed | Parked | Denied:
        """Once more, or once too often."""
        for letter in state.waiting:
            if letter.number == command.number:
                if 0 < self.attempts <= letter.attempts + 1:
                    return Parked(number=letter.number, sequenced=self.parking is Parking.SEQUENCED)
                return Failed(number=letter.number)
        return Denied(reason="not in the lane")

    @decides
    def retry(self, state: Lane, command: Retry) -> Retried | Denied:
        """If there is anything parked."""
        return Retried() if state.parked else Denied(reason="nothing is parked")

    @evolves
    def enqueued(self, state: Lane, event: Enqueued) -> Lane:
        """One more at the end, wherever the lane is."""
        last = state.last + 1
        letter = Letter(last, event.message, event.body)
        if state.halted:
            return Lane(last=last, waiting=state.waiting, parked=(*state.parked, letter), halted=True)
        return Lane(last=last, waiting=(*state.waiting, letter), parked=state.parked)

    @evolves
    def settled(self, state: Lane, event: Settled) -> Lane:
        """Without them; mostly they are the first."""
        waiting, numbers = state.waiting, event.numbers
        count = len(numbers)
        if tuple([letter.number for letter in waiting[:count]]) == numbers:
            left = waiting[count:]
        else:
            gone = frozenset(numbers)
            left = tuple([letter for letter in waiting if letter.number not in gone])
        return Lane(last=state.last, waiting=left, parked=state.parked, halted=state.halted)

    @evolves
    def failed(self, state: Lane, event: Failed) -> Lane:
        """One attempt more, at the same place."""
        waiting = tuple([_once_more(letter) if letter.number == event.number else letter for letter in state.waiting])
        return Lane(last=state.last, waiting=waiting, parked=state.parked, halted=state.halted)

    @evolves
    def was_parked(self, state: Lane, event: Parked) -> Lane:
        """Aside, alone or with the lane."""
        if event.sequenced:
            return Lane(last=state.last, parked=(*state.parked, *state.waiting), halted=True)
        aside = [letter for letter in state.waiting if letter.number == event.number]
        left = tuple([letter for letter in state.waiting if letter.number != event.number])
        return Lane(last=state.last, waiting=left, parked=(*state.parked, *aside))

    @evolves
    def retried(self, state: Lane, event: Retried) -> Lane:
        """Back, as if nobody had tried yet: behind what passed it meanwhile, which in sequence is nothing."""
        back = tuple([Letter(*letter[:3]) for letter in self.in_order(state.parked)])
        return Lane(last=state.last, waiting=(*state.waiting, *back))

    def in_order(self, parked: tuple[Letter, ...]) -> tuple[Letter, ...]:
        """What was parked, as it comes back."""
        return parked

    @invariant
    def every_letter_once(self, state: Lane) -> bool:
        """No number is there twice, nor beyond the last."""
        numbers = [letter.number for letter in (*state.waiting, *state.parked)]
        return len(set(numbers)) == len(numbers) and max(numbers, default=0) <= state.last

    @invariant
    def halted_is_parked(self, state: Lane) -> bool:
        """A lane that parks hands nothing out."""
        return not (state.halted and state.waiting)

    def told(self, state: Lane) -> int:
        """The number of the last letter: whoever put one in learns its place."""
        return state.last

    def again(self, event: Event) -> Command | None:
        """The same message, for an operator to put in once more; the rest is up to whoever leads now."""
        return Enqueue(message=event.message, body=event.body) if isinstance(event, Enqueued) else None


def _once_more(letter: Letter) -> Letter:
    return Letter(letter.number, letter.message, letter.body, letter.attempts + 1)
