"""Messages are values, and their type names their layer."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

import pytest

from sim.message import HEADER_BYTES, Layer, Message, Value, check_message_type, check_value_class, layer_of


class Colour(StrEnum):
    RED = "red"


class Entry(NamedTuple):
    at: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fine(Message):
    type_id: ClassVar[int] = 0x2000_0000
    a: int
    b: str | None
    c: tuple[Entry, ...]
    d: frozenset[bytes]
    e: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Message):
    type_id: ClassVar[int] = 0x2000_0000
    names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested(Message):
    type_id: ClassVar[int] = 0x2000_0000
    inner: tuple[dict[str, int], ...]


@dataclass(slots=True, kw_only=True)
class Mutable:
    type_id: ClassVar[int] = 0x2000_0000
    n: int


@pytest.mark.parametrize(
    ("scope", "layer"), [(8, Layer.REGION), (4, Layer.CLUSTER), (2, Layer.HOST), (1, Layer.SERVICE)]
)
def test_the_top_four_bits_name_the_layer(scope: int, layer: Layer) -> None:
    assert layer_of(scope << 28 | 5) is layer
    assert list(Layer) == sorted(Layer)


@pytest.mark.parametrize("scope", [s for s in range(16) if s not in (1, 2, 4, 8)])
def test_any_other_scope_is_refused(scope: int) -> None:
    with pytest.raises(ValueError, match="exactly one may be set"):
        layer_of(scope << 28)


@pytest.mark.parametrize("type_id", [-1, 1 << 32])
def test_a_type_id_has_32_bits(type_id: int) -> None:
    with pytest.raises(ValueError, match="32-bit"):
        layer_of(type_id)


def test_a_message_of_values_is_accepted_and_weighed() -> None:
    assert check_message_type(Fine) is Layer.HOST
    message = Fine(a=1, b=None, c=(Entry(1, "x"),), d=frozenset({b"ab"}), e=Colour.RED)
    assert message.wire_bytes() == HEADER_BYTES + 8 + 1 + (4 + 4 + 8 + 5) + (4 + 6) + 7


@pytest.mark.parametrize(("cls", "place"), [(Listed, "Listed.names"), (Nested, "Nested.inner"), (Mutable, "Mutable")])
def test_what_could_change_in_flight_is_refused_by_name(cls: Any, place: str) -> None:
    with pytest.raises(TypeError, match=place):
        check_message_type(cls)


class Wish(Value):
    """A marker, which holds nothing itself."""

    __slots__ = ()


class Room(Value):
    """No marker: anything could be hung on it."""


@dataclass(frozen=True, slots=True)
class Drink(Wish):
    name: str


@dataclass(frozen=True, slots=True)
class Tray(Wish):
    drinks: list[str]


@dataclass(frozen=True, slots=True)
class Ordered(Message):
    type_id: ClassVar[int] = 0x2000_0000
    anything: Value
    wishes: tuple[Wish, ...]
    drink: Drink | None


def carrying(hint: Any) -> Any:
    return make_dataclass("Carrying", [("it", hint)], bases=(Message,), frozen=True, namespace={"type_id": 0x2000_0000})


def test_a_field_may_carry_any_declared_value() -> None:
    assert check_message_type(Ordered) is Layer.HOST
    message = Ordered(Drink("tea"), (Drink("milk"),), None)
    assert message.wire_bytes() == HEADER_BYTES + (4 + 3) + (4 + 4 + 4) + 1


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (Tray, r"Carrying\.it\.drinks is a list\[str\], which is not a value"),
        (Room, r"Carrying\.it is not a frozen dataclass"),
        (object, r"Carrying\.it is a <class 'object'>, which is not a value"),
    ],
)
def test_a_value_whose_type_is_named_is_looked_into(hint: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        check_message_type(carrying(hint))


def test_a_value_that_leaves_out_part_of_itself_is_refused() -> None:
    halves: Any = [("a", int), ("b", int, field(default=0, compare=False))]
    with pytest.raises(TypeError, match=r"Half\.b is left out of comparing or hashing"):
        check_value_class(make_dataclass("Half", halves, frozen=True))
    with pytest.raises(TypeError, match="Single has eq=False"):
        check_value_class(make_dataclass("Single", [("a", int)], frozen=True, eq=False))
    with pytest.raises(TypeError, match="Bare has no __hash__"):
        check_value_class(make_dataclass("Bare", [("a", int)], frozen=True, namespace={"__hash__": None}))
