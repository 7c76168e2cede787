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

Annotations are the schema: a command is whatever some `decides` takes, and each event that one
may return needs an `evolves`. A decision is exactly one event, a success or `Denied`, which is
stored like any other and changes no state. State comes from events and nothing else.

What is wrong with a domain is told all at once when its class is made, before any run. What
only shows later (a handler that returns no event or two, an `evolve` that raises) is a
`DomainFailed` with its place, which no handler may swallow: the run fails and says how to repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, UnionType
from typing import Any, ClassVar, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from sim.message import check_value_class

__all__ = ["Denied", "Domain", "DomainFailed", "Payload", "decides", "evolves", "invariant", "upcasts"]

_DOMAIN_BITS: Final = 11

StateT = TypeVar("StateT")
_Method = TypeVar("_Method", bound=Callable[..., Any])
#: A command or an event: a frozen dataclass of values.
Payload = Any


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The error event of every domain: a rule said no, and state stays as it was."""

    reason: str


def decides(method: _Method) -> _Method:
    """Mark `(self, state, command: C) -> E1 | E2 | Denied` as the decision on commands of type C."""
    method.__decides__ = True  # type: ignore[attr-defined]
    return method


def evolves(method: _Method) -> _Method:
    """Mark `(self, state, event: E) -> State` as what events of type E do to the state; pure and total."""
    method.__evolves__ = True  # type: ignore[attr-defined]
    return method


def invariant(method: _Method) -> _Method:
    """Mark `(self, state) -> bool` as what must hold of every state."""
    method.__invariant__ = True  # type: ignore[attr-defined]
    return method


def upcasts(event: type, *, schema: int) -> Callable[[_Method], _Method]:
    """Mark `(self, fields: dict) -> dict` as what turns fields of that schema into those of the next."""

    def mark(method: _Method) -> _Method:
        method.__upcasts__ = (event, schema)  # type: ignore[attr-defined]
        return method

    return mark


class Domain(Generic[StateT]):
    """A bounded context around one kind of aggregate. Subclass it; an object of it holds only options.

    Attributes:
        name: What applications and scenarios call it.
        number: Its 11 bits of the type of every address, from 1.
        decisions: By command type, the method that decides.
        effects: By event type, the method that evolves.
        yields: By command type, the events that its decision may return.
        invariants: Methods that must hold of every state, by name.
        upcasters: By event type and schema, the method that lifts it to the next.
    """

    name: ClassVar[str] = ""
    number: ClassVar[int] = 0
    decisions: ClassVar[Mapping[type, str]] = MappingProxyType({})
    effects: ClassVar[Mapping[type, str]] = MappingProxyType({})
    yields: ClassVar[Mapping[type, tuple[type, ...]]] = MappingProxyType({})
    invariants: ClassVar[tuple[str, ...]] = ()
    upcasters: ClassVar[Mapping[tuple[type, int], str]] = MappingProxyType({})

    def __init_subclass__(cls, *, name: str, number: int, **more: Any) -> None:
        super().__init_subclass__(**more)
        problems: list[str] = []
        cls.name, cls.number = name, number
        if not name:
            problems.append("name='' names nothing; give one")
        if not 0 < number < 1 << _DOMAIN_BITS:
            problems.append(f"{number=} does not fit its {_DOMAIN_BITS} bits; give 1..{(1 << _DOMAIN_BITS) - 1}")
        cls._read(problems)
        problems += _bad_values(cls)
        problems += _bad_schemas(cls)
        if problems:
            raise ValueError("\n".join(f"domain {name!r} ({cls.__qualname__}): {problem}" for problem in problems))

    @classmethod
    def _read(cls, problems: list[str]) -> None:
        """Collect what the methods say, inherited ones included."""
        decisions: dict[type, str] = {}
        effects: dict[type, str] = {}
        yields: dict[type, tuple[type, ...]] = {}
        returns: dict[str, tuple[type, ...]] = {}
        invariants: list[str] = []
        upcasters: dict[tuple[type, int], str] = {}
        for attribute in dir(cls):
            method = getattr(cls, attribute)
            if hasattr(method, "__decides__"):
                taken, returns[attribute] = _signature(attribute, method, problems)
                _put(decisions, taken, attribute, "decides", problems)
                if taken is not None:
                    yields[taken] = returns[attribute]
            elif hasattr(method, "__evolves__"):
                _put(effects, _signature(attribute, method, problems)[0], attribute, "evolves", problems)
            elif hasattr(method, "__invariant__"):
                invariants.append(attribute)
            elif hasattr(method, "__upcasts__"):
                _put(upcasters, method.__upcasts__, attribute, "upcasts", problems)
        if not decisions:
            problems.append("decides nothing; mark a method with @decides")
        problems += [
            f"{method} may return {event.__name__}, which nothing evolves; mark a method with @evolves"
            for method, events in returns.items()
            for event in events
            if event is not Denied and event not in effects
        ]
        cls.decisions, cls.effects = MappingProxyType(decisions), MappingProxyType(effects)
        cls.yields, cls.invariants = MappingProxyType(yields), tuple(invariants)
        cls.upcasters = MappingProxyType(upcasters)

    def initial(self) -> StateT:
        """The state of an aggregate without history."""
        raise NotImplementedError

    # -- what a store calls ------------------------------------------------------------------

    def decide(self, state: StateT, command: Payload) -> Payload:
        """The one event that a command leads to in a state.

        Raises:
            ValueError: the domain has no such command.
            DomainFailed: the decision raised, or returned anything but one event that it declares.
        """
        kind = command.__class__
        method = self.decisions.get(kind)
        if method is None:
            known = ", ".join(sorted(one.__name__ for one in self.decisions))
            raise ValueError(f"{kind.__name__} is no command of domain {self.name!r}; send one of {known}")
        try:
            event = getattr(self, method)(state, command)
        except Exception as failed:
            raise self._failed(method, f"raised {type(failed).__name__}: {failed}") from failed
        if event.__class__ not in self.yields[kind]:
            raise self._failed(method, f"returned {_told(event)} to {kind.__name__}; return exactly one event")
        return event

    def evolve(self, state: StateT, event: Payload) -> StateT:
        """The state after an event; `Denied` changes nothing.

        Raises:
            DomainFailed: no method evolves such an event, or the one that does raised.
        """
        kind = event.__class__
        if kind is Denied:
            return state
        method = self.effects.get(kind)
        if method is None:
            raise self._failed("evolve", f"met {_told(event)}, which is no event of this domain")
        try:
            return getattr(self, method)(state, event)  # type: ignore[no-any-return]
        except Exception as failed:
            raise self._failed(method, f"raised {type(failed).__name__}: {failed}; it must be total") from failed

    def replay(self, events: Iterable[Payload], state: StateT | None = None) -> StateT:
        """The state that a stream of events leads to, from the beginning or from `state`."""
        now = self.initial() if state is None else state
        for event in events:
            now = self.evolve(now, event)
        return now

    def violated(self, state: StateT) -> tuple[str, ...]:
        """The invariants that do not hold of a state, by name."""
        return tuple(name for name in self.invariants if not getattr(self, name)(state))

    def events(self) -> Iterator[type]:
        """Every event type: the domain's own by name, then `Denied`."""
        yield from sorted(self.effects, key=lambda kind: kind.__name__)
        yield Denied

    def _failed(self, place: str, rule: str) -> DomainFailed:
        return DomainFailed(self.name, f"{type(self).__qualname__}.{place}", rule)


def _signature(name: str, method: Any, problems: list[str]) -> tuple[type | None, tuple[type, ...]]:
    """The type of a handler's second argument, and the types that it returns."""
    try:
        hints = get_type_hints(method)
    except NameError as missing:
        problems.append(f"{name}: its annotations cannot be read: {missing}; define the types at module level")
        return None, ()
    arguments = [key for key in hints if key != "return"]
    returned = hints.get("return")
    if len(arguments) != 2 or returned is None:
        problems.append(f"{name}: annotate state, the command or event, and what it returns; it takes no more")
        return None, ()
    taken = hints[arguments[1]]
    if not isinstance(taken, type):
        problems.append(f"{name}: takes {taken}; write one method for each type")
        return None, ()
    parts = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
    return taken, tuple(part for part in parts if isinstance(part, type))


def _put(table: dict[Any, str], key: Any, name: str, verb: str, problems: list[str]) -> None:
    if key is None:
        return
    if key in table:
        told = key.__name__ if isinstance(key, type) else f"{key[0].__name__} of schema {key[1]}"
        problems.append(f"{table[key]} and {name} both {verb.removesuffix('s')} {told}; keep one")
    table[key] = name


def _bad_values(domain: type[Domain[Any]]) -> Iterator[str]:
    """Commands and events that are no values, so that two hosts could share them, or no hash could tell them apart."""
    for kind in dict.fromkeys((*domain.decisions, *domain.effects)):
        try:
            check_value_class(kind)
        except TypeError as refused:
            yield str(refused)


def _bad_schemas(domain: type[Domain[Any]]) -> Iterator[str]:
    """Upcasters of what is no event, and gaps between the oldest schema and the one that events have now."""
    for (event, schema), name in domain.upcasters.items():
        if event not in domain.effects:
            yield f"{name} upcasts {event.__name__}, which is no event of it; name one"
            continue
        newest = getattr(event, "SCHEMA", 1)
        if not 1 <= schema < newest:
            yield f"{name} upcasts {event.__name__} of schema {schema}, but it is now {newest}; set its SCHEMA or this"
    for event in domain.effects:
        for schema in range(1, getattr(event, "SCHEMA", 1)):
            if (event, schema) not in domain.upcasters:
                yield f"nothing upcasts {event.__name__} of schema {schema}; mark a method with @upcasts"


def _told(value: object) -> str:
    if value is None:
        return "no event"
    if isinstance(value, tuple | list):
        return f"{len(value)} events"
    return type(value).__name__
