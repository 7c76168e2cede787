"""Properties of services and of overloads, on ends and histories made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.measures.observation import Observation
from experiments.properties import PROPERTIES
from experiments.scenario import load
from models.delivery_ends import Deed
from models.ledger import Ledger
from models.retrying_end import RetryingEnd
from models.services_end import SeatEnd, ServicesEnd, Turn
from sim.checkers import Outcome
from sim.faults import Encounter
from sim.history import History, Kind, Operation

WHOLE = ServicesEnd(
    turns=(
        Turn(1, SeatEnd(0, 1, 5), True),
        Turn(2, SeatEnd(1, 1, 6), True),
        Turn(9, SeatEnd(1, 2, 7), True),
        Turn(20, SeatEnd(2, 1, 5), True),
        Turn(30, SeatEnd(2, 1, 5), False),
    ),
    acts={0: ((1, 5), (1, 5)), 1: ((1, 6), (2, 7), (2, 7))},
    running=(SeatEnd(0, 1, 5), SeatEnd(1, 2, 7)),
    over=(SeatEnd(1, 1, 6),),
    listed={3: ((0, 1), (1, 2))},
    least=2,
)
LEDGER = Ledger(final={}, balances={}, divergent=(), conflicts=0, watermark="applied")


def seen(end: ServicesEnd | None = WHOLE, history: History | None = None) -> Observation:
    return Observation(
        scenario=load("services_crash"),
        seed=0,
        history=history or History(),
        records="services",
        encounters=(),
        utilisation={},
        network={},
        digest="",
        answers=(),
        ledger=replace(LEDGER, services=end),
        progress=(),
        noted={},
        cut=None,
    )


def judged(name: str, observation: Observation, **params: Any) -> Outcome:
    return PROPERTIES[name].holds(observation, **params).outcome


@pytest.mark.parametrize("name", ["one_actor", "one_epoch_one_host", "services_converge", "instance_replaced"])
def test_a_whole_service_is_whole(name: str) -> None:
    assert judged(name, seen()) is Outcome.VALID
    assert judged(name, seen(None)) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("one_actor", {"acts": {1: ((2, 7), (1, 6))}}),
        ("one_actor", {"acts": {1: ((2, 7), (2, 6))}}),
        ("one_epoch_one_host", {"turns": (Turn(1, SeatEnd(0, 1, 5), True), Turn(2, SeatEnd(0, 1, 6), True))}),
        ("services_converge", {"least": 3}),
        ("services_converge", {"running": (SeatEnd(0, 1, 5),)}),
        ("services_converge", {"running": (*WHOLE.running, SeatEnd(1, 1, 6))}),
        ("services_converge", {"listed": {3: ((0, 1), (1, 1))}}),
        ("instance_replaced", {"turns": WHOLE.turns[:2]}),
        ("replaced_one_refused", {"over": ()}),
        ("scaled_out", {"turns": WHOLE.turns[:3]}),
    ],
)
def test_what_is_not_is_found(name: str, wrong: dict[str, Any]) -> None:
    assert judged(name, seen(replace(WHOLE, **wrong))) is Outcome.INVALID
    assert judged(name, seen()) is Outcome.VALID


def test_slots_that_change_hands_in_a_span_are_found() -> None:
    assert judged("nothing_provisioned", seen(), from_us=3, for_us=6) is Outcome.VALID
    assert judged("nothing_provisioned", seen(), from_us=3, for_us=7) is Outcome.INVALID


def asked(*rows: tuple[int, Kind, str | None]) -> History:
    """Requests of one client: when, how each ended, and with what."""
    history = History()
    for op, (t_us, kind, value) in enumerate(rows):
        history.append(t_us, "c", Operation(op, Kind.INVOKE, "serve", 0, None, None))
        history.append(t_us, "c", Operation(op, kind, "serve", 0, value, None))
    return history


def test_to_be_told_that_nobody_runs_counts_only_after_somebody_served() -> None:
    nobody = (2, Kind.FAIL, "refused:nobody")
    assert judged("nobody_forgotten", seen(history=asked(nobody, (3, Kind.OK, None)))) is Outcome.VALID
    assert judged("nobody_forgotten", seen(history=asked((1, Kind.OK, None), nobody))) is Outcome.INVALID


def test_requests_that_were_served_in_a_span_are_counted() -> None:
    half = asked((1, Kind.OK, None), (2, Kind.INFO, None))
    assert judged("served_through", seen(history=half), share=0.5) is Outcome.VALID
    assert judged("served_through", seen(history=half), share=0.6) is Outcome.INVALID
    assert judged("served_through", seen(history=half), share=1.0, from_us=0, for_us=2) is Outcome.VALID


def after_a_heal(*kinds: Kind) -> Observation:
    """Requests that begin a second after the only fault has ended."""
    fault = load("retry_slow").faults[0]
    encounter = Encounter(fault=replace(fault, at=10), ended_us=20, grown={})
    observation = seen(history=asked(*((1_000_020 + t_us, kind, None) for t_us, kind in enumerate(kinds))))
    return replace(observation, encounters=(encounter,))


def test_goodput_that_comes_back_is_told_from_an_overload_that_stays() -> None:
    back, gone = after_a_heal(Kind.OK, Kind.OK), after_a_heal(Kind.INFO, Kind.INFO)
    assert judged("goodput_recovers", back, within_us=1_000) is Outcome.VALID
    assert judged("goodput_recovers", gone, within_us=1_000) is Outcome.INVALID
    assert judged("metastable", gone, after_us=1_000) is Outcome.VALID
    assert judged("metastable", back, after_us=1_000) is Outcome.INVALID


def test_where_nothing_was_asked_after_the_heal_nothing_is_known() -> None:
    assert judged("goodput_recovers", after_a_heal(Kind.OK), within_us=5_000_000) is Outcome.UNKNOWN


def before_a_fault(*ends: tuple[int, int | None, Kind]) -> Observation:
    """Requests that begin so many microseconds after the warm-up, and end so long after that."""
    scenario = load("retry_slow")
    encounter = Encounter(fault=scenario.faults[0], ended_us=14_000_000, grown={})
    history = History()
    for op, (after_us, took_us, kind) in enumerate(ends, 1):
        begin_us = scenario.warm_up_us + after_us
        history.append(begin_us, "c", Operation(op, Kind.INVOKE, "request", 0, None, None))
        if took_us is not None:
            history.append(begin_us + took_us, "c", Operation(op, kind, "request", 0, None, None))
    return replace(seen(history=history), scenario=scenario, encounters=(encounter,))


def test_who_is_told_nothing_by_the_deadline_is_found() -> None:
    deadline_us = load("retry_slow").workload.deadline_us
    assert judged("ended_by_deadline", before_a_fault((0, deadline_us, Kind.INFO))) is Outcome.VALID
    assert judged("ended_by_deadline", before_a_fault((0, deadline_us + 1, Kind.OK))) is Outcome.INVALID
    assert judged("ended_by_deadline", before_a_fault((0, None, Kind.OK))) is Outcome.INVALID


def test_a_load_that_is_too_much_by_itself_is_told_from_a_trigger() -> None:
    served, lost = (0, 10, Kind.OK), (20, 10, Kind.INFO)
    at_the_fault = (5_000_000, 10, Kind.INFO)
    assert judged("served_until_struck", before_a_fault(served, at_the_fault)) is Outcome.VALID
    assert judged("served_until_struck", before_a_fault(served, lost)) is Outcome.INVALID
    assert judged("served_until_struck", before_a_fault(at_the_fault)) is Outcome.UNKNOWN


def hedged(*deeds: int, book: bool = True, **counts: int) -> Observation:
    """Requests 0 and 1 are told of as done; whose effects stand in the book."""
    lines = tuple(Deed(op, op, 0, number + 1, 1, number) for number, op in enumerate(deeds))
    values = {"calls": 2, "copies": 3, "won": 0, "held": 0} | counts
    ended = asked((1, Kind.OK, None), (2, Kind.OK, None), (3, Kind.INFO, None))
    end = RetryingEnd(book=lines if book else None, **values)
    return replace(seen(history=ended), ledger=replace(LEDGER, retrying=end))


@pytest.mark.parametrize(
    ("deeds", "outcome"),
    [((0, 1), Outcome.VALID), ((1, 0, 2), Outcome.VALID), ((0, 1, 0), Outcome.INVALID), ((0,), Outcome.INVALID)],
)
def test_an_effect_done_twice_or_told_of_and_not_done_is_found(deeds: tuple[int, ...], outcome: Outcome) -> None:
    assert judged("done_once", hedged(*deeds)) is outcome


def test_without_a_book_nothing_is_known_of_effects() -> None:
    assert judged("done_once", hedged(book=False)) is Outcome.UNKNOWN


def test_a_request_that_ends_twice_is_found() -> None:
    once = hedged()
    assert judged("answered_once", once) is Outcome.VALID
    once.history.append(9, "c", Operation(1, Kind.OK, "serve", 0, None, None))
    assert judged("answered_once", once) is Outcome.INVALID


def test_copies_that_won_or_were_held_back_are_counted() -> None:
    assert [judged(name, hedged()) for name in ("hedge_won", "hedge_held")] == [Outcome.INVALID] * 2
    assert [judged(name, hedged(won=1, held=1)) for name in ("hedge_won", "hedge_held")] == [Outcome.VALID] * 2
