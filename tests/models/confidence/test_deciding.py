"""Decisions with costs: least on average, and what a boolean cannot say."""

from __future__ import annotations

import pytest

from models.confidence.answer import Answer, Threshold
from models.confidence.deciding import Choice, Decision
from sim.topology import Location

WAIT = Choice(name="wait", up=0, slow=1, unreachable=4, dead=20)
MOVE = Choice(name="move", up=5, slow=5, unreachable=5, dead=0)
FAILOVER = Decision(name="failover", choices=(WAIT, MOVE))


def told(*, up: float = 0.0, slow: float = 0.0, unreachable: float = 0.0, dead: float = 0.0) -> Answer:
    return Answer(
        subject=Location(1),
        observer=Location(2),
        at_us=0,
        up=up,
        slow=slow,
        unreachable=unreachable,
        dead=dead,
        blames=(),
        basis=(),
        age_us=None,
    )


def test_the_same_chance_of_down_decides_otherwise_by_why_it_is_down() -> None:
    cut, gone = told(up=0.5, unreachable=0.5), told(up=0.5, dead=0.5)
    assert cut.down == gone.down
    assert (FAILOVER.by_answer(cut), FAILOVER.by_answer(gone)) == (WAIT, MOVE)


@pytest.mark.parametrize("down", [0.0, 0.1, 0.24, 0.26, 0.9])
def test_two_choices_that_look_only_at_down_are_a_threshold(down: float) -> None:
    stay = Choice(name="stay", up=0, slow=0, unreachable=3, dead=3)
    leave = Choice(name="leave", up=1, slow=1, unreachable=0, dead=0)
    chosen = Decision(name="route", choices=(stay, leave)).by_answer(told(up=1 - down, dead=down))
    assert (chosen is leave) == Threshold(miss=3, alarm=1).crossed(down)


def test_a_boolean_takes_the_choice_that_it_is_mapped_to() -> None:
    assert FAILOVER.by_bool(True, if_down="move", otherwise="wait") is MOVE
    assert FAILOVER.by_bool(False, if_down="move", otherwise="wait") is WAIT


def test_bad_decisions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"up=-1 is no cost[\s\S]*dead=inf is no cost"):
        Choice(name="wait", up=-1, slow=0, unreachable=0, dead=float("inf"))
    free = Choice(name="free", up=0, slow=0, unreachable=0, dead=0)
    with pytest.raises(ValueError, match=r"nothing to decide[\s\S]*all costs are 0"):
        Decision(name="none", choices=(free,))
    with pytest.raises(ValueError, match="no choice 'run'"):
        FAILOVER.named("run")
