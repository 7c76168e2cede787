"""A domain's class read and checked: its annotations are its schema, and all that is wrong is told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType, UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from models.domain.words import Command, Denied, Event, State, upcast_of
from sim.message import Value, check_value_class

__all__ = ["Rules", "read_rules"]


class Rules(NamedTuple):
    """What the methods of a domain say, inherited ones included.

    Attributes:
        decisions: By command type, the method that decides.
        effects: By event type, the method that evolves.
        yields: By command type, the events that its decision may return.
        states: What an aggregate's state may be.
        invariants: Methods that must hold of every state, by name.
        upcasters: By event type and schema, the method that lifts it to the next.
        kinds: Event types by name, `Denied` included.
    """

    decisions: Mapping[type[Command], str]
    effects: Mapping[type[Event], str]
    yields: Mapping[type[Command], tuple[type[Event], ...]]
    states: tuple[type[State], ...]
    invariants: tuple[str, ...]
    upcasters: Mapping[tuple[type[Event], int], str]
    kinds: Mapping[str, type[Event]]


def read_rules(domain: type, problems: list[str]) -> Rules:
    """Read a class whose methods are marked; what is wrong with it is appended to `problems`."""
    decisions: dict[type[Command], str] = {}
    effects: dict[type[Event], str] = {}
    yields: dict[type[Command], tuple[type[Event], ...]] = {}
    invariants: list[str] = []
    upcasters: dict[tuple[type[Event], int], str] = {}
    returns: dict[str, tuple[type[Event], ...]] = {}
    states = dict.fromkeys(_first_state(domain, problems))
    for attribute in dir(domain):
        method = getattr(domain, attribute)
        if hasattr(method, "__decides__"):
            taken, returns[attribute] = _signature(attribute, method, Command, Event, problems)
            _put(decisions, taken, attribute, "decide", problems)
            if taken is not None:
                yields[taken] = returns[attribute]
        elif hasattr(method, "__evolves__"):
            taken, returned = _signature(attribute, method, Event, State, problems)
            _put(effects, taken, attribute, "evolve", problems)
            states.update(dict.fromkeys(returned))
        elif hasattr(method, "__invariant__"):
            invariants.append(attribute)
        elif hasattr(method, "__upcasts__"):
            _put(upcasters, upcast_of(method), attribute, "upcast", problems)
    rules = Rules(
        MappingProxyType(decisions),
        MappingProxyType(effects),
        MappingProxyType(yields),
        tuple(states),
        tuple(invariants),
        MappingProxyType(upcasters),
        MappingProxyType({kind.__name__: kind for kind in (*effects, Denied)}),
    )
    problems += [*_bad_events(rules, returns), *_bad_values(rules), *_bad_schemas(rules)]
    return rules


def _first_state(domain: Any, problems: list[str]) -> tuple[type[State], ...]:
    """What `initial` returns."""
    returned = _hints("initial", domain.initial, problems).get("return")
    if returned is None or isinstance(returned, TypeVar):
        problems.append("has no first state; define initial(self), annotated with the State that it returns")
        return ()
    return _parts("initial", returned, State, problems)


def _hints(name: str, method: Any, problems: list[str]) -> dict[str, Any]:
    try:
        return get_type_hints(method)
    except NameError as missing:
        problems.append(f"{name}: its annotations cannot be read: {missing}; define the types at module level")
        return {}


def _signature(
    name: str, method: Any, takes: type[Value], gives: type[Value], problems: list[str]
) -> tuple[Any, tuple[Any, ...]]:
    """The type of a handler's second argument, None if it is no good, and the types that it returns."""
    told = len(problems)
    hints = _hints(name, method, problems)
    if len(problems) > told:
        return None, ()
    arguments = [key for key in hints if key != "return"]
    if len(arguments) != 2 or "return" not in hints:
        problems.append(f"{name}: annotate state, the command or event, and what it returns; it takes no more")
        return None, ()
    taken, returned = hints[arguments[1]], _parts(name, hints["return"], gives, problems)
    if not isinstance(taken, type):
        problems.append(f"{name}: takes {taken}; write one method for each type")
        return None, returned
    if not issubclass(taken, takes):
        problems.append(f"{name}: takes {taken.__name__}, which is no {takes.__name__}; derive it from that")
        return None, returned
    return taken, returned


def _parts(name: str, returned: Any, gives: type[Value], problems: list[str]) -> tuple[Any, ...]:
    """The types of a return annotation, each of which must be a `gives`."""
    parts = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
    good = tuple(part for part in parts if isinstance(part, type) and issubclass(part, gives))
    for part in parts:
        if part not in good:
            told = part.__name__ if isinstance(part, type) and not get_args(part) else part
            problems.append(f"{name} may return {told}, which is no {gives.__name__}; return exactly one")
    return good


def _put(table: dict[Any, str], key: Any, name: str, verb: str, problems: list[str]) -> None:
    if key is None:
        return
    if key in table:
        told = key.__name__ if isinstance(key, type) else f"{key[0].__name__} of schema {key[1]}"
        problems.append(f"{table[key]} and {name} both {verb} {told}; keep one")
    table[key] = name


def _bad_events(rules: Rules, returns: Mapping[str, tuple[type[Event], ...]]) -> Iterator[str]:
    """Events that a decision may lead to and nothing evolves, and names that mean two."""
    if not returns:
        yield "decides nothing; mark a method with @decides"
    for method, events in returns.items():
        for event in events:
            if event is not Denied and event not in rules.effects:
                yield f"{method} may return {event.__name__}, which nothing evolves; mark a method with @evolves"
    for name, count in Counter(kind.__name__ for kind in (*rules.effects, Denied)).items():
        if count > 1:
            yield f"{count} of its events are called {name}, and a log knows them by name; rename all but one"


def _bad_values(rules: Rules) -> Iterator[str]:
    """What is no value, so that two hosts could share it, or no hash could tell two apart."""
    for kind in dict.fromkeys((*rules.decisions, *rules.effects, *rules.states)):
        try:
            check_value_class(kind)
        except TypeError as refused:
            yield str(refused)


def _bad_schemas(rules: Rules) -> Iterator[str]:
    """Upcasters of what is no event, and gaps between the oldest schema and the one that events have now."""
    for (event, schema), name in rules.upcasters.items():
        if event not in rules.effects:
            yield f"{name} upcasts {event.__name__}, which is no event of it; name one"
            continue
        newest = getattr(event, "SCHEMA", 1)
        if not 1 <= schema < newest:
            yield f"{name} upcasts {event.__name__} of schema {schema}, but it is now {newest}; set its SCHEMA or this"
    for event in rules.effects:
        for schema in range(1, getattr(event, "SCHEMA", 1)):
            if (event, schema) not in rules.upcasters:
                yield f"nothing upcasts {event.__name__} of schema {schema}; mark a method with @upcasts"
