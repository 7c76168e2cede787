"""The JSON of a schedule: an array with one fault a line, read back with every mistake told at once.

Keys are those of a scenario file; times are whole microseconds. What a reader can say without
a topology is said here, whatever else is wrong; the rest is for `sim.faults.schedule`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sim.faults.fault import Fault, ParamValue, Trigger
from sim.wording import way_to

__all__ = ["schedule_from_json", "schedule_to_json"]

T = TypeVar("T")

_KEYS: Final = ("id", "kind", "targets", "at", "for", "params")
#: Keys of a trigger, and the attributes that they stand for.
_TRIGGER_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"point": "point", "note": "note", "nth": "nth", "host": "host", "since": "since_us", "until": "until_us"}
)


def schedule_to_json(faults: Iterable[Fault]) -> str:
    """A schedule as a JSON array, one fault a line; `schedule_from_json` reads it back equal."""
    lines = [json.dumps(_entry_of(fault), separators=(", ", ": ")) for fault in faults]
    return "[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n" if lines else "[]\n"


def schedule_from_json(text: str) -> tuple[Fault, ...]:
    """Read a schedule.

    Raises:
        ValueError: no JSON array of faults; every mistake, one a line, with the number of its fault.
    """
    entries = _parsed(text)
    if not isinstance(entries, list):
        raise ValueError("a fault schedule is a JSON array of objects; put [ ] around it")
    readings = [_Reading(entry) for entry in entries]
    told = [f"fault[{number}]: {mistake}" for number, one in enumerate(readings) for mistake in one.mistakes]
    if told:
        raise ValueError("\n".join(told))
    return tuple(reading.fault for reading in readings)


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys were written twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = tuple(name for name in self if names.count(name) > 1)


class _Reading:
    """One entry: the fault, with harmless values where it has mistakes, and the mistakes."""

    def __init__(self, entry: Any) -> None:
        self.mistakes: list[str] = []
        entry = self._object("", entry, _KEYS, required=("id", "kind", "targets", "at"))
        values: dict[str, Any] = {
            "id": self._value("id", entry.get("id", "?"), _text, "?"),
            "kind": self._value("kind", entry.get("kind", "?"), _text, "?"),
            "targets": self._value("targets", entry.get("targets", ["*"]), _texts, ("*",)),
            "at": self._at(entry.get("at", 0)),
            "for_us": self._value("for", entry.get("for"), _or_null(_whole), None),
            "params": self._params(entry.get("params", _Object([]))),
        }
        self.fault = self._made(Fault, values, id="?", targets=("*",), at=0, for_us=None)

    def _at(self, at: Any) -> int | Trigger:
        if not isinstance(at, dict):
            return self._value("at", at, _instant, 0)
        at = self._object("at", at, tuple(_TRIGGER_KEYS), required=())
        rules: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "point": (_or_null(_text), "?"),
            "note": (_or_null(_text), "?"),
            "nth": (_count, 1),
            "host": (_or_null(_text), None),
            "since": (_whole, 0),
            "until": (_or_null(_whole), None),
        }
        values = {_TRIGGER_KEYS[key]: self._value(f"at.{key}", at[key], *rules[key]) for key in at if key in rules}
        return self._made(Trigger, values, point="?", note=None, nth=1, since_us=0, until_us=None)

    def _params(self, params: Any) -> dict[str, ParamValue]:
        known = tuple(params) if isinstance(params, dict) else ("factor", "...")
        found = self._object("params", params, known, required=())
        return {name: self._value(f"params.{name}", value, _param, "") for name, value in found.items()}

    def _object(self, path: str, value: Any, known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
        """The object at a place; an empty one after a complaint."""
        if not isinstance(value, _Object):
            start = f"{path} = " if path else ""
            self.mistakes.append(f"{start}{_shown(value)} is no object; write one with the keys {', '.join(known)}")
            return {}
        place = f"{path}: " if path else ""
        self.mistakes += [f"{place}the key {name!r} stands twice; keep one" for name in value.repeated]
        self.mistakes += [f"{place}unknown key {name!r}; {way_to(name, known)}" for name in value if name not in known]
        self.mistakes += [f"{place}the key {name!r} is missing; add it" for name in required if name not in value]
        return value

    def _value(self, name: str, value: Any, read: Callable[[Any], T], otherwise: Any) -> T:
        harmless: T = otherwise
        try:
            return read(value)
        except ValueError as refused:
            self.mistakes.append(f"{name} = {_shown(value)} {refused}")
            return harmless

    def _made(self, record: Callable[..., T], values: Mapping[str, Any], **harmless: Any) -> T:
        """A record of values right on their own; a harmless one after its complaints."""
        try:
            return record(**values)
        except ValueError as refused:
            self.mistakes += str(refused).splitlines()
            return record(**{**values, **harmless})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_Object)
    except json.JSONDecodeError as broken:
        place = f"line {broken.lineno}, column {broken.colno}"
        way_out = "correct it there" if text.strip("\ufeff \n\r\t") else "a schedule without a fault is []"
        raise ValueError(f"{place}: not JSON: {broken.msg}; {way_out}") from None
    except (ValueError, RecursionError) as broken:  # endless digits, or endless brackets
        raise ValueError(f"not JSON that can be read: {broken}; a schedule is an array of objects") from None


def _entry_of(fault: Fault) -> dict[str, Any]:
    at: Any = fault.at
    if isinstance(at, Trigger):
        values = {key: getattr(at, name) for key, name in _TRIGGER_KEYS.items()}
        at = {key: value for key, value in values.items() if value is not None and (key, value) != ("since", 0)}
    params = {name: list(v) if isinstance(v, tuple) else v for name, v in fault.params.items()}
    return {
        "id": fault.id,
        "kind": fault.kind,
        "targets": list(fault.targets),
        "at": at,
        "for": fault.for_us,
        "params": params,
    }


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text; put it in quotes")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('is no list of texts; write one, as in ["us-east-1"]')
    return tuple(value)


def _whole(value: Any) -> int:
    # A truth value is an int to Python; `"at": true` is a slip all the same.
    if value.__class__ is not int:
        raise ValueError("is no number of whole microseconds; write one, as in 5000000")
    return int(value)


def _instant(value: Any) -> int:
    if value.__class__ is not int:
        raise ValueError('is neither whole microseconds nor a trigger; write 5000000, say, or {"point": "C1"}')
    return int(value)


def _count(value: Any) -> int:
    if value.__class__ is not int:
        raise ValueError("is no whole number; occurrences are counted from 1")
    return int(value)


def _param(value: Any) -> ParamValue:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError("is no value of a parameter; give a truth value, a number, a text or a list of texts")


def _or_null(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)
