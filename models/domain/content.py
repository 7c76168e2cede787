"""What is hashed of an event: plain nested tuples, so that no class stands between a fact and its hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from marshal import dumps
from operator import attrgetter
from types import NoneType
from typing import Any, Final

from models.domain.words import Event
from sim.message import Value

__all__ = ["Content", "content_of"]

#: Name of a type, its schema, names of its fields, and their values as plain nested tuples.
Content = tuple[str, int, tuple[str, ...], tuple[Any, ...]]
#: A class, what all contents of it begin with, and what takes the values out of one.
_Reader = tuple[type[Value], str, int, tuple[str, ...], Callable[[Value], tuple[Any, ...]]]

_PLAIN: Final = frozenset((int, float, str, bytes, bool, NoneType))


def content_of(event: Event) -> Content:
    """The content of an event in plain tuples of numbers, texts and bytes; the same for equal events of one schema.

    An enumeration's member becomes its value, a dataclass within it a content of its own, a
    tuple with names a plain one, and a frozenset the sorted tuple of its members.

    Raises:
        TypeError: a field holds what is no value, named.
    """
    reader: _Reader | None = event.__content__
    if reader is None or reader[0] is not event.__class__:
        # Kept by the class, of which it is a function, as the dataclass keeps its fields.
        reader = event.__class__.__content__ = _reader_of(event.__class__)
    return _read(event, reader)


def _reader_of(kind: type[Value]) -> _Reader:
    names = tuple(field.name for field in fields(kind))
    values_of: Callable[[Value], tuple[Any, ...]]
    if len(names) > 1:
        values_of = attrgetter(*names)
    elif names:
        values_of = _one(attrgetter(*names))
    else:
        values_of = _none
    return kind, kind.__name__, getattr(kind, "SCHEMA", 1), names, values_of


def _one(get: Callable[[Value], Any]) -> Callable[[Value], tuple[Any, ...]]:
    return lambda event: (get(event),)


def _none(event: Value) -> tuple[Any, ...]:
    return ()


def _read(event: Value, reader: _Reader) -> Content:
    _, name, schema, names, values_of = reader
    values = values_of(event)
    if not _PLAIN.issuperset(map(type, values)):
        values = tuple([_plain(value, name, field) for value, field in zip(values, names, strict=True)])
    return name, schema, names, values


def _plain(value: Any, kind: str, field: str) -> Any:
    """A field's value of built-in types alone."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, Enum):
        return _plain(value.value, kind, field)
    if isinstance(value, tuple):
        if _PLAIN.issuperset(map(type, value)):
            return tuple(value)  # a row, say, with or without names: its parts need no look each
        return tuple([_plain(item, kind, field) for item in value])
    if isinstance(value, frozenset):
        # By their bytes: members of unlike types have no order of their own.
        return tuple(sorted([_plain(item, kind, field) for item in value], key=_bytes_of))
    if is_dataclass(value) and not isinstance(value, type):
        return _read(value, _reader_of(type(value)))  # type: ignore[arg-type]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return "".join((value,))
    raise TypeError(f"{kind}.{field} holds {value!r}, a {type(value).__name__}, which is not a value")


def _bytes_of(plain: Any) -> bytes:
    return dumps(plain, 2)
