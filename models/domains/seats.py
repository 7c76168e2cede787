"""The seats of one performance: each is somebody's at most once, and each person may have several."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["GiveBack", "GivenBack", "Hall", "Seats", "Take", "Taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Command):
    """A request of `person` to sit on `seat`."""

    seat: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Command):
    """A request of `person` to give `seat` back."""

    seat: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Event):
    """`person` sits on `seat`."""

    seat: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack(Event):
    """`person` does not sit on `seat` any more."""

    seat: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall(State):
    """Pairs of seat and person, in order."""

    taken: tuple[tuple[int, int], ...] = ()

    def holder(self, seat: int) -> int | None:
        """Who sits there, None if nobody."""
        return next((person for number, person in self.taken if number == seat), None)


class Seats(Domain[Hall], name="seats", number=19):
    """Performances in a hall.

    Args:
        seats: How many, numbered from 1.
    """

    def __init__(self, seats: int = 100) -> None:
        if seats < 1:
            raise ValueError(f"{seats=} is no hall; give it at least 1")
        self.seats = seats

    def initial(self) -> Hall:
        """An empty hall."""
        return Hall()

    @decides
    def take(self, state: Hall, command: Take) -> Taken | Denied:
        """A seat of the hall that nobody has."""
        if not 1 <= command.seat <= self.seats:
            return Denied(reason="no such seat")
        if state.holder(command.seat) is not None:
            return Denied(reason="taken")
        return Taken(seat=command.seat, person=command.person)

    @decides
    def give_back(self, state: Hall, command: GiveBack) -> GivenBack | Denied:
        """Only one's own."""
        if state.holder(command.seat) != command.person:
            return Denied(reason="not yours")
        return GivenBack(seat=command.seat, person=command.person)

    @evolves
    def taken(self, state: Hall, event: Taken) -> Hall:
        """One more pair; two persons on a seat stay two, so that the invariant sees them."""
        return Hall(taken=tuple(sorted((*state.taken, (event.seat, event.person)))))

    @evolves
    def given_back(self, state: Hall, event: GivenBack) -> Hall:
        """That pair less."""
        return Hall(taken=tuple(pair for pair in state.taken if pair != (event.seat, event.person)))

    @invariant
    def one_holder_a_seat(self, state: Hall) -> bool:
        """Nobody sits on a lap."""
        return len({seat for seat, _ in state.taken}) == len(state.taken)

    def told(self, state: Hall) -> int:
        """How many seats are taken."""
        return len(state.taken)

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Taken():
                return Take(seat=event.seat, person=event.person)
            case GivenBack():
                return GiveBack(seat=event.seat, person=event.person)
            case _:
                return None
