"""Members that stand for election by what they believe: only when, and nothing of what an election is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from experiments.measures.observation import Observation, observe
from experiments.properties.elections import held_back_by_belief, kept_by_belief, moved_by_belief
from experiments.scenario import ScenarioError, load
from models.confidence import OutOfReach
from models.confidence.leading import Leading
from models.confidence.providing import rule_of
from models.raft.words import Heard
from sim.checkers import Outcome
from tests.models.raft.members import BEAT_US, ELECTION_US, Trio

EVERY = [
    "bool:silent=150ms",
    "source:level=0.9",
    "consumer:miss=4:alarm=1",
    "spectrum:miss=4:alarm=1",
]


def trio(words: str) -> Trio:
    """Three members that beat every 20 ms, the first of which leads, and have heard each other for a while."""
    three = Trio(detector=Leading(rule=rule_of(words), every_us=BEAT_US))
    three.pass_time(150)
    assert three.leader == 1
    return three


def notes(three: Trio, name: str) -> list[int]:
    return [number for number, ctx in three.ctxs.items() for told, _ in ctx.notes if told == name]


@pytest.mark.parametrize("words", EVERY)
def test_a_leader_that_is_gone_is_replaced_whoever_provides_the_belief(words: str) -> None:
    three = trio(words)
    three.cut = {1}
    three.pass_time(600)
    assert three.leader in (2, 3)
    assert set(notes(three, "lead-gone")) & {three.leader}


def test_nobody_stands_before_belief_says_so_however_long_a_time_out_would_have_been_over() -> None:
    three = trio("source:level=1")
    three.cut = {1}
    three.pass_time(4 * ELECTION_US // 1_000)
    assert (three.leader, notes(three, "lead-gone")) == (0, [])


def test_nobody_stands_within_the_least_election_time_out_whatever_is_believed() -> None:
    """Stickiness, on which leases rest, is Raft's: a belief that is sure at once does not hurry it."""
    three = trio("consumer:miss=1:alarm=0")
    three.cut = {1}
    terms = three.shards[2].core.term
    three.pass_time(ELECTION_US // 1_000 - BEAT_US // 1_000)
    assert len(notes(three, "lead-gone")) == 2
    assert {three.shards[number].core.term for number in (2, 3)} == {terms}


def test_a_member_that_does_not_believe_tells_nobody_whom_it_heard() -> None:
    told: list[type] = []
    three = Trio()
    carry = three._carry
    three._carry = lambda source, to, message, asked: (told.append(type(message)), carry(source, to, message, asked))[1]  # type: ignore[method-assign,func-returns-value]
    three.pass_time(200)
    assert three.leader == 1
    assert Heard not in told


@cache
def seen(name: str, words: str = "", seed: int = 3) -> Observation:
    scenario = load(name)
    options = {**scenario.system.options, **({"detector": words} if words else {})}
    short_us = min(scenario.until_us, 11_000_000)
    return observe(replace(scenario, system=replace(scenario.system, options=options), until_us=short_us), seed)


def elections(found: Observation) -> list[int]:
    """When somebody was elected after the first, in seconds."""
    return [t_us // 1_000_000 for t_us, _, _ in found.noted["elected"][1:]]


def test_a_pause_moves_the_lead_by_a_time_out_and_not_by_belief() -> None:
    """The pause is at 4 s and the death at 8 s; a bool that is as quick at the one takes the other for it."""
    assert elections(seen("confidence_failover", "belief:bool:silent=300ms"))[0] == 4
    for words in ("", "belief:source:level=0.5"):
        (moved,) = elections(seen("confidence_failover", words))
        assert moved in (8, 9)


def test_that_belief_moved_or_kept_a_lead_is_told() -> None:
    found = seen("confidence_failover")
    assert moved_by_belief(found).outcome is kept_by_belief(found).outcome is Outcome.VALID
    assert held_back_by_belief(found).outcome is Outcome.INVALID
    timed = seen("confidence_failover", "belief:bool:silent=300ms")
    assert moved_by_belief(timed).outcome is Outcome.VALID
    assert kept_by_belief(timed).outcome is Outcome.INVALID


def test_without_a_pre_vote_a_threshold_deposes_a_leader_that_the_spectrum_leaves_alone() -> None:
    """Who is cut off from both others stands in vain, and comes back with a later term, which ends the reign."""
    assert held_back_by_belief(seen("confidence_failover_cut")).outcome is Outcome.VALID
    assert elections(seen("confidence_failover_cut")) == []
    assert elections(seen("confidence_failover_cut", "belief:consumer:miss=4:alarm=1")) != []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("belief:spectre:miss=1", "'spectre' is no provider; did you mean 'spectrum'"),
        ("belief:consumer:miss=-1:alarm=2", "miss=-1.0 is no number from 0 up"),
        ("belief:spectrum:miss=0:alarm=0", "both 0, so nothing is to be decided"),
        ("belief:source:level=1.5", "level=1.5 is no chance to wait for"),
        ("belief:bool:level=1", "bool does not look at 'level'; it does at silent"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(words: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        load("confidence_failover").with_system({"detector": words})


def test_a_level_that_no_silence_reaches_is_warned_of() -> None:
    with pytest.warns(OutOfReach, match=r"acts from 1 on[\s\S]*a silence of a leader too; the nearest"):
        load("confidence_failover").with_system({"detector": "belief:spectrum:miss=0:alarm=1"})
