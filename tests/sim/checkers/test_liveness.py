"""Liveness after each heal."""

from __future__ import annotations

import pytest

from sim.checkers import Outcome
from sim.checkers.liveness import LivenessSpec, recovers_after_each_heal
from sim.history import History
from tests.sim.checkers.scripts import script

# Cut from 100 to 200 and from 500 to 600; heals at 200 and 600.
CUT_TWICE = {"heals_us": (200, 600), "faults_us": (100, 500), "bound_us": 100}
SECOND_HEAL = "\n7 invoke write x 7 @a t610\n7 ok t650\n8 invoke read x @a t790\n8 ok 7 t800"


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("1 invoke write x 1 @a t210\n1 ok t250", ()),
        ("1 invoke write x 1 @a t210\n1 ok t310", ()),  # the bound is inclusive
        ("1 invoke write x 1 @a t210\n1 ok t311", (1,)),
        ("1 invoke write x 1 @a t210\n1 info t220\n2 invoke write x 1 @a t290\n2 ok t310", ()),
        ("1 invoke write x 1 @a t210\n1 info t220\n2 invoke write x 1 @a t290\n2 fail t310", (1, 2)),
        ("1 invoke write x 1 @a t210\n2 invoke write x 2 @b t220\n2 ok t230", ()),  # all together
        ("1 invoke write x 1 @a t150\n2 invoke write x 2 @a t210\n1 ok t230", (2,)),  # it began before the heal
        ("1 invoke write x 1 @a t200\n1 info t220", (1,)),  # at the very instant of the heal
        ("1 invoke write x 1 @a t399\n1 ok t499", ()),  # counted from the first attempt
        ("1 invoke write x 1 @a t401\n1 info t480", ()),  # and the next fault comes before the bound
    ],
)
def test_operations_succeed_again_after_the_first_heal_too(text: str, witness: tuple[int, ...]) -> None:
    verdict = recovers_after_each_heal(script(text + SECOND_HEAL), LivenessSpec(**CUT_TWICE))  # type: ignore[arg-type]
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_what_begins_with_the_next_fault_is_tried_under_it() -> None:
    spec = LivenessSpec(heals_us=(200,), faults_us=(500,), bound_us=100)
    assert recovers_after_each_heal(script("1 invoke write x 1 t500\n1 ok t510"), spec).outcome is Outcome.UNKNOWN
    assert recovers_after_each_heal(script("1 invoke write x 1 t499\n1 ok t510"), spec).valid


def test_the_reason_says_which_heal() -> None:
    history = script("1 invoke write x 1 @a t210\n1 info t320" + SECOND_HEAL)
    assert recovers_after_each_heal(history, LivenessSpec(**CUT_TWICE)).reason == (  # type: ignore[arg-type]
        "after heal 1, at 200 us, nothing that everybody tried from 210 us was served within 100 us"
    )


HEALED = """
1 invoke write x 1 @a t10
2 invoke write y 1 @b t10
1 ok t20
2 fail t20
3 invoke read y @b t500
3 ok 1 t510
"""


def test_each_expected_client_and_key_is_served() -> None:
    history = script(HEALED)
    for names, witness in (
        ({}, ()),
        ({"clients": ("a",)}, ()),
        ({"clients": ("a", "b")}, (2,)),
        ({"keys": ("x",)}, ()),
        ({"keys": ("x", "y")}, (2,)),
        ({"clients": ("a",), "keys": ("y",)}, (2,)),
    ):
        spec = LivenessSpec(heals_us=(0,), bound_us=100, **names)  # type: ignore[arg-type]
        assert recovers_after_each_heal(history, spec).witness == witness, names


@pytest.mark.parametrize(
    ("names", "who"),
    [
        ({"clients": ("a", "c")}, "client c"),
        ({"keys": ("x", "z")}, "key 'z'"),
        ({"clients": ("a",), "keys": ("z",)}, "key 'z'"),
        ({"clients": ("c", "a")}, "client c"),
    ],
)
def test_of_who_is_named_and_never_tries_nothing_is_known(names: dict[str, tuple[str, ...]], who: str) -> None:
    spec = LivenessSpec(heals_us=(0,), bound_us=100, **names)  # type: ignore[arg-type]
    reason = f"{who} was expected to be served after a heal, and was not tried after any"
    assert recovers_after_each_heal(script(HEALED), spec) == (Outcome.UNKNOWN, (), reason)


def test_a_client_that_tries_after_one_of_the_heals_was_tried() -> None:
    names = {"heals_us": (0, 400), "faults_us": (300,), "bound_us": 100}
    assert recovers_after_each_heal(script(HEALED), LivenessSpec(clients=("a",), **names)).outcome is Outcome.UNKNOWN  # type: ignore[arg-type]
    late = script(HEALED + "4 invoke write x 2 @c t520\n4 ok t530")
    assert recovers_after_each_heal(late, LivenessSpec(clients=("a", "c"), **names)).valid  # type: ignore[arg-type]
    # What it does under the next fault shows nothing.
    assert (
        "client d"
        in recovers_after_each_heal(
            script(HEALED.replace("3 invoke", "9 invoke read y @d t310\n3 invoke")),
            LivenessSpec(clients=("a", "d", "b"), heals_us=(0,), faults_us=(300,), bound_us=100, served=("ok", "fail")),
        ).reason
    )


def test_who_is_named_is_missed_in_an_empty_history_too() -> None:
    assert recovers_after_each_heal(History(), LivenessSpec(heals_us=(0,), bound_us=1, clients=("a",))).reason
    assert recovers_after_each_heal(History(), LivenessSpec(heals_us=(), bound_us=1, clients=("a",))).valid


def test_a_refusal_is_an_answer_where_it_is_said_so() -> None:
    spec = LivenessSpec(heals_us=(0,), bound_us=100, clients=("b",), served=("ok", "fail"))
    assert recovers_after_each_heal(script(HEALED), spec).valid


def test_under_faults_without_limit_nothing_is_demanded() -> None:
    spec = LivenessSpec(heals_us=(0,), bound_us=1, clients=("b",), only_safety=True)
    assert recovers_after_each_heal(script(HEALED), spec).valid


@pytest.mark.parametrize("fault_us", [0, 50, 110])
def test_a_fault_too_soon_after_the_heal_leaves_nothing_to_demand(fault_us: int) -> None:
    history = script("1 invoke write x 1 t10\n1 info t40\n2 invoke read x t900\n2 info t950")
    spec = LivenessSpec(heals_us=(0,), bound_us=100, faults_us=(fault_us,))
    assert recovers_after_each_heal(history, spec).valid
    later = LivenessSpec(heals_us=(0,), bound_us=100, faults_us=(111,))
    assert recovers_after_each_heal(history, later).witness == (1,)


def test_a_history_that_ends_too_soon_leaves_it_open() -> None:
    history = script("1 invoke write x 1 t10\n1 info t40")
    early = recovers_after_each_heal(history, LivenessSpec(heals_us=(0,), bound_us=100))
    assert (early.outcome, early.witness) == (Outcome.UNKNOWN, (1,))
    late = LivenessSpec(heals_us=(0,), bound_us=100, until_us=110)
    assert recovers_after_each_heal(history, late).outcome is Outcome.INVALID


def test_a_heal_after_which_nobody_tries_proves_nothing() -> None:
    history = script("1 invoke write x 1 t10\n1 ok t40")
    verdict = recovers_after_each_heal(history, LivenessSpec(heals_us=(0, 50), bound_us=100))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.UNKNOWN,
        "nobody tried anything after heal 2, at 50 us; let the load outlast it",
    )
    for fault_us, outcome in ((60, Outcome.VALID), (150, Outcome.VALID), (151, Outcome.UNKNOWN)):
        disturbed = LivenessSpec(heals_us=(0, 50), bound_us=100, faults_us=(fault_us,))
        assert recovers_after_each_heal(history, disturbed).outcome is outcome


def test_without_heals_and_without_a_history_nothing_is_demanded() -> None:
    assert recovers_after_each_heal(History(), LivenessSpec(heals_us=(0,), bound_us=1)).valid
    assert recovers_after_each_heal(script(HEALED), LivenessSpec(heals_us=(), bound_us=1)).valid


def test_a_bound_is_needed() -> None:
    with pytest.raises(ValueError, match="bound_us=0"):
        LivenessSpec(heals_us=(), bound_us=0)
    with pytest.raises(ValueError, match="name one or both"):
        LivenessSpec(heals_us=(), bound_us=1, served=("info",))
    with pytest.raises(ValueError, match="give a LivenessSpec"):
        recovers_after_each_heal(History())
