"""Messages are values: what one host may hand another.

A message is a frozen dataclass of numbers, texts, bytes, tuples, frozensets or more such
values, so nothing mutable can be shared between two hosts by accident. Its type id is 32
bits; the top four name the layer it belongs to (region, cluster, host, service), which
gives its priority wherever it queues: each layer up is lower volume and goes first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Union, get_args, get_origin, get_type_hints

from sim.values import quicken

__all__ = [
    "Layer",
    "Message",
    "Transport",
    "Value",
    "check_message_type",
    "check_value",
    "check_value_class",
    "layer_of",
    "wire_size",
]


class Layer(IntEnum):
    """Traffic class; a smaller number is a higher layer and goes first."""

    REGION = 0
    CLUSTER = 1
    HOST = 2
    SERVICE = 3


class Transport(StrEnum):
    """How a message crosses the network."""

    DATAGRAM = "datagram"
    CONNECTION = "connection"


_LAYER_OF_SCOPE: Final[Mapping[int, Layer]] = {8: Layer.REGION, 4: Layer.CLUSTER, 2: Layer.HOST, 1: Layer.SERVICE}
_SCALARS: Final = (int, float, str, bytes, bool, NoneType)
#: Bytes of a header on the wire: two 24-byte locations, type, call id, length.
HEADER_BYTES: Final = 64


def layer_of(type_id: int) -> Layer:
    """The layer named by the top four bits of a 32-bit type id.

    Raises:
        ValueError: the id is no 32-bit number, or its scope is not one-hot.
    """
    if not 0 <= type_id < 1 << 32:
        raise ValueError(f"{type_id=} is not a 32-bit number")
    scope = type_id >> 28
    layer = _LAYER_OF_SCOPE.get(scope)
    if layer is None:
        raise ValueError(
            f"type id {type_id:#010x} has scope bits {scope:04b}; exactly one may be set: "
            "1000 region, 0100 cluster, 0010 host, 0001 service"
        )
    return layer


class Value:
    """What a message or record may carry without naming its type; a concrete one is a frozen dataclass of values.

    A field annotated with this, or with a class below it that holds nothing itself, takes any
    such value: what it may hold is checked where the concrete class is declared.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        quicken(cls)


class Message:
    """Base of all messages; a concrete one is a frozen, slotted dataclass.

    Attributes:
        type_id: 32 bits, scope one-hot in the top four.
        transport: Datagram unless the class says otherwise.
    """

    __slots__ = ()
    type_id: ClassVar[int]
    transport: ClassVar[Transport] = Transport.DATAGRAM

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        quicken(cls)

    def wire_bytes(self) -> int:
        """Bytes on the wire, header included; override where a cheaper sum is known."""
        return HEADER_BYTES + wire_size(self)

    def work(self) -> int:
        """Units of service time that handling it costs; a batch answers its length."""
        return 1


def wire_size(value: object) -> int:
    """Bytes of a value in a plain binary encoding: 8 a number, lengths before the rest."""
    if value is None or value.__class__ is bool:
        return 1
    if isinstance(value, int):
        return max(8, (value.bit_length() + 7) // 8)
    if isinstance(value, float):
        return 8
    if isinstance(value, str):
        return 4 + len(value.encode())
    if isinstance(value, bytes):
        return 4 + len(value)
    if isinstance(value, tuple | frozenset):
        return 4 + sum(wire_size(item) for item in value)
    if dataclasses.is_dataclass(value):
        return sum(wire_size(getattr(value, f.name)) for f in dataclasses.fields(value))
    raise TypeError(f"{value!r} is not a value that a message may carry")


def check_message_type(cls: type) -> Layer:
    """Check once that a message class holds only values; returns its layer.

    Raises:
        TypeError: not a frozen dataclass, or a field of a mutable type, named.
        ValueError: a bad type id.
    """
    check_value_class(cls)
    type_id = getattr(cls, "type_id", None)
    if type_id is None:
        raise TypeError(f"{cls.__name__} has no type_id; give it 32 bits with one scope bit")
    return layer_of(type_id)


def check_value(value: object, seen: set[type]) -> None:
    """Check that what a disk or a new instance is handed is a value, as messages are.

    Args:
        value: Anything.
        seen: Classes that were found right; a class is looked into once.

    Raises:
        TypeError: it could be changed by whoever still holds it.
    """
    cls = value.__class__
    if cls in seen:
        return
    if cls is tuple or cls is frozenset:
        for item in value:  # type: ignore[attr-defined]
            check_value(item, seen)
        return
    _check_value_type(cls, cls.__name__, ())
    seen.add(cls)


def check_value_class(cls: type) -> None:
    """Check that a class holds only values: a frozen dataclass of numbers, texts, tuples or more such.

    Raises:
        TypeError: not a frozen dataclass, or a field of a mutable type, named.
    """
    _check_value_class(cls, cls.__name__, ())


def _check_value_class(cls: type, path: str, seen: tuple[type, ...]) -> None:
    if not dataclasses.is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{path} is not a frozen dataclass, so a host could change it in flight")
    if cls.__hash__ is None:
        raise TypeError(f"{path} has no __hash__, so no set could hold it; leave it to the dataclass")
    if not cls.__dataclass_params__.eq:  # type: ignore[attr-defined]
        raise TypeError(f"{path} has eq=False, so two equal ones would differ; leave it out")
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if not field.compare or field.hash is False:
            raise TypeError(f"{path}.{field.name} is left out of comparing or hashing; a value is all that it holds")
        _check_value_type(hints[field.name], f"{path}.{field.name}", (*seen, cls))


def _check_value_type(hint: Any, path: str, seen: tuple[type, ...]) -> None:
    origin = get_origin(hint)
    if origin in (Union, UnionType, tuple, frozenset):
        for part in get_args(hint):
            if part is not Ellipsis:
                _check_value_type(part, path, seen)
        return
    hint = getattr(hint, "__supertype__", hint)  # NewType
    if hint in _SCALARS or hint in seen:
        return
    if isinstance(hint, type) and issubclass(hint, int | str):
        return  # enumerations
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        for name, part in get_type_hints(hint).items():
            _check_value_type(part, f"{path}.{name}", (*seen, hint))
        return
    if isinstance(hint, type) and issubclass(hint, Value) and _holds_nothing(hint):
        return
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, Message | Value)):
        if hint is not Message:
            _check_value_class(hint, path, seen)
        return
    raise TypeError(
        f"{path} is a {hint}, which is not a value; use int, float, str, bytes, bool, None, "
        "tuple, frozenset or a frozen dataclass of these"
    )


def _holds_nothing(cls: type) -> bool:
    """Whether it only says what a value is for: no dataclass, and no room for anything."""
    bases = cls.__mro__[:-1]
    return not dataclasses.is_dataclass(cls) and not any(base.__dict__.get("__slots__", True) for base in bases)
