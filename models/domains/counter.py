"""A counter: events that commute, so that no order of merging them is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves

__all__ = ["Add", "Added", "Count", "Counter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Command):
    """A request to add `n`, which may be negative."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added(Event):
    """`n` was added."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(State):
    """The total."""

    total: int


class Counter(Domain[Count], name="counter", number=22):
    """Counters that begin at 0."""

    def initial(self) -> Count:
        """Nothing counted."""
        return Count(total=0)

    @decides
    def add(self, state: Count, command: Add) -> Added | Denied:
        """Anything but nothing."""
        return Added(n=command.n) if command.n else Denied(reason="nothing to add")

    @evolves
    def added(self, state: Count, event: Added) -> Count:
        """The sum."""
        return Count(total=state.total + event.n)

    def told(self, state: Count) -> int:
        """The total."""
        return state.total

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        return Add(n=event.n) if isinstance(event, Added) else None
