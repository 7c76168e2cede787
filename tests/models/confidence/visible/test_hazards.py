"""How soon a key is written to again: what is learnt against drawn writes that come by what was written last."""

from __future__ import annotations

import pytest
from numpy.random import PCG64, Generator

from models.confidence.visible import Hazards
from models.confidence.visible.hazards import NEVER

S = 1_000_000


def drawn(factors: dict[str, float], true: list[float], until_s: float, seed: int) -> Hazards:
    """Each kind in turns, at the rate of its key times the factor of the kind before."""
    draws, hazards = Generator(PCG64(seed)), Hazards(len(true), prior_per_s=0.5)
    kinds, due = list(factors), []
    for key, rate in enumerate(true):
        at_s, turn = 0.0, 0
        while (at_s := at_s + float(draws.exponential(1 / (rate * factors[kinds[turn]])))) < until_s:
            turn = 1 - turn
            due.append((round(at_s * S), key, kinds[turn]))
    for at_us, key, kind in sorted(due):
        hazards.wrote(key, kind, at_us, knew=True)
    hazards.watched(round(until_s * S))
    return hazards


def test_what_comes_sooner_after_one_kind_is_said_to() -> None:
    rates = [0.2 + 0.1 * key for key in range(12)]
    hazards = drawn({"Released": 3.0, "Claimed": 0.5}, rates, 200.0, 1)
    assert hazards.factor("Released") / hazards.factor("Claimed") == pytest.approx(6.0, rel=0.12)
    for key in (2, 11):
        said = hazards.rate(key).mean * hazards.factor("Released")
        assert said == pytest.approx(3 * rates[key], rel=0.35)


def test_over_many_writes_the_rate_is_that_of_a_round() -> None:
    hazards = drawn({"Released": 3.0, "Claimed": 0.5}, [1.0] * 10, 200.0, 2)
    mean = hazards.rate(0).mean * hazards.later
    assert mean == pytest.approx(2 / (1 / 3 + 1 / 0.5), rel=0.2)


def test_where_kinds_are_alike_their_factors_are() -> None:
    hazards = drawn({"Deposited": 1.0, "Withdrawn": 1.0}, [1.0] * 8, 60.0, 3)
    assert hazards.factor("Deposited") == pytest.approx(hazards.factor("Withdrawn"), rel=0.15)


def test_a_key_of_which_nothing_was_counted_is_thought_like_the_others() -> None:
    hazards = Hazards(40, prior_per_s=5.0)
    for number in range(40):
        hazards.wrote(number % 4, "Written", number * S, knew=True)
    hazards.watched(40 * S)
    assert hazards.rate(30).mean < hazards.rate(1).mean / 5
    assert hazards.rate(30).mean * hazards.factor(NEVER) < 0.05


def test_of_what_was_decided_on_something_older_nothing_is_learnt() -> None:
    hazards = Hazards(1, prior_per_s=1.0)
    hazards.wrote(0, "Claimed", S, knew=True)
    hazards.wrote(0, "Released", 90 * S, knew=False)
    hazards.wrote(0, "Claimed", 91 * S, knew=True)
    assert hazards.writes == 2
    assert hazards.rate(0).inverse_scale_s < 10


def test_bad_numbers_are_refused_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"keys=0[\s\S]*prior_per_s=0[\s\S]*worth=-1"):
        Hazards(0, prior_per_s=0, worth=-1)
