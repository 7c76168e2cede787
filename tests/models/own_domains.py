"""Domains of somebody's own, as they would stand in a user's module: one that is right, and some that are not."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = ["Book", "Deaf", "Empty", "Full", "Leave", "Mute", "Namesake", "Stranger", "Table", "Tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book(Command):
    """A request for a place at the table."""

    guest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    """A request to give it up."""

    guest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked(Event):
    """A guest has a place."""

    guest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Event):
    """A guest has none any more."""

    guest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(State):
    """Who has a place, in order."""

    guests: tuple[int, ...] = ()


class Tables(Domain[Table], name="tables", number=900):
    """Tables for two."""

    def initial(self) -> Table:
        return Table()

    def asks(self) -> tuple[Command, ...]:
        return Book(guest=1), Book(guest=2), Book(guest=3), Leave(guest=1)

    @decides
    def book(self, state: Table, command: Book) -> Booked | Denied:
        if command.guest in state.guests:
            return Denied(reason="has a place")
        return Booked(guest=command.guest) if len(state.guests) < 2 else Denied(reason="full")

    @decides
    def leave(self, state: Table, command: Leave) -> Left | Denied:
        return Left(guest=command.guest) if command.guest in state.guests else Denied(reason="has no place")

    @evolves
    def booked(self, state: Table, event: Booked) -> Table:
        return Table(guests=tuple(sorted((*state.guests, event.guest))))

    @evolves
    def left(self, state: Table, event: Left) -> Table:
        return Table(guests=tuple(guest for guest in state.guests if guest != event.guest))

    @invariant
    def for_two(self, state: Table) -> bool:
        return len(state.guests) <= 2

    def told(self, state: Table) -> int:
        return len(state.guests)

    def again(self, event: Event) -> Command | None:
        if isinstance(event, Booked):
            return Book(guest=event.guest)
        return Leave(guest=event.guest) if isinstance(event, Left) else None


class Mute(Tables, name="mute", number=901):
    """Does not say what to ask of it."""

    asks = None  # type: ignore[assignment]


class Empty(Tables, name="empty", number=902):
    """Asks for nothing."""

    def asks(self) -> tuple[Command, ...]:
        return ()


class Stranger(Tables, name="stranger", number=903):
    """Asks for what it does not decide."""

    def asks(self) -> tuple[Command, ...]:
        return (Book(guest=1), Booked(guest=1))  # type: ignore[return-value]


class Deaf(Tables, name="deaf", number=904):
    """Denies all that it asks for."""

    def asks(self) -> tuple[Command, ...]:
        return (Leave(guest=1),)


class Namesake(Tables, name="seats", number=905):
    """Is called as a shipped one."""


class Full(Tables, name="full", number=906):
    """Breaks its own rule from the first."""

    def initial(self) -> Table:
        return Table(guests=(1, 2, 3))


def leaves() -> Tables:
    """Ends the process."""
    raise SystemExit(7)
