"""The declarative way to define a domain: a class whose methods are its rules.

    class Counter(Domain[Count], name="counter", number=7):
        def initial(self) -> Count:
            return Count(total=0)

        @decides
        def add(self, state: Count, command: Add) -> Added | Denied:
            return Added(n=command.n) if command.n else Denied(reason="nothing to add")

        @evolves
        def added(self, state: Count, event: Added) -> Count:
            return Count(total=state.total + event.n)

        @invariant
        def never_negative(self, state: Count) -> bool:
            return state.total >= 0

        def told(self, state: Count) -> int:
            return state.total

`Add` is a `Command`, `Added` an `Event` and `Count` a `State`: frozen dataclasses of values.
Annotations are the schema: a command is whatever some `decides` takes, and each event that one
may return needs an `evolves`. A decision is exactly one event, a success or `Denied`, which is
stored like any other and changes no state. State comes from events and nothing else.

What is wrong with a domain is told all at once when its class is made, before any run. What
only shows later (a handler that returns no event or two, an `evolve` that raises) is a
`DomainFailed` with its place, which no handler may swallow: the run fails and says how to repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, TypeVar

from models.domain.rules import read_rules
from models.domain.words import (
    Command,
    Denied,
    DomainFailed,
    Event,
    Neutral,
    State,
    decides,
    evolves,
    invariant,
    upcasts,
)

__all__ = [
    "Command",
    "Denied",
    "Domain",
    "DomainFailed",
    "Event",
    "Neutral",
    "State",
    "decides",
    "evolves",
    "invariant",
    "upcasts",
]

_DOMAIN_BITS: Final = 11

StateT = TypeVar("StateT", bound=State)


class Domain(Generic[StateT]):
    """A bounded context around one kind of aggregate. Subclass it; an object of it holds only options.

    Attributes:
        name: What applications and scenarios call it.
        number: Its 11 bits of the type of every address, from 1.
        STATE_SCHEMA: Of its states, from 1; a snapshot of another schema is not read.
        decisions: By command type, the method that decides.
        effects: By event type, the method that evolves.
        yields: By command type, the events that its decision may return.
        states: What the state of an aggregate may be.
        invariants: Methods that must hold of every state, by name.
        upcasters: By event type and schema, the method that lifts it to the next.
        kinds: Event types by name, `Denied` included.
    """

    STATE_SCHEMA: ClassVar[int] = 1
    name: ClassVar[str] = ""
    number: ClassVar[int] = 0
    decisions: ClassVar[Mapping[type[Command], str]] = MappingProxyType({})
    effects: ClassVar[Mapping[type[Event], str]] = MappingProxyType({})
    yields: ClassVar[Mapping[type[Command], tuple[type[Event], ...]]] = MappingProxyType({})
    states: ClassVar[tuple[type[State], ...]] = ()
    invariants: ClassVar[tuple[str, ...]] = ()
    upcasters: ClassVar[Mapping[tuple[type[Event], int], str]] = MappingProxyType({})
    kinds: ClassVar[Mapping[str, type[Event]]] = MappingProxyType({})

    def __init_subclass__(cls, *, name: str, number: int, **more: Any) -> None:
        super().__init_subclass__(**more)
        problems: list[str] = []
        cls.name, cls.number = name, number
        if not name:
            problems.append("name='' names nothing; give one")
        if not 0 < number < 1 << _DOMAIN_BITS:
            problems.append(f"{number=} does not fit its {_DOMAIN_BITS} bits; give 1..{(1 << _DOMAIN_BITS) - 1}")
        if cls.STATE_SCHEMA.__class__ is not int or cls.STATE_SCHEMA < 1:
            problems.append(f"STATE_SCHEMA={cls.STATE_SCHEMA!r} is no schema; count from 1")
        rules = read_rules(cls, problems)
        cls.decisions, cls.effects, cls.yields = rules.decisions, rules.effects, rules.yields
        cls.states, cls.invariants = rules.states, rules.invariants
        cls.upcasters, cls.kinds = rules.upcasters, rules.kinds
        if problems:
            raise ValueError("\n".join(f"domain {name!r} ({cls.__qualname__}): {problem}" for problem in problems))

    # -- what a domain says besides its marked methods ---------------------------------------

    def initial(self) -> StateT:
        """The state of an aggregate without history."""
        raise NotImplementedError

    def told(self, state: StateT) -> int | str | None:
        """What a client is told of an aggregate after its command; None is nothing."""
        return None

    def again(self, event: Event) -> Command | None:
        """The command that would lead to this event again, None if there is none.

        An operator repeats by it what a failover has set aside. Decided on the state that the
        event met, it leads to an equal event; on any other, to what that state allows.
        """
        return None

    # -- what a store calls ------------------------------------------------------------------

    def decide(self, state: StateT, command: Command) -> Event:
        """The one event that a command leads to in a state.

        Raises:
            ValueError: the domain has no such command.
            DomainFailed: the decision raised, or returned anything but one event that it
                declares, or one that holds what cannot be hashed.
        """
        kind = command.__class__
        method = self.decisions.get(kind)
        if method is None:
            known = ", ".join(sorted(one.__name__ for one in self.decisions))
            raise ValueError(f"{kind.__name__} is no command of domain {self.name!r}; send one of {known}")
        try:
            event: Event = getattr(self, method)(state, command)
        except Exception as failed:
            raise self._failed(method, f"raised {type(failed).__name__}: {failed}") from failed
        if event.__class__ not in self.yields[kind]:
            raise self._failed(method, f"returned {_named(event)} to {kind.__name__}; return exactly one event")
        try:
            frozenset((event,))  # hashes it: a field may hold what its annotation does not say
        except TypeError as failed:
            raise self._failed(method, f"returned {_named(event)}, which cannot be hashed: {failed}") from failed
        return event

    def evolve(self, state: StateT, event: Event) -> StateT:
        """The state after an event; `Denied` changes nothing, nor does what is `Neutral`.

        Raises:
            DomainFailed: no method evolves such an event, or the one that does raised or
                returned no state of the domain.
        """
        kind = event.__class__
        if kind is Denied:
            return state
        method = self.effects.get(kind)
        if method is None:
            if issubclass(kind, Neutral):
                return state
            raise self._failed("evolve", f"met {_named(event)}, which is no event of this domain")
        try:
            after: StateT = getattr(self, method)(state, event)
        except Exception as failed:
            raise self._failed(method, f"raised {type(failed).__name__}: {failed}; it must be total") from failed
        if after.__class__ not in self.states:
            rule = f"returned {type(after).__name__} on {kind.__name__}; return the state after it"
            raise self._failed(method, rule)
        return after

    def replay(self, events: Iterable[Event], state: StateT | None = None) -> StateT:
        """The state that a stream of events leads to, from the beginning or from `state`."""
        now = self.initial() if state is None else state
        for event in events:
            now = self.evolve(now, event)
        return now

    def violated(self, state: StateT) -> tuple[str, ...]:
        """The invariants that do not hold of a state, by name.

        Raises:
            DomainFailed: one of them raised.
        """
        return tuple(name for name in self.invariants if not self._holds(name, state))

    def events(self) -> Iterator[type[Event]]:
        """Every event type: the domain's own by name, then `Denied`."""
        yield from sorted(self.effects, key=lambda kind: kind.__name__)
        yield Denied

    def _holds(self, name: str, state: StateT) -> bool:
        try:
            return bool(getattr(self, name)(state))
        except Exception as failed:
            raise self._failed(name, f"raised {type(failed).__name__}: {failed}; it must tell of any state") from failed

    def _failed(self, place: str, rule: str) -> DomainFailed:
        return DomainFailed(self.name, f"{type(self).__qualname__}.{place}", rule)


def _named(value: object) -> str:
    if value is None:
        return "no event"
    if isinstance(value, tuple | list):
        return f"{len(value)} events"
    return type(value).__name__
