"""A domain of a user's own by its name: had, asked, and refused with what to write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.clients import Workload
from models.domains.named import domain_named
from models.factories import domain_of, mix_of
from sim.chance import Chance
from sim.wording import Refused
from tests.models.own_domains import Tables

OWN = "tests.models.own_domains"
WORKLOAD = Workload(rate_per_s=1.0, ends_us=1_000_000, accounts=3)
#: As a user may keep one with options.
MINE = Tables()


@pytest.mark.parametrize("words", [f"{OWN}:Tables", f"{__name__}:MINE"])
def test_a_class_and_an_object_of_it_are_had_by_name(words: str) -> None:
    assert isinstance(domain_of(words, WORKLOAD), Tables)


def test_clients_ask_what_it_lists_of_every_aggregate() -> None:
    draws = Chance(1).draws("clients")
    mix = mix_of(domain_named(f"{OWN}:Tables"), WORKLOAD)
    drawn = [mix.draw(draws) for _ in range(200)]
    assert {one.aggregate for one in drawn} == {0, 1, 2}
    assert {one.command for one in drawn} == set(Tables().asks())
    assert {one.f for one in drawn} == {"book", "leave"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"{OWN}:", 'names nothing; write "package.module:attribute"'),
        (f"{OWN}:Gone", "has nothing by the name 'Gone'; define it there"),
        ("no.such.module:Tables", "no.such.module cannot be imported: ModuleNotFoundError"),
        (f"{OWN}:Book", "it raised TypeError"),
        (f"{OWN}:__name__", "it is a str; give a models.domain.Domain"),
        (f"{OWN}:leaves", "it raised SystemExit: 7"),
        (f"{OWN}:Mute", "nobody knows what to ask of it; define asks(self)"),
        (f"{OWN}:Empty", "asks() gave (), and no commands; define asks(self)"),
        (f"{OWN}:Stranger", "asks() gave Booked(guest=1), which is no command of it; give some of Book, Leave"),
        (f"{OWN}:Deaf", "its first state denies all that asks() gave"),
        (f"{OWN}:Namesake", "name='seats' is a shipped domain's"),
        (f"{OWN}:Full", "its first state breaks for_two"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_way_out(words: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        domain_of(words, WORKLOAD)
    assert str(refused.value).startswith(f"domain={words!r}")
    assert told in str(refused.value)


def test_an_unknown_name_says_how_to_name_ones_own() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'counter'\?, or name your own, \"package.module:attribute\""):
        domain_of("countr", WORKLOAD)


def test_a_domain_that_nobody_asks_anything_of_is_refused_before_the_first_draw() -> None:
    with pytest.raises(ValueError, match="has requests in contended demand alone; give contended=true"):
        domain_of("household", WORKLOAD)
    contended = replace(WORKLOAD, contended=True)
    assert mix_of(domain_of("household", contended), contended).draw(Chance(1).draws("clients")).f == "move"
