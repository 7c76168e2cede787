"""The words that a domain is written in: what a command, an event and a state are, and the marks on its methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, final

from sim.message import Value

__all__ = [
    "Command",
    "Denied",
    "DomainFailed",
    "Event",
    "Neutral",
    "State",
    "decides",
    "evolves",
    "invariant",
    "upcast_of",
    "upcasts",
]

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Command(Value):
    """A request: what somebody wants to happen, as a frozen dataclass of values."""

    __slots__ = ()


class Event(Value):
    """A fact, in the past tense, as a frozen dataclass of values.

    One whose fields have changed since it was first written says so by `SCHEMA: ClassVar[int]`,
    from 2, and its domain upcasts the older ones.
    """

    __slots__ = ()
    __content__: ClassVar[Any] = None  # of `models.domain.content`


class Neutral(Event):
    """A fact that any domain's log may hold and that changes no state of it, such as a right that moved elsewhere."""

    __slots__ = ()


class State(Value):
    """What an aggregate's events lead to, as a frozen dataclass of values; all that its decisions may look at."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Event):
    """The error event of every domain: a rule said no, and state stays as it was.

    It has no subclasses, so `event.__class__ is Denied` recognises it.
    """

    reason: str


class DomainFailed(Exception):
    """A domain's code broke its contract while a run was under way.

    Attributes:
        domain: Its name.
        place: The method.
        rule: What it broke.
    """

    def __init__(self, domain: str, place: str, rule: str) -> None:
        super().__init__(domain, place, rule)
        self.domain = domain
        self.place = place
        self.rule = rule

    def __str__(self) -> str:
        return f"domain {self.domain!r}, {self.place}: {self.rule}"


def decides(method: _Method) -> _Method:
    """Mark `(self, state, command: C) -> E1 | E2 | Denied` as the decision on commands of type C."""
    method.__decides__ = True  # type: ignore[attr-defined]
    return method


def evolves(method: _Method) -> _Method:
    """Mark `(self, state, event: E) -> S` as what events of type E do to the state; pure and total."""
    method.__evolves__ = True  # type: ignore[attr-defined]
    return method


def invariant(method: _Method) -> _Method:
    """Mark `(self, state) -> bool` as what must hold of every state."""
    method.__invariant__ = True  # type: ignore[attr-defined]
    return method


def upcasts(event: type[Event], *, schema: int) -> Callable[[_Method], _Method]:
    """Mark `(self, fields: dict) -> dict` as what turns fields of that schema into those of the next."""

    def mark(method: _Method) -> _Method:
        method.__upcasts__ = (event, schema)  # type: ignore[attr-defined]
        return method

    return mark


def upcast_of(method: Any) -> tuple[type[Event], int]:
    """The event and schema that a method marked with `upcasts` lifts."""
    return method.__upcasts__  # type: ignore[no-any-return]
