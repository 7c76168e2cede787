"""Conservation: every accepted thing has one fate."""

from __future__ import annotations

import pytest

from sim.checkers import Outcome
from sim.checkers.conservation import ConservationSpec, conserved
from tests.sim.checkers.scripts import script

ACCEPTED = "1 invoke accept x 5\n1 ok\n"


@pytest.mark.parametrize(
    ("text", "outcome", "witness"),
    [
        ("2 invoke incorporate x 5\n2 ok", "valid", ()),
        ("2 invoke supersede x (5,'by 6')\n2 ok", "valid", ()),
        ("2 invoke compensate x 5\n2 ok", "valid", ()),
        ("2 invoke compensate x (5,'refund')\n2 ok", "valid", ()),
        ("2 invoke incorporate x 5\n2 ok\n3 invoke compensate x 5\n3 ok", "valid", ()),  # taken out again
        ("2 invoke incorporate x 5\n3 invoke compensate x 5\n3 ok\n2 ok", "valid", ()),
        ("2 invoke incorporate x 5\n2 ok\n3 invoke incorporate x 5\n3 info", "valid", ()),
        ("", "invalid", (1,)),
        ("2 invoke incorporate x 6\n2 fail", "invalid", (1,)),
        ("2 invoke incorporate x 5\n2 fail", "invalid", (1,)),
        ("2 invoke incorporate x 5\n2 info", "unknown", (2,)),
        ("2 invoke supersede x 5\n2 ok", "invalid", (2,)),  # without a record
        ("2 invoke supersede x (5,None)\n2 ok", "invalid", (2,)),
        ("2 invoke incorporate x 5\n2 ok\n3 invoke incorporate x 5\n3 ok", "invalid", (2, 3)),
        ("2 invoke compensate x 5\n2 ok\n3 invoke compensate x 5\n3 ok", "invalid", (2, 3)),
        ("2 invoke supersede x (5,'r')\n2 ok\n3 invoke compensate x 5\n3 ok", "invalid", (2, 3)),
        ("2 invoke compensate x 5\n2 ok\n3 invoke incorporate x 5\n3 ok", "invalid", (2, 3)),
        ("2 invoke supersede x (5,'r')\n2 ok\n3 invoke incorporate x 5\n3 ok", "invalid", (2, 3)),
        ("2 invoke incorporate y 5\n2 ok", "invalid", (1,)),  # of another key
    ],
)
def test_what_was_accepted_has_one_fate(text: str, outcome: str, witness: tuple[int, ...]) -> None:
    verdict = conserved(script(ACCEPTED + text))
    assert verdict.outcome == outcome
    assert verdict.witness[: len(witness)] == witness


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("2 invoke incorporate x 5\n2 ok", (2,)),
        ("1 invoke accept x 5\n1 fail\n2 invoke incorporate x 5\n2 ok", (1, 2)),
        ("1 invoke accept x 5\n1 info\n2 invoke incorporate x 5\n2 ok", ()),
        ("1 invoke accept x 5\n1 info", ()),
        ("1 invoke accept x 5\n1 fail", ()),
    ],
)
def test_nothing_else_has_a_fate(text: str, witness: tuple[int, ...]) -> None:
    verdict = conserved(script(text))
    assert (verdict.valid, verdict.witness) == (not witness, witness)


def test_what_is_certain_goes_before_what_is_not() -> None:
    text = ACCEPTED + "2 invoke incorporate x 5\n2 info\n3 invoke accept x 6\n3 ok"
    assert conserved(script(text)).witness == (3,)


def test_before_rest_a_thing_may_wait_and_other_names_may_accept() -> None:
    history = script("1 invoke append x 5\n1 ok\n2 invoke append x 6\n2 ok\n3 invoke incorporate x 6\n3 ok")
    assert conserved(history, ConservationSpec(accepts=("append",))).witness == (1,)
    assert conserved(history, ConservationSpec(accepts=("append",), at_rest=False)).valid
    assert conserved(history).outcome is Outcome.INVALID  # nobody accepted 6
