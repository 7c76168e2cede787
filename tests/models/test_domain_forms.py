"""Events outlive the code that wrote them: what a log keeps, what is read back, and what is hashed."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, NamedTuple

import pytest

from models.addressing import content_hash
from models.domain import Command, Denied, Domain, DomainFailed, Event, State, StoredEvent, decides, evolves
from models.domain.forms import content_of, from_form, lift, to_form
from models.domains.bank_account import Deposited
from models.domains.profile import Changed, Profile


def test_forms_outlive_the_code_that_wrote_them() -> None:
    profile = Profile()
    event = Changed(field="name", value="Ada")
    assert to_form(event) == StoredEvent("Changed", 2, (("field", "name"), ("value", "Ada")))
    assert from_form(profile, to_form(event)) == event
    assert from_form(profile, StoredEvent("Changed", 1, (("change", "name=Ada"),))) == event
    assert from_form(profile, to_form(Denied(reason="no"))) == Denied(reason="no")


def test_what_older_code_wrote_is_lifted_and_todays_is_left_as_it_is() -> None:
    profile = Profile()
    event = Changed(field="name", value="Ada")
    older: Any = make_dataclass("Changed", [("change", str)], bases=(Event,), frozen=True)
    assert lift(profile, event) is event
    assert lift(profile, denied := Denied(reason="no")) is denied
    assert lift(profile, older(change="name=Ada")) == event
    older.SCHEMA = 3
    with pytest.raises(DomainFailed, match=r"has schema 3, and this code knows 1\.\.2"):
        lift(profile, older(change="name=Ada"))
    with pytest.raises(DomainFailed, match="'Deposited' is no event of it"):
        lift(profile, Deposited(amount=1))


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Pair(NamedTuple):
    left: int
    right: str | None


@dataclass(frozen=True, slots=True)
class Label:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted(Event):
    SCHEMA: ClassVar[int] = 2
    colour: Colour
    size: Size
    pair: Pair
    label: Label
    marks: frozenset[int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repainted(Painted):
    again: bool


def test_content_is_plain_nested_tuples() -> None:
    painted = {"colour": Colour.RED, "size": Size.LARGE, "pair": Pair(1, None), "label": Label("x")}
    event = Painted(**painted, marks=frozenset(["b", 2, None, 1]))  # type: ignore[arg-type]
    names = ("colour", "size", "pair", "label", "marks")
    values: Any = ("red", 3, (1, None), ("Label", 1, ("text",), ("x",)), (None, 1, 2, "b"))
    assert content_of(event) == ("Painted", 2, names, values)
    assert type(content_of(event)[3][0]) is str
    assert type(content_of(event)[3][1]) is int
    assert type(content_of(event)[3][2]) is tuple
    # A class below another has fields of its own.
    later = Repainted(**painted, marks=frozenset(), again=True)  # type: ignore[arg-type]
    assert content_of(later) == ("Repainted", 2, (*names, "again"), (*values[:-1], (), True))
    assert content_of(Denied(reason="no")) == ("Denied", 1, ("reason",), ("no",))
    assert content_of(event) == ("Painted", 2, names, values)
    assert content_hash(content_of(event)) != content_hash(content_of(later))


def test_content_that_is_no_value_is_named() -> None:
    with pytest.raises(TypeError, match=r"Deposited\.amount holds \[1\], a list, which is not a value"):
        content_of(Deposited(amount=[1]))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lit(State):
    watts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Light(Command):
    watts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighted(Event):
    watts: int

    def __post_init__(self) -> None:
        if self.watts < 0:
            raise ValueError(f"watts={self.watts} is negative; give at least 0")


class Bulb(Domain[Lit], name="bulb", number=98):
    def initial(self) -> Lit:
        return Lit(watts=0)

    @decides
    def light(self, state: Lit, command: Light) -> Lighted:
        return Lighted(watts=command.watts)

    @evolves
    def lighted(self, state: Lit, event: Lighted) -> Lit:
        return Lit(watts=event.watts)


def test_a_form_that_an_event_refuses_fails_the_domain_and_not_the_lab() -> None:
    with pytest.raises(DomainFailed, match="Lighted of schema 1: ValueError: watts=-1 is negative; give at least 0"):
        from_form(Bulb(), StoredEvent("Lighted", 1, (("watts", -1),)))


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (StoredEvent("Changed", 3, ()), "has schema 3, and this code knows 1..2; deploy newer code first"),
        (StoredEvent("Forgotten", 1, ()), "'Forgotten' is no event of it; keep old types and upcast them"),
        (StoredEvent("Changed", 2, (("field", "a"),)), "Changed of schema 2: TypeError: "),
        (
            StoredEvent("Changed", 2, (("field", "a"), ("value", ["b"]))),
            "Changed of schema 2: TypeError: Changed.value holds ['b'], a list, which is not a value",
        ),
        (StoredEvent("Changed", 2, ("field",)), "has fields ('field',), which are no pairs"),  # type: ignore[arg-type]
        (StoredEvent("Changed", 1, ()), "changed_from_1: raised KeyError"),
    ],
)
def test_a_form_that_cannot_be_read_says_why(stored: StoredEvent, told: str) -> None:
    with pytest.raises(DomainFailed) as failed:
        from_form(Profile(), stored)
    assert told in str(failed.value)
