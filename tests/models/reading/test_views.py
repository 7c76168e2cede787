"""Who owns a segment writes to it: claims count tokens, saves count turns, and nobody else gets through."""

from __future__ import annotations

import pytest

from models.domain import Denied
from models.reading.projections import Row
from models.reading.views import (
    Claim,
    Claimed,
    Extend,
    Owed,
    Parked,
    Release,
    Save,
    Saved,
    Switch,
    View,
    Views,
)
from models.store.group.lineage import Reign

VIEWS = Views()
REIGNS = (Reign(1, 1, 0),)


def row(key: int, version: int = 1) -> Row:
    return Row(key, version, 10 * key + version, 100, version, 0, 0, version)


def after(*commands: object) -> View:
    """What commands lead to, none of which is denied."""
    view = VIEWS.initial()
    for command in commands:
        event = VIEWS.decide(view, command)  # type: ignore[arg-type]
        assert not isinstance(event, Denied), event
        view = VIEWS.evolve(view, event)
    return view


def save(owner: int, token: int, serial: int, **more: object) -> Save:
    return Save(owner=owner, token=token, serial=serial, **more)  # type: ignore[arg-type]


def denied(view: View, command: object) -> str:
    event = VIEWS.decide(view, command)  # type: ignore[arg-type]
    assert isinstance(event, Denied)
    return event.reason


def test_of_two_claims_by_one_token_the_first_has_it() -> None:
    view = after(Claim(owner=1, token=0))
    assert (view.owner, view.token) == (1, 1)
    assert denied(view, Claim(owner=2, token=0)) == "token 0 is not the last, 1 is"


@pytest.mark.parametrize(
    "late",
    [
        save(1, 1, 1, rows=(row(1),)),
        Extend(owner=1, token=1, serial=1, heard_us=9),
        Release(owner=1, token=1, serial=1),
    ],
)
def test_who_was_robbed_writes_nothing_any_more(late: object) -> None:
    view = after(Claim(owner=1, token=0), Claim(owner=2, token=1))
    assert denied(view, late).startswith("fenced off: 2 owns it by token 2")


def test_a_claim_of_ones_own_fences_off_what_one_had_given_up_on() -> None:
    view = after(Claim(owner=1, token=0), Claim(owner=1, token=1))
    assert denied(view, save(1, 1, 1)).startswith("fenced off")


def test_a_save_counts_once() -> None:
    view = after(Claim(owner=1, token=0), save(1, 1, 1, rows=(row(1),)))
    assert denied(view, save(1, 1, 1, rows=(row(1),))).startswith("out of turn: the next save is 2")


def test_rows_and_places_that_a_save_does_not_name_stay() -> None:
    view = after(
        Claim(owner=1, token=0),
        save(1, 1, 1, rows=(row(1), row(2)), shard=1, position=7, reigns=REIGNS),
        save(1, 1, 2, rows=(row(1, 2),), shard=0, position=3, reigns=REIGNS),
    )
    assert view.rows == (row(1, 2), row(2))
    assert [(place.position, place.reigns) for place in view.places] == [(3, REIGNS), (7, REIGNS)]
    assert view.place(5).position == 0


def test_what_is_parked_twice_is_parked_once_and_goes_when_settled() -> None:
    event = Parked(0, 4, 1, 4, 99, "why")
    claimed = Claim(owner=1, token=0)
    view = after(claimed, save(1, 1, 1, parked=(event,)), save(1, 1, 2, parked=(event,)))
    assert view.parked == (event,)
    gone = VIEWS.evolve(view, VIEWS.decide(view, save(1, 1, 3, settled=frozenset({(0, 4)}))))
    assert gone.parked == ()


def test_what_is_owed_stays_until_paid() -> None:
    one, two = Owed(1, 5), Owed(2, 5)
    claimed = Claim(owner=1, token=0)
    view = after(claimed, save(1, 1, 1, owed=(one, two)), save(1, 1, 2, paid=frozenset({1})))
    assert view.owed == (two,)


def test_versions_that_are_shown_go_up() -> None:
    view = after(Switch(version=2))
    assert view.shown == 2
    assert denied(view, Switch(version=2)) == "version 2 is shown already"


def test_events_of_views_say_who_and_which() -> None:
    assert VIEWS.decide(View(), Claim(owner=3, token=0)) == Claimed(owner=3, token=1)
    view = after(Claim(owner=3, token=0))
    assert isinstance(VIEWS.decide(view, save(3, 1, 1)), Saved)
