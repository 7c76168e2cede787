"""A counter: events that commute, so that no order of merging them is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Denied, Domain, decides, evolves

__all__ = ["Add", "Added", "Count", "Counter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A request to add `n`, which may be negative."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """`n` was added."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
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
