"""Answers to queries beyond one aggregate: right ones hold, and of whatever is left out, added or old each is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from experiments.measures import Observation, gather
from experiments.properties.table import find
from experiments.scenario import load
from models.reading.projections import Row
from models.reading.selecting import Selected, told_of
from models.reading.words import Rows
from sim.checkers import Outcome


@pytest.fixture(scope="module")
def seen() -> Observation:
    scenario = load("projection_calm").with_section("run", {"until": "12s"})
    found = gather(scenario.with_system({"selects": 0.3, "reads": 0.2}), 0)
    assert isinstance(found, Observation)
    return found


def outcome(seen: Observation, name: str) -> Outcome:
    return find(name).holds(seen).outcome


def changed(seen: Observation, change: Callable[[Selected], Selected | None]) -> Observation:
    """The run, with the first answer changed that can be."""
    selected = list(seen.selected)
    for at, (t_us, text) in enumerate(selected):
        other = change(Selected.read(text))
        if other is not None:
            selected[at] = (t_us, text_of(other))
            return replace(seen, selected=tuple(selected))
    raise AssertionError("no answer can be changed so")


def text_of(answer: Selected) -> str:
    rows = tuple(Row(key, version, event_id, 0, 0, 0, 0, 0) for key, (version, event_id) in answer.rows.items())
    parts = tuple((part, tuple(enumerate(places))) for part, places in answer.places.items())
    return told_of(answer.op, answer.attribute, Rows(rows=rows, places=(), heard_us=0, fresh=True, parts=parts))


def without_rows(answer: Selected) -> Selected | None:
    return answer._replace(rows={}) if answer.rows else None


def without_one(answer: Selected) -> Selected | None:
    return answer._replace(rows=dict(list(answer.rows.items())[1:])) if len(answer.rows) > 1 else None


def older(answer: Selected) -> Selected | None:
    for key, (version, event_id) in answer.rows.items():
        if version > 1:
            return answer._replace(rows={**answer.rows, key: (version - 1, event_id)})
    return None


def of_another_band(answer: Selected) -> Selected | None:
    return answer._replace(attribute=answer.attribute + 1) if answer.rows else None


def without_a_part(answer: Selected) -> Selected | None:
    return answer._replace(places=dict(list(answer.places.items())[1:])) if len(answer.places) > 1 else None


def test_what_the_notes_say_is_what_was_answered(seen: Observation) -> None:
    assert seen.selected
    assert all(text_of(Selected.read(text)) == text for _, text in seen.selected)


@pytest.mark.parametrize("name", ["selects_are_prefixes", "selects_have_own_writes", "select_met_data"])
def test_right_answers_hold(seen: Observation, name: str) -> None:
    assert outcome(seen, name) is Outcome.VALID


@pytest.mark.parametrize("change", [without_rows, without_one, older, of_another_band, without_a_part])
def test_an_answer_that_is_no_prefix_of_the_logs_is_found(
    seen: Observation, change: Callable[[Selected], Selected | None]
) -> None:
    assert outcome(changed(seen, change), "selects_are_prefixes") is Outcome.INVALID


def test_an_answer_of_long_ago_lacks_what_its_session_wrote(seen: Observation) -> None:
    """A whole answer of an earlier moment, as a view that waits for no token would give it."""
    first = next(answer for _, text in seen.selected if (answer := Selected.read(text)).rows)
    late = tuple(
        (t_us, text_of(first._replace(op=answer.op)))
        for t_us, text in seen.selected
        if (answer := Selected.read(text)).attribute == first.attribute
    )
    assert len(late) > 1
    assert outcome(replace(seen, selected=late), "selects_have_own_writes") is Outcome.INVALID


def test_nothing_selected_is_no_evidence(seen: Observation) -> None:
    assert outcome(replace(seen, selected=()), "select_met_data") is Outcome.INVALID
