"""A user name: the aggregate is the name, and at most one person has it.

Uniqueness cannot be kept on both sides of a cut without asking the other side.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Claim", "Claimed", "Owner", "Release", "Released", "Username"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Command):
    """A request of `person` to have the name."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Command):
    """A request of `person` to give it up."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Event):
    """`person` has the name."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """Nobody has it any more."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner(State):
    """Who has the name, by number; more than one only where both sides of a cut gave it away."""

    persons: tuple[int, ...] = ()


class Username(Domain[Owner], name="username", number=21):
    """Names that are free at first."""

    def initial(self) -> Owner:
        """Free."""
        return Owner()

    @decides
    def claim(self, state: Owner, command: Claim) -> Claimed | Denied:
        """Only a free name can be had."""
        return Claimed(person=command.person) if not state.persons else Denied(reason="taken")

    @decides
    def release(self, state: Owner, command: Release) -> Released | Denied:
        """Only its owner gives it up."""
        return Released(person=command.person) if command.person in state.persons else Denied(reason="not yours")

    @evolves
    def claimed(self, state: Owner, event: Claimed) -> Owner:
        """It is theirs; two who were told so stay two, so that the invariant sees them."""
        return Owner(persons=tuple(sorted({*state.persons, event.person})))

    @evolves
    def released(self, state: Owner, event: Released) -> Owner:
        """It is not theirs any more."""
        return Owner(persons=tuple(person for person in state.persons if person != event.person))

    @invariant
    def one_owner(self, state: Owner) -> bool:
        """A name means one person."""
        return len(state.persons) <= 1

    def told(self, state: Owner) -> int | None:
        """Whose it is; None is nobody's."""
        return state.persons[0] if state.persons else None

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Claimed():
                return Claim(person=event.person)
            case Released():
                return Release(person=event.person)
            case _:
                return None
