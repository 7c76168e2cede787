"""What replicas hold at rest: they agree, and have what was acknowledged."""

from __future__ import annotations

import pytest

from sim.checkers import Outcome
from sim.checkers.replicas import AuditSpec, converged, durable
from sim.history import History
from tests.sim.checkers.scripts import script

WRITTEN = "1 invoke write x 5\n1 ok 5 v1\n2 invoke write x 6\n2 ok 6 v2\n"


def audit(*rows: tuple[str, str]) -> str:
    """Reads of x at replicas, from operation 91."""
    return "".join(f"\n{n} invoke read x @c/audit/{who}\n{n} {what}" for n, (who, what) in enumerate(rows, 91))


@pytest.mark.parametrize(
    ("rows", "outcome", "witness"),
    [
        ((("1", "ok 6 v2"), ("2", "ok 6 v2")), "valid", ()),
        ((("1", "ok 6 v2"), ("2", "ok 5 v1")), "invalid", (91, 92)),
        ((("1", "ok 6 v2"), ("2", "ok 6 v3")), "invalid", (91, 92)),  # equal values of unequal pasts
        ((("1", "ok 6 v2"), ("2", "ok 6")), "valid", ()),
        ((("1", "ok 6 v2"), ("1", "ok 5 v1"), ("2", "ok 5 v1")), "valid", ()),  # the last answer counts
        ((("1", "ok 6 v2"), ("2", "ok 6 v2"), ("3", "ok 5 v1")), "invalid", (91, 93)),
        ((("1", "ok 6 v2"), ("2", "info")), "unknown", ()),
        ((("1", "ok 6 v2"), ("2", "ok 5 v1"), ("3", "info")), "invalid", (91, 92)),
        ((("1", "ok 6"), ("2", "ok 6 v2"), ("3", "ok 6 v3")), "invalid", (92, 93)),  # neither differs from the first
        ((), "unknown", ()),
    ],
)
def test_replicas_agree_at_rest(rows: tuple[tuple[str, str], ...], outcome: str, witness: tuple[int, ...]) -> None:
    verdict = converged(script(WRITTEN + audit(*rows)))
    assert (verdict.outcome, verdict.witness) == (outcome, witness)


@pytest.mark.parametrize(
    ("change", "one", "other", "same"),
    [
        ("add x 'a'", "ok ('a','b')", "ok ('b','a')", True),  # the members of a set stand in no order
        ("add x 'a'", "ok ('a',)", "ok ('a','b')", False),
        ("add x 'a'", "ok ()", "ok", True),
        ("remove x 'a'", "ok ()", "ok", True),
        ("add x 1", "ok 0", "ok", True),
        ("add x 1", "ok 1", "ok", False),
        ("append x 6", "ok (5,6)", "ok 6 v2", True),  # the last of them
        ("append x 6", "ok (5,6)", "ok 6 v3", False),
        ("append x 6", "ok (4,5,6)", "ok (5,6) v3", True),
        ("append x 6", "ok (4,5,6)", "ok (4,6) v3", False),
        ("append x 6", "ok (5,6)", "ok 6", True),
        ("append x 6", "ok (5,6)", "ok 5", False),
        ("append x 6", "ok ()", "ok", True),
        ("append x 6", "ok 6", "ok ()", False),
    ],
)
def test_answers_agree_that_can_be_of_one_state(change: str, one: str, other: str, same: bool) -> None:
    verdict = converged(script(f"1 invoke {change}\n1 ok" + audit(("1", one), ("2", other))))
    assert (verdict.valid, verdict.witness) == (same, () if same else (91, 92))


def test_while_changes_are_under_way_there_is_no_rest() -> None:
    text = "1 invoke write x 5" + audit(("1", "ok 5"), ("2", "ok 4"))
    for late in (text + "\n1 ok 5", text.replace("1 invoke write x 5", "") + "\n1 invoke write x 5"):
        assert converged(script(late)).witness == durable(script(late)).witness == (1,)
        assert converged(script(late)).outcome is Outcome.UNKNOWN
    assert converged(script(text)).outcome is Outcome.INVALID  # what never ended is taken to be over
    assert converged(script(text + "\n1 fail")).outcome is Outcome.INVALID  # and what failed never was


def test_a_replica_that_should_hold_a_key_has_to_answer() -> None:
    history = script(WRITTEN + audit(("1", "ok 6 v2"), ("2", "ok 6 v2")))
    for check in (converged, durable):
        assert check(history, AuditSpec(replicas=("1", "2"))).valid
        verdict = check(history, AuditSpec(replicas=("1", "2", "3")))
        assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, "replica 3 did not answer the audit of 'x'")
        assert check(history, AuditSpec(replicas=("3",), holders={"x": ("2",)})).valid


def test_a_replica_that_is_not_meant_to_hold_a_key_is_not_asked() -> None:
    history = script(WRITTEN + audit(("1", "ok 6 v2"), ("2", "ok 5 v1")))
    assert converged(history, AuditSpec(holders={"x": ("1",)})).valid
    assert durable(history, AuditSpec(holders={"x": ("1",)})).valid
    assert durable(history).witness == (2, 92)


@pytest.mark.parametrize(
    ("text", "look", "witness"),
    [
        # A register, by versions.
        (WRITTEN, "ok 6 v2", ()),
        (WRITTEN, "ok 5 v1", (2, 91)),
        (WRITTEN, "ok 7 v2", (2, 91)),  # its version was given again
        (WRITTEN + "3 invoke write x 7\n3 info", "ok 7 v3", ()),
        (WRITTEN, "ok - v0", (2, 91)),
        # A register, by values.
        ("1 invoke write x 5\n1 ok\n2 invoke write x 6\n2 ok", "ok 6", ()),
        ("1 invoke write x 5\n1 ok\n2 invoke write x 6\n2 ok", "ok 5", (2, 91)),
        ("1 invoke write x 5\n2 invoke write x 6\n1 ok\n2 ok", "ok 5", ()),
        ("1 invoke write x 5\n1 info\n2 invoke write x 6\n2 ok", "ok 5", ()),  # it may come late
        ("1 invoke write x 5\n1 fail\n2 invoke write x 6\n2 ok", "ok 5", (2, 91)),
        ("1 invoke write x 5\n1 fail", "ok -", ()),
        ("1 invoke write x 5\n1 ok", "ok -", (1, 91)),
        ("1 invoke cas x (0,5)\n1 ok", "ok 0", (1, 91)),
        ("1 invoke write x 5\n1 ok\n2 invoke write x 6\n2 ok\n3 invoke write x 5\n3 ok", "ok 5", ()),
        # A register, by versions that only some were told.
        ("1 invoke write x 5\n1 ok - v1\n2 invoke write x 6\n2 ok", "ok 5 v1", (2, 91)),
        ("1 invoke write x 5\n2 invoke write x 6\n1 ok - v1\n2 ok", "ok 5 v1", ()),
        ("1 invoke write x 5\n1 ok - v1\n2 invoke write x 6\n2 ok - v1", "ok 6 v1", (1, 91)),
        # A log.
        ("1 invoke append x 5\n1 ok - v1", "ok (5,)", ()),
        ("1 invoke append x 5\n1 ok - v1", "ok ()", (1, 91)),
        ("1 invoke append x 5\n1 ok - v1", "ok (6,)", (1, 91)),
        ("1 invoke append x 5\n1 ok - v1", "ok 6 v2", ()),
        ("1 invoke append x 5\n1 ok - v2", "ok 6 v2", (1, 91)),
        ("1 invoke append x 5\n1 ok", "ok (6,5)", ()),
        ("1 invoke append x 5\n1 ok", "ok (6,)", (1, 91)),
        ("1 invoke append x 5\n1 info", "ok ()", ()),
        ("1 invoke append x 5\n1 ok", "ok -", (1, 91)),
        # A log of equal entries.
        ("1 invoke append x 5\n1 ok\n2 invoke append x 5\n2 ok", "ok (5,5)", ()),
        ("1 invoke append x 5\n1 ok\n2 invoke append x 5\n2 ok", "ok (5,)", (1, 2, 91)),
        ("1 invoke append x 5\n1 ok\n2 invoke append x 5\n2 info", "ok (5,)", ()),
        ("1 invoke append x 5\n1 ok - v1\n2 invoke append x 5\n2 ok", "ok (5,)", (1, 2, 91)),
        ("1 invoke append x 5\n1 ok - v1\n2 invoke append x 6\n2 ok - v1", "ok (5,)", (2, 91)),
        ("1 invoke append x 5\n1 ok - v1\n2 invoke append x 6\n2 ok - v1", "ok (6,)", (1, 91)),
        ("1 invoke append x 5\n1 ok\n2 invoke append x 5\n2 ok - v1", "ok (5,)", (1, 2, 91)),
        # What stands before the values that are shown may be there.
        ("1 invoke append x 5\n1 ok\n2 invoke append x 6\n2 ok", "ok 6 v2", ()),
        ("1 invoke append x 5\n1 ok\n2 invoke append x 6\n2 ok", "ok 6 v1", (1, 91)),
        ("1 invoke append x 5\n1 ok\n2 invoke append x 6\n2 ok - v1", "ok 7 v2", (1, 91)),
        # A set.
        ("1 invoke add x 5\n1 ok\n2 invoke add x 6\n2 info", "ok (5,)", ()),
        ("1 invoke add x 5\n1 ok", "ok ()", (1, 91)),
        ("1 invoke add x 5\n1 ok\n2 invoke remove x 5\n2 info", "ok ()", ()),
        ("2 invoke remove x 5\n2 ok\n1 invoke add x 5\n1 ok", "ok ()", (1, 91)),
        ("2 invoke remove x 5\n2 fail\n1 invoke add x 5\n1 ok", "ok ()", (1, 91)),
        ("1 invoke add x 5\n1 ok\n2 invoke remove x 5\n2 ok", "ok ()", ()),
        ("1 invoke add x 5\n1 ok\n2 invoke remove x 5\n2 ok", "ok (5,)", (2, 91)),
        ("1 invoke add x 5\n2 invoke remove x 5\n1 ok\n2 ok", "ok (5,)", ()),  # the addition may be the later
        ("1 invoke add x 5\n1 info\n2 invoke remove x 5\n2 ok", "ok (5,)", ()),
        ("1 invoke add x 5\n1 ok\n2 invoke remove x 5\n2 info", "ok (5,)", ()),
        ("1 invoke add x 'a'\n1 ok", "ok -", (1, 91)),  # a set, though nobody saw a member
        # A counter.
        ("1 invoke add x 5\n1 ok\n2 invoke add x 6\n2 info", "ok 5", ()),
        ("1 invoke add x 5\n1 ok\n2 invoke add x 6\n2 info", "ok 4", (1, 91)),
        ("1 invoke add x 1\n1 ok", "ok -", (1, 91)),
        ("1 invoke add x 5\n1 ok\n2 invoke add x -2\n2 info", "ok 3", ()),
        ("1 invoke add x 5\n1 ok\n2 invoke add x -2\n2 fail", "ok 3", (1, 91)),
    ],
)
def test_what_was_acknowledged_is_held(text: str, look: str, witness: tuple[int, ...]) -> None:
    verdict = durable(script(text + audit(("1", look))))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_what_a_replica_lacks_is_told() -> None:
    verdict = durable(script(WRITTEN + audit(("1", "ok 6 v2"), ("2", "ok 5 v1"))))
    assert verdict.reason == "write 2 of 'x' was acknowledged and is not at replica 2, which holds 5 (version 1)"


@pytest.mark.parametrize(
    ("text", "outcome", "witness"),
    [
        ("2 invoke dequeue x\n2 ok 5\n3 invoke dequeue x\n3 ok -", "valid", ()),
        ("3 invoke dequeue x\n3 ok -", "invalid", (1, 3)),
        ("2 invoke dequeue x\n2 info\n3 invoke dequeue x\n3 ok -", "valid", ()),
        ("2 invoke dequeue x\n2 fail\n3 invoke dequeue x\n3 ok -", "invalid", (1, 3)),
        ("", "unknown", (1,)),
    ],
)
def test_an_empty_queue_has_handed_out_everything(text: str, outcome: str, witness: tuple[int, ...]) -> None:
    verdict = durable(script("1 invoke enqueue x 5\n1 ok\n" + text))
    assert (verdict.outcome, verdict.witness) == (outcome, witness)


PUT_TWICE = "1 invoke enqueue x 5\n1 ok\n2 invoke enqueue x 5\n2 ok\n"


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        (PUT_TWICE + "3 invoke dequeue x\n3 ok 5\n4 invoke dequeue x\n4 ok 5\n", ()),
        (PUT_TWICE + "3 invoke dequeue x\n3 ok 5\n", (1, 2, 3, 9)),
        (PUT_TWICE.replace("2 ok", "2 info") + "3 invoke dequeue x\n3 ok 5\n", ()),
        (PUT_TWICE + "3 invoke dequeue x\n3 ok 5\n4 invoke dequeue x\n4 info\n", ()),
        (PUT_TWICE.replace("2 invoke", "3 invoke dequeue x\n3 ok 5\n2 invoke"), (1, 3, 2, 9)),
        (PUT_TWICE, (1, 9)),
        ("1 invoke enqueue x 5\n1 ok\n2 invoke enqueue x 6\n2 info\n", (1, 9)),
        # What was handed out before it was put in is another.
        ("3 invoke dequeue x\n3 ok 5\n1 invoke enqueue x 5\n1 ok\n", (1, 9)),
    ],
)
def test_of_equal_elements_each_is_handed_out(text: str, witness: tuple[int, ...]) -> None:
    verdict = durable(script(text + "9 invoke dequeue x\n9 ok -"))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_one_hand_out_without_an_answer_explains_one_element() -> None:
    text = (
        "1 invoke enqueue x 5\n1 ok\n2 invoke enqueue x 6\n2 ok\n3 invoke dequeue x\n3 info\n9 invoke dequeue x\n9 ok -"
    )
    assert durable(script(text)).witness == (1, 9)
    assert durable(script(text.replace("9 invoke", "4 invoke dequeue x\n4 info\n9 invoke"))).valid


def test_what_begins_when_the_queue_was_empty_took_nothing_out_of_it() -> None:
    text = "1 invoke enqueue x 5\n1 ok\n2 invoke dequeue x\n2 ok -\n3 invoke dequeue x\n3 info"
    assert durable(script(text)).witness == (1, 2)
    assert durable(script(text + "\n4 invoke dequeue x\n4 ok -")).witness == (1, 4)


def test_a_queue_found_empty_between_two_elements_may_still_hold_the_second() -> None:
    text = "1 invoke enqueue x 5\n1 ok\n2 invoke dequeue x\n2 ok 5\n3 invoke dequeue x\n3 ok -\n"
    verdict = durable(script(text + "4 invoke enqueue x 6\n4 ok"))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (4,))


def test_a_change_between_two_looks_of_an_audit_is_no_rest() -> None:
    text = "1 invoke write x 5\n1 ok" + audit(("1", "ok 5")) + "\n2 invoke write x 6\n2 ok"
    verdict = converged(script(text + "\n99 invoke read x @c/audit/2\n99 ok 6"))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (2,))


def test_what_is_not_known_of_one_key_hides_no_divergence_of_another() -> None:
    text = "1 invoke write y 5\n1 ok\n" + WRITTEN.replace("1 ", "11 ").replace("2 ", "12 ")
    history = script(text + audit(("1", "ok 6 v2"), ("2", "ok 5 v1")))
    assert converged(history).witness == (91, 92)
    assert durable(history).witness == (12, 92)


def test_what_is_read_in_other_sessions_is_no_audit() -> None:
    history = script(WRITTEN + "3 invoke read x @c/mine\n3 ok 5 v1" + audit(("1", "ok 6 v2")))
    assert converged(history).valid
    assert durable(history).valid


def test_an_audit_that_empties_a_queue_is_at_rest() -> None:
    look = "{} invoke dequeue x @c/audit/1\n{} ok {}\n"
    text = "1 invoke enqueue x 5\n1 ok\n2 invoke enqueue x 6\n2 ok\n" + look.format(3, 3, 5) + look.format(4, 4, "-")
    assert durable(script(text)).witness == (2, 4)


def test_who_takes_from_a_queue_beside_its_audit_disturbs_it() -> None:
    look = "3 invoke dequeue x @c/audit/1\n3 ok -\n"
    verdict = durable(script("1 invoke enqueue x 5\n1 ok\n" + look + "4 invoke dequeue x @d/own\n4 info"))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (4,))


def test_a_log_whose_end_nobody_tells_is_not_judged() -> None:
    text = "1 invoke append x 5\n1 ok\n2 invoke append x 6\n2 ok"
    verdict = durable(script(text + audit(("1", "ok 6"))))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (91,))
    assert durable(script("1 invoke append x 5\n1 ok" + audit(("1", "ok 5")))).valid


def test_entries_that_stood_in_a_log_at_first_are_not_those_appended() -> None:
    history = script("1 invoke append x 5\n1 ok" + audit(("1", "ok (5,)")))
    assert durable(history).valid
    assert durable(history, AuditSpec(initial=(5,))).witness == (1, 91)
    both = script("1 invoke append x 5\n1 ok" + audit(("1", "ok (4,5)")))
    assert durable(both, AuditSpec(initial=(4,))).valid


def test_a_queue_found_empty_before_an_element_came_has_lost_nothing() -> None:
    early = "3 invoke dequeue x\n3 ok -\n1 invoke enqueue x 5\n1 ok"
    assert durable(script(early)).outcome is Outcome.UNKNOWN


def test_nothing_done_is_nothing_lost() -> None:
    assert converged(History()).valid
    assert durable(History()).valid
    unread = script("1 invoke write x 5\n1 ok 5")
    assert converged(unread).outcome is durable(unread).outcome is Outcome.UNKNOWN
    assert "nobody audited 'x'" in durable(unread).reason
