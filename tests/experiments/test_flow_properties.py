"""Service after each heal, promises to subscribers, conservation: each accepts a sound run and rejects another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from experiments.evidence import Evidence
from experiments.properties import PROPERTIES
from experiments.properties.flows import FLOWS
from experiments.scenario import load
from sim.checkers import Outcome
from sim.faults import Encounter, Fault
from sim.history import History, Kind, Operation, Value

S = 1_000_000
SCENARIO = load("no_fault")


def seen(rows: Sequence[tuple[float, int, Kind, str, Value, int | None]], records: str, *faults: Fault) -> Evidence:
    """Evidence of rows (second, operation, kind, f, value, version) of one client, and faults that began and ended."""
    history = History()
    for at_s, op, kind, f, value, version in rows:
        history.append(round(at_s * S), "a/clients/client1/client", Operation(op, kind, f, 1, value, version, "s"))
    encounters = tuple(
        Encounter(
            fault=fault,
            ended_us=None if fault.for_us is None else fault.at + fault.for_us,  # type: ignore[operator]
            grown={},
        )
        for fault in faults
    )
    return Evidence(
        scenario=SCENARIO,
        seed=0,
        history=history,
        records=records,
        encounters=encounters,
        utilisation={},
        network={},
        digest="",
    )


def done(at_s: float, op: int, f: str, value: Value, version: int | None = None, *, ok: bool = True) -> list[Any]:
    ending = (Kind.OK, value, version) if ok else (Kind.INFO, None, None)
    return [(at_s, op, Kind.INVOKE, f, value, None), (at_s + 0.1, op, ending[0], f, ending[1], ending[2])]


def fault(name: str, at_s: float, for_s: float | None, kind: str = "partition-full") -> Fault:
    params = {"by": "1s"} if kind == "clock-jump" else {}
    for_us = None if for_s is None else round(for_s * S)
    return Fault(id=name, kind=kind, targets=("us-east-1",), at=round(at_s * S), for_us=for_us, params=params)


def writes(*served: tuple[float, bool]) -> list[Any]:
    return [row for op, (at_s, ok) in enumerate(served) for row in done(at_s, op, "write", op, op, ok=ok)]


FIRST, SECOND = fault("first", 1, 2), fault("second", 20, 2)
ALWAYS = writes((0, True), (2, False), (4, True), (21, False), (23, True), (40, True))
NOT_BETWEEN = writes((0, True), (2, False), (4, False), (9, False), (19, False), (23, True), (40, True))


def recovery(rows: list[Any], *faults: Fault, **params: int) -> Outcome:
    return PROPERTIES["recovers_after_each_heal"].holds(seen(rows, "register", *faults), **params).outcome


def test_a_client_that_asks_under_faults_only_is_not_missed_after_the_heal() -> None:
    evidence = seen(ALWAYS, "register", FIRST, SECOND)
    history = History()
    for row in evidence.history:
        client = "a/clients/client2/client" if row.op == 1 else row.client  # of the write at 2 s
        history.append(
            row.t_us, client, Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
        )
    recovers = PROPERTIES["recovers_after_each_heal"]
    assert recovers.holds(replace(evidence, history=history)).outcome is Outcome.VALID


def test_service_comes_back_after_each_heal_and_not_only_the_last() -> None:
    assert recovery(ALWAYS, FIRST, SECOND) is Outcome.VALID
    assert recovery(NOT_BETWEEN, FIRST, SECOND) is Outcome.INVALID
    assert recovery(NOT_BETWEEN, SECOND) is Outcome.VALID
    slow = writes((0, True), (3.5, False), (6, True), (23, True), (40, True))
    assert recovery(slow, FIRST, SECOND) is Outcome.VALID
    assert recovery(slow, FIRST, SECOND, within_us=S) is Outcome.INVALID


def test_a_denial_by_the_domain_is_service() -> None:
    begins = [(4.0, 9, Kind.INVOKE, "withdraw", 5, None)]
    for reason, outcome in (("denied:insufficient funds", Outcome.VALID), ("refused:no home", Outcome.INVALID)):
        rows = [*writes((0, True), (2, False)), *begins, (4.1, 9, Kind.FAIL, "withdraw", reason, None)]
        assert recovery([*rows, *done(20, 10, "write", 1, ok=False)], FIRST) is outcome


def test_a_heal_under_another_fault_is_none() -> None:
    assert recovery(NOT_BETWEEN, FIRST, fault("longer", 2, 19), SECOND) is Outcome.VALID


def test_what_strikes_once_and_stays_holds_nothing_up() -> None:
    jumped = fault("jump", 1, None, "clock-jump")
    assert recovery(NOT_BETWEEN, jumped, FIRST, SECOND) is Outcome.INVALID
    assert recovery(NOT_BETWEEN, fault("for ever", 1, None), FIRST, SECOND) is Outcome.VALID


def test_after_a_heal_that_nobody_outlasts_nothing_can_be_seen() -> None:
    assert recovery(writes((0, True), (2, False)), FIRST) is Outcome.VALID


def delivered(*events: tuple[str, int], end_s: float = 30) -> list[Any]:
    """Three events, a subscription from the beginning, and these deliveries, a second apart."""
    rows = [row for op, value in enumerate("abc", 1) for row in done(op, op, "append", value, op)]
    rows += done(5, 4, "subscribe", None, 0)
    for place, (value, version) in enumerate(events):
        rows += done(6 + place, 10 + place, "deliver", value, version)
    return rows


IN_ORDER = delivered(("a", 1), ("b", 2), ("c", 3))
REJECTED = {
    "subscription_ordered": delivered(("b", 2), ("a", 1), ("c", 3)),
    "subscription_unique": delivered(("a", 1), ("b", 2), ("b", 2), ("c", 3)),
    "subscription_reliable": delivered(("a", 1), ("c", 3)),
}


@pytest.mark.parametrize("name", sorted(prop.name for prop in FLOWS if prop.name.startswith("subscription")))
def test_what_subscribers_were_promised(name: str) -> None:
    prop = PROPERTIES[name]
    assert prop.doc.endswith(".")
    assert prop.holds(seen(IN_ORDER, "subscription")).outcome is Outcome.VALID
    if name in REJECTED:
        assert prop.holds(seen(REJECTED[name], "subscription")).outcome is Outcome.INVALID


def test_what_is_accepted_has_a_fate() -> None:
    rows = [*done(1, 1, "accept", "order"), *done(2, 2, "incorporate", "order")]
    conserved = PROPERTIES["conserved"]
    assert conserved.holds(seen(rows, "fates")).outcome is Outcome.VALID
    assert conserved.holds(seen(rows[:2], "fates")).outcome is Outcome.INVALID
    assert conserved.holds(replace(seen(rows[:2], "fates"), history=History())).outcome is Outcome.VALID
