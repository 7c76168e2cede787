"""Properties of a queue: each accepts a history that it should, and rejects one that it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.evidence import Evidence
from experiments.properties import PROPERTIES
from experiments.properties.queues import fates_of, out_of_order
from experiments.scenario import Scenario, load
from sim.checkers import Outcome
from sim.history import History, Kind, Operation

SCENARIO: Scenario = load("queue_dead_letters")
S = 1_000_000


class Told:
    """A history by hand: each call is one operation, over before the next begins."""

    def __init__(self) -> None:
        self.history = History()
        self._op = 1_000

    def row(self, op: int, kind: Kind, f: str, key: int | str, value: Any, client: str = "c") -> Told:
        self.history.append(len(self.history), client, Operation(op, kind, f, key, value))
        return self

    def done(self, f: str, key: int | str, value: Any, client: str = "c", kind: Kind = Kind.OK) -> Told:
        self._op += 1
        return self.row(self._op, Kind.INVOKE, f, key, value, client).row(self._op, kind, f, key, value, client)

    def put(self, message: int, key: int = 0, kind: Kind = Kind.OK) -> Told:
        return self.row(message, Kind.INVOKE, "append", key, message).row(message, kind, "append", key, message)

    def effect(self, message: int, key: int = 0) -> Told:
        return self.done("deliver", key, message)

    def remain(self, *messages: int) -> Told:
        return self.done("remain", "shard 0", messages)


def verdict(name: str, told: Told, **more: Any) -> Outcome:
    seen = Evidence(
        scenario=SCENARIO, seed=0, history=told.history, utilisation={}, network={}, digest="", records="subscription"
    )
    return PROPERTIES[name].holds(replace(seen, **more)).outcome


def test_a_message_is_kept_if_it_had_its_effect_or_remains() -> None:
    assert verdict("queue_keeps", Told().put(1).put(2).effect(1).remain(2)) is Outcome.VALID
    assert verdict("queue_keeps", Told().put(1).remain()) is Outcome.INVALID


@pytest.mark.parametrize("kind", [Kind.INFO, Kind.FAIL])
def test_what_was_not_acknowledged_may_be_gone(kind: Kind) -> None:
    assert verdict("queue_keeps", Told().put(1, kind=kind).remain()) is Outcome.VALID


def test_what_a_silent_shard_has_nobody_knows() -> None:
    silent = Told().put(1).row(9, Kind.INVOKE, "remain", "shard 0", None).row(9, Kind.INFO, "remain", "shard 0", None)
    assert verdict("queue_keeps", silent) is Outcome.UNKNOWN


def test_nothing_is_known_where_nobody_came_to_look() -> None:
    assert verdict("queue_keeps", Told().put(1)) is Outcome.UNKNOWN


def test_a_message_is_delivered_unless_it_lies_in_the_queue_at_rest() -> None:
    assert verdict("queue_delivers", Told().put(1).effect(1).remain()) is Outcome.VALID
    assert verdict("queue_delivers", Told().put(1).remain(1)) is Outcome.INVALID
    assert verdict("queue_delivers", Told().put(1, kind=Kind.INFO).remain(1)) is Outcome.VALID
    assert verdict("queue_delivers", Told().put(1)) is Outcome.UNKNOWN


def test_of_two_who_looked_what_is_left_the_last_is_believed() -> None:
    assert verdict("queue_delivers", Told().put(1).remain(1).effect(1).remain()) is Outcome.VALID


@pytest.mark.parametrize(("ops", "outcome"), [((7,), Outcome.VALID), ((), Outcome.INVALID)])
def test_an_effect_without_an_end_came_to_be_if_the_next_life_has_it(ops: tuple[int, ...], outcome: Outcome) -> None:
    told = Told().put(1).row(7, Kind.INVOKE, "deliver", 0, 1).done("kept", "effects", ops).remain()
    assert verdict("queue_keeps", told) is outcome


def test_an_effect_is_had_once_and_by_what_was_not_refused() -> None:
    assert verdict("effect_once", Told().put(1).effect(1)) is Outcome.VALID
    assert verdict("effect_once", Told().put(1).effect(1).effect(1)) is Outcome.INVALID
    assert verdict("effect_once", Told().put(1, kind=Kind.FAIL).effect(1)) is Outcome.INVALID


def test_order_is_that_of_acknowledgements_by_key() -> None:
    assert verdict("order_by_key", Told().put(1).put(2).effect(1).effect(2)) is Outcome.VALID
    assert verdict("order_by_key", Told().put(1).put(2).effect(2).effect(1)) is Outcome.INVALID
    assert verdict("order_by_key", Told().put(1).put(2, key=5).effect(2, key=5).effect(1)) is Outcome.VALID


def test_of_two_that_were_sent_at_once_either_may_come_first() -> None:
    both = Told().row(1, Kind.INVOKE, "append", 0, 1).row(2, Kind.INVOKE, "append", 0, 2)
    both.row(1, Kind.OK, "append", 0, 1).row(2, Kind.OK, "append", 0, 2).effect(2).effect(1)
    assert verdict("order_by_key", both) is Outcome.VALID


def test_each_message_that_was_overtaken_counts_once() -> None:
    told = Told().put(1).put(2).put(3).effect(3).effect(1).effect(2)
    assert out_of_order(fates_of(told.history).values()) == [(1, 3), (2, 3)]


def test_nobody_settles_what_another_was_handed_since() -> None:
    sound = Told().done("hold", 0, (1,), "a").done("settle", 0, (1,), "a").done("hold", 0, (2,), "b")
    assert verdict("settled_by_holder", sound) is Outcome.VALID
    late = Told().done("hold", 0, (1,), "a").done("hold", 0, (1,), "b").done("settle", 0, (1,), "a")
    assert verdict("settled_by_holder", late) is Outcome.INVALID
    refused = Told().done("hold", 0, (1,), "a").done("hold", 0, (1,), "b").done("settle", 0, (1,), "a", Kind.FAIL)
    assert verdict("settled_by_holder", refused) is Outcome.VALID
    other = Told().done("hold", 0, (1,), "a").done("hold", 7, (1,), "b").done("settle", 0, (1,), "a")
    assert verdict("settled_by_holder", other) is Outcome.VALID


def test_nothing_passes_what_was_rejected() -> None:
    parked = Told().put(1).put(2).done("reject", 0, 1)
    assert verdict("parks_in_order", parked) is Outcome.VALID
    assert verdict("parks_in_order", parked.effect(2)) is Outcome.INVALID
    healed = Told().put(1).put(2).done("reject", 0, 1).effect(1).effect(2)
    assert verdict("parks_in_order", healed) is Outcome.VALID


@pytest.mark.parametrize(
    ("name", "met", "not_met"),
    [
        (
            "redelivered",
            Told().done("hold", 0, (1,)).done("hold", 0, (1, 2)),
            Told().done("hold", 0, (1,)).done("hold", 0, (2,)).done("hold", 7, (1,)),
        ),
        ("retried_parked", Told().done("retry", "shard 0", 3), Told().done("retry", "shard 0", 0)),
        ("settled_late", Told().done("settle", 0, (1,), kind=Kind.FAIL), Told().done("settle", 0, (1,))),
        ("queue_refused", Told().put(1, kind=Kind.FAIL), Told().put(1, kind=Kind.INFO)),
    ],
)
def test_evidence_is_what_was_met(name: str, met: Told, not_met: Told) -> None:
    assert (verdict(name, met), verdict(name, not_met)) == (Outcome.VALID, Outcome.INVALID)
