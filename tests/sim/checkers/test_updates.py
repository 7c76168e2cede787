"""Lost updates, duplicate effects and aborted reads, object by object."""

from __future__ import annotations

import pytest

from sim.checkers import Budget, Checker, Outcome
from sim.checkers.updates import UpdateSpec, no_aborted_reads, no_duplicate_effects, no_lost_updates
from sim.history import History, Kind, Operation
from tests.sim.checkers.scripts import script


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("1 invoke cas x (0,1)\n2 invoke cas x (0,2)\n1 ok\n2 ok", (1, 2)),
        ("1 invoke cas x (0,1)\n2 invoke cas x (0,2)\n1 ok\n2 info", ()),
        ("1 invoke cas x (0,1)\n2 invoke cas x (0,2)\n1 ok\n2 fail", ()),
        ("1 invoke cas x (0,1)\n2 invoke cas x (0,2)\n3 invoke write x 0\n1 ok\n3 info\n2 ok", ()),
        ("1 invoke cas x (0,1)\n2 invoke cas x (0,2)\n3 invoke write x 0\n1 ok\n3 fail\n2 ok", (1, 2)),
        ("1 invoke cas x (0,1)\n1 ok\n2 invoke cas x (1,0)\n2 ok\n3 invoke cas x (0,1)\n3 ok", ()),
        ("1 invoke cas x (0,0)\n1 ok\n2 invoke cas x (0,0)\n2 ok", ()),
        ("1 invoke cas x (1,2)\n1 ok", (1,)),  # 1 never came to stand
        ("1 invoke write x 1\n2 invoke write x 2\n1 ok 1 v3\n2 ok 2 v3", (1, 2)),
        ("1 invoke write x 1\n2 invoke write y 2\n1 ok 1 v3\n2 ok 2 v3", ()),
        ("1 invoke add x 2\n1 ok\n2 invoke add x 3\n2 ok\n3 invoke read x\n3 ok 3", (1, 2, 3)),
        ("1 invoke add x 2\n1 ok\n2 invoke add x 3\n2 info\n3 invoke read x\n3 ok 2", ()),
        ("1 invoke add x 2\n1 ok\n2 invoke add x -1\n2 info\n3 invoke read x\n3 ok 1", ()),
        ("1 invoke add x 2\n1 ok\n3 invoke read x\n3 ok 0\n2 invoke add x 3\n2 ok", ()),  # not at rest
        ("1 invoke add x 2\n1 ok\n3 invoke read x @c/audit/1\n3 ok 0\n2 invoke add x 3\n2 ok", (1, 3)),
        ("2 invoke add x 3\n3 invoke read x @c/audit/1\n2 ok\n3 ok 0", ()),  # at once
        ("", ()),
    ],
)
def test_no_acknowledged_update_is_overwritten_unseen(text: str, witness: tuple[int, ...]) -> None:
    verdict = no_lost_updates(script(text), UpdateSpec(initial=0))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_two_updates_may_not_be_built_on_one_version() -> None:
    history = History()
    for op, based in ((1, 4), (2, 4), (3, 5)):
        history.append(op, f"c{op}", Operation(op, Kind.INVOKE, "append", "x", op, based))
        history.append(op, f"c{op}", Operation(op, Kind.OK, "append", "x", op, 10 + op))
    verdict = no_lost_updates(history)
    assert (verdict.witness, verdict.reason) == ((1, 2), "append 1 and append 2 of 'x' were both built on version 4")


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("1 invoke append x 5\n1 ok\n2 invoke read x\n2 ok (5,5)", (1, 2)),
        ("1 invoke append x 5\n1 info\n2 invoke read x\n2 ok (5,5)", (1, 2)),
        ("1 invoke append x 5\n1 ok\n3 invoke append x 5\n3 info\n2 invoke read x\n2 ok (5,5)", ()),
        ("1 invoke append x 5\n1 ok\n3 invoke append x 5\n3 fail\n2 invoke read x\n2 ok (5,5)", (1, 3, 2)),
        ("1 invoke append x 5\n1 fail\n2 invoke read x\n2 ok (5,)", ()),  # an aborted read, not a duplicate
        ("1 invoke add x 5\n1 ok\n2 invoke read x\n2 ok (5,5)", (1, 2)),
        ("1 invoke enqueue x 5\n1 ok\n2 invoke dequeue x\n2 ok 5\n3 invoke dequeue x\n3 ok 5", (2, 3)),
        ("1 invoke enqueue x 5\n1 ok\n2 invoke dequeue x\n2 info\n3 invoke dequeue x\n3 ok 5", ()),
        (
            "1 invoke enqueue x 5\n1 ok\n4 invoke enqueue x 5\n2 invoke dequeue x\n2 ok 5\n3 invoke dequeue x\n3 ok 5",
            (),
        ),
        ("2 invoke dequeue x\n2 ok -\n3 invoke dequeue x\n3 ok -", ()),
        ("1 invoke add x 5\n1 ok\n2 invoke read x\n2 ok 10", (1, 2)),
        ("1 invoke add x 5\n1 info\n2 invoke read x\n2 ok 5", ()),
        ("1 invoke add x 5\n1 fail\n2 invoke read x\n2 ok 5", (2,)),
        ("2 invoke read x\n2 ok 5\n1 invoke add x 5\n1 ok", (2,)),
        ("1 invoke add x 5\n1 ok\n2 invoke add x -1\n2 ok\n3 invoke read x\n3 ok 5", (1, 2, 3)),
        ("1 invoke add x 5\n1 ok\n2 invoke add x -1\n2 ok\n3 invoke read x\n3 ok 5\n4 invoke add x -1\n4 ok", ()),
        ("1 invoke effect k1 5\n1 ok\n2 invoke effect k1 5\n2 ok", (1, 2)),
        ("1 invoke effect k1 5\n1 ok\n2 invoke effect k1 5\n2 info", ()),
        ("1 invoke effect k1 5\n1 ok\n2 invoke effect k2 5\n2 ok", ()),
        ("", ()),
    ],
)
def test_no_operation_takes_effect_twice(text: str, witness: tuple[int, ...]) -> None:
    verdict = no_duplicate_effects(script(text))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("1 invoke write x 5\n1 fail\n2 invoke read x\n2 ok 5", (1, 2)),
        ("1 invoke write x 5\n1 info\n2 invoke read x\n2 ok 5", ()),
        ("1 invoke write x 5\n2 invoke read x\n2 ok 5", ()),
        ("1 invoke write x 5\n1 ok\n2 invoke read x\n2 ok -", ()),
        ("1 invoke write x 5\n1 ok\n2 invoke read x\n2 ok 6", (2,)),
        ("2 invoke read x\n2 ok 5\n1 invoke write x 5\n1 ok", (2, 1)),
        ("1 invoke cas x (0,5)\n1 fail\n2 invoke read x\n2 ok 5", (1, 2)),
        ("1 invoke append x 5\n1 fail\n2 invoke read x\n2 ok (5,)", (1, 2)),
        ("1 invoke append x 5\n1 fail\n3 invoke append x 5\n3 info\n2 invoke read x\n2 ok (5,)", ()),
        ("1 invoke append x 5\n1 ok\n2 invoke read x\n2 ok (5,6)", (2,)),
        ("1 invoke add x 5\n1 fail\n2 invoke read x\n2 ok (5,)", (1, 2)),
        ("1 invoke enqueue x 5\n1 fail\n2 invoke dequeue x\n2 ok 5", (1, 2)),
        ("1 invoke enqueue x 5\n1 ok\n2 invoke dequeue x\n2 ok -", ()),
        ("1 invoke add x 5\n1 fail\n2 invoke read x\n2 ok 5", ()),  # a counter's parts cannot be told
        ("", ()),
    ],
)
def test_what_failed_is_not_read(text: str, witness: tuple[int, ...]) -> None:
    verdict = no_aborted_reads(script(text))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_the_initial_value_was_always_there() -> None:
    history = script("1 invoke write x 5\n1 ok\n2 invoke read x\n2 ok 0\n3 invoke read x\n3 ok -")
    assert no_aborted_reads(history, UpdateSpec(initial=0)).witness == (3,)
    assert no_aborted_reads(history).witness == (2,)


@pytest.mark.parametrize(
    "text",
    [
        "1 invoke append x 6\n1 ok\n2 invoke read x\n2 ok (5,5,6)",
        "1 invoke add x 6\n1 ok\n2 invoke read x\n2 ok (5,5,6)",
        "1 invoke enqueue x 6\n1 ok\n2 invoke dequeue x\n2 ok 5\n3 invoke dequeue x\n3 ok 5",
    ],
)
def test_initial_members_were_always_there_as_often_as_they_were(text: str) -> None:
    for check in (no_duplicate_effects, no_aborted_reads):
        assert check(script(text), UpdateSpec(initial=(5, 5))).valid
        assert not check(script(text)).valid
    assert not no_duplicate_effects(script(text), UpdateSpec(initial=(5,))).valid


def test_a_cas_of_no_pair_replaces_nothing() -> None:
    assert no_lost_updates(script("1 invoke cas x ()\n1 ok\n2 invoke cas x ()\n2 ok")).valid


@pytest.mark.parametrize("check", [no_lost_updates, no_duplicate_effects, no_aborted_reads])
def test_form_and_budget_come_first(check: Checker) -> None:
    history = script("1 invoke append x 5\n1 ok\n2 invoke read x\n2 ok (5,)")
    assert check(history, None, Budget(states=3)).outcome is Outcome.UNKNOWN
    assert check(script("1 invoke append x 5\n1 ok\n1 ok")).reason.startswith("operation 1 ends again")
    with pytest.raises(ValueError, match="give a UpdateSpec"):
        check(history, 0)
