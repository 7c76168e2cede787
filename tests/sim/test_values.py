"""A value is built as a dataclass builds it, only sooner."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from sim.message import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Value):
    kind: ClassVar[str] = "point"
    x: int
    y: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Above(Point):
    """Has a field more, and says no to some."""

    z: int

    def __post_init__(self) -> None:
        if self.z <= self.y:
            raise ValueError(f"{self.z=} is not above {self.y=}")


@dataclass(frozen=True, slots=True)
class Placed(Value):
    by_place: int
    usual: str = "u"
    named: int = field(default=3, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Value):
    """Has a field that is made anew for each."""

    parts: tuple[int, ...] = field(default_factory=tuple)


def test_fields_defaults_and_places_are_those_of_the_class() -> None:
    assert (Point(x=1).x, Point(x=1).y, Point(y=2, x=1).y) == (1, 7, 2)
    assert dataclasses.astuple(Above(x=1, z=8)) == (1, 7, 8)
    assert dataclasses.astuple(Placed(1, "v", named=2)) == (1, "v", 2)
    assert dataclasses.astuple(Placed(1)) == (1, "u", 3)
    assert Made().parts == ()


def test_what_a_class_checks_is_checked() -> None:
    with pytest.raises(ValueError, match="is not above"):
        Above(x=1, y=2, z=2)
    with pytest.raises(ValueError, match="is not above"):
        dataclasses.replace(Above(x=1, z=8), z=0)


@pytest.mark.parametrize(
    ("kwargs", "complaint"),
    [
        ({}, r"Point\.__init__\(\) missing 1 required keyword-only argument: 'x'"),
        ({"x": 1, "q": 2}, r"Point\.__init__\(\) got an unexpected keyword argument 'q'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_python_s_words(kwargs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Point(**kwargs)


def test_it_is_frozen_equal_hashed_copied_and_read_like_any_other() -> None:
    point = Point(x=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    assert point == Point(x=1, y=7)
    assert hash(point) == hash(Point(x=1))
    assert pickle.loads(pickle.dumps(point)) == copy.copy(point) == point
    assert list(inspect.signature(Placed).parameters) == ["by_place", "usual", "named"]
    assert repr(point) == "Point(x=1, y=7)"
