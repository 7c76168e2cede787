"""Priors that are learnt come to the rates that were seen, and count an outage once."""

from __future__ import annotations

import pytest

from models.confidence import Answer, Blame, Erlang, Hearing, Learner, Learning, Level, Priors
from sim.topology import pack_location

S = 1_000_000
HOST, REGION, ME = pack_location(1, 1, 1), pack_location(1, 0, 0), pack_location(9, 1, 1)
PRIORS = Priors(levels={"region": Level(mtbc_us=1_000.0 * S), "host": Level(mtbf_us=1_000.0 * S, mtbc_us=3_000.0 * S)})
LEVELS = {HOST: "host", REGION: "region"}


def answer(host: float, region: float = 0.0) -> Answer:
    blames = (Blame(REGION, region), Blame(HOST, host))
    chances = {"up": 1 - host, "slow": 0.0, "unreachable": 0.0, "dead": host}
    return Answer(subject=HOST, observer=ME, at_us=0, blames=blames, basis=(), age_us=None, **chances)


def test_without_evidence_nothing_changes() -> None:
    learner = Learner(PRIORS, Learning())
    assert learner.priors() == PRIORS
    hearing = Hearing(every_us=S, loss=0.1, delay=Erlang(mean_us=5.0))
    assert learner.hearing(hearing) is hearing


def test_an_outage_counts_once_until_it_ends() -> None:
    learner = Learner(PRIORS, Learning())
    for _ in range(5):
        learner.blamed(answer(0.9), LEVELS)
    assert {name: deaths + cuts for name, deaths, cuts in learner.counted}["host"] == pytest.approx(1)
    learner.ended(HOST, died=True)
    learner.blamed(answer(0.9), LEVELS)
    assert {name: deaths + cuts for name, deaths, cuts in learner.counted}["host"] == pytest.approx(2)


def test_until_its_end_an_outage_is_divided_as_the_prior_says() -> None:
    learner = Learner(PRIORS, Learning())
    learner.blamed(answer(0.9), LEVELS)
    assert [(deaths, cuts) for name, deaths, cuts in learner.counted if name == "host"] == [
        (pytest.approx(0.75), pytest.approx(0.25))
    ]
    learner.ended(HOST, died=False)
    assert [(deaths, cuts) for name, deaths, cuts in learner.counted if name == "host"] == [
        (pytest.approx(0), pytest.approx(1))
    ]


def test_rates_come_to_what_was_seen() -> None:
    learner = Learner(PRIORS, Learning())
    for _ in range(200):
        learner.watched("host", 60.0 * S)
        learner.blamed(answer(0.9), LEVELS)
        learner.ended(HOST, died=True)
    assert learner.priors().of("host").mtbf_us == pytest.approx(60 * S, rel=0.1)
    assert learner.priors().of("host").mtbc_us > 10_000 * S


def test_what_is_not_blamed_does_not_count() -> None:
    learner = Learner(PRIORS, Learning())
    learner.blamed(answer(0.4, region=0.5), LEVELS)
    assert all(deaths == cuts == 0 for _, deaths, cuts in learner.counted)


def test_loss_and_delay_come_to_what_was_seen() -> None:
    learner = Learner(PRIORS, Learning(heartbeats=10))
    for number in range(900):
        learner.came(50_000, lost=number % 9 == 0)
    found = learner.hearing(Hearing(every_us=S, loss=0.5, delay=Erlang(mean_us=1_000.0)))
    assert found.loss == pytest.approx(0.1, abs=0.01)
    assert found.delay.mean_us == pytest.approx(50_000, rel=0.02)


def test_a_prior_worth_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="outages=0"):
        Learning(outages=0)
