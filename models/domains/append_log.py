"""A log that people append to and read whole: no request is ever denied, and every one has its place."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Domain, Event, State, decides, evolves

__all__ = ["Append", "AppendLog", "Appended", "Lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Append(Command):
    """A request to put `value` at the end."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended(Event):
    """`value` stands at the end."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(State):
    """What was appended, in order."""

    values: tuple[int, ...] = ()


class AppendLog(Domain[Lines], name="append-log", number=32):
    """Logs that are empty at first."""

    def initial(self) -> Lines:
        """Nothing yet."""
        return Lines()

    @decides
    def append(self, state: Lines, command: Append) -> Appended:
        """Anything."""
        return Appended(value=command.value)

    @evolves
    def appended(self, state: Lines, event: Appended) -> Lines:
        """One longer."""
        return Lines(values=(*state.values, event.value))

    def told(self, state: Lines) -> str:
        """All of it, parted by commas."""
        return ",".join(map(str, state.values))

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        return Append(value=event.value) if isinstance(event, Appended) else None
