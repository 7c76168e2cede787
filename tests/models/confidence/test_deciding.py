"""Decisions with costs: least on average, and what a boolean cannot say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.confidence import Bounds, frechet_any, freshness
from models.confidence.answer import Answer, Threshold
from models.confidence.deciding import Choice, Decision, Option, Table, fresh_or_stale
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


# -- tables of any states ------------------------------------------------------------------

HERE = Option(name="here", costs={"stale": 10.0})
ASK = Option(name="ask", costs={"fresh": 1.0, "stale": 1.0})
READ = Table(name="read", options=(HERE, ASK))


@pytest.mark.parametrize("stale", [0.0, 0.05, 0.099, 0.101, 0.5])
def test_a_table_takes_what_costs_least_on_average(stale: float) -> None:
    chosen = READ.by_chances({"fresh": 1 - stale, "stale": stale})
    assert (chosen is ASK) == (stale > 0.1)


def test_of_equals_a_table_takes_the_first() -> None:
    assert READ.by_chances({"fresh": 0.9, "stale": 0.1}) is HERE


def test_where_dependence_is_unknown_the_worst_case_decides() -> None:
    accept = Option(name="accept", costs={"minority": 10.0})
    refuse = Option(name="refuse", costs={"majority": 1.0, "minority": 1.0})
    table = Table(name="minority", options=(accept, refuse))
    one, other = 0.8, 0.7
    # Independent, one of the two answers with .94; bounds allow for both being of one region.
    assert table.by_chances({"majority": 0.94, "minority": 0.06}) is accept
    assert table.by_bounds("majority", "minority", frechet_any([one, other])) is refuse
    assert table.by_bounds("majority", "minority", Bounds(0.95, 1.0)) is accept


def test_bad_tables_are_refused() -> None:
    with pytest.raises(ValueError, match=r"stale=-1 is no cost[\s\S]*fresh=inf is no cost"):
        Option(name="here", costs={"stale": -1, "fresh": float("inf")})
    free = Option(name="free", costs={"fresh": 0.0})
    with pytest.raises(ValueError, match=r"nothing to decide[\s\S]*all costs are 0"):
        Table(name="none", options=(free,))
    with pytest.raises(ValueError, match="name one twice"):
        Table(name="twice", options=(HERE, HERE))
    with pytest.raises(ValueError, match=r"\['stale'\] have no chance"):
        READ.by_chances({"fresh": 1.0})
    with pytest.raises(ValueError, match=r"no bounds of a chance[\s\S]*costs stand by"):
        READ.by_bounds("lost", "stale", Bounds(0.9, 0.1))


def test_what_silence_means_for_a_copy_hangs_on_why_there_is_silence() -> None:
    def fresh(answer: Answer) -> float:
        found = fresh_or_stale(answer, writes_per_s=0.2, lag_us=0.0)
        assert sum(found.values()) == pytest.approx(1.0)
        return sum(chance for state, chance in found.items() if state.endswith("/fresh"))

    dead, cut = (replace(one, age_us=10_000_000) for one in (told(dead=1.0), told(unreachable=1.0)))
    assert fresh(dead) == 1.0
    assert fresh(cut) == pytest.approx(freshness(0.2, 10_000_000))
    with pytest.raises(ValueError, match="writes_per_s=-1"):
        fresh_or_stale(told(up=1.0), writes_per_s=-1, lag_us=0.0)
